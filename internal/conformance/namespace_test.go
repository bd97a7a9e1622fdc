package conformance

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// inPIDNamespace starts a process as the first of a new pid namespace.
func (b *bus) inPIDNamespace(opts ...option) *process {
	b.t.Helper()
	if unix.Geteuid() != 0 {
		b.t.Skip("only root makes pid namespaces")
	}
	return b.spawnAs(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}, opts...)
}

func TestSenderPIDIsTheReceiversName(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	inner := b.inPIDNamespace()
	if inner.PID != 1 {
		t.Fatalf("pid %d in a new namespace", inner.PID)
	}
	c := inner.thread()
	c.send(c.call(0, msg(1, "from inside").binder(node{0x10, 1})))
	q := mgr.got(noop, "TRANSACTION")
	if want := int32(inner.host.cmd.Process.Pid); q.SenderPID != want {
		t.Errorf("outside sees pid %d, want %d", q.SenderPID, want)
	}
	h := q.handle(0)
	mgr.send(acquire(h))
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, complete)
	c.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete, "REPLY")
	// Inside, an outsider has no name.
	mgr.send(mgr.call(h, msg(2, "from outside")))
	if q := c.got(noop, "TRANSACTION").text("from outside"); q.SenderPID != 0 {
		t.Errorf("inside sees pid %d, want 0", q.SenderPID)
	}
}

// The sender's euid is told as the receiver's user namespace has it, and as -1 if that has no name
// for it.
func TestSenderEUIDIsTheReceiversName(t *testing.T) {
	if unix.Geteuid() != 0 {
		t.Skip("only root maps any uid")
	}
	b := newBus(t)
	if err := os.Chmod(b.path, 0o666); err != nil {
		t.Logf("chmod: %v", err)
	}
	mgr := b.manager()
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 100000, Size: 10}, {ContainerID: 500, HostID: 4242, Size: 1}}
	inner := b.spawnAs(&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Credential: &syscall.Credential{}})
	c := inner.thread()
	c.send(c.call(0, msg(1, "from inside").binder(node{0x10, 1})))
	q := mgr.got(noop, "TRANSACTION")
	if q.SenderEUID != 100000 {
		t.Errorf("outside sees euid %d, want 100000", q.SenderEUID)
	}
	h := q.handle(0)
	mgr.send(acquire(h))
	mgr.ask([]command{mgr.reply(msg(0, "").handle(h))}, noop, complete)
	c.expect(noop, "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", complete, "REPLY")
	for _, test := range []struct{ outside, inside uint32 }{{0, ^uint32(0)}, {4242, 500}, {100003, 3}} {
		p := mgr.p
		if test.outside != 0 {
			p = b.spawnAs(asUser(test.outside))
		}
		th := p.thread()
		to := h
		if p != mgr.p {
			th.send(th.call(0, msg(2, "give me the inner one")))
			mgr.ask([]command{mgr.reply(msg(0, "").handle(h)), mgr.got(noop, "TRANSACTION").free()}, noop, complete)
			to = th.got(noop, complete, "REPLY").handle(0)
		}
		th.send(th.call(to, oneway(3, "who am I")))
		q := c.got(noop, "TRANSACTION")
		if q.SenderEUID != test.inside {
			t.Errorf("inside sees euid %d as %d, want %d", test.outside, q.SenderEUID, test.inside)
		}
		c.send(q.free())
	}
}
