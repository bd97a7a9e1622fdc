package conformance

import (
	"cmp"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The texts that the driver (Linux 6.12) shows, after normalising. With CONFORMANCE_LOGS=DIR the tests
// write what they find to that directory instead of comparing: on the kernel, that records anew.
//
//go:embed testdata/logs
var recordedLogs embed.FS

// A cast names the processes and threads of a test, so that its logs can be compared.
type cast struct {
	t       *testing.T
	bus     *bus
	pids    map[string]string // to name
	tids    map[string]string // to name
	threads map[string]int    // tid to the how manieth it was
	ids     map[string]int    // debug ids, by first appearance
}

func newCast(t *testing.T) *cast {
	t.Helper()
	if _, err := os.Stat(filepath.Join(binderfs(t), "binder_logs", "state")); err != nil {
		t.Skip("mounted without stats=global")
	}
	b := newBus(t)
	if !b.own {
		t.Skip("the device is shared: others would be told of too")
	}
	return &cast{t: t, bus: b, pids: map[string]string{"0": "0"}, tids: map[string]string{"0": "0"}, threads: map[string]int{}, ids: map[string]int{}}
}

// process is a new process called name.
func (c *cast) process(name string, opts ...option) *process {
	c.t.Helper()
	p := c.bus.spawn(append(opts, noSocket)...) // offering a socket is an ioctl, and would make a thread
	c.pids[strconv.Itoa(p.PID)] = name
	return p
}

// thread is a new thread of p's.
func (c *cast) thread(p *process) *thread {
	c.t.Helper()
	th := p.thread()
	tid := strconv.Itoa(th.TID)
	c.threads[tid] = len(c.threads) + 1
	c.tids[tid] = fmt.Sprintf("%s.%d", c.pids[strconv.Itoa(p.PID)], th.ID+1)
	return th
}

func (c *cast) looper(p *process) *thread {
	c.t.Helper()
	th := c.thread(p)
	th.send(enterLooper)
	return th
}

// log reads a file of binder_logs and makes it comparable. Of other devices and their processes
// nothing stays.
func (c *cast) log(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.bus.dir, "binder_logs", name))
	if err != nil {
		c.t.Fatal(err)
	}
	lines := c.ours(strings.SplitAfter(string(b), "\n"))
	lines = c.sortThreads(lines)
	for i := range lines {
		lines[i] = c.normal(lines[i])
	}
	return strings.Join(lines, "")
}

// ours drops what is told of other devices.
func (c *cast) ours(lines []string) []string {
	device := filepath.Base(c.bus.path)
	var kept []string
	heading, mine := true, false // before the first process
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "binder "):
			if heading {
				kept = append(kept, l)
			}
			if strings.HasPrefix(l, "binder proc state") {
				mine, heading = true, false
			}
			continue
		case strings.HasPrefix(l, "proc "):
			heading = false
			mine = i+1 < len(lines) && lines[i+1] == "context "+device+"\n"
		case strings.Contains(l, " context "): // of a transaction log
			mine = strings.Contains(l, " context "+device+" ")
		case heading && strings.HasPrefix(l, "  node "): // a dead one
			_, users, _ := strings.Cut(strings.TrimSuffix(l, "\n"), " proc ")
			mine = slices.ContainsFunc(strings.Fields(users), func(pid string) bool { return c.pids[pid] != "" })
		case heading:
			mine = l == "dead nodes:\n"
		}
		if mine {
			kept = append(kept, l)
		}
	}
	return kept
}

