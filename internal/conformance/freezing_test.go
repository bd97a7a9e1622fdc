package conformance

import (
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// startFreeze begins a BINDER_FREEZE and waits until its thread sleeps in it.
func (th *thread) startFreeze(p *process, ms uint32) (finish func() unix.Errno) {
	th.p.t.Helper()
	b := make([]byte, ioctl.SizeofFreezeInfo)
	(&ioctl.FreezeInfo{PID: uint32(p.PID), Enable: 1, TimeoutMS: ms}).Encode(b)
	done := make(chan IoctlReply, 1)
	go func() {
		var r IoctlReply
		if err := th.p.host.Call("Actor.Ioctl", IoctlArgs{ThreadArgs: th.args(), Request: ioctl.BINDER_FREEZE, Arg: b}, &r); err != nil {
			r.Errno = unix.EPIPE
		}
		done <- r
	}()
	await(th.p.t, "the thread sleeps in its ioctl", func() bool { return sleeps(th.p.PID, th.TID) })
	return func() unix.Errno {
		th.p.t.Helper()
		select {
		case r := <-done:
			return r.Errno
		case <-time.After(patience):
			th.p.t.Fatal("BINDER_FREEZE has not ended")
			panic("unreachable")
		}
	}
}

const long = 1000 * 1000 // milliseconds: longer than any test's patience

func TestFreezeEndsWithTheLastCall(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.start(readSize, c.call(h, msg(1, "pending")))
	q := s.got(noop, "TRANSACTION")
	other := b.open().thread()
	finish := other.startFreeze(s.p, long)
	// Nobody is served meanwhile.
	third := b.open().thread()
	h3 := publish(mgr, s, third, node{0x20, 1}) // which takes calls of s's own, and they are allowed
	third.ask([]command{third.call(h3, msg(1, "no"))}, noop, "FROZEN_REPLY")
	third.wantError(ioctl.BR_FROZEN_REPLY, 0)
	s.ask([]command{s.reply(msg(0, "")), q.free()}, noop, complete)
	if errno := finish(); errno != 0 {
		t.Errorf("with the call answered: %v", errno)
	}
	c.expect(noop, complete, "REPLY")
	if y, a := other.frozen(s.p); y != 1 || a != 0 {
		t.Errorf("recv %d, %d; want 1, 0", y, a)
	}
	c.ask([]command{c.call(h, msg(1, "no"))}, noop, "FROZEN_REPLY")
	other.freeze(s.p, 0, 0)
}

// A oneway call that was not read is something to wait for, too; its buffer is not.
func TestFreezeEndsWithTheLastOneway(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.ask([]command{c.call(h, oneway(1, "first"))}, noop, complete)
	c.ask([]command{c.call(h, oneway(1, "second"))}, noop, complete)
	other := b.open().thread()
	finish := other.startFreeze(s.p, long)
	q := s.got(noop, "TRANSACTION")
	q2 := s.next(q.free())
	if errno := finish(); errno != 0 {
		t.Error(errno)
	}
	s.send(q2.free())
	other.freeze(s.p, 0, 0)
}

// next writes and then reads one transaction.
func (th *thread) next(cs ...command) *parcel {
	th.p.t.Helper()
	th.start(readSize, cs...)
	return th.got(noop, "TRANSACTION")
}

// Whoever waits for an answer itself cannot be frozen, even at once.
func TestFreezeOfACaller(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().thread()
	c := b.open().thread()
	s.start(readSize, s.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	for _, ms := range []uint32{0, 20} {
		if errno := c.freeze(s.p, 1, ms); errno != unix.EAGAIN {
			t.Errorf("within %d ms: %v, want EAGAIN", ms, errno)
		}
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	s.expect(noop, complete, "REPLY")
	// The reply has been read: nothing is under way.
	if errno := c.freeze(s.p, 1, 0); errno != 0 {
		t.Error(errno)
	}
	// It may call others, and get the answer.
	s.start(readSize, s.call(0, msg(1, "")))
	q = mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	s.expect(noop, complete, "REPLY")
	c.freeze(s.p, 0, 0)
}

// A signal ends the wait. The driver's begins again if the handler says so (as Go's do); FUSE has
// no such answer, and says EINTR.
func TestFreezeInterrupted(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.send(c.call(h, msg(1, "pending")))
	other := b.open().thread()
	finish := other.startFreeze(s.p, pick[uint32](t, 500, long))
	other.p.do("Actor.Signal", SignalArgs{other.args(), unix.SIGURG}, new(int))
	if errno := finish(); errno != pick(t, unix.EAGAIN, unix.EINTR) {
		t.Errorf("%v", errno)
	}
	// And nothing is frozen.
	if y, a := other.frozen(s.p); y != 2 || a != 0 {
		t.Errorf("recv %d, %d; want 2, 0", y, a)
	}
	s.next()
	s.ask([]command{s.reply(msg(0, ""))}, noop, complete)
	c.expect(noop, complete, "REPLY")
	c.start(readSize, c.call(h, msg(1, "served")))
	s.next()
}

// The death of the process ends the wait, or at least does not fail it.
func TestFreezeOfOneThatDies(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.send(c.call(h, msg(1, "pending")))
	finish := b.open().thread().startFreeze(s.p, pick[uint32](t, 300, long))
	s.p.kill()
	if errno := finish(); errno != 0 {
		t.Error(errno)
	}
	c.expect(noop, complete, "DEAD_REPLY")
	if errno := c.freeze(s.p, 1, 0); errno != unix.EINVAL {
		t.Errorf("of the dead: %v, want EINVAL", errno)
	}
}

// All opens of a process are frozen, in all devices.
func TestFreezeOfAllOpens(t *testing.T) {
	b, b2 := newBus(t), newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	s2 := b2.openIn(s.p.host).looper()
	s2.becomeExt(node{2, 2}, 0)
	c2 := b2.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	if errno := c.freeze(s.p, 1, 0); errno != 0 {
		t.Fatal(errno)
	}
	c2.ask([]command{c2.call(0, msg(1, ""))}, noop, "FROZEN_REPLY")
	if y, a := c.frozen(s.p); y != 1 || a != 0 {
		t.Errorf("recv %d, %d; want 1, 0: of both opens", y, a)
	}
	c.ask([]command{c.call(h, oneway(1, ""))}, noop, "TRANSACTION_PENDING_FROZEN")
	if y, a := c2.frozen(s.p); y != 3 || a != 1 {
		t.Errorf("recv %d, %d; want 3, 1", y, a)
	}
	// Frozen once more: one open has a transaction to read now.
	if errno := c.freeze(s.p, 1, 0); errno != unix.EAGAIN {
		t.Errorf("again: %v, want EAGAIN", errno)
	}
	c.freeze(s.p, 0, 0)
	s.got(noop, "TRANSACTION")
	c2.start(readSize, c2.call(0, msg(1, "")))
	s2.got(noop, "TRANSACTION")
}

// Errors that come before the freezing is noticed.
func TestFrozenAfterOtherErrors(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.freeze(s.p, 1, 0)
	defer c.freeze(s.p, 0, 0)
	c.ask([]command{c.call(h, msg(1, "").handle(99))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	if y, a := c.frozen(s.p); y != 0 || a != 0 {
		t.Errorf("recv %d, %d; want 0, 0: nothing has come that far", y, a)
	}
	// An object in a refused call vanishes.
	c.ask([]command{c.call(h, msg(1, "").binder(node{0x77, 1}))}, noop, "FROZEN_REPLY")
	if i := c.nodeAfter(0); i.Pointer != 0 {
		t.Errorf("a node %#x is left", uint64(i.Pointer))
	}
}

func TestFreezeInTheMiddleOfACall(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().thread()
	s.start(readSize, s.call(0, msg(1, "").binder(node{0x10, 1})))
	q := mgr.got(noop, "TRANSACTION")
	h := q.handle(0)
	// Nothing is outstanding to it, so there is no wait; but it has a call out.
	if errno := b.open().thread().freeze(s.p, 1, long); errno != unix.EAGAIN {
		t.Errorf("%v, want EAGAIN", errno)
	}
	mgr.start(readSize, mgr.call(h, msg(2, "callback")))
	s.got(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete, "TRANSACTION").text("callback")
}

// Of oneway calls that are said to bring the one before up to date, a frozen process keeps the
// last one, if they wait behind another.
func TestUpdateTransaction(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().looper()
	c, c2 := b.spawn().thread(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	h2 := publish2(mgr, s, c2)
	c.freeze(s.p, 1, 0)
	const pending = "TRANSACTION_PENDING_FROZEN"
	update := func(code ioctl.Code, text string) *message { return oneway(code, text).with(ioctl.TF_UPDATE_TXN) }
	send := func(th *thread, h ioctl.Handle, m *message) {
		t.Helper()
		th.ask([]command{th.call(h, m)}, noop, pending)
	}
	send(c, h, update(1, "first")) // nothing is behind it: it stays
	send(c, h, update(1, "one"))
	send(c, h, update(2, "another code"))
	send(c, h, oneway(1, "without the flag"))
	send(c, h, update(1, "more flags").with(ioctl.TF_CLEAR_BUF))
	send(c2, h2, update(1, "another object"))
	send(c, h, update(1, "two"))   // in the place of "one", at the end
	send(c, h, update(1, "three")) // in the place of "two"
	c.freeze(s.p, 0, 0)
	send2 := func(m *message) { t.Helper(); c.ask([]command{c.call(h, m)}, noop, complete) }
	send2(update(1, "thawed")) // replaces nothing
	var got []string
	for i := range 7 {
		q := s.got(noop, "TRANSACTION")
		got = append(got, string(q.data))
		if i == 1 {
			continue // "another object" waits for no other
		}
		s.send(q.free())
	}
	want := []string{"first", "another object", "another code", "without the flag", "more flags", "three", "thawed"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("order (-want +got):\n%s", d)
	}
	s.idle()
}

// publish2 offers a second object.
func publish2(mgr, owner, client *thread) ioctl.Handle {
	mgr.p.t.Helper()
	return publish(mgr, owner, client, node{0x20, 1})
}

func TestFreezeNotificationsOfSeveral(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().looper()
	h := publish(mgr, s, c, node{0x10, 1})
	h2 := publish2(mgr, s, c)
	request := func(h ioctl.Handle, cookie ioctl.Cookie) command {
		return handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, cookie)
	}
	clear := func(h ioctl.Handle, cookie ioctl.Cookie) command {
		return handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, h, cookie)
	}
	done := func(cookie uint64) command { return bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, cookie) }
	c.freeze(s.p, 1, 0)
	// One for each read, and the present state first.
	c.send(request(h, 0xa), request(h2, 0xb))
	c.expect(noop, "FROZEN_BINDER 0xa 1")
	c.expect(noop, "FROZEN_BINDER 0xb 1")
	c.idle()
	c.send(done(0xa), done(0xb))
	// Thawed and frozen before anything was read: the last state is told, once.
	c.freeze(s.p, 0, 0)
	c.freeze(s.p, 1, 0)
	c.expect(noop, "FROZEN_BINDER 0xa 1")
	c.expect(noop, "FROZEN_BINDER 0xb 1")
	// There and back again before it was acknowledged: told again.
	c.freeze(s.p, 0, 0)
	c.freeze(s.p, 1, 0)
	c.ask([]command{done(0xa)}, noop, "FROZEN_BINDER 0xa 1")
	// Cleared while unacknowledged: the confirmation comes after the acknowledgement.
	c.send(clear(h, 0xa))
	c.idle()
	c.ask([]command{done(0xa)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xa")
	// Cleared while queued.
	c.ask([]command{done(0xb)}, noop, "FROZEN_BINDER 0xb 1")
	c.send(done(0xb))
	c.freeze(s.p, 0, 0)
	c.ask([]command{clear(h2, 0xb)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xb")
	// A new one after that. It goes with its handle.
	c.ask([]command{request(h, 0xc)}, noop, "FROZEN_BINDER 0xc 0")
	c.send(done(0xc), release(h))
	c.freeze(s.p, 1, 0)
	c.freeze(s.p, 0, 0)
	c.idle()
	if r := c.try(0, done(0xc)); r.Errno != unix.EINVAL {
		t.Errorf("DONE of one that is gone: %v, want EINVAL", r.Errno)
	}
	// A wrong cookie.
	c.ask([]command{request(h2, 0xd)}, noop, "FROZEN_BINDER 0xd 0")
	if r := c.try(0, clear(h2, 0xe)); r.Errno != unix.EINVAL {
		t.Errorf("clear with a wrong cookie: %v, want EINVAL", r.Errno)
	}
	// Thawing what is not frozen is told as well.
	c.send(done(0xd))
	c.freeze(s.p, 0, 0)
	c.expect(noop, "FROZEN_BINDER 0xd 0")
	c.send(done(0xd))
	// A freezing that fails is not.
	c2 := b.open().thread()
	h3 := publish(mgr, s, c2, node{0x30, 1})
	c2.send(c2.call(h3, msg(1, "")))
	if errno := c.freeze(s.p, 1, 0); errno != unix.EAGAIN {
		t.Errorf("%v, want EAGAIN", errno)
	}
	c.idle()
	// The dead are told nothing about, and take their subscribers' nothing away.
	s.p.kill()
	awaitDead(t, c, h2)
	c.idle()
	c.ask([]command{clear(h2, 0xd)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xd")
	c.send(request(h2, 0xf)) // accepted, and silent
	c.idle()
	c.ask([]command{clear(h2, 0xf)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xf")
}
