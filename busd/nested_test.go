package busd

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A call back to a process that waits for an answer is for the thread that waits, though others
// are idle.
func TestNestedCallGoesToTheThreadThatWaits(t *testing.T) {
	w := newWorld(t)
	a, b := w.open().readyThread(), w.open().readyThread()
	idle := a.client.readyThread()
	toB, toA := w.introduce(b, 0xb0, a.client), w.introduce(a, 0xa0, b.client)

	idle.begin(enter)
	b.begin(nil)
	a.begin(a.toCall(toB, "out"))
	b.hears("out", "BR_TRANSACTION")
	b.begin(b.toCall(toA, "back"))
	idle.waits()
	tr := a.hears("back", "BR_TRANSACTION_COMPLETE", "BR_TRANSACTION")
	w.check()
	if tr.Pointer() != 0xa0 || tr.Cookie != 0xa1 {
		t.Errorf("called %x %x", tr.Pointer(), tr.Cookie)
	}
	a.exchange(a.toReply("inner"), "BR_TRANSACTION_COMPLETE")
	b.hears("inner", "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	a.begin(nil)
	b.exchange(b.toReply("outer"), "BR_TRANSACTION_COMPLETE")
	a.hears("outer", "BR_REPLY")
	w.finish(a.client, b.client)
}

// threeDeep is a call from a to b, to c, back to a, which serves it.
type threeDeep struct {
	*world
	a, b, c *thread
}

func newThreeDeep(t *testing.T) *threeDeep {
	w := newWorld(t)
	s := &threeDeep{w, w.open().readyThread(), w.open().readyThread(), w.open().readyThread()}
	toB, toC, toA := w.introduce(s.b, 0xb0, s.a.client), w.introduce(s.c, 0xc0, s.b.client), w.introduce(s.a, 0xa0, s.c.client)
	s.b.begin(nil)
	s.a.begin(s.a.toCall(toB, "1"))
	s.b.hears("1", "BR_TRANSACTION")
	s.c.begin(nil)
	s.b.begin(s.b.toCall(toC, "2"))
	s.c.hears("2", "BR_TRANSACTION")
	s.c.begin(s.c.toCall(toA, "3"))
	s.a.hears("3", "BR_TRANSACTION_COMPLETE", "BR_TRANSACTION")
	w.check()
	return s
}

func TestNestedThroughThree(t *testing.T) {
	s := newThreeDeep(t)
	s.a.exchange(s.a.toReply("3!"), "BR_TRANSACTION_COMPLETE")
	s.c.hears("3!", "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	s.c.exchange(s.c.toReply("2!"), "BR_TRANSACTION_COMPLETE")
	s.b.hears("2!", "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	s.b.exchange(s.b.toReply("1!"), "BR_TRANSACTION_COMPLETE")
	s.a.begin(nil)
	s.a.hears("1!", "BR_REPLY")
	s.finish(s.a.client, s.b.client, s.c.client)
}

// Whoever dies in the middle of a chain, all others come out of it.
func TestNestedDeaths(t *testing.T) {
	const dead, complete = "BR_DEAD_REPLY", "BR_TRANSACTION_COMPLETE"
	tests := map[string]struct {
		dies func(s *threeDeep) // kills
		a    []string           // what a reads when it answers the innermost call
		b    []string           // what b reads next, nil if it still waits or is dead
		c    []string
	}{
		"the middle": {
			dies: func(s *threeDeep) { s.b.Process.Release() },
			a:    []string{complete},
			c:    []string{complete, "BR_REPLY"},
		},
		"the last": {
			dies: func(s *threeDeep) { s.c.Process.Release() },
			a:    []string{complete},
			b:    []string{complete, dead},
		},
		"the first": {
			dies: func(s *threeDeep) { s.a.Process.Release() },
			c:    []string{complete, dead},
		},
		"the middle and the last": {
			dies: func(s *threeDeep) { s.b.Process.Release(); s.c.Process.Release() },
			a:    []string{complete, dead},
		},
		"the last and the middle": {
			dies: func(s *threeDeep) { s.c.Process.Release(); s.b.Process.Release() },
			a:    []string{complete, dead},
		},
		"the first and the last": {
			dies: func(s *threeDeep) { s.a.Process.Release(); s.c.Process.Release() },
			b:    []string{complete, dead},
			c:    []string{complete, dead},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newThreeDeep(t)
			test.dies(s)
			s.check()
			if test.a != nil {
				s.a.exchange(s.a.toReply("3!"), test.a...)
			}
			for _, o := range []struct {
				th   *thread
				want []string
			}{{s.b, test.b}, {s.c, test.c}} {
				switch {
				case o.want != nil:
					o.th.says(o.want...)
				case !o.th.dead:
					o.th.waits()
				default:
					o.th.fails(syscall.EINTR)
				}
			}
			s.check()
			s.finish(s.a.client, s.b.client, s.c.client)
		})
	}
}

// A thread that ends with BINDER_THREAD_EXIT while it waits for somebody, with a call of another
// to answer, leaves that other one to the end of its own call.
func TestThreadExitInTheMiddle(t *testing.T) {
	w := newWorld(t)
	a, b, c := w.open().readyThread(), w.open().readyThread(), w.open().readyThread()
	toB, toC := w.introduce(b, 0xb0, a.client), w.introduce(c, 0xc0, b.client)
	b.begin(nil)
	a.begin(a.toCall(toB, "1"))
	b.hears("1", "BR_TRANSACTION")
	b.write(b.toCall(toC, "2"))
	b.exit()
	w.check()
	a.waits()
	c.exchange(nil, "BR_TRANSACTION")
	c.exchange(c.toReply("2!"), "BR_TRANSACTION_COMPLETE")
	a.says("BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY")
	w.finish(a.client, b.client, c.client)
}

// Calls cannot be nested for ever.
func TestNestedTooDeep(t *testing.T) {
	w := newWorld(t)
	a, b := w.open().readyThread(), w.open().readyThread()
	toB, toA := w.introduce(b, 0xb0, a.client), w.introduce(a, 0xa0, b.client)
	caller, h, server := a, toB, b
	caller.write(caller.toCall(h, ""))
	for depth := range maxDepth {
		server.begin(nil)
		tr := server.hears("", map[bool][]string{false: {"BR_TRANSACTION_COMPLETE", "BR_TRANSACTION"}, true: {"BR_TRANSACTION"}}[depth == 0]...)
		server.write(free(tr))
		caller, server, h = server, caller, toA+toB-h
		caller.write(caller.toCall(h, ""))
	}
	server.begin(nil)
	server.write(free(server.hears("", "BR_TRANSACTION_COMPLETE", "BR_TRANSACTION")))
	server.exchange(server.toCall(toA+toB-h, ""), "BR_FAILED_REPLY")
	server.failsWith(ioctl.BR_FAILED_REPLY, syscall.ENOMEM)
	// All the way back.
	for depth := range maxDepth + 1 {
		server.exchange(server.toReply(""), "BR_TRANSACTION_COMPLETE")
		server, caller = caller, server
		want := []string{"BR_REPLY"}
		if depth == 0 {
			want = []string{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}
		}
		server.write(free(server.exchange(nil, want...)))
	}
	w.finish(a.client, b.client)
}

// The thread to which a nested call would go has something to serve first.
func TestCallRefusals(t *testing.T) {
	w := newWorld(t)
	a, b := w.open().readyThread(), w.open().readyThread()
	toB := w.introduce(b, 0xb0, a.client)
	toA := w.introduce(a, 0xa0, b.client)

	t.Run("while waiting", func(t *testing.T) {
		a.begin(a.toCall(toB, "x"))
		a.Interrupt(&a.call)
		a.fails(syscall.EINTR)
		a.exchange(a.toCall(toB, "y"), "BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY")
		a.failsWith(ioctl.BR_FAILED_REPLY, syscall.EPROTO)
		b.exchange(nil, "BR_TRANSACTION")
		b.exchange(b.toReply(""), "BR_TRANSACTION_COMPLETE")
		a.exchange(nil, "BR_REPLY")
	})
	t.Run("before serving", func(t *testing.T) {
		b.begin(nil)
		a.begin(a.toCall(toB, "x"))
		b.says("BR_TRANSACTION")
		a.Interrupt(&a.call)
		a.fails(syscall.EINTR)
		b.begin(b.toCall(toA, "back")) // for a, which does not read
		a.exchange(a.toCall(toB, "y"), "BR_TRANSACTION_COMPLETE", "BR_TRANSACTION")
		a.exchange(nil, "BR_FAILED_REPLY")
		a.exchange(a.toReply(""), "BR_TRANSACTION_COMPLETE")
		b.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
		b.exchange(b.toReply(""), "BR_TRANSACTION_COMPLETE")
		a.exchange(nil, "BR_REPLY")
	})
	t.Run("reply to nothing", func(t *testing.T) {
		a.exchange(a.toReply("x"), "BR_FAILED_REPLY")
		a.failsWith(ioctl.BR_FAILED_REPLY, syscall.EPROTO)
	})
	t.Run("no such handle", func(t *testing.T) {
		a.exchange(a.toCall(99, "x"), "BR_FAILED_REPLY")
		a.failsWith(ioctl.BR_FAILED_REPLY, syscall.EINVAL)
	})
	t.Run("no context manager", func(t *testing.T) {
		a.exchange(a.toCall(0, "x"), "BR_DEAD_REPLY")
		a.failsWith(ioctl.BR_DEAD_REPLY, syscall.EINVAL)
	})
	w.finish(a.client, b.client)
}
