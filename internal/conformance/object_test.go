package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// meet is the usual cast: a manager, an owner of objects, and a client, the latter two with
// O_NONBLOCK.
func meet(t *testing.T) (mgr, owner, client *thread) {
	t.Helper()
	b := newBus(t)
	return b.manager(), b.open(nonblock).looper(), b.open(nonblock).looper()
}

func TestObjectBecomesHandle(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open().thread()
	n := node{0x1234, 0x5678}
	o.send(o.call(0, oneway(1, "obj:").binder(n)))
	q := mgr.got(noop, "TRANSACTION")
	want := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Flags: 0x17f, Binder: 1}
	if d := cmp.Diff(want, q.object(0)); d != "" {
		t.Errorf("object (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]uint64{4}, q.offsets); d != "" {
		t.Errorf("offsets (-want +got):\n%s", d)
	}
	// The owner is asked to hold it; the completion comes after that.
	o.expect(noop, "INCREFS 0x1234/0x5678", "ACQUIRE 0x1234/0x5678", complete)
}

func TestSameNodeSameHandle(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open().thread()
	n1, n2 := node{0x10, 1}, node{0x20, 2}
	o.send(o.call(0, oneway(1, "").binder(n1).binder(n2).binder(n1).weakBinder(n2)))
	q := mgr.got(noop, "TRANSACTION")
	var got []ioctl.FlatObject
	for i := range q.offsets {
		got = append(got, q.object(i))
	}
	f := ioctl.ObjectFlags(0x17f)
	want := []ioctl.FlatObject{
		{Type: ioctl.BINDER_TYPE_HANDLE, Flags: f, Binder: 1},
		{Type: ioctl.BINDER_TYPE_HANDLE, Flags: f, Binder: 2},
		{Type: ioctl.BINDER_TYPE_HANDLE, Flags: f, Binder: 1},
		{Type: ioctl.BINDER_TYPE_WEAK_HANDLE, Flags: f, Binder: 2},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	o.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", "INCREFS 0x20/0x2", "ACQUIRE 0x20/0x2", complete)
}

func TestLowestFreeHandle(t *testing.T) {
	mgr, o, _ := meet(t)
	n := func(i int) node { return node{ioctl.Pointer(i * 16), 0} }
	for i := 1; i <= 4; i++ {
		o.send(o.call(0, oneway(1, "").binder(n(i))))
		q := mgr.got(noop, "TRANSACTION")
		if h := q.handle(0); h != handleOf(uint32(i)) {
			t.Fatalf("object %d has handle %d", i, h)
		}
		mgr.send(acquire(q.handle(0)), q.free())
		o.expect(noop, "INCREFS "+n(i).String(), "ACQUIRE "+n(i).String(), complete)
		o.send(incRefsDone(n(i)), acquireDone(n(i)))
	}
	mgr.send(release(3), release(2))
	o.expect(noop, "RELEASE "+n(3).String(), "DECREFS "+n(3).String(), "RELEASE "+n(2).String(), "DECREFS "+n(2).String())
	for i, want := range []uint32{2, 3, 5} {
		nn := n(10 + i)
		o.send(o.call(0, oneway(1, "").binder(nn)))
		q := mgr.got(noop, "TRANSACTION")
		if h := q.handle(0); h != handleOf(want) {
			t.Errorf("handle %d, want %d", h, want)
		}
		mgr.send(acquire(q.handle(0)), q.free())
		o.expect(noop, "INCREFS "+nn.String(), "ACQUIRE "+nn.String(), complete)
	}
}

func TestHandleComesHomeAsObject(t *testing.T) {
	mgr, o, c := meet(t)
	n := node{0x1234, 0x5678}
	h := publish(mgr, o, c, n)
	// The owner publishes a second object for the way back, and gets its own first one.
	for _, weak := range []bool{false, true} {
		m := oneway(1, "")
		want := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Binder: 0x1234, Cookie: 0x5678}
		if weak {
			m.weakHandle(h)
			want.Type = ioctl.BINDER_TYPE_WEAK_BINDER
		} else {
			m.handle(h)
		}
		c.ask([]command{c.call(h, m)}, noop, complete)
		q := o.got(noop, "TRANSACTION")
		if d := cmp.Diff(want, q.object(0)); d != "" {
			t.Errorf("weak %v (-want +got):\n%s", weak, d)
		}
		o.send(q.free())
		o.idle()
	}
}

func TestHandleGoesToAThird(t *testing.T) {
	b := newBus(t)
	mgr, o, c := b.manager(), b.open().looper(), b.open().looper()
	third := b.open().looper()
	n := node{0x1234, 0x5678}
	publish(mgr, third, c, node{0x3, 3}) // so that the numbers differ
	h := publish(mgr, o, c, n)
	if h != 2 {
		t.Fatalf("handle %d, want 2", h)
	}
	c.ask([]command{c.call(1, oneway(1, "").handle(h).weakHandle(h))}, noop, complete)
	q := third.got(noop, "TRANSACTION")
	want := []ioctl.FlatObject{{Type: ioctl.BINDER_TYPE_HANDLE, Binder: 1}, {Type: ioctl.BINDER_TYPE_WEAK_HANDLE, Binder: 1}}
	if d := cmp.Diff(want, []ioctl.FlatObject{q.object(0), q.object(1)}); d != "" {
		t.Errorf("objects (-want +got):\n%s", d)
	}
	o.idle() // the owner hears nothing of it
	third.send(acquire(1), q.free())
	third.ask([]command{third.call(1, oneway(9, "from the third"))}, noop, complete)
	o.send(o.got(noop, "TRANSACTION").text("from the third").free())
	c.send(release(h))
	o.idle()
	third.send(release(1))
	o.expect(noop, "RELEASE "+n.String(), "DECREFS "+n.String())
}

