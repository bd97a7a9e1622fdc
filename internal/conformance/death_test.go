package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

const cookie = 0xdeadc0de

// mortal is a cast whose owner can be killed.
func mortal(t *testing.T) (mgr, owner, client *thread, h ioctl.Handle) {
	t.Helper()
	b := newBus(t)
	mgr, owner, client = b.manager(), b.spawn().looper(), b.open().looper()
	return mgr, owner, client, publish(mgr, owner, client, node{0x10, 1})
}

func TestDeathNotification(t *testing.T) {
	mgr, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	c.idle()
	o.p.kill()
	c.expect(noop, "DEAD_BINDER 0xdeadc0de")
	c.send(deadDone(cookie))
	c.idle()
	c.ask([]command{c.call(h, msg(1, ""))}, noop, "DEAD_REPLY")
	c.wantError(ioctl.BR_DEAD_REPLY, 22)
	// The handle stays until it is released, and so does the subscription.
	c.send(clearDeath(h, cookie))
	c.expect(noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")
	c.send(release(h))
	n := publish(mgr, c, mgrClient(t, mgr), node{0x50, 5})
	_ = n
}

// mgrClient is another client of the manager's bus.
func mgrClient(t *testing.T, mgr *thread) *thread {
	t.Helper()
	return mgr.p.bus.open().looper()
}

func TestDeathOfAnOpenThatIsClosed(t *testing.T) {
	// Death is the last close, whether the process lives on or not.
	mgr, o, c := meet(t)
	h := publish(mgr, o, c, node{0x10, 1})
	c.send(requestDeath(h, cookie))
	o.p.close()
	c.expect(noop, "DEAD_BINDER 0xdeadc0de")
}

func TestClearBeforeDeath(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	c.ask([]command{clearDeath(h, cookie)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")
	o.p.kill()
	awaitDead(t, c, h)
	c.idle()
	// It can be asked for again, with another cookie.
	c.send(requestDeath(h, 0x2))
	c.expect(noop, "DEAD_BINDER 0x2")
}

// awaitDead waits until calls to h die.
func awaitDead(t *testing.T, c *thread, h ioctl.Handle) {
	t.Helper()
	await(t, "the owner's death is known", func() bool {
		r := c.try(readSize, c.call(h, oneway(1, "")))
		es, _ := events(r.Read)
		return len(es) == 2 && es[1].String() == "DEAD_REPLY"
	})
}

func TestRequestOnDeadNode(t *testing.T) {
	_, o, c, h := mortal(t)
	o.p.kill()
	awaitDead(t, c, h)
	c.ask([]command{requestDeath(h, cookie)}, noop, "DEAD_BINDER 0xdeadc0de")
	c.send(deadDone(cookie))
	c.ask([]command{clearDeath(h, cookie)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")
}

func TestClearAfterDeadBinderBeforeDone(t *testing.T) {
	// The answer to the clear waits until the notification has been acknowledged.
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	o.p.kill()
	c.expect(noop, "DEAD_BINDER 0xdeadc0de")
	c.send(clearDeath(h, cookie))
	c.idle()
	c.ask([]command{deadDone(cookie)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")
	c.send(deadDone(cookie)) // unknown now: ignored
	c.idle()
}

func TestClearWhileDeadBinderIsQueued(t *testing.T) {
	// The notification is on its way already: it is delivered, then cleared by the DONE.
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	o.p.kill()
	c.ready()
	c.send(clearDeath(h, cookie))
	c.expect(noop, "DEAD_BINDER 0xdeadc0de")
	c.idle()
	c.ask([]command{deadDone(cookie)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")
}

func TestDoubleRequest(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, 0x1), requestDeath(h, 0x2)) // the second is ignored
	c.send(clearDeath(h, 0x2))                         // wrong cookie: ignored
	o.p.kill()
	c.expect(noop, "DEAD_BINDER 0x1")
	c.send(deadDone(0x2)) // unknown
	c.send(deadDone(0x1))
	c.send(requestDeath(h, 0x3)) // ignored: still the first one's
	c.idle()
	c.ask([]command{clearDeath(h, 0x1)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0x1")
}

func TestDeathCommandsWithBadHandles(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().looper()
	c.send(requestDeath(7, 1), clearDeath(7, 1), deadDone(1), requestDeath(0, 1), clearDeath(0, 1))
	c.idle()
	// Handle 0 needs a reference for this.
	c.send(acquire(0), clearDeath(0, 1), requestDeath(0, 1))
	c.ask([]command{clearDeath(0, 1)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0x1")
}

func TestOneDeadBinderForEachRead(t *testing.T) {
	b := newBus(t)
	mgr, o, c := b.manager(), b.spawn().looper(), b.open().looper()
	h1, h2 := publish(mgr, o, c, node{0x10, 1}), publish(mgr, o, c, node{0x20, 2})
	c.send(requestDeath(h1, 0x1), requestDeath(h2, 0x2))
	o.p.kill()
	c.ready()
	awaitDead(t, c, h2)
	c.expect(noop, "DEAD_BINDER 0x1")
	c.expect(noop, "DEAD_BINDER 0x2")
	c.send(deadDone(0x2), deadDone(0x1))
}

func TestSameCookieTwice(t *testing.T) {
	b := newBus(t)
	mgr, o, c := b.manager(), b.spawn().looper(), b.open().looper()
	h1, h2 := publish(mgr, o, c, node{0x10, 1}), publish(mgr, o, c, node{0x20, 2})
	c.send(requestDeath(h1, 0x1), requestDeath(h2, 0x1))
	o.p.kill()
	awaitDead(t, c, h2)
	c.expect(noop, "DEAD_BINDER 0x1")
	c.expect(noop, "DEAD_BINDER 0x1")
	c.send(clearDeath(h1, 0x1), clearDeath(h2, 0x1))
	c.ask([]command{deadDone(0x1)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0x1")
	c.ask([]command{deadDone(0x1)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0x1")
}

func TestReleaseDropsTheSubscription(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie), release(h))
	o.p.kill()
	// Nothing is told, not even that it was cleared.
	c2 := c.p.thread()
	c2.send(enterLooper)
	c.send(requestDeath(h, cookie)) // no such handle any longer
	c.idle()
}

func TestReleaseDropsAQueuedDeath(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(requestDeath(h, cookie))
	o.p.kill()
	c.ready()
	c.send(release(h))
	c.idle()
}

func TestWeakReferenceIsEnoughForDeath(t *testing.T) {
	_, o, c, h := mortal(t)
	c.send(incRefs(h), release(h), requestDeath(h, cookie))
	o.expect(noop, "RELEASE 0x10/0x1")
	o.p.kill()
	c.expect(noop, "DEAD_BINDER 0xdeadc0de")
	c.send(deadDone(cookie))
}

func TestDeathIsWorkOfTheProcess(t *testing.T) {
	// Any looper that waits gets it; the answer to a clear goes to the looper that cleared.
	_, o, c, h := mortal(t)
	other := c.p.looper()
	c.send(requestDeath(h, cookie))
	other.park()
	o.p.kill()
	other.expect(noop, "DEAD_BINDER 0xdeadc0de")
	other.send(deadDone(cookie))
	other.park()
	c.ask([]command{clearDeath(h, cookie)}, noop, "CLEAR_DEATH_NOTIFICATION_DONE 0xdeadc0de")

	// A thread outside the loop leaves it to the process.
	plain := c.p.thread()
	plain.send(requestDeath(h, 0x5))
	other.expect(noop, "DEAD_BINDER 0x5")
	other.send(deadDone(0x5))
	other.park()
	plain.send(clearDeath(h, 0x5))
	other.expect(noop, "CLEAR_DEATH_NOTIFICATION_DONE 0x5")
}

func TestEverySubscriberHears(t *testing.T) {
	mgr, o, c, h := mortal(t)
	c2 := mgrClient(t, mgr)
	c3 := mgrClient(t, mgr)
	publish(mgr, c2, c, node{2, 2})
	publish(mgr, c3, c, node{3, 3})
	c.ask([]command{c.call(2, oneway(1, "").handle(h)), c.call(3, oneway(1, "").handle(h))}, noop, complete, complete)
	for _, x := range []*thread{c2, c3} {
		q := x.got(noop, "TRANSACTION")
		x.send(acquire(q.handle(0)), requestDeath(q.handle(0), 0x9), q.free())
	}
	o.p.kill()
	c2.expect(noop, "DEAD_BINDER 0x9")
	c3.expect(noop, "DEAD_BINDER 0x9")
	c.idle()
}
