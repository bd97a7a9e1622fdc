package busd

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// The first ioctl of a thread does not wait.
func TestFirstReadReturnsAtOnce(t *testing.T) {
	w := newWorld(t)
	th := w.open().newThread()
	diff(t, "poll", uint32(PollIn), th.Poll(th.tid, false))
	th.exchange(nil)
	th.begin(nil)
	th.waits()
	w.finish(th.client)
}

func TestInterrupt(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)

	// What was written counts, though the wait ends.
	server.begin(enter)
	server.Interrupt(&server.call)
	server.fails(syscall.EINTR)
	if wc, rc := server.consumed(); wc != 4 || rc != 0 {
		t.Errorf("consumed %d, %d", wc, rc)
	}
	// One that comes before the wait.
	server.busy = true
	server.call.Replier, server.call.Arg, server.call.Interrupted = server, server.arg[:48], true
	wr := ioctl.WriteRead{ReadSize: 2048, ReadBuffer: server.base + 4096}
	wr.Encode(server.arg[:])
	server.Ioctl(&server.call)
	server.fails(syscall.EINTR)

	// One that comes after there is something to read is too late.
	caller.begin(caller.toCall(h, "x"))
	server.exchange(nil, "BR_TRANSACTION")
	server.Interrupt(&server.call)
	server.exchange(server.toReply("y"), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")

	// A caller's: the reply waits for its next read.
	caller.begin(caller.toCall(h, "x"))
	caller.Interrupt(&caller.call)
	caller.fails(syscall.EINTR)
	w.check()
	server.exchange(nil, "BR_TRANSACTION")
	server.exchange(server.toReply("y"), "BR_TRANSACTION_COMPLETE")
	caller.begin(nil)
	caller.hears("y", "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	w.finish(server.client, caller.client)
}

// A very long write ends in between, and says how far it came.
func TestInterruptedWrite(t *testing.T) {
	w := newWorld(t)
	c := w.open().readyThread()
	const n = longWrite + 100
	at := memoryAt + 64<<10
	for i := range ioctl.Address(n) {
		copy(c.at(at+4*i, 4), enter)
	}
	c.onRead = func(from ioctl.Address) {
		if from > at+1024 {
			c.Interrupt(&c.call)
		}
	}
	c.issueWR(ioctl.WriteRead{WriteBuffer: at, WriteSize: 4 * n})
	c.fails(syscall.EINTR)
	wc, _ := c.consumed()
	diff(t, "consumed", uint64(4*(longWrite-1)), wc)
	c.onRead = nil
	c.issueWR(ioctl.WriteRead{WriteBuffer: at, WriteSize: 4 * n, WriteConsumed: wc})
	diff(t, "the rest", int32(0), c.wait())
	w.finish(c.client)
}

// Work that came for a thread whose wait is interrupted goes to another one.
func TestInterruptedThreadLeavesTheWork(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	other := server.client.readyThread()
	other.begin(enter)
	server.begin(enter)
	server.Interrupt(&server.call)
	server.fails(syscall.EINTR)
	caller.begin(caller.toCall(h, "x"))
	other.hears("x", "BR_TRANSACTION")
	w.finish(server.client, caller.client)
}

// A thread that was woken for work it has no room to read leaves it to the next.
func TestWorkWithoutRoom(t *testing.T) {
	w := newWorld(t)
	owner, sub := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(owner, 0x10, sub.client)
	sub.write(ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: h, Cookie: 7}))
	sub.begin(enter)
	short := sub.client.readyThread()
	short.issueWR(ioctl.WriteRead{ReadSize: 79, ReadBuffer: short.base + 4096})
	owner.Process.Release()
	if r := short.wait(); r != 0 {
		t.Error(r)
	}
	sub.says("BR_DEAD_BINDER 7")
	w.finish(sub.client)
}

