package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

func TestReferenceHandshake(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open(nonblock).looper()
	n := node{0x10, 0x1}
	o.send(o.call(0, oneway(1, "").binder(n)))
	q := mgr.got(noop, "TRANSACTION")
	o.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete)
	// The receiver keeps nothing: the handle goes with the buffer. But the owner has not yet
	// answered, so the driver waits for that before it says that the references are gone.
	mgr.send(q.free())
	o.idle()
	o.send(incRefsDone(n))
	o.idle()
	o.send(acquireDone(n))
	o.expect(noop, "RELEASE 0x10/0x1", "DECREFS 0x10/0x1")
	o.idle()
	// Now it is unknown: the next time all begins again.
	o.send(o.call(0, oneway(1, "").binder(n)))
	o.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete)
}

func TestAcquireDoneFirst(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open(nonblock).looper()
	n := node{0x10, 0x1}
	o.send(o.call(0, oneway(1, "").binder(n)))
	q := mgr.got(noop, "TRANSACTION")
	o.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete)
	mgr.send(q.free())
	o.send(acquireDone(n))
	o.expect(noop, "RELEASE 0x10/0x1") // strong goes alone, the weak one is still unanswered
	o.send(incRefsDone(n))
	o.expect(noop, "DECREFS 0x10/0x1")
}

func TestFreedBeforeTheOwnerHeard(t *testing.T) {
	// The receiver drops everything before the owner has read its INCREFS and ACQUIRE: the node is
	// gone without a word.
	b := newBus(t)
	mgr, o := b.manager(), b.open(nonblock).looper()
	n := node{0x10, 0x1}
	o.send(o.call(0, oneway(1, "").binder(n)))
	mgr.send(mgr.got(noop, "TRANSACTION").free())
	o.expect(noop, complete)
	o.idle()
}

func TestDonesNobodyAskedFor(t *testing.T) {
	mgr, o, c := meet(t)
	n := node{0x10, 0x1}
	h := publish(mgr, o, c, n)
	o.send(
		incRefsDone(n), acquireDone(n), // a second time
		incRefsDone(node{0x99, 1}), acquireDone(node{0x99, 1}), // no such node
		acquireDone(node{0x10, 0x2}), // wrong cookie
	)
	o.idle()
	c.ask([]command{c.call(h, oneway(1, "still there"))}, noop, complete)
	o.send(o.got(noop, "TRANSACTION").text("still there").free())
	c.send(release(h))
	o.expect(noop, "RELEASE 0x10/0x1", "DECREFS 0x10/0x1")
}

func TestOnlyTheLastReferenceCounts(t *testing.T) {
	mgr, o, c := meet(t)
	n := node{0x10, 0x1}
	h := publish(mgr, o, c, n)
	c.send(acquire(h), acquire(h), incRefs(h), release(h), release(h))
	o.idle()
	c.send(release(h))
	o.expect(noop, "RELEASE 0x10/0x1") // the weak one holds
	o.idle()
	// With the weak reference alone the handle is there, but cannot be called.
	c.ask([]command{c.call(h, oneway(1, ""))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, 22)
	c.send(decRefs(h))
	o.expect(noop, "DECREFS 0x10/0x1")
	c.send(decRefs(h), release(h)) // too many: ignored
	o.idle()
}

func TestStrongComesBack(t *testing.T) {
	// A weak reference is made strong again when the owner sends the object once more.
	mgr, o, c := meet(t)
	n := node{0x10, 0x1}
	h := publish(mgr, o, c, n)
	back := publish(mgr, c, o, node{0xc, 1})
	c.send(incRefs(h), release(h))
	o.expect(noop, "RELEASE 0x10/0x1")
	o.ask([]command{o.call(back, oneway(1, "").binder(n))}, noop, "ACQUIRE 0x10/0x1", complete)
	o.send(acquireDone(n))
	q := c.got(noop, "TRANSACTION")
	if q.handle(0) != h {
		t.Errorf("handle %d, want %d", q.handle(0), h)
	}
	c.send(acquire(h), q.free())
	c.ask([]command{c.call(h, oneway(1, "again"))}, noop, complete)
	o.got(noop, "TRANSACTION").text("again")
}

func TestReleaseAndAcquireBeforeTheOwnerLooks(t *testing.T) {
	// What changed and changed back while the owner did not read is not told.
	mgr, o, c := meet(t)
	n := node{0x10, 0x1}
	h := publish(mgr, o, c, n)
	back := publish(mgr, c, o, node{0xc, 1})
	c.send(incRefs(h), release(h)) // RELEASE is queued now
	o.send(o.call(back, oneway(1, "").binder(n)))
	q := c.got(noop, "TRANSACTION")
	c.send(acquire(h), q.free())
	o.expect(noop, complete)
	o.idle()
}

func TestInvalidHandles(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	for _, h := range []ioctl.Handle{1, 99, 1 << 31, 1<<32 - 1} {
		c.send(acquire(h), incRefs(h), release(h), decRefs(h))
	}
	c.send(release(0), decRefs(0))
	c.send(acquire(0), release(0), release(0))
}

func TestSendersHandleLivesInTheBuffer(t *testing.T) {
	// A transaction holds its target and its objects: the sender may drop its handle at once.
	mgr, o, c := meet(t)
	n, n2 := node{0x10, 0x1}, node{0x20, 0x2}
	h, h2 := publish(mgr, o, c, n), publish(mgr, o, c, n2)
	third := c.p.bus.open(nonblock).looper()
	h3 := publish(mgr, third, c, node{3, 3})
	c.ask([]command{c.call(h3, oneway(1, "").handle(h)), release(h), c.call(h2, oneway(1, "x")), release(h2)}, noop, complete, complete)
	q2 := o.got(noop, "TRANSACTION")
	o.idle()
	o.send(q2.free())
	o.expect(noop, "RELEASE 0x20/0x2", "DECREFS 0x20/0x2")
	q := third.got(noop, "TRANSACTION")
	third.ask([]command{third.call(q.handle(0), oneway(2, "via buffer"))}, noop, complete)
	o.send(o.got(noop, "TRANSACTION").free())
	third.send(q.free())
	o.expect(noop, "RELEASE 0x10/0x1", "DECREFS 0x10/0x1")
}

func TestReplyCarriesAnObject(t *testing.T) {
	// The server hears of its new object's references together with the completion of the reply.
	mgr, o, c := meet(t)
	h := publish(mgr, o, c, node{0x10, 1})
	c.start(readSize, c.call(h, msg(1, "")))
	q := o.got(noop, "TRANSACTION")
	o.ask([]command{o.reply(msg(0, "").binder(node{0x20, 2})), q.free()}, noop, "INCREFS 0x20/0x2", "ACQUIRE 0x20/0x2", complete)
	r := c.got(noop, complete, "REPLY")
	if r.handle(0) != 2 {
		t.Errorf("handle %d", r.handle(0))
	}
	o.send(incRefsDone(node{0x20, 2}), acquireDone(node{0x20, 2}))
	c.send(r.free())
	o.expect(noop, "RELEASE 0x20/0x2", "DECREFS 0x20/0x2")
}

func TestReleaseIsWorkOfTheProcess(t *testing.T) {
	mgr, o, c := meet(t)
	h := publish(mgr, o, c, node{0x10, 1})
	other := o.p.looper()
	c.send(release(h))
	other.expect(noop, "RELEASE 0x10/0x1", "DECREFS 0x10/0x1")
}
