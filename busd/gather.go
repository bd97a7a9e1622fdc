package busd

import (
	"cmp"
	"encoding/binary"
	"slices"
	"sort"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A gather is the scatter-gather part of a payload: what its BINDER_TYPE_PTR objects name in the
// sender's memory, and what is to stand there for the receiver. Places in the receiver's buffer
// are counted from its start.
type gather struct {
	offsets, payload []byte // staged, and nobody else's

	room, end uint64 // where the next part goes, and the end of the space for parts

	// Pointers and arrays may be put into a parent in the order of their places only, and into
	// no other parent than the object before or one that encloses it. last is where that object
	// stands in the payload, and floor the lowest place in it that is still allowed.
	//
	// The driver takes a last of 0 for "none", and so an object at offset 0 cannot be a parent.
	last, floor uint64

	parts []part // by place
	fixes []fix
}

// A part is one piece of the sender's memory.
type part struct {
	object uint64        // where its object stands in the payload
	from   ioctl.Address // the sender's
	at     uint64        // place in the receiver's buffer
	length uint64
}

// A fix is bytes of a part that are not copied: a pointer to another part, or, if skip is not 0,
// so many bytes of descriptors that are written at delivery.
type fix struct {
	at      uint64 // place in the receiver's buffer
	pointer uint64
	skip    uint64
}

func (f *fix) size() uint64 {
	if f.skip != 0 {
		return f.skip
	}
	return pointerSize
}

const pointerSize = 8

// begin makes g empty, with room for parts in the buffer of s.
func (g *gather) begin(s *sending, offsets, payload []byte) {
	b := s.buf
	room := b.extraOff() - b.off
	*g = gather{
		offsets: offsets, payload: payload,
		room: room, end: room + b.extraSize - s.labelSize(),
		parts: g.parts[:0], fixes: g.fixes[:0],
	}
}

// forget keeps a moderate amount of memory for the next payload.
func (g *gather) forget() {
	g.offsets, g.payload = nil, nil
	if cap(g.parts) > maxSpareObjects {
		g.parts = nil
	}
	if cap(g.fixes) > maxSpareObjects {
		g.fixes = nil
	}
}

// translateBuffer makes the i-th object, a BINDER_TYPE_PTR, one of the receiver's. Its bytes are
// copied later, when all that is to stand in them is known.
func (s *sending) translateBuffer(b []byte, at, i uint64) failure {
	var o ioctl.BufferObject
	o.Decode(b)
	g := s.gather
	if o.Length > g.end-g.room {
		return failed(syscall.EINVAL)
	}
	p := part{object: at, from: o.Buffer, at: g.room, length: o.Length}
	g.parts = append(g.parts, p)
	g.room += align8(o.Length)
	o.Buffer = s.base() + ioctl.Address(p.at)
	if o.Flags&ioctl.BINDER_BUFFER_FLAG_HAS_PARENT != 0 {
		parent, pos, ok := g.parent(o.Parent, i)
		if !ok || !g.inOrder(pos, o.ParentOffset) {
			return failed(syscall.EINVAL)
		}
		if parent.Length < pointerSize || o.ParentOffset > parent.Length-pointerSize {
			return failed(syscall.EINVAL)
		}
		g.fixes = append(g.fixes, fix{at: s.placeOf(parent) + o.ParentOffset, pointer: uint64(o.Buffer)})
	}
	o.Encode(b)
	g.last, g.floor = at, 0
	return failure{}
}

// translateArray takes the descriptors of the i-th object, a BINDER_TYPE_FDA, out of the sender.
// The context is locked, and unlocked meanwhile.
func (s *sending) translateArray(b []byte, i uint64) failure {
	var o ioctl.FDArrayObject
	o.Decode(b)
	g := s.gather
	parent, pos, ok := g.parent(o.Parent, i)
	if !ok || !g.inOrder(pos, o.ParentOffset) {
		return failed(syscall.EINVAL)
	}
	if o.NumFDs != 0 {
		if o.NumFDs > parent.Length/4 || o.ParentOffset > parent.Length-4*o.NumFDs {
			return failed(syscall.EINVAL)
		}
		at := s.placeOf(parent) + o.ParentOffset
		from := g.partOf(pos).from + ioctl.Address(o.ParentOffset)
		// The driver's rule is about addresses, and the area begins at a page.
		if at%4 != 0 || from%4 != 0 {
			return failed(syscall.EINVAL)
		}
		g.fixes = append(g.fixes, fix{at: at, skip: 4 * o.NumFDs})
		ctx := s.th.proc.ctx
		ctx.mu.Unlock()
		f := s.takeArray(from, at, int(o.NumFDs))
		ctx.mu.Lock()
		if f != (failure{}) {
			return f
		}
	}
	g.last, g.floor = pos, o.ParentOffset+4*o.NumFDs
	return failure{}
}

// takeArray takes n descriptors whose numbers are at an address of the sender's. A number that
// cannot be read is EINVAL, after those before it were tried.
func (s *sending) takeArray(from ioctl.Address, at uint64, n int) failure {
	if !s.acceptsFiles() {
		n = 1 // the driver says so once it has seen a number
	}
	numbers := make([]byte, 4*n)
	got, _ := s.th.proc.memory.Read(s.th.tid, numbers, from)
	for k := range n {
		if got < 4*(k+1) {
			return failed(syscall.EINVAL)
		}
		if f := s.take(binary.LittleEndian.Uint32(numbers[4*k:]), (uint32(at)+4*uint32(k))|inArray); f != (failure{}) {
			return f
		}
	}
	return failure{}
}

// parent finds the object that object number i names as its parent: one before it, and a buffer.
// It answers the object as the receiver will see it, and where it stands in the payload.
func (g *gather) parent(index, i uint64) (o ioctl.BufferObject, pos uint64, ok bool) {
	if index >= i {
		return o, 0, false
	}
	pos = binary.LittleEndian.Uint64(g.offsets[8*index:])
	o, ok = g.buffer(pos)
	return o, pos, ok
}

// buffer is the BINDER_TYPE_PTR object at an offset of the payload that was seen to hold an object.
func (g *gather) buffer(pos uint64) (o ioctl.BufferObject, ok bool) {
	if ioctl.ObjectType(binary.LittleEndian.Uint32(g.payload[pos:])) != ioctl.BINDER_TYPE_PTR {
		return o, false
	}
	o.Decode(g.payload[pos:])
	return o, true
}

// inOrder says whether something may be put into the object at pos, at an offset of it.
//
// It goes up from the last object. That takes as many steps as the last object is deeper than the
// one at pos, and the next object is one deeper than that at most: all in all, one step for each.
func (g *gather) inOrder(pos, offset uint64) bool {
	if g.last == 0 {
		return false
	}
	for g.last != pos {
		o, ok := g.buffer(g.last)
		if !ok || o.Flags&ioctl.BINDER_BUFFER_FLAG_HAS_PARENT == 0 {
			return false
		}
		g.floor = o.ParentOffset + pointerSize
		g.last = binary.LittleEndian.Uint64(g.offsets[8*o.Parent:])
	}
	return offset >= g.floor
}

// partOf is what the object at pos names.
func (g *gather) partOf(pos uint64) *part {
	i := sort.Search(len(g.parts), func(i int) bool { return g.parts[i].object >= pos })
	return &g.parts[i]
}

// base is where the receiver sees the buffer.
func (s *sending) base() ioctl.Address { return s.to.area.Address() + ioctl.Address(s.buf.off) }

// placeOf is where in the receiver's buffer a translated buffer object points.
func (s *sending) placeOf(o ioctl.BufferObject) uint64 { return uint64(o.Buffer - s.base()) }

// copyParts fills the parts into the receiver's buffer. Called with the context unlocked.
//
// What the sender has where a fix belongs is never seen by the receiver, and need not be readable.
func (s *sending) copyParts(bytes []byte) failure {
	g := s.gather
	byPlace := func(a, b fix) int { return cmp.Compare(a.at, b.at) }
	if !slices.IsSortedFunc(g.fixes, byPlace) {
		slices.SortFunc(g.fixes, byPlace)
	}
	mem, tid := s.th.proc.memory, s.th.tid
	fixes := g.fixes
	for i := range g.parts {
		p := &g.parts[i]
		from, at, end := p.from, p.at, p.at+p.length
		for at < end {
			stop := end
			if len(fixes) > 0 {
				stop = min(stop, fixes[0].at)
			}
			if at < stop {
				n, _ := mem.Read(tid, bytes[at:stop], from)
				if uint64(n) < stop-at {
					return failed(syscall.EINVAL)
				}
				from += ioctl.Address(stop - at)
				at = stop
			}
			if at < end {
				f := &fixes[0]
				if f.at%4 != 0 {
					return failed(syscall.EINVAL)
				}
				n := f.size()
				clear(bytes[at : at+n])
				if f.skip == 0 {
					binary.LittleEndian.PutUint64(bytes[at:], f.pointer)
				}
				from += ioctl.Address(n)
				at += n
				fixes = fixes[1:]
			}
		}
	}
	return failure{}
}