// sortThreads puts the threads of a process, which are told by number, in the order they were made in.
func (c *cast) sortThreads(lines []string) []string {
	c.t.Helper()
	type block struct {
		tid   int
		lines []string
	}
	var sorted []string
	var blocks []block
	flush := func() {
		if !slices.IsSortedFunc(blocks, func(a, b block) int { return cmp.Compare(a.tid, b.tid) }) {
			c.t.Errorf("the threads are not told by number: %v", blocks)
		}
		slices.SortFunc(blocks, func(a, b block) int {
			return cmp.Compare(c.threads[strconv.Itoa(a.tid)], c.threads[strconv.Itoa(b.tid)])
		})
		for _, b := range blocks {
			sorted = append(sorted, b.lines...)
		}
		blocks = nil
	}
	for _, l := range lines {
		tid := 0
		if n, _ := fmt.Sscanf(l, "  thread %d:", &tid); n == 1 {
			blocks = append(blocks, block{tid, []string{l}})
			continue
		}
		if len(blocks) > 0 && strings.HasPrefix(l, "    ") {
			b := &blocks[len(blocks)-1]
			b.lines = append(b.lines, l)
			continue
		}
		flush()
		sorted = append(sorted, l)
	}
	flush()
	return sorted
}

var (
	logIDs     = regexp.MustCompile(`(^|node |ref |transaction |buffer |work )(\d+)(:| |\n)`)
	logThread  = regexp.MustCompile(`(^  thread )(\d+)`)
	logPIDs    = regexp.MustCompile(`(^proc |from |to )(\d+)(:|\n)`)
	logTIDs    = regexp.MustCompile(`((?:from|to) [a-z0]+:)(\d+)`)
	logUsers   = regexp.MustCompile(` proc( \d+)+`)
	logAddress = regexp.MustCompile(`(: |d )([0-9a-f]{16})( from|\n)`)
	logElapsed = regexp.MustCompile(`elapsed \d+ms`)
	logLine    = regexp.MustCompile(` l=[1-9]\d*\n| l=0\n`)
	logNice    = regexp.MustCompile(`pri (-?\d+) `)
	logPages   = regexp.MustCompile(`pages: (\d+):(\d+):(\d+)\n`)
	logNumber  = regexp.MustCompile(`\d+`)
)

// normal replaces what may differ in a line: the numbers of processes, threads and things, addresses,
// the device's name, times, and the line of the driver's source where a transaction failed.
func (c *cast) normal(l string) string {
	l = strings.Replace(l, "context "+filepath.Base(c.bus.path), "context DEVICE", 1)
	l = replaceAll(logAddress, l, func(m []string) string {
		if strings.Trim(m[2], "0") == "" {
			return m[1] + "0" + m[3]
		}
		return m[1] + "ADDRESS" + m[3]
	})
	l = logUsers.ReplaceAllStringFunc(l, func(s string) string {
		return logNumber.ReplaceAllStringFunc(s, func(pid string) string { return c.pids[pid] })
	})
	l = replaceAll(logThread, l, func(m []string) string { return m[1] + c.tids[m[2]] })
	l = replaceAll(logPIDs, l, func(m []string) string { return m[1] + c.pids[m[2]] + m[3] })
	l = replaceAll(logTIDs, l, func(m []string) string { return m[1] + c.tids[m[2]] })
	l = replaceAll(logIDs, l, func(m []string) string {
		if m[2] == "0" {
			return m[0]
		}
		if c.ids[m[2]] == 0 {
			c.ids[m[2]] = len(c.ids) + 1
		}
		return fmt.Sprintf("%s#%d%s", m[1], c.ids[m[2]], m[3])
	})
	l = logElapsed.ReplaceAllString(l, "elapsed TIME")
	l = replaceAll(logNice, l, func(m []string) string {
		if m[1] == nice() || m[1] == pick(c.t, nice(), "0") {
			return "pri NICE "
		}
		return m[0]
	})
	l = replaceAll(logPages, l, func(m []string) string { // kept pages may be given back at any time
		kept, _ := strconv.Atoi(m[2])
		free, _ := strconv.Atoi(m[3])
		return fmt.Sprintf("pages: %s:%d\n", m[1], kept+free)
	})
	if strings.Contains(l, " ret 0/0 ") {
		return l
	}
	return logLine.ReplaceAllString(l, " l=LINE\n")
}

// nice is the nice value that this process has, and those it starts.
func nice() string {
	v, _ := unix.Getpriority(unix.PRIO_PROCESS, 0)
	return strconv.Itoa(20 - v)
}

func replaceAll(r *regexp.Regexp, s string, f func(m []string) string) string {
	return r.ReplaceAllStringFunc(s, func(part string) string { return f(r.FindStringSubmatch(part)) })
}

