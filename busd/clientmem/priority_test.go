package clientmem

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

func TestNiceValue(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	tid := startThread(end)
	if err := unix.Setpriority(unix.PRIO_PROCESS, int(tid), 19); err != nil {
		t.Fatal(err)
	}
	p, lending, n := NewPriorities(tid)
	if n != 19 {
		t.Errorf("nice value %d, want 19", n)
	}
	if lending != busd.LendNone {
		p.SetNice(tid, 18)
		if n, ok := p.Nice(tid); n > 19 || !ok {
			t.Errorf("nice value %d, %v; want 18 or, with an RLIMIT_NICE of 1, 19", n, ok)
		}
	}
	for _, nobody := range []busd.ThreadID{0, -1, 1 << 30} {
		if _, ok := p.Nice(nobody); ok {
			t.Errorf("thread %d has a nice value", nobody)
		}
		p.SetNice(nobody, 19)
	}
	if n, _ := p.Nice(busd.ThreadID(unix.Gettid())); n == 19 {
		t.Error("this thread has got the value of another")
	}
}

// Nobody gets a nice value that could not be taken back.
func TestNiceValueIsLeftAlone(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	tid := startThread(end)
	p := &Priorities{} // of a client in a user namespace: what it may is its RLIMIT_NICE
	if niceLimit(tid) != 0 {
		t.Skip("RLIMIT_NICE is not 0")
	}
	before, _ := p.Nice(tid)
	for _, n := range []int8{-20, 0, 19} {
		p.SetNice(tid, n)
		if now, _ := p.Nice(tid); now != before {
			t.Errorf("SetNice(%d) made %d of %d", n, now, before)
		}
	}
}
