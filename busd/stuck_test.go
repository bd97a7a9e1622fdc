package busd

import (
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A gate stops whoever passes until it is opened.
type gate struct {
	reached, open chan struct{}
}

func newGate() *gate { return &gate{make(chan struct{}), make(chan struct{})} }

func (g *gate) pass() {
	g.reached <- struct{}{}
	<-g.open
}

// arrive waits for somebody to stand at the gate.
func (g *gate) arrive(t testing.TB) {
	t.Helper()
	await(t, g.reached)
}

func await(t testing.TB, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(10 * time.Second):
		t.Fatal("nothing happens")
	}
}

// aside runs f on a goroutine of its own; the channel it answers is closed at the end.
func aside(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// payloadGate stops a client where the payload of its thread is read.
func (th *thread) payloadGate() *gate {
	g := newGate()
	th.onRead = func(at ioctl.Address) {
		if at >= th.base+1024 && at < th.base+4096 {
			g.pass()
		}
	}
	return g
}

// While one client's memory does not answer, others call each other, and what the stuck goroutine
// has left is delivered by Drain.
func TestStuckMemoryStopsNobodyElse(t *testing.T) {
	w := newWorld(t)
	server, stuck, caller := w.open().readyThread(), w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, stuck.client)
	h2 := w.introduceQuietly(h, stuck.client, caller.client)

	g := stuck.payloadGate()
	done := aside(func() { stuck.begin(stuck.toCall(h, "slow")) })
	g.arrive(t)
	server.begin(enter)
	caller.begin(caller.toCall(h2, "quick"))
	server.hears("quick", "BR_TRANSACTION")
	server.exchange(server.toReply(""), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	server.begin(nil)
	server.waits()
	close(g.open)
	await(t, done)
	server.hears("slow", "BR_TRANSACTION")
	stuck.onRead = nil

	// The receiver's memory: the goroutine that delivers to it leaves the rest to others.
	g = newGate()
	server.write(server.toReply(""))
	stuck.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	server.exchange(nil, "BR_TRANSACTION_COMPLETE")
	server.begin(nil)
	server.onWrite = func(ioctl.Address) { g.pass() }
	done = aside(func() { stuck.begin(stuck.toCall(h, "x")) })
	g.arrive(t)
	idle := caller.client.readyThread()
	idle.begin(nil)
	// Two threads are ready at once: one is taken by the goroutine that drains first.
	caller.begin(enter)
	caller.Flush()
	caller.says()
	idle.says()
	w.bus.Drain()
	close(g.open)
	await(t, done)
	server.hears("x", "BR_TRANSACTION")
	w.finish(server.client, stuck.client, caller.client)
}

// What a stuck goroutine has taken responsibility for but not begun is delivered by Drain.
func TestDrainTakesOver(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	other := w.open().readyThread()
	h2 := w.introduce(other, 0x20, caller.client)
	server.begin(enter)
	other.begin(enter)
	g := newGate()
	server.onWrite = func(ioctl.Address) { g.pass() }
	// One ioctl sends to both: the delivery to the first is stuck.
	send := join(caller.toSend(h, "1"), ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &ioctl.TransactionData{Target: uint64(h2), Flags: ioctl.TF_ONE_WAY}))
	done := aside(func() { caller.begin(send) })
	g.arrive(t)
	w.bus.Drain()
	other.says("BR_TRANSACTION")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_TRANSACTION_COMPLETE")
	close(g.open)
	await(t, done)
	server.hears("1", "BR_TRANSACTION")
	w.finish(server.client, other.client, caller.client)
}

