package conformance

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// A thread that serves a call does so with the caller's nice value, within the limits of the object
// and of its own process, and gets its own back with the reply.

// nice is the thread's nice value.
func (th *thread) nice() int {
	th.p.t.Helper()
	prio, err := unix.Getpriority(unix.PRIO_PROCESS, th.TID)
	if err != nil {
		th.p.t.Fatal(err)
	}
	return 20 - prio // as the kernel tells it
}

func (th *thread) renice(n int) *thread {
	th.p.t.Helper()
	if err := unix.Setpriority(unix.PRIO_PROCESS, th.TID, n); err != nil {
		th.p.t.Fatal(err)
	}
	return th
}

func (th *thread) wantNice(when string, want int) {
	th.p.t.Helper()
	if got := th.nice(); got != want {
		th.p.t.Errorf("%s: nice value %d, want %d", when, got, want)
	}
}

// awaitNice waits for it: a thread seems to wait some time before busd hears of it.
func (th *thread) awaitNice(when string, want int) {
	th.p.t.Helper()
	await(th.p.t, fmt.Sprintf("%s: nice value %d", when, want), func() bool { return th.nice() == want })
}

// spawnNice opens the device in a new process whose nice value is n.
func (b *bus) spawnNice(n int) *process {
	b.t.Helper()
	return b.spawnLimited(n, nil, 0)
}

// spawnLimited starts the process as somebody, with an RLIMIT_NICE.
func (b *bus) spawnLimited(n int, as *syscall.SysProcAttr, limit uint64) *process {
	b.t.Helper()
	h, err := startHost(as)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { h.kill(b.t) })
	pid := h.cmd.Process.Pid
	var has unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NICE, &has); err != nil {
		b.t.Fatal(err)
	}
	if has.Cur != limit { // to change another user's takes CAP_SYS_RESOURCE
		if err := unix.Prlimit(pid, unix.RLIMIT_NICE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
			b.t.Skipf("RLIMIT_NICE %d for another process: %v", limit, err)
		}
	}
	for again := true; again; { // threads that begin meanwhile have the old one
		again = false
		tids, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil {
			b.t.Fatal(err)
		}
		for _, e := range tids {
			tid, _ := strconv.Atoi(e.Name())
			if prio, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err == nil && 20-prio != n {
				again = true
				if err := unix.Setpriority(unix.PRIO_PROCESS, tid, n); err != nil && err != unix.ESRCH {
					b.t.Fatal(err)
				}
			}
		}
	}
	return b.openIn(h)
}

// needsNice is for tests that change nice values at will, and whose processes may, too.
func needsNice(t *testing.T) {
	t.Helper()
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "CapEff:")
	caps, err := strconv.ParseUint(strings.Fields(rest)[0], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(strings.Fields(string(users)), " ") != "0 0 4294967295" || caps>>unix.CAP_SYS_NICE&1 == 0 {
		t.Skip("needs CAP_SYS_NICE, outside of any user namespace")
	}
}

func TestNiceValueIsLent(t *testing.T) {
	needsNice(t)
	for _, tc := range []struct {
		min    ioctl.ObjectFlags // of the object: the highest nice value to serve it with
		caller int
		oneway bool
		want   int
	}{
		{0x7f, 0, false, 0},
		{0x7f, 5, false, 5},
		{0x7f, 19, false, 19},
		{0x7f, -5, false, -5},
		{0x7f, -20, false, -20},
		{0x7f, 5, true, 2},
		{0x7f, -5, true, 2},
		{0, 5, false, 0},
		{0, 0, false, 0},
		{0, -5, false, -5},
		{0, 5, true, 0},
		{0, -5, true, 0},
		{10, 15, false, 10},
		{10, 10, false, 10},
		{10, 5, false, 5},
		{10, 5, true, 2},
		{1, 5, true, 1},
		{2, 5, true, 2},
		{19, 19, false, 19},
		{20, 19, false, 19},
		{0xff, 19, false, 19},
		{0x80, -20, false, -20}, // it has no sign
	} {
		t.Run(fmt.Sprintf("min %d caller %d oneway %v", tc.min, tc.caller, tc.oneway), func(t *testing.T) {
			b := newBus(t)
			mgr := b.spawnNice(2).looper()
			mgr.becomeExt(node{}, tc.min)
			c := b.open().thread().renice(tc.caller)
			mgr.park()
			mgr.awaitNice("waiting", 2)
			if tc.oneway {
				c.ask([]command{c.call(0, oneway(1, ""))}, noop, complete)
			} else {
				c.start(readSize, c.call(0, msg(1, "")))
			}
			q := mgr.got(noop, "TRANSACTION")
			mgr.wantNice("serving", tc.want)
			if tc.oneway {
				mgr.send(q.free())
				mgr.wantNice("done", tc.want)
			} else {
				mgr.send(mgr.reply(msg(0, "")), q.free())
				mgr.wantNice("after the reply", 2)
				c.expect(noop, complete, "REPLY")
				mgr.expect(noop, complete)
			}
			c.wantNice("the caller", tc.caller)
			mgr.park()
			mgr.awaitNice("waiting again", 2)
		})
	}
}

