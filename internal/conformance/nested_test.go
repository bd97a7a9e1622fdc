package conformance

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNestedCallComesToTheWaitingThread(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	server, client := b.open().looper(), b.open()
	idle := client.looper() // would take the call if it were anybody's
	a := client.thread()
	callback := node{0xca11, 0xbac}
	h := publish(mgr, server, a, node{0x5e, 1})

	idle.park()
	a.park(a.call(h, msg(1, "call me").binder(callback)))
	q := server.got(noop, "TRANSACTION")
	back := q.handle(0)
	server.start(readSize, server.call(back, msg(2, "nested")))
	// Other work of a's wakes it now, and with it come the handshake and its completion.
	es := a.expect(noop, "INCREFS "+callback.String(), "ACQUIRE "+callback.String(), complete, "TRANSACTION")
	n := client.parcelOf(es[4]).text("nested")
	if n.Pointer() != callback.ptr || n.Cookie != callback.cookie {
		t.Errorf("target %#x/%#x", n.Target, uint64(n.Cookie))
	}
	a.send(incRefsDone(callback), acquireDone(callback))

	// One level deeper, to the thread that waits in the server.
	a.start(readSize, a.call(h, msg(3, "deeper")))
	d := server.got(noop, complete, "TRANSACTION").text("deeper")
	server.ask([]command{server.reply(msg(0, "r3")), d.free()}, noop, complete)
	r3 := a.got(noop, complete, "REPLY").text("r3")
	a.ask([]command{a.reply(msg(0, "r2")), r3.free(), n.free()}, noop, complete)
	r2 := server.got(noop, "REPLY").text("r2")
	server.ask([]command{server.reply(msg(0, "r1")), r2.free(), q.free()}, noop, complete)
	a.got(noop, "REPLY").text("r1")
	// All the time the other thread slept; it hears of the object whose last handle went with q.
	idle.expect(noop, "RELEASE "+callback.String(), "DECREFS "+callback.String())
}

func TestChainOfThree(t *testing.T) {
	// A calls B, B calls C, C calls A: the call comes to A's waiting thread, through two others.
	b := newBus(t)
	mgr := b.manager()
	pa, pb, pc := b.open(), b.open(), b.open()
	ta, tb, tc := pa.thread(), pb.looper(), pc.looper()
	idle := pa.looper()
	nb, nc, na := node{0xb0, 1}, node{0xc0, 2}, node{0xa0, 3}
	hb := publish(mgr, tb, ta, nb)
	hc := publish(mgr, tc, tb, nc)
	ha := publish(mgr, idle, tc, na)

	idle.park()
	ta.park(ta.call(hb, msg(1, "to b")))
	qb := tb.got(noop, "TRANSACTION")
	tb.park(tb.call(hc, msg(2, "to c")))
	qc := tc.got(noop, "TRANSACTION")
	tc.park(tc.call(ha, msg(3, "to a")))
	qa := ta.got(noop, complete, "TRANSACTION").text("to a")
	ta.ask([]command{ta.reply(msg(0, "from a")), qa.free()}, noop, complete)
	rc := tc.got(noop, complete, "REPLY").text("from a")
	tc.ask([]command{tc.reply(msg(0, "from c")), rc.free(), qc.free()}, noop, complete)
	rb := tb.got(noop, complete, "REPLY").text("from c")
	tb.ask([]command{tb.reply(msg(0, "from b")), rb.free(), qb.free()}, noop, complete)
	ta.got(noop, "REPLY").text("from b")
	idle.p.flush()
	idle.expect(noop)
}