// await waits until a file tells what matches, or, if not there, does not.
func (c *cast) await(file, what string, there bool) {
	c.t.Helper()
	ids := c.ids
	defer func() { c.ids = ids }()
	r := regexp.MustCompile(what)
	await(c.t, fmt.Sprintf("%s tells %s: %v", file, what, there), func() bool {
		c.ids = map[string]int{}
		return r.MatchString(c.log(file)) == there
	})
}

// waits waits until the driver says that a thread waits in it.
func (c *cast) waits(th *thread) {
	c.t.Helper()
	c.await("state", "thread "+regexp.QuoteMeta(c.tids[strconv.Itoa(th.TID)])+": l [13]. need_return 0", true)
}

// same compares with what was recorded on the driver.
func (c *cast) same(name, got string) {
	c.t.Helper()
	if dir := os.Getenv("CONFORMANCE_LOGS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(got), 0o644); err != nil {
			c.t.Fatal(err)
		}
		return
	}
	want, err := recordedLogs.ReadFile("testdata/logs/" + name)
	if err != nil {
		c.t.Fatal(err)
	}
	if d := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		c.t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// tell compares all that the logs tell of the cast.
func (c *cast) tell(name string, of ...*process) {
	c.t.Helper()
	var all strings.Builder
	for _, file := range []string{"state", "transactions", "stats"} {
		fmt.Fprintf(&all, "== %s\n%s", file, c.log(file))
	}
	for _, p := range of {
		fmt.Fprintf(&all, "== proc/%s\n%s", c.pids[strconv.Itoa(p.PID)], c.log(filepath.Join("proc", strconv.Itoa(p.PID))))
	}
	c.same(name, all.String())
}

func TestLogsOfNothing(t *testing.T) {
	c := newCast(t)
	p, unmapped := c.process("a"), c.process("unmapped", noMap)
	c.tell("nothing", p, unmapped)
	c.thread(p).poll(0)
	th := c.thread(unmapped)
	th.start(readSize, enterLooper)
	c.waits(th)
	c.tell("idle", p, unmapped)
}