// The youngest wait is served first.
func TestLastToWaitServesFirst(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	threads := []*thread{server, server.client.readyThread(), server.client.readyThread()}
	for _, th := range threads {
		th.begin(enter)
	}
	for i := len(threads) - 1; i >= 0; i-- {
		caller.exchange(caller.toSend(h, ""), "BR_TRANSACTION_COMPLETE")
		threads[i].write(free(threads[i].says("BR_TRANSACTION")))
		w.check()
	}
	w.finish(server.client, caller.client)
}

func TestFlushWakesAll(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	a, b, idle := c.readyThread(), c.readyThread(), c.readyThread()
	diff(t, "poll", uint32(0), idle.Poll(idle.tid, true))
	a.begin(enter)
	b.begin(nil)
	c.Flush()
	a.says()
	b.says()
	select {
	case <-c.readyC:
	default:
		t.Error("the watcher was not told")
	}
	diff(t, "poll", uint32(PollIn), idle.Poll(idle.tid, true))
	idle.exchange(nil) // returns at once, once
	idle.begin(nil)
	idle.waits()
	w.finish(c)
}

func TestNonblock(t *testing.T) {
	w := newWorld(t)
	c := w.open().readyThread()
	c.call.Nonblock = true
	c.begin(enter)
	c.fails(syscall.EAGAIN)
	if wc, rc := c.consumed(); wc != 4 || rc != 0 {
		t.Errorf("consumed %d, %d", wc, rc)
	}
	w.finish(c.client)
}

// Poll tells of a thread's own work and, if it is free, of its process's; the watcher hears when
// that begins.
func TestPoll(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	hear := func(want bool) {
		t.Helper()
		select {
		case <-server.readyC:
			if !want {
				t.Error("the watcher was told of nothing")
			}
		default:
			if want {
				t.Error("the watcher was not told")
			}
		}
	}
	poll := func(want uint32) {
		t.Helper()
		diff(t, "poll", want, server.Poll(server.tid, true))
	}
	poll(0)
	hear(false)
	caller.begin(caller.toCall(h, "1"))
	hear(true)
	poll(PollIn)
	poll(PollIn)
	server.exchange(nil, "BR_TRANSACTION")
	poll(0)
	other := w.open().readyThread()
	h2 := w.introduce(server.client.readyThread(), 0x20, other.client)
	other.exchange(other.toSend(h2, "2"), "BR_TRANSACTION_COMPLETE")
	poll(0) // busy with a call: what is the process's is not for it
	server.write(server.toReply(""))
	hear(true)
	poll(PollIn) // its completion
	server.exchange(nil, "BR_TRANSACTION_COMPLETE")
	poll(PollIn) // free now, for what is the process's
	server.exchange(nil, "BR_TRANSACTION")
	poll(0)
	w.finish(server.client, caller.client, other.client)
}

func TestShutdown(t *testing.T) {
	w := newWorld(t)
	a, b := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(a, 0x10, b.client)
	a.begin(enter)
	b.begin(nil)
	w.bus.Shutdown()
	a.fails(syscall.ECONNREFUSED)
	b.fails(syscall.ECONNREFUSED)
	b.begin(b.toCall(h, "x"))
	b.fails(syscall.ECONNREFUSED)
	diff(t, "version", syscall.ECONNREFUSED, a.ioctl(ioctl.BINDER_VERSION, nil))
	diff(t, "poll", uint32(PollErr), a.Poll(a.tid, true))
	if _, errno := w.tryOpen(Identity{}); errno != syscall.ECONNREFUSED {
		t.Errorf("open: %v", errno)
	}
	if _, errno := w.bus.AddContext("another"); errno != syscall.ECONNREFUSED {
		t.Errorf("a new device: %v", errno)
	}
	w.finish(a.client, b.client)
}

