package busd

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// ids are the debug ids in a text, which change when the broker numbers something else, and what
// stands for addresses and times.
var (
	ids       = regexp.MustCompile(`(node|ref|transaction|buffer) \d+`)
	addresses = regexp.MustCompile(`(N:|d) [0-9a-f]{15}[1-9a-f]( from|\n)`)
	times     = regexp.MustCompile(`elapsed \d+ms`)
)

func text(write func(b *strings.Builder)) []string {
	var b strings.Builder
	write(&b)
	s := ids.ReplaceAllString(b.String(), "$1 N")
	s = addresses.ReplaceAllString(s, "$1 A$2")
	s = times.ReplaceAllString(s, "elapsed T")
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

func TestLogs(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	gone := w.open().readyThread()
	h2 := w.introduce(gone, 0x20, caller.client)
	caller.write(ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: h2, Cookie: 5}))
	gone.Process.Release()

	caller.write(caller.toSend(h, "one"))
	caller.write(caller.toSend(h, "two"))
	server.exchange(nil, "BR_TRANSACTION")
	caller.write(caller.toCall(h, "three", 0)[:0])
	caller.write(caller.toCall(h, "three"))
	server.exchange(nil, "BR_TRANSACTION")
	idle := server.client.readyThread()
	idle.begin(enter)

	state := text(func(b *strings.Builder) { w.bus.WriteState(b) })
	diff(t, "state", []string{
		"binder state:",
		"dead nodes:",
		"  node N: u0000000000000020 c0000000000000021 hs 1 hw 1 ls 0 lw 0 is 1 iw 1 tr 1 proc 102",
		"proc 102",
		"context binder",
		"  thread 10201: l 00 need_return 0 tr 0",
		"    outgoing transaction N: A from 102:10201 to 101:10101 code 0 flags 0 pri 0 r1 elapsed T",
		"    transaction complete",
		"    transaction complete",
		"    transaction complete",
		"  ref N: desc 1 node N s 1 w 0 d 0000000000000000",
		"  ref N: desc 2 dead node N s 1 w 0 d A",
		"  has dead binder",
		"proc 101",
		"context binder",
		"  thread 10101: l 00 need_return 0 tr 0",
		"    incoming transaction N: A from 102:10201 to 101:10101 code 0 flags 0 pri 0 r1 elapsed T node N size 5:0 offset 10",
		"  thread 10102: l 12 need_return 0 tr 0",
		"  node N: u0000000000000010 c0000000000000011 hs 1 hw 1 ls 3 lw 0 is 1 iw 1 tr 1 proc 102",
		"    pending async transaction N: A from 102:10201 to 101:0 code 0 flags 1 pri 0 r0 elapsed T node N size 3:0 offset 8",
		"  buffer N: 0 size 3:0:0 delivered",
		"  buffer N: 8 size 3:0:0 active",
		"  buffer N: 10 size 5:0:0 active",
	}, state)

	transactions := text(func(b *strings.Builder) { w.bus.WriteTransactions(b) })
	if len(transactions) >= len(state) || transactions[0] != "binder transactions:" {
		t.Errorf("transactions: %q", transactions)
	}
	var b strings.Builder
	if !w.bus.WriteProc(&b, 101) || !strings.Contains(b.String(), "proc 101\n") || strings.Contains(b.String(), "\nproc 102\n") {
		t.Errorf("proc: %s", b.String())
	}
	if w.bus.WriteProc(&b, 4711) {
		t.Error("there is a process 4711")
	}
	diff(t, "pids", []ProcessID{101, 102}, w.bus.ProcIDs())

	stats := text(func(b *strings.Builder) { w.bus.WriteStats(b) })
	diff(t, "stats", []string{
		"binder stats:",
		"BC_TRANSACTION: 3",
		"BC_INCREFS_DONE: 2",
		"BC_ACQUIRE_DONE: 2",
		"BC_ENTER_LOOPER: 1",
		"BC_REQUEST_DEATH_NOTIFICATION: 1",
		"BR_TRANSACTION: 2",
		"BR_INCREFS: 2",
		"BR_ACQUIRE: 2",
		"proc: active 2 total 3",
		"thread: active 3 total 4",
		"node: active 2 total 2",
		"ref: active 2 total 2",
		"death: active 1 total 1",
		"transaction: active 2 total 3",
		"transaction_complete: active 3 total 3",
		"proc 102",
		"context binder",
		"  threads: 1",
		"  requested threads: 0+0/0",
		"  ready threads 0",
		"  free async space 32768",
		"  nodes: 0",
		"  refs: 2 s 2 w 0",
		"  buffers: 0",
		"  pages: 0:0:16",
		"  pages high watermark: 0",
		"  pending transactions: 0",
		"  BC_TRANSACTION: 3",
		"  BC_REQUEST_DEATH_NOTIFICATION: 1",
		"proc 101",
		"context binder",
		"  threads: 2",
		"  requested threads: 0+0/0",
		"  ready threads 1",
		"  free async space 32752",
		"  nodes: 1",
		"  refs: 0 s 0 w 0",
		"  buffers: 3",
		"  pages: 1:0:15",
		"  pages high watermark: 1",
		"  pending transactions: 0",
		"  BC_INCREFS_DONE: 1",
		"  BC_ACQUIRE_DONE: 1",
		"  BC_ENTER_LOOPER: 1",
		"  BR_TRANSACTION: 2",
		"  BR_INCREFS: 1",
		"  BR_ACQUIRE: 1",
	}, stats)
	w.finish(server.client, caller.client)
}

