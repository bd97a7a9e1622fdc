package busd

import (
	"math/rand/v2"
	"syscall"
)

// A buffer is an extent of a receive area: a buffer in use, or (inside the allocator) a free one.
type buffer struct {
	extent

	dataSize, offsetsSize, extraSize uint64 // as asked for, bytes

	id          uint32    // of its transaction, which may be over: the broker sets it
	async       bool      // counted against the area's oneway space
	spamSuspect bool      // this one made its sender a suspect: BR_ONEWAY_SPAM_SUSPECT
	sender      ProcessID // of an async one

	// userFree says that the client knows the buffer and BC_FREE_BUFFER may name it.
	// The broker sets it when it delivers the buffer; claim clears it.
	userFree bool

	bufferUse
}

// An extent is what the allocator keeps of each stretch of an area, in use or free. It is for
// reading outside the allocator.
type extent struct {
	off, size uint64 // bytes
	inUse     bool

	before, after *buffer // by address; after also chains the spare structs

	// lastSender is who sent what the struct held last. It outlives that, as in the driver: see
	// suspect.
	lastSender ProcessID

	left, right *buffer // in the tree of those in use or of those free
	key         uint64
	priority    uint32
}

// offsetsOff is where the offsets of b begin, from the start of the area.
func (b *buffer) offsetsOff() uint64 { return b.off + align8(b.dataSize) }

// extraOff is where the extra part of b (scatter-gather, security context) begins.
func (b *buffer) extraOff() uint64 { return b.offsetsOff() + align8(b.offsetsSize) }

func (b *buffer) end() uint64 { return b.off + b.size }

// maxArea is the most of a client's mapping that is used, as in the driver.
const maxArea = 4 << 20

// An allocator divides a receive area into buffers, by the rules of the driver's binder_alloc.c:
// the smallest free extent that fits; everything aligned to 8; oneway transactions get at most half
// of the area. It knows offsets only and touches no bytes.
//
// It finds and frees in logarithmic time, whatever a client does, and allocates no memory once it
// has seen the most buffers at a time.
type allocator struct {
	size      uint64 // bytes
	asyncFree uint64 // of the half for oneway transactions
	inUse     int    // buffers
	first     *buffer

	used bufferTree // those in use, by offset
	free bufferTree // those free, by size, then by offset; no two are neighbours

	pages    pages
	senders  map[ProcessID]asyncUse
	spamTold bool // about the present shortage of oneway space

	spare  *buffer
	spares int
}

// asyncUse is what one process has of an area's oneway space.
type asyncUse struct {
	buffers int
	bytes   uint64
}

const (
	maxSpares  = 128 // structs kept for later
	maxSenders = 16  // processes remembered though they have nothing in the area
)

var pageSize = uint64(syscall.Getpagesize())

// newAllocator makes the allocator of an empty area of size bytes, a multiple of 8.
func newAllocator(size uint64) *allocator {
	size = min(size, maxArea) &^ 7
	a := &allocator{size: size, asyncFree: size / 2, senders: make(map[ProcessID]asyncUse)}
	if size > 0 {
		a.first = &buffer{extent: extent{size: size}}
		a.free.insert(a.first, freeKey(a.first))
	}
	return a
}

// alloc makes a buffer. EINVAL: the sizes make no sense together. ENOSPC: there is no room, or, for
// an async one, none in the oneway half. The buffer is not the client's to free until userFree
// is set.
func (a *allocator) alloc(data, offsets, extra uint64, async bool, sender ProcessID) (*buffer, syscall.Errno) {
	size, ok := bufferSize(data, offsets, extra)
	if !ok {
		return nil, syscall.EINVAL
	}
	if async && a.asyncFree < size || size > a.size {
		return nil, syscall.ENOSPC
	}
	b := a.free.from(size << 32)
	if b == nil {
		return nil, syscall.ENOSPC
	}
	a.free.remove(b)
	// A page that the free extent shares with a neighbour is in use already.
	a.pages.take(pageUp(b.off), min(pageUp(b.off+size), pageDown(b.end())))
	if b.size > size {
		rest := a.newBuffer()
		rest.off, rest.size = b.off+size, b.size-size
		b.size = size
		rest.before, rest.after = b, b.after
		if b.after != nil {
			b.after.before = rest
		}
		b.after = rest
		a.free.insert(rest, freeKey(rest))
	}
	b.extent.inUse = true
	a.used.insert(b, b.off)
	a.inUse++
	b.dataSize, b.offsetsSize, b.extraSize = data, offsets, extra
	before := b.lastSender
	b.lastSender = sender
	if async {
		b.async, b.sender = true, sender
		a.asyncFree -= size
		b.spamSuspect = a.suspect(sender, b, before)
		use := a.senders[sender]
		a.senders[sender] = asyncUse{use.buffers + 1, use.bytes + size}
	}
	return b, 0
}

// suspect tells whether sender is to be told, with the buffer it gets now, that it floods the area.
//
// The driver looks only while less than a tenth of the area is left for oneway transactions, tells
// one sender in each such shortage, and does so if it has more than 50 buffers or a quarter of the
// area already.
//
// The buffer itself counts only if its struct was the same sender's before: the driver looks before
// it has written the new sender down.
func (a *allocator) suspect(sender ProcessID, b *buffer, before ProcessID) bool {
	if a.asyncFree >= a.size/10 {
		a.spamTold = false
		return false
	}
	use := a.senders[sender]
	if before == sender {
		use.buffers++
		use.bytes += b.size
	}
	if a.spamTold || use.buffers <= 50 && use.bytes <= a.size/4 {
		return false
	}
	a.spamTold = true
	return true
}

