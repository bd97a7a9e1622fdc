package conformance

import (
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// Why a reply failed is told to the caller; of its own last transaction a thread is told whether
// it succeeded, with its id.
func TestExtendedErrorOfAReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(mapped(64<<10)).thread()
	f := mgr.p.newFile("")
	for _, tc := range []struct {
		name  string
		reply *message
		errno unix.Errno
	}{
		{"no descriptors", msg(0, "").fd(f), unix.EPERM},
		{"no room", msg(0, strings.Repeat("x", 65<<10)), unix.ENOSPC},
		{"no such object", msg(0, "").handle(4711), unix.EINVAL},
		{"fine", msg(0, ""), 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.start(readSize, c.call(0, msg(1, "")))
			q := mgr.got(noop, "TRANSACTION")
			mgr.extendedError()
			mgr.ask([]command{mgr.reply(tc.reply)}, noop, complete)
			mgr.send(q.free())
			e := mgr.extendedError()
			if e.ID == 0 || e.Command != ioctl.BR_OK || e.Param != 0 {
				t.Errorf("the replier's: %+v, want an id and success", e)
			}
			if tc.errno == 0 {
				c.send(c.got(noop, complete, "REPLY").free())
				e = c.extendedError()
				if e.ID == 0 || e.Command != ioctl.BR_OK {
					t.Errorf("the caller's: %+v, want an id and success", e)
				}
				return
			}
			c.expect(noop, complete, "FAILED_REPLY")
			got := c.extendedError()
			if got.ID != e.ID || got.Command != ioctl.BR_FAILED_REPLY || got.Param != -int32(tc.errno) {
				t.Errorf("the caller's: %+v, want %+v's id and %v", got, e, tc.errno)
			}
		})
	}
}

// A success does away with the error before it.
func TestExtendedErrorOfTheLastTransaction(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "").handle(4711))}, noop, "FAILED_REPLY")
	c.ask([]command{c.call(0, oneway(1, ""))}, noop, complete)
	c.wantError(ioctl.BR_OK, 0)
	c.ask([]command{c.call(0, oneway(1, "").handle(4711))}, noop, "FAILED_REPLY")
	c.ask([]command{c.reply(msg(0, ""))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPROTO)
}

// A sender of too much to a frozen process hears that it is frozen, not that it is a suspect.
func TestOnewaySpamToTheFrozen(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn(mapped(256<<10)).looper()
	c := b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	if errno := c.ioctl32(ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, 1); errno != 0 {
		t.Fatal(errno)
	}
	c.freeze(s.p, 1, 0)
	big := oneway(1, string(make([]byte, 8<<10)))
	for range 15 { // 120 of 128 KiB
		c.ask([]command{c.call(h, big)}, noop, "TRANSACTION_PENDING_FROZEN")
	}
	c.freeze(s.p, 0, 0)
	c.ask([]command{c.call(h, oneway(1, ""))}, noop, complete) // it was told, so to say
	c.ask([]command{c.call(h, big)}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
}
