package conformance

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// asUser starts a process as another user.
func asUser(uid uint32) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// dup duplicates a descriptor of this process.
func dup(t testing.TB, fd int) int {
	t.Helper()
	d, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// SetEUID changes the effective user of the actor's process.
func (a *Actor) SetEUID(uid int, _ *int) error { return syscall.Setresuid(-1, uid, -1) }

// Who a sender is, is its process's effective user at that time, not when it opened the device. Who may
// be the manager is a matter of the thread that asks, likewise.
func TestSenderEUIDIsThePresentOne(t *testing.T) {
	if unix.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	b := newBus(t)
	mgr, p := b.manager(), b.spawn()
	c := p.thread()
	for _, uid := range []int{0, 4242, 0, 17} {
		p.do("Actor.SetEUID", uid, new(int))
		c.ask([]command{c.call(0, oneway(1, ""))}, noop, complete)
		q := mgr.got(noop, "TRANSACTION")
		if q.SenderEUID != uint32(uid) {
			t.Errorf("sender euid %d, want %d", q.SenderEUID, uid)
		}
		mgr.send(q.free())
	}
	// In replies, too.
	p.do("Actor.SetEUID", 0, new(int))
	other := b.open().thread()
	h := publish(mgr, c, other, node{0x10, 1})
	other.start(readSize, other.call(h, msg(1, "")))
	c.got(noop, "TRANSACTION")
	p.do("Actor.SetEUID", 4242, new(int))
	c.ask([]command{c.reply(msg(0, ""))}, noop, complete)
	if r := other.got(noop, complete, "REPLY"); r.SenderEUID != 4242 {
		t.Errorf("replier's euid %d, want 4242", r.SenderEUID)
	}
}

func TestManagerEUIDIsThePresentOne(t *testing.T) {
	if unix.Getuid() != 0 {
		t.Skip("only root can become another user")
	}
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	p := b.spawn()
	th := p.thread()
	p.do("Actor.SetEUID", 4242, new(int))
	th.becomeExt(node{1, 1}, 0)
	p.kill()
	other := b.spawn()
	o := other.thread()
	become := func() unix.Errno { return o.ioctl32(ioctl.BINDER_SET_CONTEXT_MGR, 0) }
	await(t, "the place is free, but for that user", func() bool {
		errno := become()
		if errno != unix.EBUSY && errno != unix.EPERM {
			t.Fatalf("%v, want EPERM", errno)
		}
		return errno == unix.EPERM
	})
	other.do("Actor.SetEUID", 4242, new(int))
	if errno := become(); errno != 0 {
		t.Errorf("as that user: %v", errno)
	}
}
