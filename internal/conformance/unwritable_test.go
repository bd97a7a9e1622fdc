package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// hole reads into a buffer of which only the first n bytes can be written, and expects EFAULT.
func (th *thread) hole(n int, cs ...command) {
	th.p.t.Helper()
	var w []byte
	for _, c := range cs {
		w = append(w, c...)
	}
	r := th.raw(ioctl.WriteRead{WriteSize: uint64(len(w)), WriteBuffer: th.p.put(w), ReadSize: 1024, ReadBuffer: th.p.edge(make([]byte, n))})
	want := ioctl.WriteRead{WriteSize: uint64(len(w)), WriteConsumed: uint64(len(w)), WriteBuffer: r.WriteRead.WriteBuffer, ReadSize: 1024, ReadBuffer: r.WriteRead.ReadBuffer}
	if d := cmp.Diff(RawReply{unix.EFAULT, want}, r); d != "" {
		th.p.t.Errorf("read into a hole after %d bytes (-want +got):\n%s", n, d)
	}
}

// What cannot be written to the reader's memory is lost, as far as it is not kept elsewhere, and
// the read fails with EFAULT.
func TestUnwritableCompletion(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).thread()
	c.hole(4, c.call(0, oneway(1, "a")))
	c.idle()
	mgr.send(mgr.got(noop, "TRANSACTION").text("a").free())
	// The first of two is written, but not counted.
	c.send(c.call(0, oneway(1, "b")), c.call(0, oneway(1, "c")))
	c.hole(8)
	c.idle()
}

// A failure that was not told stays with the thread, which can write nothing any longer.
func TestUnwritableFailure(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open(nonblock).thread()
	c.hole(4, c.call(99, oneway(1, "a")))
	c.idle()
	if r := c.try(0, c.call(0, oneway(1, "b"))); r.Errno != 0 || r.Consumed != 0 {
		t.Errorf("%v, %d consumed; want 0, 0", r.Errno, r.Consumed)
	}
	c.exit() // the way out
	c.version()
	c.ask([]command{c.call(0, oneway(1, "b"))}, noop, complete)
}

func TestUnwritableCall(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(nonblock), b.open().thread()
	for _, n := range []int{4, 8, 71} { // within the command, and within its argument
		c.start(readSize, c.call(0, msg(1, "a")))
		mgr.ready()
		mgr.hole(n)
		c.expect(noop, complete, "FAILED_REPLY")
		c.wantError(ioctl.BR_OK, 0)
		mgr.idle()
		mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, "FAILED_REPLY") // it never had it
	}
}

func TestUnwritableReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).thread()
	c.send(c.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "lost")), q.free()}, noop, complete)
	c.hole(8)
	c.idle()
	// The call is over.
	c.send(c.call(0, msg(1, "b")))
	q = mgr.got(noop, "TRANSACTION").text("b")
	mgr.ask([]command{mgr.reply(msg(0, "come")), q.free()}, noop, complete)
	c.got(noop, complete, "REPLY").text("come")
}

// The driver takes the owner's knowledge of its references for granted, told or not.
func TestUnwritableReferences(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open(nonblock).thread()
	n := node{0x10, 1}
	o.send(o.call(0, oneway(1, "").binder(n)))
	q := mgr.got(noop, "TRANSACTION")
	o.hole(4 + 20) // BR_INCREFS is written, BR_ACQUIRE is not
	o.expect(noop, complete)
	if d := cmp.Diff(ioctl.NodeDebugInfo{Pointer: 0x10, Cookie: 1, HasStrongRef: 1, HasWeakRef: 1}, o.nodeAfter(0)); d != "" {
		t.Errorf("node (-want +got):\n%s", d)
	}
	o.send(incRefsDone(n), acquireDone(n))
	mgr.send(q.free())
	o.ready()
	o.hole(4) // neither BR_RELEASE nor BR_DECREFS
	if d := cmp.Diff(ioctl.NodeDebugInfo{}, o.nodeAfter(0)); d != "" {
		t.Errorf("node (-want +got):\n%s", d)
	}
	o.idle()
}

func TestUnwritableDeath(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	o.p.kill()
	c.ready()
	c.hole(4 + 4)
	c.idle()
	// It counts as delivered.
	c.send(clearDeath(h, cookie))
	c.idle()
	c.send(deadDone(cookie))
	c.ready()
	c.hole(4)
	c.idle()
	c.send(requestDeath(h, 0x2))
	c.expect(noop, "DEAD_BINDER 0x2")
}

func TestUnwritableFreezeNotification(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().looper()
	h := publish(mgr, s, c, node{0x10, 1})
	c.hole(4+8, handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, 0xa))
	c.idle()
	c.send(bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 0xa))
	c.hole(4+4, handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, h, 0xa))
	c.idle()
	c.ask([]command{handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, 0xb)}, noop, "FROZEN_BINDER 0xb 0")
}

// Nobody can free the buffer of a transaction that could not be told: its room, and the object's turn
// for oneway calls, are gone as long as the process lives.
func TestUnwritableOneway(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(nonblock), b.open().thread()
	c.send(c.call(0, oneway(1, "a")), c.call(0, oneway(2, "b")))
	mgr.ready()
	mgr.hole(4)
	mgr.send(freeBuffer(mgr.p.Base))
	mgr.idle()
	c.expect(noop, complete, complete)
	c.start(readSize, c.call(0, msg(3, "c")))
	mgr.ready()
	q := mgr.got(noop, "TRANSACTION").text("c")
	if q.Buffer != mgr.p.Base+16 {
		t.Errorf("buffer at +%d, want +16: behind those of the oneway calls", q.Buffer-mgr.p.Base)
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
	mgr.idle()
}

// BR_SPAWN_LOOPER has a place of its own, the very start of the buffer, and is written last.
func TestUnwritableSpawnLooper(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open(nonblock).looper()
	c.maxThreads(1)
	c.send(c.call(0, oneway(1, "a")))
	var at ioctl.Address
	c.p.do("Actor.Sealed", []byte(nil), &at) // a page that cannot be written, behind it one that can
	r := c.raw(ioctl.WriteRead{ReadSize: 8192, ReadConsumed: 4096, ReadBuffer: at})
	if r.Errno != unix.EFAULT || r.WriteRead.ReadConsumed != 4100 {
		t.Errorf("%v, %d read; want EFAULT, 4100", r.Errno, r.WriteRead.ReadConsumed)
	}
	c.idle() // all the same, it was read
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
}
