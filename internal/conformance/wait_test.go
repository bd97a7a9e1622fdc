package conformance

import (
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func TestNonblock(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open(nonblock).looper()
	if r := c.try(readSize); r.Errno != unix.EAGAIN || len(r.Read) != 0 {
		t.Errorf("read: %v, %d bytes", r.Errno, len(r.Read))
	}
	// What was written before stays written, and is told.
	call := c.call(0, msg(1, "a"))
	if r := c.try(readSize, call); r.Errno != unix.EAGAIN || r.Consumed != uint64(len(call)) || len(r.Read) != 0 {
		t.Errorf("call: %v, %d consumed, %d bytes", r.Errno, r.Consumed, len(r.Read))
	}
}

func TestPoll(t *testing.T) {
	for _, epoll := range []bool{false, true} {
		name := "poll"
		if epoll {
			name = "epoll"
		}
		t.Run(name, func(t *testing.T) {
			b := newBus(t)
			mgr, c := b.manager(), b.open().thread()
			wait := func(th *thread, d time.Duration) int {
				t.Helper()
				var r PollReply
				th.p.do("Actor.Poll", PollArgs{th.args(), d, epoll}, &r)
				if r.Err != "" {
					t.Fatal(r.Err)
				}
				return r.Events
			}
			plain := mgr.p.thread() // not a looper: hears of the process's work all the same
			for _, th := range []*thread{mgr, plain} {
				if e := wait(th, 0); e != 0 {
					t.Errorf("before: %#x", e)
				}
			}
			c.send(c.call(0, oneway(1, "a")))
			for _, th := range []*thread{mgr, plain, mgr} { // asking takes nothing away
				if e := wait(th, patience/2); e != unix.POLLIN {
					t.Errorf("process work: %#x, want POLLIN", e)
				}
			}
			if e := wait(c, patience/2); e != unix.POLLIN {
				t.Errorf("own completion: %#x, want POLLIN", e)
			}
			c.expect(noop, complete)
			if e := wait(c, 0); e != 0 {
				t.Errorf("after reading: %#x", e)
			}
			mgr.send(mgr.got(noop, "TRANSACTION").free())
			if e := wait(mgr, 0); e != 0 {
				t.Errorf("after reading: %#x", e)
			}
		})
	}
}

func TestPollWakesUp(t *testing.T) {
	for _, epoll := range []bool{false, true} {
		b := newBus(t)
		mgr, c := b.manager(), b.open().thread()
		done := make(chan PollReply, 1)
		go func() {
			var r PollReply
			mgr.p.host.Call("Actor.Poll", PollArgs{mgr.args(), patience, epoll}, &r)
			done <- r
		}()
		time.Sleep(30 * time.Millisecond) // most likely it sleeps by now; if not, the test is easier
		c.send(c.call(0, oneway(1, "a")))
		if r := <-done; r.Events != unix.POLLIN || r.Err != "" {
			t.Errorf("poll: %#x %s", r.Events, r.Err)
		}
	}
}

func TestPollForAReply(t *testing.T) {
	// A thread that called polls for its reply, not for the process's work.
	b := newBus(t)
	mgr, c := b.manager(), b.open().looper()
	o := b.open().looper()
	h := publish(mgr, c, o, node{0xc, 1})
	c.send(c.call(0, msg(1, "a")))
	q := mgr.got(noop, "TRANSACTION")
	o.ask([]command{o.call(h, oneway(1, "work"))}, noop, complete)
	c.idle()
	mgr.ask([]command{mgr.reply(msg(0, "r")), q.free()}, noop, complete)
	c.ready()
	c.got(noop, complete, "REPLY").text("r")
	c.ready()
	c.got(noop, "TRANSACTION").text("work")
}

func TestThreadWorkIsTheThreadsOwn(t *testing.T) {
	b := newBus(t)
	b.manager()
	p := b.open()
	c, other := p.looper(), p.looper()
	c.send(c.call(0, oneway(1, "a")))
	other.idle()
	c.expect(noop, complete)
}

func TestProcessWorkIsForAnyThread(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	other := mgr.p.looper()
	c.send(c.call(0, oneway(1, "a")), c.call(0, oneway(1, "b")))
	q := other.got(noop, "TRANSACTION").text("a")
	mgr.send(q.free())
	mgr.got(noop, "TRANSACTION").text("b")
}

func TestInterruptedRead(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().looper()
	call := c.call(0, oneway(1, "once"))
	done := make(chan RawReply, 1)
	buf := c.p.put(make([]byte, 256))
	// The completion of the oneway call ends a first read; the second one waits.
	r := c.raw(ioctl.WriteRead{WriteSize: uint64(len(call)), WriteBuffer: c.p.put(call), ReadSize: 256, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 8 {
		t.Fatalf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
	for range 3 {
		call2 := c.call(0, oneway(1, "x"))[:0]
		sync := append(call2, acquire(0)...)
		go func() {
			var r RawReply
			c.p.host.Call("Actor.Raw", RawArgs{c.args(), ioctl.WriteRead{WriteSize: uint64(len(sync)), WriteBuffer: c.p.put(sync), ReadSize: 256, ReadBuffer: buf}}, &r)
			done <- r
		}()
		var r RawReply
		await(t, "the signal ends the wait", func() bool {
			c.p.do("Actor.Signal", SignalArgs{c.args(), unix.SIGURG}, new(int))
			select {
			case r = <-done:
				return true
			case <-time.After(20 * time.Millisecond):
				return false
			}
		})
		if r.Errno != unix.EINTR || r.WriteRead.WriteConsumed != uint64(len(sync)) || r.WriteRead.ReadConsumed != 0 {
			t.Errorf("%v, %d written, %d read; want EINTR, %d, 0", r.Errno, r.WriteRead.WriteConsumed, r.WriteRead.ReadConsumed, len(sync))
		}
	}
	mgr.send(mgr.got(noop, "TRANSACTION").text("once").free())
	mgr.idle()
}

func TestInterruptedCallerStillGetsItsReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.park(c.call(0, msg(1, "a"))) // the actor goes on after EINTR with what is left to write: nothing
	for range 20 {
		c.p.do("Actor.Signal", SignalArgs{c.args(), unix.SIGURG}, new(int))
	}
	q := mgr.got(noop, "TRANSACTION").text("a")
	for range 20 {
		c.p.do("Actor.Signal", SignalArgs{c.args(), unix.SIGURG}, new(int))
	}
	mgr.ask([]command{mgr.reply(msg(0, "r")), q.free()}, noop, complete)
	c.got(noop, complete, "REPLY").text("r")
	mgr.idle() // it was sent once
}

func TestFlushWakesTheThreads(t *testing.T) {
	// Each close of a copy of the descriptor lets the waiting threads return, empty-handed.
	b := newBus(t)
	mgr := b.manager()
	p := b.open()
	looper, caller := p.looper(), p.thread()
	looper.park()
	caller.park(caller.call(0, msg(1, "a")))
	p.flush()
	looper.expect(noop)
	caller.expect(noop, complete) // the deferred completion was there to take along
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	caller.expect(noop, "REPLY")
}

func TestFlushReachesThreadsThatAreNotWaiting(t *testing.T) {
	// A thread that is elsewhere returns from its next read instead.
	b := newBus(t)
	p := b.open()
	th := p.looper()
	p.flush()
	await(t, "poll says that the thread should come", func() bool { return th.poll(0) == unix.POLLIN })
	th.expect(noop)
	th.idle()
}