func TestLogsOfCalls(t *testing.T) {
	c := newCast(t)
	mgrP, serverP, clientP := c.process("manager"), c.process("server"), c.process("client")
	mgr, server, client := c.looper(mgrP), c.looper(serverP), c.looper(clientP)
	mgr.becomeExt(node{0x7, 0x8}, 0x7f|ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	h := publish(mgr, server, client, node{0x10, 0x11})
	h2 := publish(mgr, server, client, node{0x20, 0x21})
	c.tell("published", mgrP)

	// A call that is served, and from which the server calls on; then the same, back to the caller.
	caller := c.thread(clientP)
	caller.start(readSize, caller.call(h, msg(0x11, "first")))
	q := server.got(noop, "TRANSACTION")
	server.start(readSize, server.call(0, msg(0x12, "nested, and longer")))
	mgr.got(noop, "TRANSACTION")
	c.waits(server)
	c.waits(caller)
	c.tell("nested", serverP)

	// Calls nobody has taken, a oneway call that is taken and others behind it, and threads that wait.
	second := c.thread(clientP)
	second.start(readSize, second.call(h2, msg(0x13, "nobody is there")))
	c.waits(second)
	for i := range 3 {
		client.ask([]command{client.call(h, oneway(0x14, strings.Repeat("x", 5000*i)))}, noop, complete)
	}
	client.send(client.call(h2, oneway(0x15, "y")))
	c.tell("pending", serverP)
	waiter := c.looper(mgrP)
	waiter.start(readSize)
	c.waits(waiter)
	idle := c.thread(clientP)
	idle.send(registerLooper, bc(ioctl.BC_EXIT_LOOPER))
	for range 3 {
		c.looper(serverP).got(noop, "TRANSACTION")
	}
	c.tell("waiting", mgrP)

	// Everything comes to its end.
	mgr.ask([]command{mgr.reply(msg(0, "done"))}, noop, complete)
	r := server.got(noop, complete, "REPLY")
	server.send(r.free())
	c.tell("returned", serverP)
	server.send(server.reply(msg(0, "all")), q.free())
	caller.got(noop, complete, "REPLY")
	c.tell("answered", clientP)
}

func TestLogsOfObjects(t *testing.T) {
	c := newCast(t)
	mgrP, aP, bP, diesP := c.process("manager"), c.process("a"), c.process("b"), c.process("dies")
	mgr, a, b, dies := c.looper(mgrP), c.looper(aP), c.looper(bP), c.looper(diesP)
	mgr.becomeExt(node{}, 0x7f|ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	strong := publish(mgr, a, b, node{0x30, 1})
	weak := publish(mgr, a, b, node{0x10, 2})
	both := publish(mgr, a, b, node{0x20, 3})
	b.send(incRefs(weak), release(weak), incRefs(both), incRefs(both), acquire(both), incRefs(0), acquire(0))
	c.tell("references", aP, bP)

	first, second, third := publish(mgr, dies, b, node{0x50, 5}), publish(mgr, dies, b, node{0x40, 4}), publish(mgr, dies, a, node{0x60, 6})
	b.send(requestDeath(strong, 0x51), requestDeath(first, 0x52), requestDeath(second, 0x53))
	a.send(requestDeath(third, 0x54))
	c.tell("subscribed", bP)
	diesP.close()
	c.await("state", `(?s)(has dead binder.*){3}`, true)
	c.tell("dead", aP, bP)
	b.send(clearDeath(second, 0x53))
	c.tell("cleared", bP)
	for range 2 {
		b.start(readSize)
		if r := b.finish(); r.Errno != 0 {
			t.Fatal(r.Errno)
		}
	}
	c.tell("delivered", bP)

	// Work for the owner: an object that nobody holds any longer, one that goes out now.
	b.send(release(strong))
	a.send(a.call(0, oneway(9, "").binder(node{0x70, 7}).weakBinder(node{0x80, 8})))
	b.send(b.call(77, msg(1, "to nobody")))
	c.tell("work", aP, bP)
	a.expect(noop, "INCREFS 0x70/0x7", "ACQUIRE 0x70/0x7", "INCREFS 0x80/0x8", complete)
	c.tell("told", aP)
	a.expect(noop, "RELEASE 0x10/0x2", "DEAD_BINDER 0x54")
}

// A line of a transaction log: how each kind of transaction, and of failure, is told.
func TestTransactionLog(t *testing.T) {
	c := newCast(t)
	mgrP, aP, bP, diesP := c.process("manager"), c.process("a"), c.process("b"), c.process("dies")
	mgr, a, b, dies := c.looper(mgrP), c.looper(aP), c.looper(bP), c.looper(diesP)
	b.ask([]command{b.call(0, msg(1, "too early"))}, noop, "DEAD_REPLY")
	b.ask([]command{b.reply(msg(1, "to nothing"))}, noop, "FAILED_REPLY")
	mgr.becomeExt(node{}, 0x7f)
	mgr.ask([]command{mgr.call(0, msg(1, "to itself"))}, noop, "FAILED_REPLY")
	h := publish(mgr, a, b, node{0x10, 1})
	hb := publish(mgr, b, a, node{0x20, 2})
	gone := publish(mgr, dies, b, node{0x30, 3})
	failed := func(with string, cs ...command) {
		t.Helper()
		b.ask(cs, noop, with)
	}
	failed("FAILED_REPLY", b.call(77, msg(1, "no such handle")))
	failed("FAILED_REPLY", b.call(0xfffffffe, oneway(1, "")))
	failed("FAILED_REPLY", b.call(h, msg(1, strings.Repeat("x", mapSize+1))))
	failed("FAILED_REPLY", b.call(h, oneway(1, strings.Repeat("x", mapSize/2+1))))
	failed("FAILED_REPLY", b.call(h, msg(1, "abc").handle(99)))
	failed("FAILED_REPLY", b.call(h, msg(1, "").fd(-1)))
	tr := b.p.transaction(h, msg(1, ""))
	tr.DataSize = 1 << 31
	failed("FAILED_REPLY", encode(ioctl.BC_TRANSACTION, tr))
	tr.DataSize, tr.Buffer = 8, 8
	failed("FAILED_REPLY", encode(ioctl.BC_TRANSACTION, tr))
	tr = b.p.transaction(h, msg(1, "").binder(node{5, 5}))
	tr.OffsetsSize = 7
	failed("FAILED_REPLY", encode(ioctl.BC_TRANSACTION, tr))
	c.same("log-of-bad", c.log("transaction_log"))
	c.same("failed-bad", c.log("failed_transaction_log"))

	diesP.close()
	c.await("state", " dead node ", true)
	failed("DEAD_REPLY", b.call(gone, msg(1, "to the dead")))
	if errno := mgr.freeze(aP, 1, 0); errno != 0 {
		t.Fatal(errno)
	}
	failed("FROZEN_REPLY", b.call(h, msg(1, "to the frozen")))
	failed("TRANSACTION_PENDING_FROZEN", b.call(h, oneway(1, "waits")))
	if errno := mgr.freeze(aP, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	a.send(a.got(noop, "TRANSACTION").text("waits").free())

	// A call, and one that goes back to the thread that waits for it, with a handle in either.
	b.start(readSize, b.call(h, msg(2, "there")))
	a.got(noop, "TRANSACTION")
	a.start(readSize, a.call(hb, msg(3, "and back").binder(node{0x40, 4})))
	b.got(noop, complete, "TRANSACTION")
	// Answers that do not fit, that hold what the sender has not, and one that does.
	second := c.thread(bP)
	second.start(readSize, second.call(0, msg(5, "")))
	mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "").handle(99))}, noop, complete)
	second.expect(noop, complete, "FAILED_REPLY")
	failed(complete, b.reply(msg(0, strings.Repeat("x", mapSize+1)).with(ioctl.TF_STATUS_CODE)))
	a.expect(noop, "INCREFS 0x40/0x4", "ACQUIRE 0x40/0x4", complete, "FAILED_REPLY")
	a.ask([]command{a.reply(msg(0, "done"))}, noop, complete)
	b.got(noop, "REPLY")
	// An answer to the dead.
	lost := c.thread(c.process("lost"))
	lost.send(lost.call(0, msg(6, "")))
	mgr.got(noop, "TRANSACTION")
	lost.exit()
	mgr.ask([]command{mgr.reply(msg(0, "late"))}, noop, complete)
	c.same("log-of-all", c.log("transaction_log"))
	c.same("failed-all", c.log("failed_transaction_log"))
	for i := range 40 {
		a.ask([]command{a.call(0, oneway(ioctl.Code(i), strings.Repeat("x", i)))}, noop, complete)
	}
	c.same("log-of-many", c.log("transaction_log"))
	c.same("failed-many", c.log("failed_transaction_log"))
}

