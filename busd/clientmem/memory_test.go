package clientmem

import (
	"bytes"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// shape shows a long text by its runs: "aaabb" is "a3 b2".
func shape(b []byte) string {
	var s []string
	for len(b) > 0 {
		n := len(b) - len(bytes.TrimLeft(b, string(b[:1])))
		s = append(s, fmt.Sprintf("%q%d", b[0], n))
		b = b[n:]
	}
	return strings.Join(s, " ")
}

func TestIntegrationReadAndWrite(t *testing.T) {
	p := startPeer(t, nil)
	m := NewMemory(busd.ProcessID(p.tid), Mapping{Inode: 1}, nil)
	for _, tc := range []struct {
		name  string
		from  int
		n     int
		got   int
		errno syscall.Errno
		shape string
	}{
		{"nothing, from nowhere", -1 << 20, 0, 0, 0, ""},
		{"within a page", 10, 3, 3, 0, "'a'3"},
		{"across pages", page - 2, 4, 4, 0, "'a'2 'b'2"},
		{"all of it", 0, pagesHeld * page, pagesHeld * page, 0,
			fmt.Sprintf("'a'%d 'b'%[1]d 'c'%[1]d 'd'%[1]d", page)},
		{"into the hole behind", (pagesHeld-1)*page + 1, page, page - 1, syscall.EFAULT, fmt.Sprintf("'d'%d", page-1)},
		{"the hole before", -8, 16, 0, syscall.EFAULT, ""},
		{"the hole behind", pagesHeld * page, 1, 0, syscall.EFAULT, ""},
	} {
		t.Run("read/"+tc.name, func(t *testing.T) {
			b := make([]byte, tc.n)
			n, errno := m.Read(p.tid, b, p.at(tc.from))
			if n != tc.got || errno != tc.errno {
				t.Errorf("%d, %v; want %d, %v", n, errno, tc.got, tc.errno)
			}
			if d := cmp.Diff(tc.shape, shape(b[:n])); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	for _, at := range []ioctl.Address{0, 1 << 62, 0xffff888000000000, ^ioctl.Address(0)} {
		if n, errno := m.Read(p.tid, make([]byte, 8), at); n != 0 || errno != syscall.EFAULT {
			t.Errorf("read at %#x: %d, %v; want EFAULT", at, n, errno)
		}
	}

	if n, errno := m.Write(p.tid, []byte("xyz"), p.at(page-2)); n != 3 || errno != 0 {
		t.Errorf("write: %d, %v", n, errno)
	}
	if n, errno := m.Write(p.tid, []byte("end!"), p.at(pagesHeld*page-2)); n != 2 || errno != syscall.EFAULT {
		t.Errorf("write into the hole: %d, %v; want 2, EFAULT", n, errno)
	}
	b := make([]byte, pagesHeld*page)
	m.Read(p.tid, b, p.at(0))
	want := fmt.Sprintf("'a'%d 'x'1 'y'1 'z'1 'b'%d 'c'%d 'd'%d 'e'1 'n'1", page-2, page-1, page, page-2)
	if d := cmp.Diff(want, shape(b)); d != "" {
		t.Errorf("after writing (-want +got):\n%s", d)
	}

	if _, errno := m.Read(1<<30, make([]byte, 1), p.at(0)); errno != syscall.ESRCH {
		t.Errorf("a thread that is not there: %v, want ESRCH", errno)
	}
	if n := testing.AllocsPerRun(100, func() { m.Read(p.tid, b[:64], p.at(0)) }); n != 0 {
		t.Errorf("a read allocates %v times", n)
	}
}

// bytesArea is a receive area for tests.
type bytesArea struct {
	at     ioctl.Address
	b      []byte
	opened *atomic.Int32
}

func (a bytesArea) Address() ioctl.Address { return a.at }
func (a bytesArea) Bytes() []byte          { return a.b }
func (a bytesArea) Publish(int, int)       {}
func (a bytesArea) Discard(int, int)       {}
func (a bytesArea) Close()                 { a.opened.Add(-1) }

// The peer's second and third page play the receive area. What the broker reads there must come
// from its own view, which differs so that one can tell.
func TestIntegrationReceiveAreaIsNotTouched(t *testing.T) {
	p := startPeer(t, nil)
	own := []byte(strings.Repeat("R", 2*page))
	var opened atomic.Int32
	gone := false
	m := NewMemory(busd.ProcessID(p.tid), Mapping{Inode: 1}, func(at ioctl.Address, n int) busd.Area {
		if gone {
			return nil
		}
		opened.Add(1)
		return bytesArea{at, own[:n], &opened}
	})
	m.area.Store(&placed{p.at(page), p.at(3 * page)})

	for _, tc := range []struct {
		name  string
		from  int
		n     int
		want  string
		errno syscall.Errno
	}{
		{"before", 0, page, fmt.Sprintf("'a'%d", page), 0},
		{"across the front", page - 2, 4, "'a'2 'R'2", 0},
		{"inside", page + 1, 5, "'R'5", 0},
		{"all of it", page, 2 * page, fmt.Sprintf("'R'%d", 2*page), 0},
		{"across the end", 3*page - 2, 4, "'R'2 'd'2", 0},
		{"over both ends", page - 1, 2*page + 2, fmt.Sprintf("'a'1 'R'%d 'd'1", 2*page), 0},
		{"behind", 3 * page, 2, "'d'2", 0},
		{"over both ends into the hole", page - 1, 4 * page, fmt.Sprintf("'a'1 'R'%d 'd'%d", 2*page, page), syscall.EFAULT},
		{"from the hole", -1, page + 2, "", syscall.EFAULT},
	} {
		b := make([]byte, tc.n)
		n, errno := m.Read(p.tid, b, p.at(tc.from))
		if errno != tc.errno {
			t.Errorf("%s: %v, want %v", tc.name, errno, tc.errno)
		}
		if d := cmp.Diff(tc.want, shape(b[:n])); d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}

	for _, tc := range []struct {
		name  string
		to    int
		n     int
		want  int
		errno syscall.Errno
	}{
		{"before", page - 2, 2, 2, 0},
		{"across the front", page - 2, 4, 2, syscall.EFAULT},
		{"inside", page, 1, 0, syscall.EFAULT},
		{"across the end", 3*page - 1, 2, 0, syscall.EFAULT},
		{"behind", 3 * page, 2, 2, 0},
	} {
		if n, errno := m.Write(p.tid, make([]byte, tc.n), p.at(tc.to)); n != tc.want || errno != tc.errno {
			t.Errorf("write %s: %d, %v; want %d, %v", tc.name, n, errno, tc.want, tc.errno)
		}
	}

	gone = true
	if n, errno := m.Read(p.tid, make([]byte, 4), p.at(page-2)); n != 2 || errno != syscall.EFAULT {
		t.Errorf("after the close: %d, %v; want 2, EFAULT", n, errno)
	}
	if n := opened.Load(); n != 0 {
		t.Errorf("%d areas were not closed", n)
	}
}

func TestOverlaps(t *testing.T) {
	p := &placed{0x2000, 0x4000}
	for _, tc := range []struct {
		at   ioctl.Address
		n    int
		want bool
	}{
		{0x1000, 0x1000, false}, {0x1000, 0x1001, true}, {0x2000, 1, true}, {0x3fff, 1, true},
		{0x4000, 1, false}, {0, 0x10000, true}, {^ioctl.Address(0), 2, false}, {0, 1, false},
	} {
		if got := p.overlaps(tc.at, tc.n); got != tc.want {
			t.Errorf("[%#x, +%#x): %v", tc.at, tc.n, got)
		}
	}
}
