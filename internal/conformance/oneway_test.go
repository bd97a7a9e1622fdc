package conformance

import (
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func TestOneway(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(3, "news"))}, noop, complete)
	q := mgr.got(noop, "TRANSACTION").text("news")
	if q.SenderPID != 0 || q.SenderEUID != uint32(os.Geteuid()) || q.Flags != ioctl.TF_ONE_WAY || q.Code != 3 {
		t.Errorf("got %+v", q.TransactionData)
	}
}

func TestOneOnewayAtATime(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a")), c.call(0, oneway(1, "b")), c.call(0, oneway(1, "c"))}, noop, complete, complete, complete)
	qa := mgr.got(noop, "TRANSACTION").text("a")
	mgr.idle() // the next waits until this one's buffer is free

	// A call overtakes the waiting ones.
	c.start(readSize, c.call(0, msg(2, "call")))
	q := mgr.got(noop, "TRANSACTION").text("call")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.send(c.got(noop, complete, "REPLY").free())
	mgr.idle()

	mgr.send(qa.free())
	qb := mgr.got(noop, "TRANSACTION").text("b")
	mgr.idle()
	// Freeing a buffer that is not a oneway call's releases nothing.
	c.start(readSize, c.call(0, msg(2, "call")))
	q = mgr.got(noop, "TRANSACTION").text("call")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.send(c.got(noop, complete, "REPLY").free())
	mgr.idle()
	mgr.send(qb.free())
	mgr.send(mgr.got(noop, "TRANSACTION").text("c").free())
	mgr.idle()
}

func TestOnewayIsPerNode(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	s, c := b.open().looper(), b.open().thread()
	n1, n2 := node{0x10, 1}, node{0x20, 2}
	h1, h2 := publish(mgr, s, c, n1), publish(mgr, s, c, n2)
	c.ask([]command{
		c.call(h1, oneway(1, "1a")), c.call(h1, oneway(1, "1b")),
		c.call(h2, oneway(1, "2a")), c.call(h2, oneway(1, "2b")),
	}, noop, complete, complete, complete, complete)
	a1 := s.got(noop, "TRANSACTION").text("1a")
	a2 := s.got(noop, "TRANSACTION").text("2a")
	s.idle()
	s.send(a2.free())
	s.got(noop, "TRANSACTION").text("2b")
	s.idle()
	s.send(a1.free())
	s.got(noop, "TRANSACTION").text("1b")
}

func TestNextOnewayGoesToTheProcess(t *testing.T) {
	// The oneway call released by BC_FREE_BUFFER is work of the process, not of the thread.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a")), c.call(0, oneway(1, "b"))}, noop, complete, complete)
	q := mgr.got(noop, "TRANSACTION")
	other := mgr.p.looper()
	other.park()
	mgr.send(q.free())
	other.got(noop, "TRANSACTION").text("b")
}

func TestOnewayHalfOfTheBuffer(t *testing.T) {
	b := newBus(t)
	mgr := b.manager(mapped(64 << 10))
	c := b.open().thread()
	big := oneway(1, string(make([]byte, 20<<10)))
	c.ask([]command{c.call(0, big)}, noop, complete)
	// 20 KiB of the 32 for oneway are used: another 20 do not fit, although calls have room.
	c.ask([]command{c.call(0, big)}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
	c.start(readSize, c.call(0, msg(2, string(make([]byte, 40<<10)))))
	q1 := mgr.got(noop, "TRANSACTION")
	q2 := mgr.got(noop, "TRANSACTION")
	if q1.Code != 1 || q2.Code != 2 {
		t.Fatalf("codes %d, %d", q1.Code, q2.Code)
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q2.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
	mgr.send(q1.free())
	c.ask([]command{c.call(0, big)}, noop, complete)
}

func TestOnewayToTheExactHalf(t *testing.T) {
	for _, tc := range []struct {
		size int
		ok   bool
	}{{32<<10 - 8, true}, {32 << 10, true}, {32<<10 + 1, false}} {
		b := newBus(t)
		b.manager(mapped(64 << 10))
		c := b.open().thread()
		want := complete
		if !tc.ok {
			want = "FAILED_REPLY"
		}
		r := c.try(readSize, c.call(0, oneway(1, string(make([]byte, tc.size)))))
		es, _ := events(r.Read)
		if len(es) != 2 || es[1].String() != want {
			t.Errorf("%d bytes: %v, want %s", tc.size, names(es), want)
		}
	}
}

func TestOnewaySpam(t *testing.T) {
	// A sender that asked for it is told when it has filled most of somebody's room for oneway
	// calls: less than a tenth of the buffer is left, and more than a quarter of it is the sender's.
	b := newBus(t)
	b.manager(mapped(256 << 10))
	c := b.open().thread()
	quiet := b.spawn().thread()
	big := oneway(1, string(make([]byte, 8<<10)))
	for range 12 { // 96 of 128 KiB
		c.ask([]command{c.call(0, big)}, noop, complete)
	}
	if errno := c.ioctl32(ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, 1); errno != 0 {
		t.Fatal(errno)
	}
	quiet.ask([]command{quiet.call(0, big)}, noop, complete) // 24 KiB left, but this one has sent little
	c.ask([]command{c.call(0, oneway(1, ""))}, noop, "ONEWAY_SPAM_SUSPECT")
	c.ask([]command{c.call(0, oneway(1, ""))}, noop, complete) // told once
	quiet.ask([]command{quiet.call(0, oneway(1, ""))}, noop, complete)
}