func TestOnewayBreaksTheChain(t *testing.T) {
	// A oneway call made from inside a call goes to the process, not to the waiting thread.
	b := newBus(t)
	mgr := b.manager()
	server, client := b.open().looper(), b.open()
	a, idle := client.thread(), client.looper()
	h := publish(mgr, server, a, node{0x5e, 1})
	cb := node{0xcb, 1}
	hcb := publish(mgr, idle, server, cb)

	idle.park()
	a.park(a.call(h, msg(1, "call")))
	q := server.got(noop, "TRANSACTION")
	server.ask([]command{server.call(hcb, oneway(2, "aside"))}, noop, complete)
	idle.got(noop, "TRANSACTION").text("aside")
	server.ask([]command{server.reply(msg(0, "done")), q.free()}, noop, complete)
	a.got(noop, complete, "REPLY").text("done")
}

func TestCallFromOnewayIsNoNesting(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	server, client := b.open().looper(), b.open()
	a, idle := client.looper(), client.looper()
	h := publish(mgr, server, a, node{0x5e, 1})
	hcb := publish(mgr, idle, server, node{0xcb, 1})
	a.ask([]command{a.call(h, oneway(1, "go"))}, noop, complete)
	q := server.got(noop, "TRANSACTION")
	server.start(readSize, q.free(), server.call(hcb, msg(2, "call")))
	q2 := idle.got(noop, "TRANSACTION").text("call")
	idle.ask([]command{idle.reply(msg(0, "r")), q2.free()}, noop, complete)
	server.got(noop, complete, "REPLY").text("r")
}

func TestDeepRecursion(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	s, c := b.open().looper(), b.open().looper()
	hs, hc := publish(mgr, s, c, node{0x5, 1}), publish(mgr, c, s, node{0xc, 1})
	const depth = 20
	ths, hs2 := [2]*thread{c, s}, [2]uint32{uint32(hs), uint32(hc)}
	var stack []*parcel
	for i := range depth {
		from, to := ths[i%2], ths[(i+1)%2]
		from.start(readSize, from.call(handleOf(hs2[i%2]), msg(1, fmt.Sprint(i))))
		want := []string{noop, complete, "TRANSACTION"}
		if i == 0 {
			want = []string{noop, "TRANSACTION"}
		}
		stack = append(stack, to.got(want...).text(fmt.Sprint(i)))
	}
	for i := depth - 1; i >= 0; i-- {
		from, to := ths[i%2], ths[(i+1)%2]
		to.ask([]command{stack[i].free(), to.reply(msg(0, fmt.Sprint(-i)))}, noop, complete)
		want := []string{noop, "REPLY"}
		if i == depth-1 {
			want = []string{noop, complete, "REPLY"}
		}
		from.send(from.got(want...).text(fmt.Sprint(-i)).free())
	}
}

func TestWaitingThreadDoesNoOtherWork(t *testing.T) {
	// A looper that waits for a reply leaves the process's work to others.
	b := newBus(t)
	mgr := b.manager()
	p := b.open()
	a, other := p.looper(), p.looper()
	c := b.open().thread()
	h := publish(mgr, a, c, node{0x5e, 1})
	a.park(a.call(0, msg(1, "wait")))
	q := mgr.got(noop, "TRANSACTION")
	c.ask([]command{c.call(h, oneway(2, "work"))}, noop, complete)
	other.got(noop, "TRANSACTION").text("work")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	a.expect(noop, complete, "REPLY")
}

func TestThreadInsideACallDoesNoOtherWork(t *testing.T) {
	b := newBus(t)
	mgr := b.manager(nonblock)
	c, c2 := b.open().thread(), b.open().thread()
	c.start(readSize, c.call(0, msg(1, "first")))
	mgr.ready()
	q := mgr.got(noop, "TRANSACTION")
	c2.start(readSize, c2.call(0, msg(1, "second")))
	other := mgr.p.looper()
	other.ready()
	mgr.idle() // has to reply first
	if r := mgr.try(readSize); r.Errno != unix.EAGAIN {
		t.Errorf("read inside a call: %v, want EAGAIN", r.Errno)
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
	q = mgr.got(noop, "TRANSACTION").text("second")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c2.expect(noop, complete, "REPLY")
}
