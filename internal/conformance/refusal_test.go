package conformance

import (
	"slices"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// The tests of this file, of unwritable_test.go and of argument_test.go complete the list of errors
// in README.md: what no story of the other files comes across.

// A command whose argument cannot be read is not begun, however much of it is there; what stands
// before it is done.
func TestCommandsUnreadable(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).thread()
	// Each would do something, or be refused for another reason, if it were whole.
	commands := map[string]command{
		"BC_INCREFS":                     incRefs(0),
		"BC_ACQUIRE":                     acquire(0),
		"BC_RELEASE":                     release(0),
		"BC_DECREFS":                     decRefs(0),
		"BC_INCREFS_DONE":                incRefsDone(node{1, 1}),
		"BC_ACQUIRE_DONE":                acquireDone(node{1, 1}),
		"BC_FREE_BUFFER":                 freeBuffer(c.p.Base),
		"BC_TRANSACTION":                 c.call(0, oneway(1, "")),
		"BC_REPLY":                       c.reply(msg(1, "")),
		"BC_TRANSACTION_SG":              c.gather(0, oneway(1, ""), 8),
		"BC_REPLY_SG":                    append(encode(ioctl.BC_REPLY_SG, c.p.transaction(0, msg(1, ""))), make([]byte, 8)...),
		"BC_REQUEST_DEATH_NOTIFICATION":  requestDeath(0, 1),
		"BC_CLEAR_DEATH_NOTIFICATION":    clearDeath(0, 1),
		"BC_DEAD_BINDER_DONE":            deadDone(1),
		"BC_REQUEST_FREEZE_NOTIFICATION": handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, 0, 1),
		"BC_CLEAR_FREEZE_NOTIFICATION":   handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, 0, 1),
		"BC_FREEZE_NOTIFICATION_DONE":    bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, 1),
	}
	for name, cmd := range commands {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{2, 4, 6, len(cmd) - 1} {
				stream := append(slices.Clone(exitLooper), cmd[:min(n, len(cmd)-1)]...)
				r := c.raw(ioctl.WriteRead{
					WriteSize: uint64(len(exitLooper) + len(cmd)), WriteBuffer: c.p.edge(stream),
					ReadSize: 256, ReadConsumed: 8, ReadBuffer: c.p.Scratch,
				})
				if r.Errno != unix.EFAULT || r.WriteRead.WriteConsumed != 4 || r.WriteRead.ReadConsumed != 0 {
					t.Errorf("%d bytes of it: %v, consumed %d and %d; want EFAULT, 4, 0", n, r.Errno, r.WriteRead.WriteConsumed, r.WriteRead.ReadConsumed)
				}
			}
			c.idle()
		})
	}
	mgr.idle()
}

// Freeze notifications are the only commands about handles whose mistakes fail the ioctl.
func TestFreezeCommandsRefused(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.open().looper(), b.open(nonblock).looper()
	h := publish(mgr, s, c, node{0x10, 1})
	other := publish(mgr, s, c, node{0x20, 1})
	request := func(h ioctl.Handle, cookie ioctl.Cookie) command {
		return handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, cookie)
	}
	clear := func(h ioctl.Handle, cookie ioctl.Cookie) command {
		return handleCookie(ioctl.BC_CLEAR_FREEZE_NOTIFICATION, h, cookie)
	}
	done := func(cookie uint64) command { return bc64(ioctl.BC_FREEZE_NOTIFICATION_DONE, cookie) }
	c.ask([]command{request(h, 0xa)}, noop, "FROZEN_BINDER 0xa 0")
	for _, tc := range []struct {
		name string
		cmd  command
	}{
		{"request for an unknown handle", request(99, 0xb)},
		{"request for handle 0 without a reference", request(0, 0xb)},
		{"second request", request(h, 0xb)},
		{"clear for an unknown handle", clear(99, 0xa)},
		{"clear of what was not asked for", clear(other, 0xa)},
		{"clear with a wrong cookie", clear(h, 0xb)},
		{"done with an unknown cookie", done(0xb)},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := c.try(readSize, exitLooper, tc.cmd, c.call(0, oneway(1, "never sent")))
			if r.Errno != unix.EINVAL || r.Consumed != 4 || len(r.Read) != 0 {
				t.Errorf("%v, %d consumed, %d read; want EINVAL, 4, 0", r.Errno, r.Consumed, len(r.Read))
			}
		})
	}
	// None of it did any harm.
	c.send(done(0xa))
	if r := c.try(0, done(0xa)); r.Errno != unix.EINVAL {
		t.Errorf("done a second time: %v, want EINVAL", r.Errno)
	}
	c.ask([]command{clear(h, 0xa)}, noop, "CLEAR_FREEZE_NOTIFICATION_DONE 0xa")
	mgr.idle()
}

