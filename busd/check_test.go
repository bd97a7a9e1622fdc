package busd

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/fusebinder/fusebinder/ioctl"
)

// check verifies the invariants of the context; nobody may be in the middle of a call.
func (w *world) check() {
	w.Helper()
	if err := w.ctx.check(); err != nil {
		w.Fatal(err)
	}
}

// check verifies what must hold whenever the lock is free and all that is ready was delivered.
func (c *Context) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := checker{ctx: c, seen: map[*transaction]string{}, outstanding: map[*Process]int{}}
	if c.ready.first != nil || len(c.closing) > 0 || len(c.settled) > 0 || len(c.watched) > 0 || len(c.garbage) > 0 {
		return fmt.Errorf("something is left to deliver, close, collect or tell")
	}
	if err := c.ledger.Check(); err != nil {
		return err
	}
	for p := c.procs.first; p != nil; p = p.next {
		if err := k.process(p); err != nil {
			return fmt.Errorf("process %d: %w", p.id.PID, err)
		}
	}
	return k.totals()
}

type checker struct {
	ctx         *Context
	seen        map[*transaction]string // where a transaction was found last
	outstanding map[*Process]int
	calls       []*transaction // whose callers wait
}

func (k *checker) process(p *Process) error {
	if p.dead || p.pins != 0 || p.trimming {
		return fmt.Errorf("dead %v, %d pins, trimming %v", p.dead, p.pins, p.trimming)
	}
	if err := p.table.Check(); err != nil {
		return err
	}
	if err := k.queue(&p.todo, p, nil); err != nil {
		return fmt.Errorf("todo: %w", err)
	}
	waiting := map[*Thread]bool{}
	for th := p.waiting.first; th != nil; th = th.waitingNext {
		if waiting[th] || !th.inWaiting || th.proc != p {
			return fmt.Errorf("thread %d: wrong in the list of those that wait", th.tid)
		}
		waiting[th] = true
	}
	if !p.todo.empty() && len(waiting) > 0 {
		return fmt.Errorf("%d threads wait though there is work", len(waiting))
	}
	for _, tid := range slices.Sorted(maps.Keys(p.threads)) {
		th := p.threads[tid]
		if th.tid != tid {
			return fmt.Errorf("thread %d is under %d", th.tid, tid)
		}
		if err := k.thread(th, waiting[th]); err != nil {
			return fmt.Errorf("thread %d: %w", tid, err)
		}
	}
	for n := p.table.NodeFrom(0); n != nil; n = p.table.NodeAfter(n.Pointer) {
		s := nodeOf(n)
		if s.Node != n {
			return fmt.Errorf("node %d: not its broker's half", n.ID)
		}
		if err := k.queue(&s.asyncTodo, p, nil); err != nil {
			return fmt.Errorf("node %d: %w", n.ID, err)
		}
		if !s.asyncTodo.empty() && !s.hasAsync {
			return fmt.Errorf("node %d: oneway transactions wait for none", n.ID)
		}
	}
	return k.buffers(p)
}

func (k *checker) buffers(p *Process) error {
	if p.alloc == nil {
		return nil
	}
	asyncs := map[*node]int{}
	n := 0
	for b := p.alloc.next(0); b != nil; b = p.alloc.next(b.end()) {
		n++
		if b.payer == nil {
			return fmt.Errorf("buffer %x: nobody pays", b.off)
		}
		if t := b.transaction; t != nil {
			if t.buf != b {
				return fmt.Errorf("buffer %x: its transaction %d has another", b.off, t.id)
			}
			k.seen[t] += "" // must be known from elsewhere
		} else if !b.userFree && !b.lost {
			return fmt.Errorf("buffer %x: neither its client's nor a transaction's", b.off)
		}
		if b.async && b.node != nil && b.node.Owner != nil {
			asyncs[nodeOf(b.node)]++
		}
	}
	if n != p.alloc.inUse {
		return fmt.Errorf("%d buffers, counted %d", n, p.alloc.inUse)
	}
	for s, n := range asyncs {
		waiting := 0
		for l := s.asyncTodo.first; l != nil; l = l.next {
			waiting++
		}
		if !s.hasAsync || n != waiting+1 {
			return fmt.Errorf("node %d: %d oneway buffers, %d wait, busy %v", s.ID, n, waiting, s.hasAsync)
		}
	}
	return nil
}

// queue checks a queue of the process or, if th is not nil, of the thread.
func (k *checker) queue(q *queue, p *Process, th *Thread) error {
	var before *link
	for l := q.first; l != nil; before, l = l, l.next {
		if l.queue != q || l.prev != before || l.work == nil {
			return fmt.Errorf("a broken link")
		}
		switch w := l.work.(type) {
		case *transaction:
			if err := k.found(w, "queued"); err != nil {
				return err
			}
			if w.to != p || w.buf == nil || w.buf.transaction != w || w.buf.userFree {
				return fmt.Errorf("transaction %d: queued at %p with buffer %v", w.id, w.to, w.buf)
			}
			k.outstanding[p]++
		case *notice:
			if w.code == 0 || w != &th.callError && w != &th.replyError {
				return fmt.Errorf("a notice without a code")
			}
		case *node:
			if w.Owner != p.table {
				return fmt.Errorf("node %d: at a stranger's", w.ID)
			}
		case *death:
			if w.Table != p.table {
				return fmt.Errorf("a death of a stranger's")
			}
		case *freeze:
			if w.Table != p.table {
				return fmt.Errorf("a freeze of a stranger's")
			}
		}
	}
	if q.last != before {
		return fmt.Errorf("the last link is not the last")
	}
	return nil
}

