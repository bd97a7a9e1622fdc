package busd

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

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
	for _, c := range b.allContexts() {
		for _, p := range c.processes() {
			seen[p.id.PID] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// WriteState writes binder_logs/state: each process with its threads, nodes, handles and work.
func (b *Bus) WriteState(w io.Writer) {
	fmt.Fprintln(w, "binder state:")
	first := true
	for _, c := range b.allContexts() {
		c.writeDeadNodes(w, &first)
	}
	for _, c := range b.allContexts() {
		for _, p := range c.processes() {
			p.writeState(w, true)
		}
	}
}

// WriteTransactions writes binder_logs/transactions: what is under way.
func (b *Bus) WriteTransactions(w io.Writer) {
	fmt.Fprintln(w, "binder transactions:")
	for _, c := range b.allContexts() {
		for _, p := range c.processes() {
			p.writeState(w, false)
		}
	}
}

// WriteProc writes binder_logs/proc/PID. It answers whether there is such a process.
func (b *Bus) WriteProc(w io.Writer, pid ProcessID) bool {
	found := false
	for _, c := range b.allContexts() {
		for _, p := range c.processes() {
			if p.id.PID == pid {
				found = true
				fmt.Fprintln(w, "binder proc state:")
				p.writeState(w, true)
			}
		}
	}
	return found
}

// WriteStats writes binder_logs/stats: what passed and what is there, in all and by process.
func (b *Bus) WriteStats(w io.Writer) {
	fmt.Fprintln(w, "binder stats:")
	for i := range b.stats.bc {
		if n := b.stats.bc[i].Load(); n > 0 {
			fmt.Fprintf(w, "%v: %d\n", commands[i].command, n)
		}
	}
	for i := range b.stats.br {
		if n := b.stats.br[i].Load(); n > 0 {
			fmt.Fprintf(w, "%s: %d\n", returnNames[i], n)
		}
	}
	for i, name := range statNames {
		created, deleted := b.stats.created[i].Load(), b.stats.deleted[i].Load()
		if created > 0 {
			fmt.Fprintf(w, "%s: active %d total %d\n", name, created-deleted, created)
		}
	}
	for _, c := range b.allContexts() {
		for _, p := range c.processes() {
			p.writeStats(w)
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

// processes lists the opens of a device, the youngest first.
func (c *Context) processes() []*Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []*Process
	for p := c.procs.first; p != nil; p = p.next {
		list = append(list, p)
	}
	return list
}

// writeDeadNodes tells of the nodes whose owner is dead.
func (c *Context) writeDeadNodes(w io.Writer, first *bool) {
	id := refcount.ID(0)
	c.inPieces(w, func(b *bytes.Buffer) bool {
		n := c.ledger.DeadFrom(id)
		if n == nil {
			return false
		}
		if *first {
			*first = false
			fmt.Fprintln(b, "dead nodes:")
		}
		writeNode(b, n)
		id = n.ID + 1
		return true
	})
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

// writeState tells of a process: its threads and, if all, its nodes and handles too, then its
// buffers and its work.
func (p *Process) writeState(w io.Writer, all bool) {
	c := p.ctx
	fmt.Fprintf(w, "proc %d\ncontext %s\n", p.id.PID, c.name)
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
			nodeOf(n).asyncTodo.print(b, "    ", "pending async transaction")
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
			dead := ""
			if r.Node.Owner == nil {
				dead = "dead "
			}
			fmt.Fprintf(b, "  ref %d: desc %d %snode %d s %d w %d d %d\n", r.ID, r.Handle, dead, r.Node.ID, r.Strong, r.Weak, bit(r.Death != nil))
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
		fmt.Fprintf(b, "  buffer at %x size %d:%d:%d %s\n", f.off, f.dataSize, f.offsetsSize, f.extraSize, state)
		off = f.end()
		return true
	})
	var b bytes.Buffer
	c.mu.Lock()
	p.todo.print(&b, "  ", "pending transaction")
	if p.table.HasDeliveredDeaths() {
		fmt.Fprintln(&b, "  has delivered dead binder")
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
			t.print(w, "    outgoing transaction")
			t = t.fromParent
		case t.toThread == th:
			t.print(w, "    incoming transaction")
			t = t.toParent
		default:
			t.print(w, "    bad transaction")
			t = nil
		}
	}
	th.todo.print(w, "    ", "pending transaction")
}

// print tells what is in a queue: a transaction after what, other work after the indent alone.
func (q *queue) print(w io.Writer, indent, what string) {
	l := q.first
	for i := 0; l != nil && i < logChunk; i++ {
		prefix := indent
		if _, ok := l.work.(*transaction); ok {
			prefix += what
		}
		l.work.print(w, prefix)
		l = l.next
	}
}

func writeNode(w io.Writer, n *refcount.Node) {
	c := n.Counts()
	fmt.Fprintf(w, "  node %d: u%016x c%016x hs %d hw %d ls %d lw %d is %d iw %d tr %d", n.ID, n.Pointer, n.Cookie,
		bit(c.HasStrong), bit(c.HasWeak), c.LocalStrong, c.LocalWeak, c.InternalStrong, c.InternalWeak, c.Temporary)
	if r := n.FirstRef(); r != nil {
		fmt.Fprint(w, " proc")
		for i := 0; r != nil && i < logChunk; i++ {
			fmt.Fprintf(w, " %d", processOf(r.Table).id.PID)
			r = r.NextOfNode()
		}
	}
	fmt.Fprintln(w)
}

// writeStats tells of a process in numbers.
func (p *Process) writeStats(w io.Writer) {
	c := p.ctx
	strong, weak, h := 0, 0, refcount.Handle(0)
	c.inPieces(io.Discard, func(*bytes.Buffer) bool {
		r := p.table.RefFrom(h)
		if r == nil {
			return false
		}
		strong, weak = strong+int(r.Strong), weak+int(r.Weak)
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
	if p.alloc != nil {
		async, buffers = p.alloc.asyncFree, p.alloc.inUse
	}
	fmt.Fprintf(&b, "proc %d\ncontext %s\n", p.id.PID, c.name)
	fmt.Fprintf(&b, "  threads: %d\n  requested threads: %d+%d/%d\n  ready threads %d\n  free async space %d\n",
		len(p.threads), p.requested, p.started, p.maxThreads, waiting, async)
	fmt.Fprintf(&b, "  nodes: %d\n  refs: %d s %d w %d\n  buffers: %d\n  pending transactions: %d\n",
		p.table.NumNodes(), p.table.NumRefs(), strong, weak, buffers, pending)
	c.mu.Unlock()
	w.Write(b.Bytes())
}
