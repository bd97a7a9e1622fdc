package conformance

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func TestVersion(t *testing.T) {
	th := newBus(t).open().bareThread()
	if got := th.version(); got != ioctl.ProtocolVersion {
		t.Errorf("protocol version %d, want %d", got, ioctl.ProtocolVersion)
	}
}

func TestUnknownIoctl(t *testing.T) {
	th := newBus(t).open().thread()
	for _, tc := range []struct {
		name string
		req  ioctl.Request
		want syscall.Errno
	}{
		{"no such number", 0xc0046263, unix.EINVAL},
		{"no such letter", 0xc0047863, unix.EINVAL},
		{"idle timeout is not implemented", ioctl.BINDER_SET_IDLE_TIMEOUT, unix.EINVAL},
		{"idle priority is not implemented", ioctl.BINDER_SET_IDLE_PRIORITY, unix.EINVAL},
		{"right number, wrong size", ioctl.BINDER_VERSION + 4<<16, unix.EINVAL},
		{"right number, wrong direction", ioctl.BINDER_VERSION &^ (1 << 31), unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, errno := th.ioctl(tc.req, make([]byte, 64)); errno != tc.want {
				t.Errorf("got %v, want %v", errno, tc.want)
			}
		})
	}
}

func TestMaxThreadsTakesAnyNumber(t *testing.T) {
	th := newBus(t).open().thread()
	for _, n := range []uint32{0, 1, 15, 1 << 31, 1<<32 - 1} {
		th.maxThreads(n)
	}
}

func TestUnmappedProcess(t *testing.T) {
	// Without a mapping a process can do nothing that needs a buffer; calls to it die.
	b := newBus(t)
	mgr := b.openBeside(noMap).thread()
	mgr.become()
	c := b.open().thread()
	c.ask([]command{c.call(0, msg(1, "hello"))}, noop, "DEAD_REPLY")
	c.wantError(ioctl.BR_DEAD_REPLY, unix.ESRCH)
	c.ask([]command{encode(ioctl.BC_TRANSACTION, ioctl.TransactionData{DataSize: 1<<64 - 1})}, noop, "DEAD_REPLY")
	c.wantError(ioctl.BR_DEAD_REPLY, unix.ESRCH) // that comes first

	// Its own call fails only when the reply needs room.
	b2 := newBus(t)
	m2 := b2.manager()
	c2 := b2.open(noMap).thread()
	c2.start(readSize, c2.call(0, msg(1, "hello")))
	q := m2.got(noop, "TRANSACTION")
	m2.ask([]command{m2.reply(msg(0, "answer"))}, noop, complete)
	m2.send(q.free())
	c2.expect(noop, complete, "DEAD_REPLY")
	c2.wantError(ioctl.BR_DEAD_REPLY, unix.ESRCH)
}
