package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

func TestServerDiesWithCallsPending(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().looper()
	c1, c2, c3 := b.open().thread(), b.open().thread(), b.open().thread()
	for i, c := range []*thread{c1, c2, c3} {
		if h := publish(mgr, s, c, node{ioctl.Pointer(0x10 + i), 1}); h != 1 {
			t.Fatalf("client %d: handle %d", i, h)
		}
	}
	c1.start(readSize, c1.call(1, msg(1, "received")))
	s.got(noop, "TRANSACTION")
	c2.park(c2.call(1, msg(1, "queued")))
	c3.ask([]command{c3.call(1, oneway(1, "queued oneway"))}, noop, complete)
	s.p.kill()
	c1.expect(noop, complete, "DEAD_REPLY")
	c2.expect(noop, complete, "DEAD_REPLY")
	c3.idle() // nobody answers for a oneway call
	c1.wantError(ioctl.BR_OK, 0)
}

func TestServerClosesWithCallsPending(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.open().looper()
	c := b.open().thread()
	publish(mgr, s, c, node{0x10, 1})
	c.start(readSize, c.call(1, msg(1, "received")))
	s.got(noop, "TRANSACTION")
	s.p.close()
	c.expect(noop, complete, "DEAD_REPLY")
}

func TestCallerDiesBeforeTheReply(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn()
	c := p.thread()
	c.start(readSize, c.call(0, msg(1, "never mind")))
	q := mgr.got(noop, "TRANSACTION").text("never mind")
	p.kill()
	awaitThreadsGone(t, b, p)
	// The buffer is still good, and the reply simply completes.
	if string(mgr.p.get(q.Buffer, q.DataSize)) != "never mind" {
		t.Error("the parcel changed after its sender's death")
	}
	mgr.ask([]command{mgr.reply(msg(0, "too late"))}, noop, complete)
	mgr.send(q.free())
}

func TestQueuedCallOfADeadCaller(t *testing.T) {
	// A call that nobody has read is delivered although its caller is gone, without a sender pid.
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn()
	c := p.thread()
	c.send(c.call(0, msg(1, "last words")))
	p.kill()
	awaitThreadsGone(t, b, p)
	q := mgr.got(noop, "TRANSACTION").text("last words")
	if q.SenderPID != 0 {
		t.Errorf("sender pid %d, want 0", q.SenderPID)
	}
	mgr.ask([]command{mgr.reply(msg(0, "to nobody"))}, noop, complete)
	mgr.wantError(ioctl.BR_OK, 0)
	mgr.send(q.free())
}

// awaitThreadsGone waits until the driver has cleaned up after p.
func awaitThreadsGone(t *testing.T, b *bus, p *process) {
	t.Helper()
	await(t, "the driver forgets the process", func() bool { return !knows(t, b, p.PID) })
}

func TestThreadExitWithTheCallReceived(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	c := b.open().thread()
	worker := mgr.p.looper()
	c.start(readSize, c.call(0, msg(1, "a")))
	q := worker.got(noop, "TRANSACTION")
	worker.exit()
	c.expect(noop, complete, "DEAD_REPLY")
	// The buffer is the process's and outlives the thread.
	mgr.send(q.free())
	// The same OS thread is a new thread to the driver afterwards.
	worker.ask([]command{worker.reply(msg(0, ""))}, noop, "FAILED_REPLY")
	c.start(readSize, c.call(0, msg(1, "b")))
	q = mgr.got(noop, "TRANSACTION").text("b")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
}

func TestThreadExitWithACallOut(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	p := b.open()
	c := p.thread()
	c.send(c.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	c.exit()
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, complete)
	mgr.send(q.free())
	c.version()
	c.idle()
}

func TestThreadExitInAChain(t *testing.T) {
	// C calls S, S calls the manager and its thread exits: C gets its failure at once, the
	// manager's reply finds nobody.
	b := newBus(t)
	mgr, s, c := b.manager(), b.open().looper(), b.open().thread()
	publish(mgr, s, c, node{0x10, 1})
	c.start(readSize, c.call(1, msg(1, "a")))
	s.got(noop, "TRANSACTION")
	s.send(s.call(0, msg(2, "b")))
	q := mgr.got(noop, "TRANSACTION").text("b")
	s.exit()
	// The stack's top is the call to the manager, not the one from C: C is told when that unwinds.
	mgr.ask([]command{mgr.reply(msg(0, "r"))}, noop, complete)
	mgr.send(q.free())
	c.expect(noop, complete, "DEAD_REPLY")
}

func TestKilledMiddleOfAChain(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	publish(mgr, s, c, node{0x10, 1})
	c.start(readSize, c.call(1, msg(1, "a")))
	s.got(noop, "TRANSACTION")
	s.start(readSize, s.call(0, msg(2, "b")))
	q := mgr.got(noop, "TRANSACTION").text("b")
	s.p.kill()
	awaitThreadsGone(t, b, s.p)
	mgr.ask([]command{mgr.reply(msg(0, "r"))}, noop, complete)
	mgr.send(q.free())
	c.expect(noop, complete, "DEAD_REPLY")
}

func TestThreadExitOnlyEndsTheThread(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	other := mgr.p.looper()
	other.exit()
	other.exit() // the second ends the thread that the second ioctl made
	c := b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	mgr.got(noop, "TRANSACTION")
}

func TestKilledWhileParked(t *testing.T) {
	// A client killed while it waits is gone at once, whatever it waits for.
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn()
	looper, caller := p.looper(), p.thread()
	looper.park()
	caller.park(caller.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	p.kill()
	awaitThreadsGone(t, b, p)
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, complete)
	mgr.send(q.free())
}

func TestNestedServerDies(t *testing.T) {
	// S calls back into C's waiting thread and dies: C's thread still replies, and then hears that
	// its own call is dead.
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().looper()
	cp := b.open()
	c := cp.thread()
	publish(mgr, s, c, node{0x10, 1})
	c.start(readSize, c.call(1, msg(1, "").binder(node{0xc, 1})))
	q := s.got(noop, "TRANSACTION")
	s.start(readSize, s.call(q.handle(0), msg(2, "back")))
	es := c.expect(noop, "INCREFS 0xc/0x1", "ACQUIRE 0xc/0x1", complete, "TRANSACTION")
	q2 := cp.parcelOf(es[4])
	s.p.kill()
	awaitThreadsGone(t, b, s.p)
	// Its call is over, but the nested one lies on top: the failure waits behind it.
	c.ask([]command{c.reply(msg(0, "answer"))}, noop, complete, "DEAD_REPLY")
	c.send(q2.free())
}
