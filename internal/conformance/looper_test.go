package conformance

import (
	"testing"

	"golang.org/x/sys/unix"
)

const spawn = "SPAWN_LOOPER"

func TestSpawnLooper(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	mgr.maxThreads(2)
	c := b.open().thread()
	once := func(server *thread, first string) {
		t.Helper()
		c.send(c.call(0, oneway(1, "x")))
		c.expect(noop, complete)
		q := server.got(first, "TRANSACTION")
		server.send(q.free())
	}
	once(mgr, spawn) // takes the place of BR_NOOP: nobody else waits
	once(mgr, noop)  // asked for once until the thread has come
	second := mgr.p.thread()
	second.send(registerLooper)
	once(second, spawn) // again nobody waits
	once(mgr, noop)
	third := mgr.p.thread()
	third.send(registerLooper)
	once(third, noop) // two were started, that is the limit
	once(mgr, noop)
	mgr.maxThreads(3)
	once(mgr, spawn)
}

func TestNoSpawnWhileAThreadWaits(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	mgr.maxThreads(4)
	other := mgr.p.looper()
	other.park()
	c := b.open().thread()
	c.send(c.call(0, oneway(1, "a")))
	other.got(spawn, "TRANSACTION") // it was the last one
	second := mgr.p.thread()
	second.send(registerLooper)
	second.park()
	mgr.park()
	// Two wait: whoever takes the work leaves one behind.
	c.start(readSize, c.call(0, msg(1, "b")))
	for _, th := range []*thread{mgr, second} {
		select {
		case r := <-th.pending:
			es, _ := events(r.Read)
			if s := names(es); len(s) != 2 || s[0] != noop || s[1] != "TRANSACTION" {
				t.Errorf("read %v", s)
			}
			if th != mgr {
				t.Error("the call went to the thread that waited longer, not to the last to come")
			}
			return
		default:
		}
		if th == mgr {
			await(t, "the call arrives", func() bool { return len(mgr.pending)+len(second.pending) > 0 })
			if len(mgr.pending) == 0 {
				t.Error("the call went to the thread that waited longer, not to the last to come")
				return
			}
			r := <-mgr.pending
			es, _ := events(r.Read)
			if s := names(es); len(s) != 2 || s[0] != noop || s[1] != "TRANSACTION" {
				t.Errorf("read %v", s)
			}
			return
		}
	}
}

func TestNoSpawnForOtherThreads(t *testing.T) {
	// A thread that never entered the loop is never asked to spawn; a maximum of 0 asks nobody.
	b := newBus(t)
	p := b.openBeside()
	th := p.thread()
	th.becomeExt(node{}, 0)
	th.maxThreads(5)
	c := b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	th.send(th.got(noop, "TRANSACTION").free()) // served all the same
	th.send(enterLooper)
	th.maxThreads(0)
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	th.send(th.got(noop, "TRANSACTION").free())
	th.maxThreads(1)
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	th.got(spawn, "TRANSACTION")
}

func TestSpawnComesWithAnyRead(t *testing.T) {
	// Not only with transactions: whatever a looper reads while nobody waits.
	b := newBus(t)
	b.manager()
	p := b.open()
	th := p.looper()
	th.maxThreads(1)
	th.ask([]command{th.call(0, oneway(1, "a"))}, spawn, complete)
	th.ask([]command{th.call(0, oneway(1, "a"))}, noop, complete)
}

func TestLooperStates(t *testing.T) {
	// Wrong orders mark the thread as invalid in the driver's log, and change nothing else.
	b := newBus(t)
	mgr := b.manager()
	c := b.open().thread()
	serve := func(th *thread, first string) {
		t.Helper()
		c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
		th.send(th.got(first, "TRANSACTION").free())
	}
	unasked := mgr.p.thread()
	unasked.send(registerLooper) // without request
	serve(unasked, noop)
	twice := mgr.p.thread()
	twice.send(enterLooper, enterLooper)
	serve(twice, noop)
	both := mgr.p.thread()
	both.send(enterLooper, registerLooper)
	serve(both, noop)
	both2 := mgr.p.thread()
	both2.send(registerLooper, enterLooper)
	serve(both2, noop)
	gone := mgr.p.thread()
	gone.send(enterLooper, exitLooper)
	serve(gone, noop) // an exited looper that reads is served too

	// An unasked registration does not count against the limit.
	mgr.maxThreads(1)
	serve(mgr, spawn)
	// A registration by a thread that had entered does not take the request back either.
	both.send(registerLooper)
	serve(mgr, noop)
	ok := mgr.p.thread()
	ok.send(registerLooper)
	mgr.maxThreads(2)
	serve(mgr, spawn)
}

func TestExitedRegisteredLooperStaysCounted(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	mgr.maxThreads(1)
	c := b.open().thread()
	serve := func(first string) {
		t.Helper()
		c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
		mgr.send(mgr.got(first, "TRANSACTION").free())
	}
	serve(spawn)
	second := mgr.p.thread()
	second.send(registerLooper)
	second.send(exitLooper)
	second.exit()
	serve(noop) // the driver never counts down
}

func TestWorkGoesToThreadsWithoutLoopToo(t *testing.T) {
	// A thread that waits is given work whether it entered the loop or not.
	b := newBus(t)
	p := b.openBeside()
	th := p.thread()
	th.becomeExt(node{}, 0)
	th.park()
	c := b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "a"))}, noop, complete)
	th.send(th.got(noop, "TRANSACTION").free())
}

func TestFirstReadOfAThread(t *testing.T) {
	// The first ioctl of a thread does not wait: the thread is new, and new threads are to return.
	b := newBus(t)
	b.manager()
	p := b.open()
	first := p.bareThread()
	first.expect(noop)
	second := p.bareThread()
	second.ask([]command{second.call(0, msg(1, "a"))}, noop, complete)
	third := p.bareThread()
	if e := third.poll(0); e != unix.POLLIN {
		t.Errorf("first poll of a thread: %#x, want POLLIN", e)
	}
	if e := third.poll(0); e != unix.POLLIN {
		t.Errorf("second poll before any ioctl: %#x, want POLLIN", e)
	}
	third.version()
	third.idle()
}