func TestLogsOfFrozen(t *testing.T) {
	c := newCast(t)
	mgrP, serverP, clientP := c.process("manager"), c.process("server"), c.process("client")
	mgr, server, client := c.looper(mgrP), c.looper(serverP), c.looper(clientP)
	mgr.becomeExt(node{}, 0x7f|ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	h := publish(mgr, server, client, node{0x10, 0x11})
	client.send(handleCookie(ioctl.BC_REQUEST_FREEZE_NOTIFICATION, h, 0x99))
	c.tell("freeze-asked", clientP)
	client.expect(noop, "FROZEN_BINDER 0x99 0")
	if errno := mgr.freeze(serverP, 1, 0); errno != 0 {
		t.Fatal(errno)
	}
	client.send(client.call(h, oneway(1, "waits")), client.call(h, oneway(2, "too")))
	c.tell("frozen", serverP, clientP)
	if errno := mgr.freeze(serverP, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
}

// A process with several opens has one file in proc, which tells of all. The driver takes it away with
// the open it was made for, though others are left.
func TestProcFileOfTwoOpens(t *testing.T) {
	c := newCast(t)
	p := c.process("a")
	q := c.bus.openIn(p.host, noSocket)
	c.same("two-opens", c.log(filepath.Join("proc", strconv.Itoa(p.PID))))
	p.close()
	c.await("state", `(?s)proc a\n.*proc a\n`, false)
	exists := func() bool {
		_, err := os.Stat(filepath.Join(c.bus.dir, "binder_logs", "proc", strconv.Itoa(p.PID)))
		return err == nil
	}
	if isKernel(t) {
		await(t, "the file is gone", func() bool { return !exists() })
	} else if !exists() {
		t.Error("an open is left, and its process's file is gone")
	}
	q.close()
	await(t, "the file is gone", func() bool { return !exists() })
}

func TestLogsOfBuffers(t *testing.T) {
	c := newCast(t)
	mgrP, aP, bP := c.process("manager", mapped(256<<10)), c.process("a"), c.process("b")
	mgr, a, b := c.looper(mgrP), c.looper(aP), c.looper(bP)
	mgr.becomeExt(node{}, 0x7f)
	send := func(cs ...command) *parcel {
		t.Helper()
		a.ask(cs, noop, complete)
		return mgr.got(noop, "TRANSACTION")
	}
	// Sizes, and holes between.
	first := send(a.call(0, oneway(1, strings.Repeat("x", 4096))))
	mgr.send(first.free())
	second := send(a.call(0, oneway(2, "").with(ioctl.TF_CLEAR_BUF)))
	a.ask([]command{a.call(0, oneway(3, strings.Repeat("x", 9000)))}, noop, complete)
	a.ask([]command{a.gather(0, oneway(4, "text"), 64)}, noop, complete)
	a.ask([]command{a.call(0, oneway(5, "abcd").binder(node{1, 1}).binder(node{2, 2}))}, noop, "INCREFS 0x1/0x1", "ACQUIRE 0x1/0x1", "INCREFS 0x2/0x2", "ACQUIRE 0x2/0x2", complete)
	c.tell("buffers", mgrP)
	mgr.send(second.free())
	third := mgr.got(noop, "TRANSACTION")
	mgr.send(third.free())
	c.tell("holes", mgrP)
	mgr.got(noop, "TRANSACTION")
	c.tell("taken", mgrP)

	// A sender that floods has something else to read than the others, whether it wants to know or not.
	for range 12 {
		b.ask([]command{b.call(0, oneway(6, strings.Repeat("x", 8<<10)))}, noop, complete)
	}
	b.send(b.call(0, oneway(7, strings.Repeat("x", 14<<10))))
	b.send(b.call(0, oneway(8, "")))
	c.tell("flood", bP)
	b.expect(noop, complete, complete)
	c.tell("flooded", bP)
}

func TestLogsOfTheDead(t *testing.T) {
	c := newCast(t)
	mgrP, serverP, clientP := c.process("manager"), c.process("server"), c.process("client")
	mgr, server, client := c.looper(mgrP), c.looper(serverP), c.looper(clientP)
	mgr.becomeExt(node{}, 0x7f)
	h := publish(mgr, server, client, node{0x10, 0x11})
	toManager, second := c.thread(clientP), c.thread(clientP)
	// Callers die while their calls are served, and while they wait to be.
	toManager.send(toManager.call(0, msg(1, "served")))
	mgr.got(noop, "TRANSACTION")
	second.send(second.call(0, msg(2, "not yet")))
	client.send(client.call(h, msg(3, "with the server")))
	q := server.got(noop, "TRANSACTION")
	c.tell("before", mgrP, serverP)
	toManager.exit()
	second.exit()
	c.tell("threads-gone", mgrP, serverP, clientP)
	// Then a server: with a call from one that lives, and the buffer of that freed.
	server.send(q.free())
	c.tell("freed", serverP)
	serverP.close()
	c.await("state", `(?s)dead nodes:.*transaction error: 29189`, true) // the driver takes a while over the dead
	c.tell("server-gone", clientP)
	client.expect(noop, complete, "DEAD_REPLY")
	clientP.close()
	c.await("state", "proc client|dead nodes", false)
	c.tell("client-gone", mgrP)
	mgr.ask([]command{mgr.reply(msg(0, "too late"))}, noop, complete)
	c.tell("too-late", mgrP)
}
