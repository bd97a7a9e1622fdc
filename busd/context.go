package busd

import (
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// Context is one binder device: its processes and its context manager. Objects never cross from
// one context to another.
//
// Its lock guards all that its processes, threads, nodes, buffers and transactions are. It is
// held for short transitions only: never while a client's memory is touched, never while
// anything waits.
type Context struct {
	bus  *Bus
	name string

	removed bool // unlinked; guarded by bus.mu

	mu         sync.Mutex
	procs      processList       // all opens, youngest first; guarded by mu
	ledger     *refcount.Ledger  // nodes and handles; guarded by mu
	managerUID int64             // euid of the first manager plus one, 0 before there was one; guarded by mu
	ready      callQueue         // calls that can be delivered; guarded by mu
	watched    []*Process        // processes whose watcher is to hear; guarded by mu
	spare      *transaction      // freed transactions; guarded by mu
	spares     int               // how many; guarded by mu
	garbage    []garbage         // buffers with many objects to give back; guarded by mu
	settled    []settlement      // waits for processes that have ended; guarded by mu
	closing    []File            // descriptors, and areas too, that nobody needs any longer; guarded by mu
	deaths     []*refcount.Death // room for OrphanNode; guarded by mu
	down       bool              // guarded by mu
	forgotten  bool              // removed, and no longer known to the bus; guarded by mu
}

// Name is the device's name.
func (c *Context) Name() string { return c.name }

// Remove takes the device out of the bus; processes that have it open go on (binderfs's unlink).
func (c *Context) Remove() {
	c.bus.mu.Lock()
	c.removed = true
	c.bus.mu.Unlock()
	c.forget()
}

// forget drops the context if it was removed and nobody has it open any longer.
func (c *Context) forget() {
	b := c.bus
	b.mu.Lock()
	defer b.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.removed || c.procs.first != nil {
		return
	}
	c.forgotten = true
	for i, o := range b.contexts {
		if o == c {
			b.contexts = append(b.contexts[:i:i], b.contexts[i+1:]...)
			return
		}
	}
}

// setManager makes the process the context manager, with the node that obj describes or, with
// nil, one whose pointer and cookie are 0.
func (c *Context) setManager(p *Process, obj *ioctl.FlatObject) syscall.Errno {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.dead {
		return syscall.ECONNREFUSED
	}
	if c.ledger.Manager() != nil {
		return syscall.EBUSY
	}
	if c.managerUID != 0 && c.managerUID != int64(p.euid)+1 {
		return syscall.EPERM
	}
	c.managerUID = int64(p.euid) + 1
	if obj == nil {
		obj = &ioctl.FlatObject{}
	}
	n, made := p.nodeFor(obj)
	if n == nil {
		return syscall.ENOMEM
	}
	if err := c.ledger.SetManager(n); err != nil {
		return syscall.EBUSY
	}
	if made {
		c.changed(n, n.Unpin(), nil)
	}
	return 0
}

// drain does what transitions have left to do without the lock: it tells watchers, closes
// descriptors and delivers calls, until nothing is left.
func (c *Context) drain() {
	for {
		c.mu.Lock()
		for len(c.watched) > 0 {
			p := c.watched[len(c.watched)-1]
			c.watched = c.watched[:len(c.watched)-1]
			p.watchQueued = false
			c.mu.Unlock()
			p.watcher.Ready()
			c.mu.Lock()
		}
		for len(c.settled) > 0 {
			s := c.settled[len(c.settled)-1]
			c.settled = c.settled[:len(c.settled)-1]
			c.mu.Unlock()
			s.freezing.settle(s.target)
			if other := s.freezing.th.proc.ctx; other != c {
				other.drain()
			}
			c.mu.Lock()
		}
		for len(c.closing) > 0 {
			f := c.closing[len(c.closing)-1]
			c.closing = c.closing[:len(c.closing)-1]
			c.mu.Unlock()
			f.Close()
			c.mu.Lock()
		}
		for len(c.garbage) > 0 {
			c.collect()
			c.mu.Unlock()
			c.mu.Lock()
		}
		call := c.ready.pop()
		c.mu.Unlock()
		if call == nil {
			return
		}
		c.deliver(call)
	}
}

// shutdown ends every wait with ECONNREFUSED.
func (c *Context) shutdown() {
	c.mu.Lock()
	c.down = true
	for p := c.procs.first; p != nil; p = p.next {
		for _, th := range p.threads {
			th.endWait(-int32(syscall.ECONNREFUSED))
		}
	}
	c.mu.Unlock()
	c.drain()
}