// What a thread does to its own nice value ends with the reply, and with the next wait.
func TestNiceValueOfTheThreadsOwn(t *testing.T) {
	needsNice(t)
	b := newBus(t)
	mgr := b.spawnNice(2).looper()
	mgr.becomeExt(node{}, 0x7f)
	c := b.open().thread().renice(4)
	mgr.renice(9)
	mgr.park()
	mgr.awaitNice("waiting", 2)
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.wantNice("serving", 4)
	mgr.renice(11)
	mgr.send(mgr.reply(msg(0, "")), q.free())
	mgr.wantNice("after the reply", 2)
	c.expect(noop, complete, "REPLY")
	mgr.expect(noop, complete)

	c.renice(2) // now there is nothing to lend
	mgr.park()
	c.start(readSize, c.call(0, msg(1, "")))
	q = mgr.got(noop, "TRANSACTION")
	mgr.wantNice("serving", 2)
	mgr.renice(11)
	mgr.send(mgr.reply(msg(0, "")), q.free())
	mgr.wantNice("after the reply", 2)
	c.expect(noop, complete, "REPLY")
	mgr.expect(noop, complete)
}

// A reply that nobody wants any more ends it, too; one that is none of the thread's does not.
func TestNiceValueAfterFailedReplies(t *testing.T) {
	needsNice(t)
	b := newBus(t)
	mgr := b.spawnNice(2).looper()
	mgr.becomeExt(node{}, 0x7f)
	p := b.spawn()
	c := p.thread().renice(7)
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	p.kill()
	await(t, "the caller is gone", func() bool { return !knows(t, b, p.PID) })
	mgr.wantNice("while the caller is dead", 7)
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, complete)
	mgr.wantNice("after the reply", 2)
	mgr.renice(8)
	mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, "FAILED_REPLY")
	mgr.wantNice("after a reply to nothing", 8)
	mgr.park(q.free())
	mgr.awaitNice("waiting", 2)
}

// A call back to the thread that waits is served with what its caller has then, and that is with
// what was lent to it.
func TestNiceValueOfNestedCalls(t *testing.T) {
	needsNice(t)
	b := newBus(t)
	mgr := b.manager()
	server := b.spawnNice(1).looper()
	client := b.spawnNice(2).thread()
	callback := node{0xca11, 0xbac}
	h := publish(mgr, server, client, node{0x5e, 1})
	client.renice(6)
	client.start(readSize, client.call(h, msg(1, "").flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: 0x7f, Binder: uint64(callback.ptr), Cookie: callback.cookie})))
	q := server.got(noop, "TRANSACTION")
	server.wantNice("serving", 6)
	server.renice(9)
	server.start(readSize, server.call(q.handle(0), msg(2, "")))
	es := client.expect(noop, "INCREFS "+callback.String(), "ACQUIRE "+callback.String(), complete, "TRANSACTION")
	n := client.p.parcelOf(es[4])
	client.wantNice("called back", 9)
	client.send(client.reply(msg(0, "")), n.free())
	client.wantNice("after the callback", 6)
	r := server.got(noop, complete, "REPLY")
	server.wantNice("after the callback", 9)
	server.ask([]command{server.reply(msg(0, "")), r.free(), q.free()}, noop, complete)
	server.wantNice("after the reply", 1)
}

// Who may not set a nice value itself is not lent one; who may to some extent, to that extent.
func TestNiceValueLimits(t *testing.T) {
	needsNice(t)
	for _, tc := range []struct {
		limit                   uint64 // RLIMIT_NICE: 20 minus the lowest nice value that is allowed
		caller                  int
		serving, after, waiting int
	}{
		{0, 7, 2, 2, 2},
		{0, -7, 2, 2, 2},
		{20, 7, 7, 2, 2},
		{20, -7, 0, 2, 2},
		{18, 7, 7, 2, 2},
		{18, -7, 2, 2, 2},
		{15, 7, 7, 5, 5},
		{15, 3, 5, 5, 5},
		{1, 7, 19, 19, 19},
		{40, -20, -20, 2, 2},
	} {
		t.Run(fmt.Sprintf("limit %d caller %d", tc.limit, tc.caller), func(t *testing.T) {
			b := newBus(t)
			if err := os.Chmod(b.path, 0o666); err != nil {
				t.Fatal(err)
			}
			mgr := b.spawnLimited(2, asUser(1000), tc.limit).looper()
			mgr.becomeExt(node{}, 0x7f)
			c := b.open().thread().renice(tc.caller)
			c.start(readSize, c.call(0, msg(1, "")))
			q := mgr.got(noop, "TRANSACTION")
			mgr.wantNice("serving", tc.serving)
			mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
			mgr.wantNice("after the reply", tc.after)
			mgr.park()
			mgr.awaitNice("waiting", tc.waiting)
		})
	}
}

// The flag of Android's kernels that lets real-time priorities be lent is none of the driver's: it
// is carried, and nothing comes of it.
func TestInheritRT(t *testing.T) {
	needsNice(t)
	const inheritRT = 0x800
	b := newBus(t)
	mgr := b.spawnNice(2).looper()
	mgr.becomeExt(node{}, 0x7f|inheritRT)
	c := b.spawnNice(3).thread()
	if err := unix.SchedSetAttr(c.TID, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_FIFO, Priority: 1}, 0); err != nil {
		t.Skipf("no real-time scheduling: %v", err)
	}
	c.start(readSize, c.call(0, msg(1, "").flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: 0x7f | inheritRT, Binder: 0x10})))
	q := mgr.got(noop, "TRANSACTION")
	if got := q.object(0).Flags; got != 0x7f|inheritRT {
		t.Errorf("flags %#x, want them as sent", uint32(got))
	}
	a, err := unix.SchedGetAttr(mgr.TID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if a.Policy != unix.SCHED_NORMAL {
		t.Errorf("policy %d, want SCHED_OTHER", a.Policy)
	}
	mgr.wantNice("serving", 3)
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.finish()
}