// Clients are released while a goroutine is stuck in the memory of one of them.
func TestReleaseWhileStuck(t *testing.T) {
	const complete = "BR_TRANSACTION_COMPLETE"
	type scene struct {
		*world
		server, caller *thread
		h              ioctl.Handle
		f              *file
	}
	// stuck brings a goroutine to the gate and answers what it is doing and what its end is.
	places := map[string]func(s *scene, g *gate) <-chan struct{}{
		"sending a call": func(s *scene, g *gate) <-chan struct{} {
			*g = *s.caller.payloadGate()
			return aside(func() { s.caller.begin(s.caller.toCall(s.h, strongBinder(0x99)+strongHandle(s.h), 0, 24)) })
		},
		"sending a oneway call": func(s *scene, g *gate) <-chan struct{} {
			*g = *s.caller.payloadGate()
			return aside(func() { s.caller.begin(s.caller.toSend(s.h, strongBinder(0x99)+descriptor(3), 0, 24)) })
		},
		"sending bytes": func(s *scene, g *gate) <-chan struct{} {
			*g = *s.caller.payloadGate()
			return aside(func() { s.caller.begin(s.caller.toCall(s.h, "x")) })
		},
		"sending bytes oneway": func(s *scene, g *gate) <-chan struct{} {
			*g = *s.caller.payloadGate()
			return aside(func() { s.caller.begin(s.caller.toSend(s.h, "x")) })
		},
		"replying bytes": func(s *scene, g *gate) <-chan struct{} {
			s.caller.begin(s.caller.toCall(s.h, "x"))
			s.server.exchange(nil, "BR_TRANSACTION")
			*g = *s.server.payloadGate()
			return aside(func() { s.server.begin(s.server.toReply("y")) })
		},
		"replying": func(s *scene, g *gate) <-chan struct{} {
			s.caller.begin(s.caller.toCall(s.h, "x"))
			s.server.exchange(nil, "BR_TRANSACTION")
			*g = *s.server.payloadGate()
			return aside(func() { s.server.begin(s.server.toReply(strongBinder(0x99), 0)) })
		},
		"receiving a call": func(s *scene, g *gate) <-chan struct{} {
			s.caller.begin(s.caller.toCall(s.h, "x"))
			s.server.goodReadAt()
			s.server.onWrite = func(ioctl.Address) { g.pass() }
			return aside(func() { s.server.begin(nil) })
		},
		"receiving a oneway call": func(s *scene, g *gate) <-chan struct{} {
			s.caller.exchange(s.caller.toSend(s.h, "x"), complete)
			s.caller.exchange(s.caller.toSend(s.h, "y"), complete)
			s.server.goodReadAt()
			s.server.onWrite = func(ioctl.Address) { g.pass() }
			return aside(func() { s.server.begin(nil) })
		},
		"receiving a reply": func(s *scene, g *gate) <-chan struct{} {
			s.caller.begin(s.caller.toCall(s.h, "x"))
			s.server.exchange(nil, "BR_TRANSACTION")
			s.caller.onWrite = func(ioctl.Address) { g.pass() }
			return aside(func() { s.server.begin(s.server.toReply("y")) })
		},
		"receiving descriptors": func(s *scene, g *gate) <-chan struct{} {
			s.caller.begin(s.caller.toCall(s.h, descriptor(3), 0))
			s.server.onGive = g.pass
			return aside(func() { s.server.begin(nil) })
		},
		"receiving descriptors, oneway": func(s *scene, g *gate) <-chan struct{} {
			s.caller.exchange(s.caller.toSend(s.h, descriptor(3), 0), complete)
			s.caller.exchange(s.caller.toSend(s.h, descriptor(3), 0), complete)
			s.server.onGive = g.pass
			return aside(func() { s.server.begin(nil) })
		},
	}
	for name, stuck := range places {
		for _, who := range []string{"nobody", "server", "caller", "both"} {
			t.Run(name+", "+who+" dies", func(t *testing.T) {
				w, server, caller, h, f := fds(t)
				s := &scene{w, server, caller, h, f}
				caller.exchange(caller.toSend(h, "first"), complete)
				tr := server.exchange(nil, "BR_TRANSACTION")
				server.write(free(tr))

				g := newGate()
				done := stuck(s, g)
				g.arrive(t)
				if who == "server" || who == "both" {
					server.Process.Release()
					if server.closed && server.pins > 0 {
						t.Error("the area was closed while it is in use")
					}
				}
				if who == "caller" || who == "both" {
					caller.Process.Release()
				}
				close(g.open)
				go func() {
					for {
						select {
						case <-g.reached:
						case <-done:
							return
						}
					}
				}()
				await(t, done)
				w.bus.Drain()
				if err := w.ctx.check(); err != nil {
					t.Error(err)
				}
				for _, c := range []*client{server.client, caller.client} {
					c.onRead, c.onWrite, c.onGive = nil, nil, nil
					c.Process.Release()
				}
				w.open().Process.Release() // the account of the last one goes with the next
				w.checkEmpty()
				diff(t, "descriptors", int32(0), f.open.Load())
				for _, th := range []*thread{server, caller} {
					if th.busy {
						th.wait()
					}
					if th.Process.area != nil {
						t.Error("an area was not closed")
					}
				}
			})
		}
	}
}

