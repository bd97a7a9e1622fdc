package clientmem

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

func TestFreePlace(t *testing.T) {
	for _, c := range []struct {
		name     string
		used     []int
		limit, n int
		place    int
		ok       bool
	}{
		{"behind the used ones", []int{0, 1, 2}, 10, 1, 4, true},
		{"behind a gap", []int{0, 2, 3, 5}, 10, 1, 4, true},
		{"in a wide gap", []int{0, 5}, 10, 2, 3, true},
		{"over several gaps", []int{4, 0, 2}, 10, 3, 6, true},
		{"the last of all", []int{0, 1, 2}, 5, 1, 4, true},
		{"only beyond the limit", []int{0, 1, 2}, 4, 1, 4, true},
		{"no room", []int{0, 1, 2}, 3, 1, 4, false},
		{"descriptors above a lowered limit", []int{0, 1, 2, 7, 8}, 3, 1, 4, false},
		{"used beyond the limit's own number", []int{0, 1, 2, 4}, 4, 1, 5, false},
		{"an empty table", nil, 4, 3, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			place, ok := freePlace(c.used, c.limit, c.n)
			if place != c.place || ok != c.ok {
				t.Errorf("got %d, %v, want %d, %v", place, ok, c.place, c.ok)
			}
		})
	}
}

func TestRoomOfThisProcess(t *testing.T) {
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	place, errno := Room(busd.ThreadID(unix.Gettid()), 2)
	if errno != 0 {
		t.Fatal(errno)
	}
	if _, err := unix.FcntlInt(uintptr(place.number), unix.F_GETFD, 0); err != unix.EBADF {
		t.Errorf("place %d: %v, want it free", place.number, err)
	}
	if _, errno := Room(busd.ThreadID(unix.Gettid()), 1<<30); errno != unix.EMFILE {
		t.Errorf("a thousand million descriptors: %v, want EMFILE", errno)
	}
}
