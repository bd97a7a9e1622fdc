package conformance

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func (th *thread) freeze(p *process, enable, ms uint32) syscall.Errno {
	th.p.t.Helper()
	b := make([]byte, ioctl.SizeofFreezeInfo)
	(&ioctl.FreezeInfo{PID: uint32(p.PID), Enable: enable, TimeoutMS: ms}).Encode(b)
	_, errno := th.ioctl(ioctl.BINDER_FREEZE, b)
	return errno
}

func (th *thread) frozen(p *process) (sync, async uint32) {
	th.p.t.Helper()
	b := make([]byte, ioctl.SizeofFrozenStatus)
	(&ioctl.FrozenStatus{PID: uint32(p.PID)}).Encode(b)
	b, errno := th.ioctl(ioctl.BINDER_GET_FROZEN_INFO, b)
	if errno != 0 {
		th.p.t.Fatal(errno)
	}
	var s ioctl.FrozenStatus
	s.Decode(b)
	return s.SyncRecv, s.AsyncRecv
}

func TestFrozenProcess(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().looper()
	h := publish(mgr, s, c, node{0x10, 1})
	if errno := c.freeze(s.p, 1, 0); errno != 0 {
		t.Fatal(errno)
	}
	if y, a := c.frozen(s.p); y != 0 || a != 0 {
		t.Errorf("nothing came: %d, %d", y, a)
	}
	c.ask([]command{c.call(h, msg(1, "sync"))}, noop, "FROZEN_REPLY")
	c.wantError(ioctl.BR_FROZEN_REPLY, 0)
	if y, a := c.frozen(s.p); y != 1 || a != 0 {
		t.Errorf("after a call: %d, %d; want 1, 0", y, a)
	}
	c.ask([]command{c.call(h, oneway(2, "async"))}, noop, "TRANSACTION_PENDING_FROZEN")
	if y, a := c.frozen(s.p); y != 3 || a != 1 {
		t.Errorf("after a oneway call: %d, %d; want 3, 1: it is pending too", y, a)
	}
	if errno := c.freeze(s.p, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	if y, a := c.frozen(s.p); y != 2 || a != 0 {
		t.Errorf("after thawing: %d, %d; want 2, 0", y, a)
	}
	s.got(noop, "TRANSACTION").text("async")
	c.start(readSize, c.call(h, msg(1, "again")))
	s.got(noop, "TRANSACTION").text("again")
}

func TestFreezeWaitsForCalls(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	c.send(c.call(h, msg(1, "pending")))
	other := b.open().thread()
	if errno := other.freeze(s.p, 1, 0); errno != unix.EAGAIN {
		t.Errorf("with a call queued: %v, want EAGAIN", errno)
	}
	if errno := other.freeze(s.p, 1, 20); errno != unix.EAGAIN {
		t.Errorf("with a call queued, after a while: %v, want EAGAIN", errno)
	}
	q := s.got(noop, "TRANSACTION")
	if errno := other.freeze(s.p, 1, 20); errno != unix.EAGAIN {
		t.Errorf("with a call under way: %v, want EAGAIN", errno)
	}
	if y, _ := other.frozen(s.p); y != 2 {
		t.Errorf("sync %d, want 2: a call is pending", y)
	}
	s.ask([]command{s.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
	if errno := other.freeze(s.p, 1, 20); errno != 0 {
		t.Errorf("with nothing pending: %v", errno)
	}
	other.freeze(s.p, 0, 0)
}

func TestFreezeNotification(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().looper()
	h := publish(mgr, s, c, node{0x10, 1})
	request := handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, 0xf)
	// The first one tells how things are.
	c.ask([]command{request}, noop, "FROZEN_BINDER 0xf 0")
	c.send(bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 0xf))
	if r := c.try(0, request); r.Errno != unix.EINVAL {
		t.Errorf("a second request: %v, want EINVAL", r.Errno)
	}
	c.freeze(s.p, 1, 0)
	c.expect(noop, "FROZEN_BINDER 0xf 1")
	c.freeze(s.p, 0, 0) // told after the DONE
	c.idle()
	c.ask([]command{bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 0xf)}, noop, "FROZEN_BINDER 0xf 0")
	c.send(bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 0xf))
	if r := c.try(0, bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 0xf)); r.Errno != unix.EINVAL {
		t.Errorf("DONE of nothing: %v, want EINVAL", r.Errno)
	}
	c.ask([]command{handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, h, 0xf)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xf")
	if r := c.try(0, handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, h, 0xf)); r.Errno != unix.EINVAL {
		t.Errorf("clear of nothing: %v, want EINVAL", r.Errno)
	}
	if r := c.try(0, handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, 99, 0xf)); r.Errno != unix.EINVAL {
		t.Errorf("request for an unknown handle: %v, want EINVAL", r.Errno)
	}
}
