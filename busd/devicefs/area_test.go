package devicefs

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// full checks that a part of the client's mapping holds one byte throughout.
func (f *openFile) full(t *testing.T, what string, off, n int, want byte) {
	t.Helper()
	part := f.mem[off : off+n]
	if bytes.Count(part, []byte{want}) != n {
		t.Errorf("%s: [%d, +%d) is %.8q..., want all %q", what, off, n, part, want)
	}
}

// What the broker writes is what the client sees, whichever of them comes first to a page.
func TestIntegrationCoherence(t *testing.T) {
	const page = 4096
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(1 << 20)
		defer f.close()
		fill := func(off, n int, v byte) {
			t.Helper()
			m.must(f, requestFill, order{Off: uint64(off), N: uint64(n), Value: uint64(v)})
		}
		o := m.must(f, requestFill, order{Off: 0, N: page, Value: 'a'})
		if want := uint64(addressOf(f.mem)); o.Value != want {
			t.Errorf("the broker believes the area is at %#x, it is at %#x", o.Value, want)
		}
		f.full(t, "whole page before the first look", 0, page, 'a')
		fill(0, page, 'b')
		f.full(t, "whole page after a look", 0, page, 'b')
		fill(0, 64, 'c')
		f.full(t, "a part of it", 0, 64, 'c')
		f.full(t, "the rest of it", 64, page-64, 'b')

		fill(40*page+100, 64, 'd')
		f.full(t, "a part of a page never seen", 40*page+100, 64, 'd')
		f.full(t, "the rest of it", 40*page, 100, 0)
		f.full(t, "a look first", 80*page, page, 0)
		fill(80*page+8, 8, 'e')
		f.full(t, "then a part", 80*page+8, 8, 'e')

		fill(100*page-10, 2*page+20, 'f')
		f.full(t, "across four pages", 100*page-10, 2*page+20, 'f')
		f.full(t, "before", 99*page, page-10, 0)
		f.full(t, "behind", 102*page+10, page-10, 0)

		fill(0, 1<<20, 'g')
		f.full(t, "the whole area", 0, 1<<20, 'g')
		drop(t, f)
		f.full(t, "after the pages were evicted", 0, 1<<20, 'g')
		fill(page, page, 'h')
		f.full(t, "whole page after that", page, page, 'h')
		drop(t, f)
		fill(2*page+16, 16, 'i')
		f.full(t, "a part of an evicted page", 2*page+16, 16, 'i')
		f.full(t, "the rest of it", 2*page+32, page-32, 'g')
		f.full(t, "its neighbour", 3*page, page, 'g')

		f.full(t, "pages to be forgotten", 4*page, 4*page, 'g')
		m.must(f, requestDiscard, order{Off: 4 * page, N: 4 * page})
		fill(4*page+16, 16, 'k')
		f.full(t, "a part of a page that was forgotten", 4*page+16, 16, 'k')
		f.full(t, "the rest of it", 4*page+32, page-32, 0)
		f.full(t, "forgotten and not used again", 7*page, page, 0)
		m.must(f, requestDiscard, order{Off: 9*page + 1, N: page})
		f.full(t, "parts of pages are not forgotten", 9*page, 2*page, 'g')
	})
}

// drop makes the kernel forget the pages that the client has seen.
func drop(t *testing.T, f *openFile) {
	t.Helper()
	if err := unix.Madvise(f.mem, unix.MADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(f.fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
}

// Several clients of one device have an area each, whatever the order of opens and closes.
func TestIntegrationAreasAreApart(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		for round := range 3 {
			var files []*openFile
			for i := range 8 {
				f := m.open(64 << 10)
				defer f.close()
				f.full(t, "new", 0, 64<<10, 0)
				m.must(f, requestFill, order{N: 64 << 10, Value: uint64('A' + i)})
				files = append(files, f)
			}
			for i, f := range files {
				f.full(t, fmt.Sprintf("round %d, file %d", round, i), 0, 64<<10, byte('A'+i))
			}
			for _, f := range files {
				f.close()
			}
		}
	})
}

// The client sees at most 4 MiB of a longer mapping, as with the driver.
func TestIntegrationLongMapping(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(8 << 20)
		defer f.close()
		m.must(f, requestFill, order{Off: 4<<20 - 16, N: 16, Value: 'z'})
		f.full(t, "the end", 4<<20-16, 16, 'z')
		if errno := f.do(requestFill, &order{Off: 4<<20 - 8, N: 16}); errno != syscall.ERANGE {
			t.Errorf("the broker has more than 4 MiB: %v", errno)
		}
	})
}

// A client can do nothing to its device file that a device would not let it do.
func TestIntegrationFileOperationsAreRefused(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(64 << 10)
		defer f.close()
		m.must(f, requestFill, order{N: 64 << 10, Value: 'a'})
		if n, err := unix.Pwrite(f.fd, []byte("scribble"), 0); err == nil {
			t.Errorf("wrote %d bytes", n)
		}
		if err := unix.Fallocate(f.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, 4096); err == nil {
			t.Error("punched a hole")
		}
		for _, size := range []int64{0, 8 << 20} {
			unix.Ftruncate(f.fd, size) // goes nowhere, as with a device
			var st unix.Stat_t
			if err := unix.Fstat(f.fd, &st); err != nil || st.Size != fileSize {
				t.Errorf("size after ftruncate to %d: %d, %v", size, st.Size, err)
			}
		}
		f.full(t, "after all that", 0, 64<<10, 'a')
		m.must(f, requestFill, order{N: 64 << 10, Value: 'b'})
		f.full(t, "later", 0, 64<<10, 'b')
	})
}

// A client that has not mapped its area has none.
func TestIntegrationNoMapping(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(0)
		defer f.close()
		if errno := f.do(requestFill, &order{N: 1}); errno != syscall.ESRCH {
			t.Errorf("%v, want ESRCH", errno)
		}
	})
}

// The broker reads from the client's receive area without touching the client's memory: pages
// that the client has not seen would have to be read from the broker itself.
func TestIntegrationSendFromTheReceiveArea(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(1 << 20)
		defer f.close()
		at := m.must(f, requestQuiet, order{Off: 64 << 10, N: 64 << 10, Value: 'q'}).Value
		o := m.must(f, requestRead, order{Off: at + 64<<10, N: 64 << 10})
		if o.Done != 64<<10 || o.Value != 'q' {
			t.Errorf("read %d bytes of %q", o.Done, rune(o.Value))
		}
	})
}