// Whatever there is, it is told in pieces, and of endless queues not everything.
func TestLogsOfMuch(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	const n = 2*logChunk + 5
	for range n {
		caller.write(caller.toSend(h, ""))
	}
	for i := range uint64(n) {
		caller.write(caller.toSend(h, strongBinder(0x1000+i), 0))
	}
	for tid := range ThreadID(n) {
		server.Poll(60000+tid, false)
	}
	state := strings.Join(text(func(b *strings.Builder) { w.bus.WriteState(b) }), "\n")
	for what, want := range map[string]int{"\n  node N: ": n + 1, "\n  ref N: ": n + 1, "\n  buffer N: ": 2 * n, "\n  thread ": n + 2, "\n    pending async": logChunk} {
		if got := strings.Count(state, what); got != want {
			t.Errorf("%q is told %d times, want %d", what, got, want)
		}
	}
	w.finish(caller.client, server.client)
}

// Devices come and go; one that is open stays until it is closed.
func TestDevices(t *testing.T) {
	bus := New(Config{})
	names := func() (list []string) {
		for _, c := range bus.Contexts() {
			list = append(list, c.Name())
		}
		return list
	}
	for name, want := range map[string]syscall.Errno{"": syscall.EINVAL, strings.Repeat("x", 256): syscall.ENAMETOOLONG} {
		if _, errno := bus.AddContext(name); errno != want {
			t.Errorf("%q: %v", name, errno)
		}
	}
	for i := range 3 {
		if _, errno := bus.AddContext(fmt.Sprint(i)); errno != 0 {
			t.Fatal(errno)
		}
	}
	if _, errno := bus.AddContext("1"); errno != syscall.EEXIST {
		t.Errorf("a second one: %v", errno)
	}
	diff(t, "devices", []string{"0", "1", "2"}, names())

	w := &world{TB: t, bus: bus, ctx: bus.Contexts()[1], pid: 100}
	c := w.open()
	w.ctx.Remove()
	diff(t, "devices", []string{"0", "2"}, names())
	again, errno := bus.AddContext("1")
	if errno != 0 || again == w.ctx {
		t.Errorf("the name is not free: %v", errno)
	}
	second := w.open() // by somebody who looked it up before
	c.Process.Release()
	th := second.readyThread()
	th.begin(nil)
	bus.Shutdown()
	th.fails(syscall.ECONNREFUSED)
	second.Process.Release()
	diff(t, "known devices", 3, len(bus.allContexts()))

	bus = New(Config{})
	ctx, _ := bus.AddContext("x")
	ctx.Remove()
	w = &world{TB: t, bus: bus, ctx: ctx}
	if _, errno := w.tryOpen(Identity{}); errno != syscall.ENXIO {
		t.Errorf("a device that is gone: %v", errno)
	}
	diff(t, "accounts", 0, len(bus.users))
}
