package busd

import (
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// Process is one open of a device: its objects, its handles, its threads and what waits for
// them. dup and fork share it. All fields below watcher are guarded by the context's lock.
type Process struct {
	ctx     *Context
	id      Identity
	euid    uint32 // of the process at present, see SetEUID
	user    *user
	memory  Memory
	files   Files
	watcher Watcher

	priorities Priorities
	lending    Lending
	nice       int8 // what its threads have while they wait: the opener's

	prev, next *Process // in ctx.procs
	age        uint64   // the how manieth open of the bus it is
	dead       bool
	pins       int // calls of others that still write to area

	table *refcount.Table // nodes it owns, handles it has
	area  Area            // nil until its mmap was found
	alloc *allocator

	trimMu   sync.Mutex // held while the area is trimmed; taken after the context's lock is given up
	trimming bool
	used     bool // a buffer was made since the last Trim
	dirty    bool // a buffer was made since the area was last discarded

	threads    map[ThreadID]*Thread
	lastThread *Thread // the newest answer of thread()
	waiting    threadList
	todo       queue

	maxThreads    uint32
	requested     uint32 // BR_SPAWN_LOOPER sent and not yet answered
	started       uint32 // BC_REGISTER_LOOPER received
	outstanding   int    // transactions sent here and not yet answered or freed
	spamDetection bool
	frozenState
	watchQueued      bool
	completions      *completion // unused ones
	spareCompletions int         // how many
	unread           int64       // completions in use: of transactions whose senders have not read so
	interestingPolls bool        // some thread uses poll

	traffic // needs no lock
}

// processList is a context's opens, the youngest first.
type processList struct{ first *Process }

func (l *processList) push(p *Process) {
	p.next, p.prev = l.first, nil
	if l.first != nil {
		l.first.prev = p
	}
	l.first = p
}

func (l *processList) remove(p *Process) {
	if p.prev != nil {
		p.prev.next = p.next
	} else {
		l.first = p.next
	}
	if p.next != nil {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}

// SetEUID says that the process that opened the device has become another effective user. What it
// sends from now on is that user's, and what it may do; the account is still the opener's.
func (p *Process) SetEUID(uid uint32) {
	p.ctx.mu.Lock()
	defer p.ctx.mu.Unlock()
	p.euid = uid
}

// Open makes a process of a client. It answers EMFILE when the client's user has too many
// already (Limits.Processes), ECONNREFUSED after Shutdown, and ENXIO when the device was removed
// and its last process gone.
func (c *Context) Open(cl Client) (*Process, syscall.Errno) {
	u := c.bus.chargeProcess(cl.EUID)
	if u == nil {
		return nil, syscall.EMFILE
	}
	p := &Process{
		ctx: c, id: cl.Identity, euid: cl.EUID, user: u, age: c.bus.opens.Add(1),
		memory: cl.Memory, files: cl.Files, watcher: cl.Watcher,
		priorities: cl.Priorities, lending: cl.Lending, nice: cl.Nice,
		threads: map[ThreadID]*Thread{},
	}
	c.mu.Lock()
	errno := syscall.Errno(0)
	switch {
	case c.down:
		errno = syscall.ECONNREFUSED
	case c.forgotten:
		errno = syscall.ENXIO
	default:
		p.table = c.ledger.NewTable(p)
		c.procs.push(p)
	}
	c.mu.Unlock()
	if errno != 0 {
		c.bus.dischargeProcess(u)
		return nil, errno
	}
	c.bus.stats.created[statProc].Add(1)
	return p, 0
}

// PID is the opener's process.
func (p *Process) PID() ProcessID { return p.id.PID }

// notifyWatcher lets the watcher hear once the lock is released.
func (p *Process) notifyWatcher() {
	if !p.watchQueued && p.interestingPolls {
		p.watchQueued = true
		p.ctx.watched = append(p.ctx.watched, p)
	}
}

// selectThread takes the thread that began to wait last off the waiting ones, or answers nil.
func (p *Process) selectThread() *Thread {
	th := p.waiting.first
	if th != nil {
		p.waiting.remove(th)
	}
	return th
}

// wakeThread wakes a selected thread or, when there was none, those that poll.
func (p *Process) wakeThread(th *Thread) {
	if th != nil {
		th.wake()
		return
	}
	p.notifyWatcher()
}

// wakeOne lets one thread look for work of the process.
func (p *Process) wakeOne() {
	if th := p.waiting.first; th != nil {
		th.wake()
		return
	}
	p.wakeThread(nil)
}

// enqueue gives the process work that any of its idle threads may take.
func (p *Process) enqueue(l *link) {
	p.todo.push(l)
	p.wakeOne()
}

// pidOf tells what another process is called in the namespace that p lives in, 0 if nothing.
func (p *Process) pidOf(other *Identity) int32 {
	if len(p.id.PIDs) == 0 || len(other.PIDs) == 0 {
		return int32(other.PID)
	}
	home := p.id.PIDs[len(p.id.PIDs)-1].Namespace
	for _, n := range other.PIDs {
		if n.Namespace == home {
			return n.PID
		}
	}
	return 0
}

// Poll answers which of PollIn and PollErr hold for a thread. With schedule, the process's
// Watcher hears when that may have changed.
func (p *Process) Poll(tid ThreadID, schedule bool) uint32 {
	c := p.ctx
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.dead || c.down {
		return PollErr
	}
	th := p.thread(tid)
	th.looper |= looperPoll
	p.interestingPolls = true
	if th.hasWork(th.idle()) {
		return PollIn
	}
	return 0
}

// Flush is a close of one of the descriptors: waiting threads return to user space.
func (p *Process) Flush() {
	c := p.ctx
	c.mu.Lock()
	i := 0
	for _, th := range p.threads {
		th.needReturn = true
		th.wake()
		c.breathe(i)
		i++
	}
	c.mu.Unlock()
	c.drain()
}

// ThreadGone tells that a thread has ended without BINDER_THREAD_EXIT.
func (p *Process) ThreadGone(tid ThreadID) {
	c := p.ctx
	c.mu.Lock()
	// A call in flight means that the number belongs to a new thread already.
	if th := p.threads[tid]; th != nil && th.call == nil {
		th.release()
	}
	c.mu.Unlock()
	c.drain()
}

// Release is the last close: the process is dead. Its callers hear BR_DEAD_REPLY, those that
// asked for it BR_DEAD_BINDER, and its handles are given back.
func (p *Process) Release() {
	c := p.ctx
	c.mu.Lock()
	if p.dead {
		c.mu.Unlock()
		return
	}
	p.dead = true
	c.procs.remove(p)
	i := 0
	for _, th := range p.threads {
		th.release()
		c.breathe(i)
		i++
	}
	p.cancelAll(&p.todo)
	p.releaseObjects()
	p.cancelAll(&p.todo)
	p.releaseBuffers()
	p.setFrozen(false)
	p.releaseFreezers()
	c.bus.stats.deleted[statProc].Add(1)
	p.closeArea()
	c.mu.Unlock()

	c.bus.dischargeProcess(p.user)
	c.drain()
	c.forget()
}

// releaseChunk is how much of a large work is done in one go: of taking apart the dead, for one.
const releaseChunk = 256

// breathe lets go of the lock for a moment after each releaseChunk steps of a long work.
func (c *Context) breathe(step int) {
	if step%releaseChunk == releaseChunk-1 {
		c.mu.Unlock()
		c.drain()
		c.mu.Lock()
	}
}

// cancelAll empties a queue of the dead process. The context is locked, and unlocked now and then.
func (p *Process) cancelAll(q *queue) {
	for i := 0; !q.empty(); i++ {
		q.pop().work.cancel(p)
		p.ctx.breathe(i)
	}
}

// pin keeps the area usable while the lock is not held, until unpin.
func (p *Process) pin() { p.pins++ }

func (p *Process) unpin() {
	p.pins--
	p.closeArea()
}

// closeArea lets go of the area of a dead process that nobody copies to any longer.
func (p *Process) closeArea() {
	if p.dead && p.pins == 0 && p.area != nil {
		p.ctx.closing = append(p.ctx.closing, p.area)
		p.area = nil
	}
}

// findArea looks for the client's mapping if it is not known yet. It may block.
func (p *Process) findArea(tid ThreadID) {
	a := p.memory.Map(tid)
	if a == nil {
		return
	}
	c := p.ctx
	c.mu.Lock()
	if p.area == nil && !p.dead {
		p.area, p.alloc = a, newAllocator(uint64(len(a.Bytes())))
		a = nil
	}
	c.mu.Unlock()
	if a != nil {
		a.Close()
	}
}

// nodeFor finds or makes the process's node for an object it sends. One that it made is pinned
// once. It answers nil when the user has too many.
func (p *Process) nodeFor(obj *ioctl.FlatObject) (n *refcount.Node, made bool) {
	if n := p.table.FindNode(refcount.Pointer(obj.Binder)); n != nil {
		return n, false
	}
	if !charge(&p.user.nodes, 1, p.ctx.bus.limits.Nodes) {
		return nil, false
	}
	return p.newNode(obj), true
}

// anyThread is a thread through which the client's memory can be reached.
func (p *Process) anyThread() ThreadID {
	if p.lastThread != nil {
		return p.lastThread.tid
	}
	for tid := range p.threads {
		return tid
	}
	return ThreadID(p.id.PID)
}