// found notes where a transaction is: it may be in a queue or with a thread that serves it, once,
// and besides on the stack of the thread that waits for it.
func (k *checker) found(t *transaction, where string) error {
	if old := k.seen[t]; old != "" {
		return fmt.Errorf("transaction %d: %s and %s", t.id, old, where)
	}
	k.seen[t] = where
	return nil
}

func (k *checker) thread(th *Thread, waiting bool) error {
	if th.dead {
		return fmt.Errorf("dead")
	}
	switch c := th.call; {
	case c == nil && waiting:
		return fmt.Errorf("waits in no call")
	case c == nil:
	case c.state.thread != th, c.state.phase != parked, c.state.work != nil:
		return fmt.Errorf("its call is at %d, with work %v", c.state.phase, c.state.work)
	case waiting != c.state.waitProc:
		return fmt.Errorf("waits for the process %v, and is listed %v", c.state.waitProc, waiting)
	case th.hasWork(c.state.waitProc) && c.state.freezing == nil:
		return fmt.Errorf("waits though it has work")
	}
	if err := k.queue(&th.todo, th.proc, th); err != nil {
		return fmt.Errorf("todo: %w", err)
	}
	for _, n := range []*notice{&th.callError, &th.replyError} {
		if n.queued() && n.code == 0 { // one that could not be told is in no queue: see read
			return fmt.Errorf("a notice %v, queued %v", n.code, n.queued())
		}
	}
	steps := 0
	for t := th.stack; t != nil; steps++ {
		switch {
		case steps > 1000:
			return fmt.Errorf("the stack has no end")
		case t.reply || t.oneway():
			return fmt.Errorf("transaction %d: no call, and on a stack", t.id)
		case t.toThread == th && t.to == th.proc && !t.queued():
			if err := k.found(t, "served"); err != nil {
				return err
			}
			k.outstanding[th.proc]++
			t = t.toParent
		case t.from == th && t != th.stack && t.to != nil && t.queued():
			return fmt.Errorf("transaction %d: below the top, and not even delivered", t.id)
		case t.from == th:
			k.calls = append(k.calls, t)
			t = t.fromParent
		default:
			return fmt.Errorf("transaction %d: on a strange stack", t.id)
		}
	}
	return nil
}

// totals compares what was found with what is counted.
func (k *checker) totals() error {
	for t, where := range k.seen {
		if where == "" {
			return fmt.Errorf("transaction %d: has a buffer and is lost", t.id)
		}
	}
	// Whoever waits for an answer must be able to get one: somebody is to serve the call, or, when
	// he has died in the middle, somebody is to serve a call that he made for it.
	answerable := map[*transaction]bool{}
	for t := range k.seen {
		for ; t != nil && !answerable[t] && !t.reply && !t.oneway(); t = t.fromParent {
			answerable[t] = true
		}
	}
	for _, t := range k.calls {
		if !answerable[t] || k.seen[t] == "" && t.to != nil {
			return fmt.Errorf("transaction %d: nobody will answer it", t.id)
		}
	}
	type account struct{ bytes, parked, nodes, handles int64 }
	held := map[*user]*account{}
	of := func(u *user) *account {
		if held[u] == nil {
			held[u] = new(account)
		}
		return held[u]
	}
	for p := k.ctx.procs.first; p != nil; p = p.next {
		if p.outstanding != k.outstanding[p] {
			return fmt.Errorf("process %d: %d transactions outstanding, found %d", p.id.PID, p.outstanding, k.outstanding[p])
		}
		of(p.user)
		for _, th := range p.threads {
			if th.call != nil {
				of(p.user).parked++
			}
		}
		for n := p.table.NodeFrom(0); n != nil; n = p.table.NodeAfter(n.Pointer) {
			of(nodeOf(n).charged).nodes++
		}
		for r := p.table.RefFrom(0); r != nil; r = p.table.RefFrom(r.Handle + 1) {
			if payer, ok := r.Broker.(*user); ok {
				of(payer).handles++
			}
		}
		if p.alloc != nil {
			for b := p.alloc.next(0); b != nil; b = p.alloc.next(b.end()) {
				of(b.payer).bytes += b.cost()
			}
		}
	}
	for n := k.ctx.ledger.DeadBefore(math.MaxInt64); n != nil; n = k.ctx.ledger.DeadBefore(n.Orphaned) {
		of(nodeOf(n).charged).nodes++
	}
	deaths := int64(0)
	for u, h := range held {
		charged := account{u.bytes.Load(), u.parked.Load(), u.nodes.Load(), u.handles.Load()}
		if charged != *h {
			return fmt.Errorf("user %d: charged %+v, found %+v", u.uid, charged, *h)
		}
		deaths += u.deaths.Load()
	}
	s := &k.ctx.bus.stats
	active := func(i int) int { return int(s.created[i].Load() - s.deleted[i].Load()) }
	t := k.ctx.ledger.Totals()
	if active(statNode) != t.Nodes || active(statRef) != t.Refs || active(statDeath) != t.Deaths || active(statFreeze) != t.Freezes || int(deaths) != t.Deaths+t.Freezes {
		return fmt.Errorf("%d nodes, %d refs, %d deaths in the statistics, %d deaths charged, the ledger has %+v",
			active(statNode), active(statRef), active(statDeath), deaths, t)
	}
	return nil
}

// objectTypes is so that histories can name them by number.
var objectTypes = [...]ioctl.ObjectType{
	ioctl.BINDER_TYPE_BINDER, ioctl.BINDER_TYPE_WEAK_BINDER, ioctl.BINDER_TYPE_HANDLE,
	ioctl.BINDER_TYPE_WEAK_HANDLE, ioctl.BINDER_TYPE_FD, ioctl.BINDER_TYPE_PTR, ioctl.BINDER_TYPE_FDA, 0x1234,
}