// BR_SPAWN_LOOPER comes when nobody waits, one at a time, up to the maximum.
func TestSpawnLooper(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	second, third, fourth := server.client.readyThread(), server.client.readyThread(), server.client.readyThread()
	if errno := server.ioctl(ioctl.BINDER_SET_MAX_THREADS, word(2)); errno != 0 {
		t.Fatal(errno)
	}
	register := ioctl.AppendCommand(nil, ioctl.BC_REGISTER_LOOPER)
	serve := func(th *thread, stream []byte, want ...string) {
		t.Helper()
		th.begin(stream)
		c := w.open().readyThread()
		c.begin(c.toCall(w.introduceQuietly(h, caller.client, c.client), ""))
		expect(t, th.end(), want...)
		w.check()
	}
	// A thread that is no looper is asked for nothing.
	serve(server, nil, "BR_NOOP", "BR_TRANSACTION")
	serve(second, enter, "BR_SPAWN_LOOPER", "BR_TRANSACTION")
	// One was requested and has not come yet.
	server.exchange(join(enter, server.toReply("")), "BR_TRANSACTION_COMPLETE")
	serve(third, register, "BR_SPAWN_LOOPER", "BR_TRANSACTION") // the first has come: a second
	serve(fourth, register, "BR_NOOP", "BR_TRANSACTION")        // two have come: that is all
	p := server.Process
	diff(t, "requested and started", []uint32{0, 2}, []uint32{p.requested, p.started})
	for _, th := range p.threads {
		if th.looper&looperInvalid != 0 {
			t.Errorf("thread %d is invalid", th.tid)
		}
	}
	// Unasked for, or both: only logged.
	fifth := server.client.readyThread()
	fifth.write(register)
	fifth.write(enter)
	if p.threads[fifth.tid].looper&looperInvalid == 0 {
		t.Error("a looper unasked for is valid")
	}
	w.check()
}

// introduceQuietly gives one more client what a client has a handle for.
func (w *world) introduceQuietly(h ioctl.Handle, from, to *client) ioctl.Handle {
	w.ctx.mu.Lock()
	defer w.ctx.mu.Unlock()
	r, err := to.hold(from.table.Ref(refcount.Handle(h)).Node, true, from.lastThread)
	if err != nil {
		w.Fatal(err)
	}
	return ioctl.Handle(r.Handle)
}

// A read that begins further in gets no BR_NOOP, and BR_SPAWN_LOOPER stands at the very beginning.
func TestReadBeginsFurtherIn(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	if errno := server.ioctl(ioctl.BINDER_SET_MAX_THREADS, word(1)); errno != 0 {
		t.Fatal(errno)
	}
	caller.begin(caller.toCall(h, "x"))
	server.write(enter)
	server.issueWR(ioctl.WriteRead{ReadSize: 2048, ReadBuffer: server.base + 4096, ReadConsumed: 100})
	if r := server.wait(); r != 0 {
		t.Fatal(r)
	}
	_, rc := server.consumed()
	diff(t, "consumed", uint64(100+4+64), rc)
	expect(t, server.at(server.base+4096, 4), "BR_SPAWN_LOOPER")
	expect(t, server.at(server.base+4096+100, 68), "BR_TRANSACTION")
	w.finish(server.client, caller.client)
}

// How much room a work needs, and what a short buffer leaves behind.
func TestRoomToRead(t *testing.T) {
	tests := []struct {
		size, at uint64 // of the read buffer, and where the reading begins
		read     uint64 // consumed
	}{
		{4, 0, 4}, {1, 0, 4}, {79, 0, 4}, {80, 0, 72}, {75, 8, 8}, {84, 8, 76},
		{200, 201, 201}, {2048, 1 << 63, 1 << 63}, {1 << 40, ^uint64(0) - 3, ^uint64(0) - 3},
		{^uint64(0), 0, 72},
	}
	for _, test := range tests {
		w := newWorld(t)
		server, caller := w.open().readyThread(), w.open().readyThread()
		h := w.introduce(server, 0x10, caller.client)
		caller.begin(caller.toCall(h, "x"))
		server.issueWR(ioctl.WriteRead{ReadSize: test.size, ReadBuffer: server.base + 4096, ReadConsumed: test.at})
		if r := server.wait(); r != 0 {
			t.Errorf("%+v: %v", test, syscall.Errno(-r))
		}
		if _, rc := server.consumed(); rc != test.read {
			t.Errorf("%+v: consumed %d", test, rc)
		}
		w.finish(server.client, caller.client)
	}
}
