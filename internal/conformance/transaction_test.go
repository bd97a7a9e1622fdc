package conformance

import (
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestCallAndReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	mgr.park()
	c.start(readSize, c.call(0, msg(7, "question").with(ioctl.TF_ACCEPT_FDS|ioctl.TF_ROOT_OBJECT)))
	q := mgr.got(noop, "TRANSACTION").text("question")
	want := ioctl.TransactionData{
		Code: 7, Flags: ioctl.TF_ACCEPT_FDS | ioctl.TF_ROOT_OBJECT,
		SenderPID: int32(os.Getpid()), SenderEUID: uint32(os.Geteuid()),
		DataSize: 8, Buffer: mgr.p.Base, Offsets: mgr.p.Base + 8,
	}
	if d := cmp.Diff(want, q.TransactionData); d != "" {
		t.Errorf("BR_TRANSACTION (-want +got):\n%s", d)
	}
	mgr.send(mgr.reply(msg(9, "answer.").with(ioctl.TF_STATUS_CODE)), q.free())
	mgr.expect(noop, complete)
	r := c.got(noop, complete, "REPLY").text("answer.")
	want = ioctl.TransactionData{
		Code: 9, Flags: ioctl.TF_STATUS_CODE, SenderEUID: uint32(os.Geteuid()),
		DataSize: 7, Buffer: c.p.Base, Offsets: c.p.Base + 8, // aligned to 8
	}
	if d := cmp.Diff(want, r.TransactionData); d != "" {
		t.Errorf("BR_REPLY (-want +got):\n%s", d)
	}
	c.send(r.free())
	c.wantError(ioctl.BR_OK, 0)
}

func TestFlagsTravelUnfiltered(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.start(readSize, c.call(0, msg(0xffffffff, "x").with(0xfffffffe&^ioctl.TF_ONE_WAY)))
	q := mgr.got(noop, "TRANSACTION")
	if q.Flags != 0xfffffffe || q.Code != 0xffffffff {
		t.Errorf("flags %#x code %#x", uint32(q.Flags), uint32(q.Code))
	}
	mgr.ask([]command{mgr.reply(msg(0, "").with(0xffffffff))}, noop, complete)
	if r := c.got(noop, complete, "REPLY"); r.Flags != 0xffffffff {
		t.Errorf("reply flags %#x", uint32(r.Flags))
	}
}

func TestEmptyParcel(t *testing.T) {
	// A transaction without data still has a buffer, which must be freed.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	if q.DataSize != 0 || q.OffsetsSize != 0 || q.Buffer != mgr.p.Base {
		t.Errorf("got %+v", q.TransactionData)
	}
	mgr.ask([]command{q.free(), mgr.reply(msg(0, ""))}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	if r.Buffer != c.p.Base {
		t.Errorf("reply buffer at %#x, want %#x", r.Buffer, c.p.Base)
	}
}

func TestSenderEUID(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	b := newBus(t)
	if err := os.Chmod(b.path, 0o666); err != nil {
		t.Logf("chmod: %v", err)
	}
	mgr := b.manager()
	p := b.spawnAs(asUser(4242))
	c := p.thread()
	c.start(readSize, c.call(0, msg(1, "who am I")))
	q := mgr.got(noop, "TRANSACTION")
	if q.SenderEUID != 4242 || q.SenderPID != int32(p.PID) {
		t.Errorf("sender pid %d euid %d, want %d, 4242", q.SenderPID, q.SenderEUID, p.PID)
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	if r := c.got(noop, complete, "REPLY"); r.SenderEUID != 0 || r.SenderPID != 0 {
		t.Errorf("reply from pid %d euid %d, want 0, 0", r.SenderPID, r.SenderEUID)
	}
}

func TestCompleteIsDeferredForCallsOnly(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	c := b.open(nonblock).thread()

	// After a call there is nothing to read until the reply is there; then both come at once.
	if r := c.try(readSize, c.call(0, msg(1, "a"))); r.Errno != unix.EAGAIN || len(r.Read) != 0 {
		t.Fatalf("read after a call: %v, %d bytes; want EAGAIN", r.Errno, len(r.Read))
	}
	c.idle()
	q := mgr.got(noop, "TRANSACTION")
	c.idle()

	// A reply is completed at once.
	mgr.send(mgr.reply(msg(0, "b")), q.free())
	mgr.ready()
	mgr.expect(noop, complete)
	c.ready()
	c.send(c.got(noop, complete, "REPLY").free())

	// So is a oneway call.
	c.send(c.call(0, oneway(1, "c")))
	c.ready()
	c.expect(noop, complete)
	mgr.send(mgr.got(noop, "TRANSACTION").free())

	// A deferred completion comes along with whatever else wakes the thread.
	c.send(c.call(0, msg(1, "d")))
	q = mgr.got(noop, "TRANSACTION")
	c.send(c.call(0, oneway(2, "e"))) // allowed while the call is out
	c.expect(noop, complete, complete)
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, "REPLY")
	mgr.got(noop, "TRANSACTION").text("e")
}