// goodReadAt makes the thread's read buffer known to be good.
func (th *thread) goodReadAt() {
	s := th.Process.threads[th.tid]
	s.goodRead, s.goodSize = th.base+4096, 2048
}

// What a client that was released meanwhile had still to say is not carried out.
func TestCommandsOfTheDead(t *testing.T) {
	w := newWorld(t)
	m, owner, c := w.manager(), w.open().readyThread(), w.open().readyThread()
	h := w.introduce(owner, 0x10, c.client)
	g := newGate()
	c.onRead = func(ioctl.Address) { g.pass() }
	death := ioctl.HandleCookie{Handle: h, Cookie: 1}
	done := aside(func() {
		c.begin(join(handleCommand(ioctl.BC_ACQUIRE, h), enter,
			ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, death),
			ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_DEATH_NOTIFICATION, death)))
	})
	g.arrive(t)
	th := c.Process.threads[c.tid]
	c.Process.Release()
	close(g.open)
	await(t, done)
	c.fails(syscall.EINTR)
	if wc, _ := c.consumed(); wc != 0 {
		t.Errorf("consumed %d", wc)
	}
	if errno := threadExit(th, nil); errno != 0 {
		t.Error(errno)
	}
	m.Process.Release()
	diff(t, "becoming the manager", syscall.ECONNREFUSED, w.ctx.setManager(c.Process, nil))
	w.finish(owner.client)
}

// A buffer is cleared, which may take a page fault or two, while its process is released.
func TestReleaseWhileClearing(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	caller.exchange(caller.transaction(ioctl.BC_TRANSACTION, h, ioctl.TF_ONE_WAY|ioctl.TF_CLEAR_BUF, "secret"), "BR_TRANSACTION_COMPLETE")
	caller.exchange(caller.toSend(h, "next"), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	g := newGate()
	server.onPublish = g.pass
	done := aside(func() { server.begin(free(tr)) })
	g.arrive(t)
	server.Process.Release()
	if server.closed {
		t.Error("the area was closed while it is in use")
	}
	close(g.open)
	await(t, done)
	if r := syscall.Errno(-server.wait()); r != syscall.EINTR {
		t.Errorf("%v", r)
	}
	if !server.closed {
		t.Error("the area was not closed")
	}
	w.finish(caller.client)
}

// A call waits for the trimming of its target's area.
func TestCallWhileTrimming(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	caller.exchange(caller.toSend(h, "x"), "BR_TRANSACTION_COMPLETE")
	server.write(free(server.exchange(nil, "BR_TRANSACTION")))
	w.bus.Trim()
	g := newGate()
	server.onDiscard = g.pass
	trim := aside(w.bus.Trim)
	g.arrive(t)
	call := aside(func() { caller.begin(caller.toCall(h, "hello")) })
	w.bus.WriteState(io.Discard) // the lock is free
	select {
	case <-call:
		t.Error("the call did not wait")
	case <-time.After(10 * time.Millisecond):
	}
	close(g.open)
	await(t, trim)
	await(t, call)
	server.begin(nil)
	server.hears("hello", "BR_TRANSACTION")
	w.finish(server.client, caller.client)
}
