package busd

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// The texts of binder_logs. What they tell of a process is put together in pieces of logChunk
// nodes or handles or about logBytes, each under the lock and written out without it; what happens
// in between may be told or not. Of a queue no more than logChunk works are told.
const (
	logChunk = 256
	logBytes = 16 << 10
)

// ProcIDs lists the processes that have a device open.
func (b *Bus) ProcIDs() []ProcessID {
	seen := map[ProcessID]bool{}
	for _, p := range b.processes() {
		seen[p.id.PID] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// WriteState writes binder_logs/state: the nodes of the dead, and each process with its threads,
// nodes, handles and work.
func (b *Bus) WriteState(w io.Writer) {
	fmt.Fprintln(w, "binder state:")
	b.writeDeadNodes(w)
	for _, p := range b.processes() {
		p.writeState(w, true)
	}
}

// WriteTransactions writes binder_logs/transactions: what is under way.
func (b *Bus) WriteTransactions(w io.Writer) {
	fmt.Fprintln(w, "binder transactions:")
	for _, p := range b.processes() {
		p.writeState(w, false)
	}
}

// WriteProc writes binder_logs/proc/PID. It answers whether there is such a process.
func (b *Bus) WriteProc(w io.Writer, pid ProcessID) bool {
	found := false
	for _, p := range b.processes() {
		if p.id.PID == pid {
			found = true
			fmt.Fprintln(w, "binder proc state:")
			p.writeState(w, true)
		}
	}
	return found
}

// WriteStats writes binder_logs/stats: what passed and what is there, in all and by process.
func (b *Bus) WriteStats(w io.Writer) {
	fmt.Fprintln(w, "binder stats:")
	b.stats.traffic.write(w, "")
	for i, name := range statNames {
		created, deleted := b.stats.created[i].Load(), b.stats.deleted[i].Load()
		if created > 0 {
			fmt.Fprintf(w, "%s: active %d total %d\n", name, created-deleted, created)
		}
	}
	for _, p := range b.processes() {
		p.writeStats(w)
	}
}

// write tells of each command and each return that has passed.
func (t *traffic) write(w io.Writer, indent string) {
	for i := range t.bc {
		if n := t.bc[i].Load(); n > 0 {
			fmt.Fprintf(w, "%s%v: %d\n", indent, commands[i].command, n)
		}
	}
	for i := range t.br {
		if n := t.br[i].Load(); n > 0 {
			fmt.Fprintf(w, "%s%s: %d\n", indent, returnNames[i], n)
		}
	}
}

// statNames are the objects of stats, by number.
var statNames = [statObjects]string{"proc", "thread", "node", "ref", "death", "transaction", "transaction_complete", "freeze"}

// returnNames are the names of the BR_ codes, by ordinal.
var returnNames = func() (names [maxReturn + 1]string) {
	for _, r := range []ioctl.Return{
		ioctl.BR_ERROR, ioctl.BR_OK, ioctl.BR_TRANSACTION, ioctl.BR_REPLY, ioctl.BR_ACQUIRE_RESULT,
		ioctl.BR_DEAD_REPLY, ioctl.BR_TRANSACTION_COMPLETE, ioctl.BR_INCREFS, ioctl.BR_ACQUIRE,
		ioctl.BR_RELEASE, ioctl.BR_DECREFS, ioctl.BR_ATTEMPT_ACQUIRE, ioctl.BR_NOOP,
		ioctl.BR_SPAWN_LOOPER, ioctl.BR_FINISHED, ioctl.BR_DEAD_BINDER,
		ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE, ioctl.BR_FAILED_REPLY, ioctl.BR_FROZEN_REPLY,
		ioctl.BR_ONEWAY_SPAM_SUSPECT, ioctl.BR_TRANSACTION_PENDING_FROZEN, ioctl.BR_FROZEN_BINDER,
		ioctl.BR_CLEAR_FREEZE_NOTIFICATION_DONE,
	} {
		names[ioctl.Number(r).Ordinal()] = r.String()
	}
	return names
}()

// processes lists the opens of all devices, the youngest first.
func (b *Bus) processes() []*Process {
	var list []*Process
	for _, c := range b.allContexts() {
		c.mu.Lock()
		for p := c.procs.first; p != nil; p = p.next {
			list = append(list, p)
		}
		c.mu.Unlock()
	}
	slices.SortFunc(list, func(p, q *Process) int { return cmp.Compare(q.age, p.age) })
	return list
}

// deadNodes goes through a context's nodes whose owner is dead, the newest dead first.
type deadNodes struct {
	ctx   *Context
	next  int64    // all that died no earlier were read
	died  []int64  // those read and not yet told
	lines []string // what there is to tell of them
}

// fill reads some more nodes if there are none. It answers whether there are any.
func (d *deadNodes) fill() bool {
	if len(d.lines) > 0 {
		return true
	}
	d.died = d.died[:0]
	d.ctx.mu.Lock()
	defer d.ctx.mu.Unlock()
	for range logChunk {
		n := d.ctx.ledger.DeadBefore(d.next)
		if n == nil {
			break
		}
		var line strings.Builder
		writeNode(&line, n)
		d.died, d.lines = append(d.died, n.Orphaned), append(d.lines, line.String())
		d.next = n.Orphaned
	}
	return len(d.lines) > 0
}

// writeDeadNodes tells of the nodes whose owner is dead, the newest dead first.
func (b *Bus) writeDeadNodes(w io.Writer) {
	var all []*deadNodes
	for _, c := range b.allContexts() {
		if d := (&deadNodes{ctx: c, next: math.MaxInt64}); d.fill() {
			all = append(all, d)
		}
	}
	if len(all) > 0 {
		fmt.Fprintln(w, "dead nodes:")
	}
	for len(all) > 0 {
		d := slices.MaxFunc(all, func(d, e *deadNodes) int { return cmp.Compare(d.died[0], e.died[0]) })
		io.WriteString(w, d.lines[0])
		d.died, d.lines = d.died[1:], d.lines[1:]
		all = slices.DeleteFunc(all, func(d *deadNodes) bool { return !d.fill() })
	}
}

// inPieces calls one, under the lock, until it answers false, and writes what it wrote, without.
func (c *Context) inPieces(w io.Writer, one func(b *bytes.Buffer) bool) {
	var b bytes.Buffer
	for more := true; more; {
		c.mu.Lock()
		for i := 0; more && i < logChunk && b.Len() < logBytes; i++ {
			more = one(&b)
		}
		c.mu.Unlock()
		w.Write(b.Bytes())
		b.Reset()
	}
}

// A headed writer writes head before the first bytes that are written to it.
type headed struct {
	io.Writer
	head string
}

func (h *headed) Write(b []byte) (int, error) {
	if h.head != "" && len(b) > 0 {
		io.WriteString(h.Writer, h.head)
		h.head = ""
	}
	return h.Writer.Write(b)
}

// writeState tells of a process: its threads, nodes, handles, buffers and work. If not all, then
// only of what is under way, and of a process that has nothing of that not even the name.
func (p *Process) writeState(out io.Writer, all bool) {
	c := p.ctx
	w := &headed{out, fmt.Sprintf("proc %d\ncontext %s\n", p.id.PID, c.name)}
	if all {
		io.WriteString(out, w.head)
		w.head = ""
	}
	c.mu.Lock()
	tids := slices.AppendSeq(make([]ThreadID, 0, len(p.threads)), maps.Keys(p.threads))
	c.mu.Unlock()
	slices.Sort(tids)
	c.inPieces(w, func(b *bytes.Buffer) bool {
		if len(tids) == 0 {
			return false
		}
		if th := p.threads[tids[0]]; th != nil {
			th.write1(b, all)
		}
		tids = tids[1:]
		return true
	})

	ptr, done := refcount.Pointer(0), false
	c.inPieces(w, func(b *bytes.Buffer) bool {
		n := p.table.NodeFrom(ptr)
		if done || n == nil {
			return false
		}
		if all || nodeOf(n).hasAsync {
			writeNode(b, n)
			nodeOf(n).asyncTodo.print(b, p, "    ", "pending async transaction")
		}
		ptr = n.Pointer + 1
		done = ptr == 0
		return true
	})
	if all {
		h := refcount.Handle(0)
		c.inPieces(w, func(b *bytes.Buffer) bool {
			r := p.table.RefFrom(h)
			if r == nil {
				return false
			}
			writeRef(b, r)
			h = r.Handle + 1
			return true
		})
	}
	off := uint64(0)
	c.inPieces(w, func(b *bytes.Buffer) bool {
		if p.alloc == nil {
			return false
		}
		f := p.alloc.next(off)
		if f == nil {
			return false
		}
		state := "delivered"
		if f.transaction != nil {
			state = "active"
		}
		fmt.Fprintf(b, "  buffer %d: %x size %d:%d:%d %s\n", f.id, f.off, f.dataSize, f.offsetsSize, f.extraSize, state)
		off = f.end()
		return true
	})
	var b bytes.Buffer
	c.mu.Lock()
	p.todo.print(&b, p, "  ", "pending transaction")
	if p.table.HasDeliveredDeaths() {
		fmt.Fprintln(&b, "  has delivered dead binder")
	}
	if p.table.HasDeliveredFreezes() {
		fmt.Fprintln(&b, "  has delivered freeze binder")
	}
	c.mu.Unlock()
	w.Write(b.Bytes())
}

// write1 tells of a thread: always if all, otherwise if it has work.
func (th *Thread) write1(w io.Writer, all bool) {
	if !all && th.stack == nil && th.todo.empty() {
		return
	}
	fmt.Fprintf(w, "  thread %d: l %02x need_return %d tr 0\n", th.tid, uint8(th.state()), bit(th.needReturn))
	for t := th.stack; t != nil; {
		switch {
		case t.from == th:
			t.print(w, th.proc, "    outgoing transaction")
			t = t.fromParent
		case t.toThread == th:
			t.print(w, th.proc, "    incoming transaction")
			t = t.toParent
		default:
			t.print(w, th.proc, "    bad transaction")
			t = nil
		}
	}
	th.todo.print(w, th.proc, "    ", "pending transaction")
}

// print tells what is in a queue: a transaction after what, other work after the indent alone.
func (q *queue) print(w io.Writer, p *Process, indent, what string) {
	l := q.first
	for i := 0; l != nil && i < logChunk; i++ {
		prefix := indent
		if _, ok := l.work.(*transaction); ok {
			prefix += what
		}
		l.work.print(w, p, prefix)
		l = l.next
	}
}

// writeNode tells of a node. The driver holds each for as long as it tells of it, and counts that.
func writeNode(w io.Writer, n *refcount.Node) {
	c := n.Counts()
	fmt.Fprintf(w, "  node %d: u%016x c%016x hs %d hw %d ls %d lw %d is %d iw %d tr %d", n.ID, n.Pointer, n.Cookie,
		bit(c.HasStrong), bit(c.HasWeak), c.LocalStrong, c.LocalWeak, c.InternalStrong, c.InternalWeak, c.Temporary+1)
	if r := n.FirstRef(); r != nil {
		fmt.Fprint(w, " proc")
		for i := 0; r != nil && i < logChunk; i++ {
			fmt.Fprintf(w, " %d", processOf(r.Table).id.PID)
			r = r.NextOfNode()
		}
	}
	fmt.Fprintln(w)
}

// writeRef tells of a handle. Where the driver shows the address of a subscription to its death, the
// number of the handle stands once more.
func writeRef(w io.Writer, r *refcount.Ref) {
	dead, death := "", refcount.ID(0)
	if r.Node.Owner == nil {
		dead = "dead "
	}
	if r.Death != nil {
		death = r.ID
	}
	fmt.Fprintf(w, "  ref %d: desc %d %snode %d s %d w %d d %016x\n", r.ID, r.Handle, dead, r.Node.ID, r.Strong, r.Weak, death)
}

// writeStats tells of a process in numbers.
func (p *Process) writeStats(w io.Writer) {
	c := p.ctx
	c.mu.Lock()
	tid, known := p.anyThread(), p.alloc != nil || p.dead
	c.mu.Unlock()
	if !known {
		p.findArea(tid)
	}
	refs, strong, weak, h := 0, 0, 0, refcount.Handle(0)
	c.inPieces(io.Discard, func(*bytes.Buffer) bool {
		r := p.table.RefFrom(h)
		if r == nil {
			return false
		}
		refs, strong, weak = refs+1, strong+int(r.Strong), weak+int(r.Weak)
		h = r.Handle + 1
		return h != 0
	})
	var b bytes.Buffer
	c.mu.Lock()
	waiting, pending := 0, 0
	for th := p.waiting.first; th != nil; th = th.waitingNext {
		waiting++
	}
	for l := p.todo.first; l != nil; l = l.next {
		if _, ok := l.work.(*transaction); ok {
			pending++
		}
	}
	async, buffers := uint64(0), 0
	active, idle, free, high := 0, 0, 0, 0
	if a := p.alloc; a != nil {
		async, buffers = a.asyncFree, a.inUse
		active, idle, high = a.pages.active, a.pages.idle(), a.pages.high
		free = int(a.size/pageSize) - active - idle
	}
	fmt.Fprintf(&b, "proc %d\ncontext %s\n", p.id.PID, c.name)
	fmt.Fprintf(&b, "  threads: %d\n  requested threads: %d+%d/%d\n  ready threads %d\n  free async space %d\n",
		len(p.threads), int32(p.requested), int32(p.started), int32(p.maxThreads), waiting, async)
	fmt.Fprintf(&b, "  nodes: %d\n  refs: %d s %d w %d\n  buffers: %d\n  pages: %d:%d:%d\n  pages high watermark: %d\n  pending transactions: %d\n",
		p.table.NumNodes(), refs, strong, weak, buffers, active, idle, free, high, pending)
	c.mu.Unlock()
	p.traffic.write(&b, "  ")
	w.Write(b.Bytes())
}