func TestSeveralCommandsInOneWrite(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a")), c.call(0, oneway(2, "b")), c.call(0, oneway(3, "c"))}, noop, complete, complete, complete)
	for _, s := range []string{"a", "b", "c"} {
		mgr.send(mgr.got(noop, "TRANSACTION").text(s).free())
	}
}

func TestSecondCallWhileOneIsOut(t *testing.T) {
	// A thread that waits for a reply cannot make another call, unless it serves a nested one.
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).thread()
	c.send(c.call(0, msg(1, "a")))
	c.send(c.call(0, msg(2, "b")))
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
	q := mgr.got(noop, "TRANSACTION").text("a")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, "REPLY")
}

func TestReplyWithoutTransaction(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	c.ask([]command{c.reply(msg(1, "to whom?"))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
	// While a call of its own is out, the thread has a stack, but nobody to answer.
	c.send(c.call(0, msg(1, "a")))
	c.send(c.reply(msg(1, "to whom?")))
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
}

func TestReplyOnAnotherThread(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	other := mgr.p.looper()
	c.start(readSize, c.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	other.ask([]command{other.reply(msg(0, "wrong thread"))}, noop, "FAILED_REPLY")
	other.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
	mgr.ask([]command{mgr.reply(msg(0, "right thread")), q.free()}, noop, complete)
	c.got(noop, complete, "REPLY").text("right thread")
}

func TestReplyToOneway(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "nobody asked"))}, noop, "FAILED_REPLY")
}

func TestFailureStopsTheWrite(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	bad, good := c.call(99, msg(1, "a")), c.call(0, oneway(2, "b"))
	r := c.try(0, bad, good)
	if r.Errno != 0 || r.Consumed != uint64(len(bad)) {
		t.Errorf("%v, %d consumed; want 0, %d", r.Errno, r.Consumed, len(bad))
	}
	// Until the failure has been read, nothing more is taken.
	if r := c.try(0, good); r.Errno != 0 || r.Consumed != 0 {
		t.Errorf("%v, %d consumed; want 0, 0", r.Errno, r.Consumed)
	}
	if r := c.try(readSize, good); r.Errno != 0 || r.Consumed != 0 {
		t.Errorf("%v, %d consumed; want 0, 0", r.Errno, r.Consumed)
	} else if es, _ := events(r.Read); !cmp.Equal(names(es), []string{noop, "FAILED_REPLY"}) {
		t.Errorf("read %v", names(es))
	}
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	c.ask([]command{good}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("b")
}

func TestFailedReply(t *testing.T) {
	// A reply that cannot be delivered tells the caller; the replier gets its completion, and the
	// write stops there as after any failure.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.start(readSize, c.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	reply := mgr.reply(msg(0, "").handle(4711))
	if r := mgr.try(0, reply, q.free()); r.Errno != 0 || r.Consumed != uint64(len(reply)) {
		t.Errorf("%v, %d consumed; want 0, %d", r.Errno, r.Consumed, len(reply))
	}
	mgr.expect(noop, complete)
	mgr.wantError(ioctl.BR_OK, 0)
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	mgr.send(q.free())
	// The transaction is over: there is nothing left to reply to.
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, "FAILED_REPLY")
}

func TestExtendedErrorIsOfTheThread(t *testing.T) {
	b := newBus(t)
	p := b.open()
	c, other := p.thread(), p.thread()
	c.ask([]command{c.call(5, msg(1, ""))}, noop, "FAILED_REPLY")
	other.wantError(ioctl.BR_OK, 0)
	e := c.extendedError()
	if e.ID == 0 || e.Command != ioctl.BR_FAILED_REPLY {
		t.Errorf("got %+v", e)
	}
	if e := c.extendedError(); e != (ioctl.ExtendedError{Command: ioctl.BR_OK}) {
		t.Errorf("after it was fetched: %+v", e)
	}
}
