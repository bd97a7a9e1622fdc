package busd

import (
	"encoding/binary"
	"errors"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// fill copies the payload into the buffer and makes its objects those of the receiver. Called
// with the context unlocked: it may block.
func (s *sending) fill(w *workspace) failure {
	th, b, area := s.th, s.buf, s.to.area
	mem := th.proc.memory
	bytes := area.Bytes()[b.off:b.end():b.end()]
	data := bytes[:b.dataSize]

	th.guess.learn(s.tr.Buffer, b.dataSize, b.offsetsSize)
	if b.offsetsSize == 0 {
		if b.extraSize%8 != 0 {
			return failed(syscall.EINVAL)
		}
		if p := w.ahead.payload(s.tr.Buffer, len(data)); p != nil {
			copy(data, p)
		} else if n, _ := mem.Read(th.tid, data, s.tr.Buffer); n < len(data) {
			return failed(syscall.EFAULT)
		}
	} else {
		offsets, stage := grow(&w.offsets, b.offsetsSize), grow(&w.stage, b.dataSize)
		m, n := mem.ReadBoth(th.tid, offsets, s.tr.Offsets, stage, s.tr.Buffer)
		if m < len(offsets) {
			return failed(syscall.EFAULT)
		}
		if b.offsetsSize%8 != 0 || b.extraSize%8 != 0 {
			return failed(syscall.EINVAL)
		}
		if n < len(stage) {
			n, _ = mem.Read(th.tid, stage, s.tr.Buffer)
		}
		s.gather = &w.gather
		s.gather.begin(s, offsets, stage)
		if f := s.translateAll(offsets, stage, uint64(n)); f != (failure{}) {
			return f
		}
		copy(data, stage)
		copy(bytes[b.offsetsOff()-b.off:], offsets)
		if f := s.copyParts(bytes); f != (failure{}) {
			return f
		}
	}
	if s.label != "" {
		at := b.size - s.labelSize()
		clear(bytes[at+uint64(copy(bytes[at:], s.label)):])
		s.t.secctx = area.Address() + ioctl.Address(b.off+at)
	}
	area.Publish(int(b.off), int(b.size))
	return failure{}
}

// grow makes *b n bytes long, whatever they are.
func grow(b *[]byte, n uint64) []byte {
	if uint64(cap(*b)) < n {
		*b = make([]byte, n)
	}
	*b = (*b)[:cap(*b)]
	return (*b)[:n]
}

// translateAll goes through a payload's objects in the order of their offsets. n bytes of the
// payload could be read. Called with the context unlocked.
//
// Of two errors the one that comes first in the payload counts, and what the driver would have
// found unreadable is EFAULT at the same place.
func (s *sending) translateAll(offsets, payload []byte, n uint64) failure {
	ctx, size := s.th.proc.ctx, uint64(len(payload))
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	end := uint64(0) // of the object before
	for i := 0; i < len(offsets); i += 8 {
		if i%(8*releaseChunk) == 8*(releaseChunk-1) {
			ctx.mu.Unlock()
			ctx.mu.Lock()
		}
		at := binary.LittleEndian.Uint64(offsets[i:])
		if at != end && (at < end || at > min(n, size)) {
			return failed(syscall.EFAULT)
		}
		o := objectAt(payload, at, n)
		if o == nil {
			return failed(syscall.EINVAL)
		}
		if f := s.translate(o, at, uint64(i)/8); f != (failure{}) {
			return f
		}
		end = at + uint64(len(o))
	}
	if n < size {
		return failed(syscall.EFAULT)
	}
	return failure{}
}

// objectAt is the object at an offset of a payload of which n bytes are readable, or nil.
func objectAt(payload []byte, at, n uint64) []byte {
	size := uint64(len(payload))
	if at > size || size-at < ioctl.SizeofObjectHeader || at%4 != 0 {
		return nil
	}
	// The driver reads as much as the largest object takes before it looks at the type.
	if at+min(size-at, ioctl.SizeofBufferObject) > n {
		return nil
	}
	length := uint64(ioctl.ObjectType(binary.LittleEndian.Uint32(payload[at:])).Size())
	if length == 0 || length > size-at {
		return nil
	}
	return payload[at : at+length]
}

// translate makes the object o, the i-th of the payload, which stands at an offset of it, the
// receiver's, in place. The context is locked, and unlocked for a moment to fetch descriptors.
func (s *sending) translate(o []byte, at, i uint64) failure {
	switch ioctl.ObjectType(binary.LittleEndian.Uint32(o)) {
	case ioctl.BINDER_TYPE_BINDER, ioctl.BINDER_TYPE_WEAK_BINDER:
		return s.translateBinder(o)
	case ioctl.BINDER_TYPE_HANDLE, ioctl.BINDER_TYPE_WEAK_HANDLE:
		return s.translateHandle(o)
	case ioctl.BINDER_TYPE_FD:
		return s.translateFD(o, at)
	case ioctl.BINDER_TYPE_PTR:
		return s.translateBuffer(o, at, i)
	case ioctl.BINDER_TYPE_FDA:
		return s.translateArray(o, i)
	}
	return failed(syscall.EINVAL)
}

// translateBinder makes an object of the sender's a handle of the receiver's.
func (s *sending) translateBinder(b []byte) failure {
	var o ioctl.FlatObject
	o.Decode(b)
	p, ctx := s.th.proc, s.th.proc.ctx
	n, made := p.nodeFor(&o)
	if n == nil {
		return failed(syscall.ENOMEM)
	}
	if !made {
		n.Pin()
	}
	defer func() { ctx.changed(n, n.Unpin(), nil) }()
	if n.Cookie != refcount.Cookie(o.Cookie) {
		return failed(syscall.EINVAL)
	}
	strong := o.Type == ioctl.BINDER_TYPE_BINDER
	ref, err := s.to.hold(n, strong, s.th)
	if err != nil {
		return refused(err)
	}
	s.buf.objects = append(s.buf.objects, object{handle: ref.Handle, strong: strong})
	o.Type = ioctl.BINDER_TYPE_HANDLE
	if !strong {
		o.Type = ioctl.BINDER_TYPE_WEAK_HANDLE
	}
	o.Binder, o.Cookie = uint64(ref.Handle), 0
	o.Encode(b)
	return failure{}
}

// translateHandle makes a handle of the sender's one of the receiver's, or, if the object is the
// receiver's own, that object.
func (s *sending) translateHandle(b []byte) failure {
	var o ioctl.FlatObject
	o.Decode(b)
	strong := o.Type == ioctl.BINDER_TYPE_HANDLE
	ref := s.th.proc.table.Ref(refcount.Handle(o.Handle()))
	if ref == nil || strong && ref.Strong == 0 {
		return failed(syscall.EINVAL)
	}
	n := ref.Node
	if n.Owner == s.to.table {
		n.IncLocal(strong)
		s.buf.objects = append(s.buf.objects, object{node: n, strong: strong})
		o.Type = ioctl.BINDER_TYPE_BINDER
		if !strong {
			o.Type = ioctl.BINDER_TYPE_WEAK_BINDER
		}
		o.Binder, o.Cookie = uint64(n.Pointer), ioctl.Cookie(n.Cookie)
		o.Encode(b)
		return failure{}
	}
	theirs, err := s.to.hold(n, strong, s.th)
	if err != nil {
		return refused(err)
	}
	s.buf.objects = append(s.buf.objects, object{handle: theirs.Handle, strong: strong})
	o.Binder, o.Cookie = uint64(theirs.Handle), 0
	o.Encode(b)
	return failure{}
}

// translateFD takes a descriptor out of the sender. Its number in the receiver is written when
// the receiver reads the transaction.
func (s *sending) translateFD(b []byte, at uint64) failure {
	var o ioctl.FDObject
	o.Decode(b)
	ctx := s.th.proc.ctx
	ctx.mu.Unlock()
	f := s.take(o.FD, uint32(at)+fdField)
	ctx.mu.Lock()
	if f != (failure{}) {
		return f
	}
	o.FD = 0
	o.Encode(b)
	return failure{}
}

// acceptsFiles says whether the receiver takes descriptors: its object in a call, the call in a
// reply.
func (s *sending) acceptsFiles() bool {
	if s.reply {
		return s.inReplyTo.flags&ioctl.TF_ACCEPT_FDS != 0
	}
	return ioctl.ObjectFlags(s.node.Flags)&ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS != 0
}

// take takes a descriptor out of the sender, for a place in the buffer. Called with the context
// unlocked: until it is linked, the transaction is nobody else's.
func (s *sending) take(fd, place uint32) failure {
	if !s.acceptsFiles() {
		return failed(syscall.EPERM)
	}
	p := s.th.proc
	if !charge(&p.user.files, 1, p.ctx.bus.limits.Descriptors) {
		return failed(syscall.EMFILE)
	}
	f, errno := p.files.Take(s.th.tid, fd)
	if errno != 0 {
		p.user.files.Add(-1)
		return failed(errno)
	}
	s.t.files = append(s.t.files, f)
	s.t.fileOffsets = append(s.t.fileOffsets, place)
	return failure{}
}

// fdField is where the number stands in a binder_fd_object.
const fdField = 8

// inArray marks the place of a descriptor that belongs to a BINDER_TYPE_FDA. No area is as large.
const inArray = 1 << 31

// refused is the failure that an error of the ledger's means.
func refused(err error) failure {
	if errors.Is(err, refcount.ErrReleased) {
		return deadTarget
	}
	if err == errTooManyHandles {
		return failed(syscall.ENOMEM)
	}
	return failed(syscall.EINVAL)
}
