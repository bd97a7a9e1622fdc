package binder

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// breakOff makes t's wait end when ctx does; stop takes that back. The wait is a system call on a
// locked thread, which a signal ends. SIGURG is the one that the Go runtime sends itself and
// expects at any time.
func (t *thread) breakOff(ctx context.Context) (stop func()) {
	over := make(chan struct{})
	pid, tid := unix.Getpid(), t.tid
	cancel := context.AfterFunc(ctx, func() {
		t.interrupt.Store(true)
		for wait := 50 * time.Microsecond; ; wait = min(2*wait, 10*time.Millisecond) {
			_ = unix.Tgkill(pid, tid, syscall.SIGURG)
			select {
			case <-over:
				return
			case <-time.After(wait): // the signal came before the wait began
			}
		}
	})
	return func() {
		if !cancel() {
			close(over)
		}
		t.interrupt.Store(false)
	}
}

// await waits for the reply of the nested call that was broken off, and frees it.
func (t *thread) await() {
	defer func() {
		t.abandoned = false
		t.bus.nodes.unpinAll(t.pins)
		t.pins = nil
		t.bus.stuck.remove(t.tid)
	}()
	for {
		ret, arg, err := t.next()
		if err != nil {
			return
		}
		if t.handle(ret, arg) {
			continue
		}
		switch ret {
		case ioctl.BR_TRANSACTION_COMPLETE:
			t.confirmed()
		case ioctl.BR_REPLY:
			t.discard(arg)
			return
		case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY, ioctl.BR_FROZEN_REPLY, ioctl.BR_ERROR:
			return
		}
	}
}

// discard frees a reply, with all it brought.
func (t *thread) discard(arg []byte) {
	var tr ioctl.TransactionData
	tr.Decode(arg)
	if buf, err := t.bus.receive(&tr, false); err == nil {
		buf.free()
	}
}

// stuck are the threads whose nested call was broken off and not answered yet.
type stuck struct {
	n    atomic.Int32
	tids sync.Map
}

func (s *stuck) add(tid int)    { s.tids.Store(tid, nil); s.n.Add(1) }
func (s *stuck) remove(tid int) { s.tids.Delete(tid); s.n.Add(-1) }

func (s *stuck) holds(gettid func() int) bool {
	if s.n.Load() == 0 {
		return false
	}
	_, found := s.tids.Load(gettid())
	return found
}

func errnoOf(param int32) syscall.Errno { return syscall.Errno(-param) }