func TestManagerHandleIsAlwaysZero(t *testing.T) {
	// Whoever receives the manager's object receives handle 0.
	b := newBus(t)
	mgr := b.openBeside().looper()
	m := node{0x3a, 0x3a}
	mgr.becomeExt(m, 0x100)
	o, c := b.open().looper(), b.open().looper()
	publish(mgr, o, c, node{1, 1})
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "").binder(m)), q.free()}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	if h := r.handle(0); h != 0 {
		t.Errorf("handle %d, want 0", h)
	}
	// It can be passed on.
	c.ask([]command{c.call(1, oneway(2, "").handle(0)), r.free()}, noop, complete)
	if h := o.got(noop, "TRANSACTION").handle(0); h != 0 {
		t.Errorf("handle %d, want 0", h)
	}
}

func TestHandleZeroNeedsAReference(t *testing.T) {
	// Handle 0 can be called without a reference, but not sent without one.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "").handle(0))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	c.send(acquire(0))
	c.ask([]command{c.call(0, oneway(1, "").handle(0))}, noop, complete)
	if o := mgr.got(noop, "TRANSACTION").object(0); o.Type != ioctl.BINDER_TYPE_BINDER {
		t.Errorf("object %+v", o)
	}
}

func TestBadObjects(t *testing.T) {
	mgr, o, c := meet(t)
	n := node{0x1234, 0x5678}
	h := publish(mgr, o, c, n)
	weak := ioctl.Handle(2)
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "").weakBinder(node{0x77, 7})), q.free()}, noop, "INCREFS 0x77/0x7", complete)
	r := c.got(noop, complete, "REPLY")
	if o := r.object(0); o.Type != ioctl.BINDER_TYPE_WEAK_HANDLE || o.Handle() != weak {
		t.Fatalf("object %+v", o)
	}
	c.send(incRefs(weak), r.free())
	for _, tc := range []struct {
		name  string
		m     *message
		errno unix.Errno
	}{
		{"unknown handle", oneway(1, "").handle(99), unix.EINVAL},
		{"unknown weak handle", oneway(1, "").weakHandle(99), unix.EINVAL},
		{"weak handle sent as strong", oneway(1, "").handle(weak), unix.EINVAL},
		{"null handle type", oneway(1, "").flat(ioctl.FlatObject{}), unix.EINVAL},
		{"unknown type", oneway(1, "").flat(ioctl.FlatObject{Type: 0x12345678}), unix.EINVAL},
		{"good one before the bad one", oneway(1, "").handle(h).handle(99), unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.ask([]command{c.call(h, tc.m)}, noop, "FAILED_REPLY")
			c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		})
	}
	// A weak handle cannot be called, and cannot be made strong.
	c.ask([]command{c.call(weak, oneway(1, ""))}, noop, "FAILED_REPLY")
	c.send(acquire(weak))
	c.ask([]command{c.call(weak, oneway(1, ""))}, noop, "FAILED_REPLY")
	// It can be sent on weakly.
	c.ask([]command{c.call(h, oneway(1, "").weakHandle(weak))}, noop, complete)
	o.idleThen(func() { o.got(noop, "TRANSACTION") })
}

// idleThen runs f; it exists so that a story can say that what follows is all there is.
func (th *thread) idleThen(f func()) {
	th.p.t.Helper()
	f()
	th.idle()
}

func TestCookieMismatch(t *testing.T) {
	mgr, o, c := meet(t)
	n := node{0x1234, 0x5678}
	publish(mgr, o, c, n)
	o.ask([]command{o.call(0, oneway(1, "").binder(node{0x1234, 0x9999}))}, noop, "FAILED_REPLY")
	o.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	o.ask([]command{o.call(0, oneway(1, "").binder(n))}, noop, complete)
}

func TestFailedTransactionUndoesItsObjects(t *testing.T) {
	// Objects translated before the failure lose their references again.
	b := newBus(t)
	mgr, o := b.manager(), b.open().thread()
	n := node{0x1234, 0x5678}
	o.ask([]command{o.call(0, oneway(1, "").binder(n).handle(99))}, noop, "FAILED_REPLY")
	o.ask([]command{o.call(0, oneway(1, "").binder(node{0x20, 2}))}, noop, "INCREFS 0x20/0x2", "ACQUIRE 0x20/0x2", complete)
	if h := mgr.got(noop, "TRANSACTION").handle(0); h != 1 {
		t.Errorf("handle %d, want 1: the failed transaction left its handle behind", h)
	}
}

func TestObjectWithNullPointer(t *testing.T) {
	// Address 0 is a node like any other.
	b := newBus(t)
	mgr, o := b.manager(), b.open().thread()
	o.send(o.call(0, oneway(1, "").binder(node{0, 0})))
	if h := mgr.got(noop, "TRANSACTION").handle(0); h != 1 {
		t.Errorf("handle %d", h)
	}
	o.expect(noop, "INCREFS 0x0/0x0", "ACQUIRE 0x0/0x0", complete)
}

func TestUpperHalfOfAHandleIsIgnored(t *testing.T) {
	mgr, o, c := meet(t)
	h := publish(mgr, o, c, node{0x10, 1})
	tr := c.p.transaction(h, oneway(1, "").flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Binder: uint64(h) | 0xdead<<32, Cookie: 0xc0}))
	tr.Target |= 0xbeef << 32
	c.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, complete)
	got := o.got(noop, "TRANSACTION").object(0)
	if got.Binder != 0x10 || got.Cookie != 1 {
		t.Errorf("object %+v", got)
	}
}
