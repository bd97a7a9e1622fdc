package conformance

import (
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