// lookup is the buffer in use that begins at off, or nil.
func (a *allocator) lookup(off uint64) *buffer {
	if b := a.used.from(off); b != nil && b.off == off {
		return b
	}
	return nil
}

// next is the buffer in use with the lowest offset that is not below off, or nil.
func (a *allocator) next(off uint64) *buffer { return a.used.from(off) }

// claim is the client's wish to free the buffer at off (BC_FREE_BUFFER). ENOENT: there is none.
// EPERM: the client was not given it, or is freeing it already. The caller frees what it gets.
func (a *allocator) claim(off uint64) (*buffer, syscall.Errno) {
	b := a.lookup(off)
	switch {
	case b == nil:
		return nil, syscall.ENOENT
	case !b.userFree:
		return nil, syscall.EPERM
	}
	b.userFree = false
	return b, 0
}

// release makes b free, which must not be used any more: the struct serves again. It returns the
// pages [off, off+n) that b was in and that no buffer is in now; n may be 0.
func (a *allocator) release(b *buffer) (off, n uint64) {
	if !b.extent.inUse {
		panic("busd: a buffer freed twice")
	}
	a.used.remove(b)
	a.inUse--
	if b.async {
		a.asyncFree += b.size
		use := a.senders[b.sender]
		use.buffers--
		use.bytes -= b.size
		if use.buffers == 0 && len(a.senders) > maxSenders {
			delete(a.senders, b.sender)
		} else {
			a.senders[b.sender] = use
		}
	}
	start, end := pageDown(b.off), pageUp(b.end())

	b.recycle()
	if next := b.after; next != nil && !next.extent.inUse {
		a.free.remove(next)
		a.absorb(b, next)
	}
	if prev := b.before; prev != nil && !prev.extent.inUse {
		a.free.remove(prev)
		a.absorb(prev, b)
		b = prev
	}
	a.free.insert(b, freeKey(b))

	start, end = max(start, pageUp(b.off)), min(end, pageDown(b.end()))
	if start >= end {
		return 0, 0
	}
	a.pages.leave(end - start)
	return start, end - start
}

// absorb makes b, which is in no tree, as much longer as its neighbour next, and next a spare.
func (a *allocator) absorb(b, next *buffer) {
	b.size += next.size
	b.after = next.after
	if b.after != nil {
		b.after.before = b
	}
	next.extent = extent{}
	if a.spares < maxSpares {
		next.after = a.spare
		a.spare = next
		a.spares++
	}
}

func (a *allocator) newBuffer() *buffer {
	b := a.spare
	if b == nil {
		return new(buffer)
	}
	a.spare, b.after = b.after, nil
	a.spares--
	return b
}

// recycle empties b of all but its extent.
func (b *buffer) recycle() {
	b.extent.inUse = false
	use := b.bufferUse
	use.recycle()
	*b = buffer{extent: b.extent, bufferUse: use}
}

// bufferSize is how much room a buffer takes. The driver counts with 64-bit sizes, and so do we:
// not ok means that they overflowed.
func bufferSize(data, offsets, extra uint64) (size uint64, ok bool) {
	sum := align8(data) + align8(offsets)
	if sum < data || sum < offsets {
		return 0, false
	}
	size = sum + align8(extra)
	if size < sum || size < extra {
		return 0, false
	}
	// Even an empty buffer has an address of its own.
	return max(size, 8), true
}

func align8(n uint64) uint64   { return (n + 7) &^ 7 }
func pageDown(n uint64) uint64 { return n &^ (pageSize - 1) }
func pageUp(n uint64) uint64   { return pageDown(n + pageSize - 1) }

// freeKey orders free extents: the smallest first, among those the lowest.
func freeKey(b *buffer) uint64 { return b.size<<32 | b.off }

// A bufferTree is a treap whose links are in the buffers: it allocates nothing, and random
// priorities keep it balanced whatever a client does.
type bufferTree struct{ root *buffer }

func (t *bufferTree) insert(b *buffer, key uint64) {
	b.key, b.priority = key, rand.Uint32()
	p := &t.root
	for *p != nil && (*p).priority >= b.priority {
		p = (*p).towards(key)
	}
	low, high := &b.left, &b.right
	for n := *p; n != nil; {
		if n.key < key {
			*low, low, n = n, &n.right, n.right
		} else {
			*high, high, n = n, &n.left, n.left
		}
	}
	*low, *high = nil, nil
	*p = b
}

func (t *bufferTree) remove(b *buffer) {
	p := &t.root
	for *p != b {
		p = (*p).towards(b.key)
	}
	low, high := b.left, b.right
	for low != nil && high != nil {
		if low.priority >= high.priority {
			*p, p, low = low, &low.right, low.right
		} else {
			*p, p, high = high, &high.left, high.left
		}
	}
	if low == nil {
		low = high
	}
	*p = low
	b.left, b.right = nil, nil
}

// towards is the branch of b where key is, or belongs.
func (b *buffer) towards(key uint64) **buffer {
	if key < b.key {
		return &b.left
	}
	return &b.right
}

// from is the buffer with the lowest key that is not below key, or nil.
func (t *bufferTree) from(key uint64) *buffer {
	var best *buffer
	for n := t.root; n != nil; {
		if n.key < key {
			n = n.right
		} else {
			best, n = n, n.left
		}
	}
	return best
}