func TestNodeInfoRefused(t *testing.T) {
	b := newBus(t)
	info := func(th *thread, in ioctl.NodeInfoForRef) unix.Errno {
		t.Helper()
		buf := make([]byte, ioctl.SizeofNodeInfoForRef)
		in.Encode(buf)
		_, errno := th.ioctl(ioctl.BINDER_GET_NODE_INFO_FOR_REF, buf)
		return errno
	}
	if errno := info(b.open().thread(), ioctl.NodeInfoForRef{}); errno != unix.EPERM {
		t.Errorf("where there is no manager: %v, want EPERM", errno)
	}
	mgr, o := b.manager(), b.open().thread()
	o.send(o.call(0, oneway(1, "").weakBinder(node{0x10, 1})))
	q := mgr.got(noop, "TRANSACTION")
	o0 := q.object(0)
	weak := o0.Handle()
	mgr.send(incRefs(weak), q.free())
	for _, tc := range []struct {
		name string
		in   ioctl.NodeInfoForRef
	}{
		{"weak handle", ioctl.NodeInfoForRef{Handle: weak}},
		{"its own handle 0", ioctl.NodeInfoForRef{}},
		{"strong count", ioctl.NodeInfoForRef{StrongCount: 1}},
		{"weak count", ioctl.NodeInfoForRef{WeakCount: 1}},
		{"first reserved word", ioctl.NodeInfoForRef{Reserved: [3]uint32{1, 0, 0}}},
		{"second reserved word", ioctl.NodeInfoForRef{Reserved: [3]uint32{0, 1, 0}}},
		{"third reserved word", ioctl.NodeInfoForRef{Reserved: [3]uint32{0, 0, 1}}},
	} {
		if errno := info(mgr, tc.in); errno != unix.EINVAL {
			t.Errorf("%s: %v, want EINVAL", tc.name, errno)
		}
	}
}

// A thread to which a nested call was brought has to read it before it calls anybody else.
func TestCallBeforeTheNestedOneIsRead(t *testing.T) {
	b := newBus(t)
	mgr, s, cp := b.manager(), b.open().looper(), b.open()
	c := cp.thread()
	h := publish(mgr, s, c, node{0x10, 1})
	back := publish(mgr, c, s, node{0xc, 1})
	c.send(c.call(h, msg(1, "out")))
	c.ask([]command{c.call(0, oneway(1, "takes the completion along"))}, noop, complete, complete)
	q := s.got(noop, "TRANSACTION").text("out")
	s.start(readSize, s.call(back, msg(2, "back")))
	c.ready()
	c.ask([]command{c.call(h, msg(3, "too early"))}, noop, "TRANSACTION")
	c.expect(noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
	c.ask([]command{c.reply(msg(0, "answer"))}, noop, complete)
	s.got(noop, complete, "REPLY").text("answer")
	s.ask([]command{s.reply(msg(0, "done")), q.free()}, noop, complete)
	c.got(noop, "REPLY").text("done")
}

// A handle whose owner is dead can be sent on like any other.
func TestHandlesOfTheDead(t *testing.T) {
	b := newBus(t)
	mgr, o, c, third := b.manager(), b.spawn().looper(), b.open(nonblock).looper(), b.open().looper()
	h := publish(mgr, o, c, node{0x10, 1})
	to := publish(mgr, third, c, node{0x3, 3})
	o.p.kill()
	awaitDead(t, c, h)
	c.ask([]command{c.call(to, oneway(1, "").handle(h).weakHandle(h))}, noop, complete)
	q := third.got(noop, "TRANSACTION")
	got := q.handle(0)
	third.send(acquire(got), q.free())
	third.ask([]command{third.call(got, msg(1, ""))}, noop, "DEAD_REPLY")
	third.wantError(ioctl.BR_DEAD_REPLY, unix.EINVAL)
	// Weakly alone, too.
	c.ask([]command{c.call(to, oneway(2, "").weakHandle(h))}, noop, complete)
	third.got(noop, "TRANSACTION")
	// A weak handle cannot be called, dead or not.
	third.send(incRefs(got), release(got))
	third.ask([]command{third.call(got, msg(1, ""))}, noop, "FAILED_REPLY")
	third.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
}

// With a security context the sizes add up to more than there are numbers; without a security
// module the driver does not come that far.
func TestSecurityContextTooLarge(t *testing.T) {
	b := newBus(t)
	mgr := b.openBeside().looper()
	mgr.becomeExt(node{1, 1}, ioctl.FLAT_BINDER_FLAG_TXN_SECURITY_CTX)
	c := b.open().thread()
	c.ask([]command{c.gather(0, oneway(1, "x"), 1<<64-8)}, noop, "FAILED_REPLY")
	e := c.extendedError()
	if errno := unix.Errno(-e.Param); e.Command != ioctl.BR_FAILED_REPLY || errno != unix.EINVAL && (!isKernel(t) || errno != unix.EOPNOTSUPP) {
		t.Errorf("%+v, want EINVAL", e)
	}
}
