package busd

import (
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// bufferUse is what a buffer holds while it is in use. What the sender wrote into it is never
// read again: its objects are listed here.
type bufferUse struct {
	transaction *transaction   // until it was answered or, if it is not a call, delivered
	node        *refcount.Node // whom it is for, held strongly; nil for a reply
	objects     []object       // what it holds of nodes and handles
	arrays      []uint32       // what stands for descriptors that came in arrays
	installed   bool           // those are numbers in the receiver's table
	clear       bool           // TF_CLEAR_BUF: zero it when it is freed
	lost        bool           // nobody will free it before its process ends: see abandon
	payer       *user          // who is charged for it
}

// bufferCost is what a buffer costs the broker beside its bytes: its transaction and structs.
const bufferCost = 512

// cost is what its sender is charged for b.
func (b *buffer) cost() int64 { return int64(b.size) + bufferCost }

// maxSpareObjects is how many objects a buffer struct keeps room for while unused.
const maxSpareObjects = 64

func (u *bufferUse) recycle() {
	objects := u.objects[:0]
	if cap(objects) > maxSpareObjects {
		objects = nil
	}
	*u = bufferUse{objects: objects}
}

// An object is a hold that a buffer has: on a node of the receiver's own, or on a handle of it.
type object struct {
	node   *refcount.Node // its own, if not nil
	handle refcount.Handle
	strong bool
}

// freeBufferAt is BC_FREE_BUFFER. The driver passes over an address that is none of a buffer's the
// client was given. The context is locked, and unlocked while a buffer is cleared.
//
// Descriptors that came in arrays end with the buffer: the thread that frees it closes them, in its
// own table. The driver wants it back in user space for that, and so its next read does not wait.
func (th *Thread) freeBufferAt(addr ioctl.Address) {
	p := th.proc
	if p.alloc == nil || addr < p.area.Address() {
		return
	}
	b, errno := p.alloc.claim(uint64(addr - p.area.Address()))
	if errno != 0 {
		return
	}
	if len(b.arrays) > 0 {
		th.needReturn = true
		if b.installed {
			fds := b.arrays
			p.ctx.mu.Unlock()
			p.files.Withdraw(th.tid, fds)
			p.ctx.mu.Lock()
		}
	}
	if b.clear && !p.dead {
		area := p.area
		p.pin()
		p.ctx.mu.Unlock()
		clear(area.Bytes()[b.off:b.end()])
		area.Publish(int(b.off), int(b.size))
		p.ctx.mu.Lock()
		p.unpin()
	}
	p.freeBuffer(b)
}

// freeBuffer gives back what a buffer holds, and its room. If it was a oneway transaction's, the
// next one to the same node is let through. The buffers of a dead process go with it.
func (p *Process) freeBuffer(b *buffer) {
	if p.dead {
		return
	}
	if t := b.transaction; t != nil {
		t.buf, b.transaction = nil, nil
	}
	if b.async && b.node != nil && b.node.Owner != nil {
		nodeOf(b.node).nextAsync(p)
	}
	p.releaseBuffer(b)
}

// releaseBuffer gives back what a buffer holds, and its room. A buffer with many objects only
// becomes garbage.
func (p *Process) releaseBuffer(b *buffer) {
	if b.node != nil {
		p.ctx.changed(b.node, b.node.DecLocal(true), nil)
		b.node = nil
	}
	if len(b.objects) > releaseChunk {
		p.ctx.garbage = append(p.ctx.garbage, garbage{p, b})
		return
	}
	p.releaseObjectsOf(b, len(b.objects))
	p.recycle(b)
}

// garbage is a buffer that nobody uses any longer, with many objects to be given back.
type garbage struct {
	proc *Process
	buf  *buffer
}

// collect does a piece of the newest garbage.
func (ctx *Context) collect() {
	last := len(ctx.garbage) - 1
	p, b := ctx.garbage[last].proc, ctx.garbage[last].buf
	if p.alloc != nil {
		p.releaseObjectsOf(b, min(releaseChunk, len(b.objects)))
		if len(b.objects) > 0 {
			return
		}
		p.recycle(b)
	}
	ctx.garbage[last] = garbage{}
	ctx.garbage = ctx.garbage[:last]
}

// releaseObjectsOf gives back the last n objects that a buffer holds.
func (p *Process) releaseObjectsOf(b *buffer, n int) {
	ctx, left := p.ctx, len(b.objects)-n
	for i := range b.objects[left:] {
		o := &b.objects[left+i]
		if o.node != nil {
			ctx.changed(o.node, o.node.DecLocal(o.strong), nil)
		} else if _, d, err := p.table.DecHandle(o.handle, o.strong); err == nil {
			ctx.dropped(&d)
		}
		o.node = nil
	}
	b.objects = b.objects[:left]
}

// recycle gives back a buffer's room.
func (p *Process) recycle(b *buffer) {
	b.payer.bytes.Add(-b.cost())
	p.alloc.release(b)
}

// releaseBuffers ends the charges for a dead process's buffers. What they hold is given back
// with the process's nodes and handles.
func (p *Process) releaseBuffers() {
	if p.alloc == nil {
		return
	}
	alloc := p.alloc
	p.alloc = nil // nobody frees them one by one any longer
	b := alloc.next(0)
	for i := 0; b != nil; i++ {
		if t := b.transaction; t != nil {
			t.buf, b.transaction = nil, nil
		}
		b.payer.bytes.Add(-b.cost())
		b = alloc.next(b.end())
		p.ctx.breathe(i)
	}
}
