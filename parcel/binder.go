package parcel

import (
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A Binder is what can be written as a binder object: a local object or a proxy. The null binder
// is a nil Binder.
type Binder interface {
	// FlattenBinder is the object as it stands in a parcel: type BINDER with pointer and cookie
	// for a local object, type HANDLE for a proxy; WEAK_BINDER or WEAK_HANDLE for those that
	// only WriteWeakBinder writes.
	FlattenBinder() (ioctl.FlatObject, error)
}

// A Retainer is a Binder that must stay alive while a parcel names it: it is retained when it is
// written and released when the parcel is.
type Retainer interface {
	Binder
	RetainBinder()
	ReleaseBinder()
}

// A Stabler is a Binder that knows its stability; others are written as StabilitySystem.
type Stabler interface {
	Binder
	BinderStability() Stability
}

// A Resolver turns an object of a received parcel into a Binder. It is asked once for each read,
// with objects of type BINDER and HANDLE, or WEAK_BINDER and WEAK_HANDLE by ReadWeakBinder, that stand in the offsets table and are not null.
type Resolver interface {
	ResolveBinder(obj ioctl.FlatObject) (Binder, error)
}

// Stability is the promise behind an interface: Stability::Level in libbinder's Stability.h.
type Stability int32

// The levels that libbinder accepts for a binder that is not null.
const (
	StabilityUndeclared Stability = 0          // of the null binder only
	StabilityVendor     Stability = 0b000011   // within a vendor image
	StabilitySystem     Stability = 0b001100   // within a system image; what libbinder's own objects say
	StabilityVINTF      Stability = 0b111111   // between images
	categoryVersion               = 0x00000001 // Category.version of Android 12 (kBinderWireFormatVersion)
)

// stabilityWord is what follows a flat object, and whether anything does.
func stabilityWord(level int, s Stability) (word int32, present bool) {
	switch {
	case level < levelStability:
		return 0, false
	case level >= levelCategory && level < levelPlainLevel:
		return int32(s)<<24 | categoryVersion, true
	}
	return int32(s), true
}

// WriteStrongBinder writes b, or the null binder when b is nil: a flat_binder_object and, by API
// level, its stability (Parcel::flattenBinder). The null binder has no place in the offsets table.
func (p *Parcel) WriteStrongBinder(b Binder) {
	const op = "write strong binder"
	if !p.writable(op) {
		return
	}
	obj := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: schedulingFlags}
	stability := StabilityUndeclared
	if b != nil {
		var err error
		if obj, err = b.FlattenBinder(); err != nil {
			p.fail(op, len(p.data), "", err)
			return
		}
		if obj.Type != ioctl.BINDER_TYPE_BINDER && obj.Type != ioctl.BINDER_TYPE_HANDLE {
			p.fail(op, len(p.data), fmt.Sprintf("%T is weak", b), BAD_TYPE)
			return
		}
		stability = StabilitySystem
		if s, ok := b.(Stabler); ok {
			stability = s.BinderStability()
		}
	}
	if !p.putObject(op, &obj, b) {
		return
	}
	if word, present := stabilityWord(p.level(), stability); present {
		p.WriteInt32(word)
	}
}

// putObject writes b as obj; false if that failed.
func (p *Parcel) putObject(op string, obj *ioctl.FlatObject, b Binder) bool {
	start := len(p.data)
	to := p.room(op, ioctl.SizeofFlatObject)
	if to == nil {
		return false
	}
	obj.Encode(to)
	if b != nil {
		// Parcel::writeObject lists an object whose union is not 0. So neither the null binder nor
		// handle 0 is translated: whoever reads handle 0 finds their own context manager.
		if obj.Binder != 0 {
			p.list(start)
		}
		p.written = append(p.written, written{offset: start, binder: b, fd: -1})
		if r, ok := b.(Retainer); ok {
			r.RetainBinder()
		}
	}
	return true
}

// schedulingFlags is what libbinder puts in flat_binder_object.flags unless told otherwise:
// policy SCHED_NORMAL, nice 19 (schedPolicyMask in Parcel.cpp).
const schedulingFlags ioctl.ObjectFlags = 19

// ReadStrongBinder reads a binder that must not be null.
func (p *Parcel) ReadStrongBinder() Binder {
	start := p.pos
	b := p.ReadNullableStrongBinder()
	if b == nil && p.err == nil {
		p.fail("read strong binder", start, "", UNEXPECTED_NULL)
	}
	return b
}

// ReadNullableStrongBinder reads a binder; the null binder is nil.
func (p *Parcel) ReadNullableStrongBinder() Binder {
	const op = "read strong binder"
	start := p.pos
	raw := p.peek(op, ioctl.SizeofFlatObject)
	if raw == nil {
		return nil
	}
	var obj ioctl.FlatObject
	obj.Decode(raw)
	zero := obj.Binder == 0 && obj.Cookie == 0 // null, or handle 0: neither is in the table
	null := zero && obj.Type == ioctl.BINDER_TYPE_BINDER
	switch {
	case obj.Type != ioctl.BINDER_TYPE_BINDER && obj.Type != ioctl.BINDER_TYPE_HANDLE:
		p.fail(op, start, fmt.Sprintf("object of type %#x stands there", uint32(obj.Type)), BAD_TYPE)
		return nil
	case !zero && !p.listed(start):
		p.fail(op, start, "the object is not in the offsets table", BAD_TYPE)
		return nil
	}
	p.pos += ioctl.SizeofFlatObject
	stability, ok := p.readStability(op, null)
	if !ok || null {
		return nil
	}

	b := p.resolveAt(op, start, &obj)
	if p.err != nil {
		return nil
	}
	if s, ok := b.(interface{ SetBinderStability(Stability) error }); ok {
		if err := s.SetBinderStability(stability); err != nil {
			p.fail(op, start, "", err)
			return nil
		}
	}
	return b
}

// resolveAt is what the object at offset start stands for.
func (p *Parcel) resolveAt(op string, start int, obj *ioctl.FlatObject) Binder {
	if w := p.writtenAt(start); w != nil { // a call that never left the process
		return w.binder
	}
	if p.opts.Resolver == nil {
		p.fail(op, start, "the parcel has no resolver", BAD_TYPE)
		return nil
	}
	b, err := p.opts.Resolver.ResolveBinder(*obj)
	if err != nil {
		p.fail(op, start, "", err)
		return nil
	}
	return b
}

// readStability reads the word after a flat object and checks it as Stability::setRepr does.
func (p *Parcel) readStability(op string, null bool) (Stability, bool) {
	level := p.level()
	if level < levelStability {
		return StabilitySystem, true
	}
	start := p.pos
	word := p.ReadInt32()
	if p.err != nil {
		return 0, false
	}
	s := Stability(int16(word)) // Parcel::finishUnflattenBinder of Android 13 and later
	if level < levelPlainLevel {
		s = Stability(word)
	}
	if level >= levelCategory && level < levelPlainLevel {
		s = Stability(uint32(word) >> 24)
		if word&0xff < categoryVersion && word != 0 {
			s = -1
		}
	}
	switch {
	case null && s == StabilityUndeclared:
		return s, true
	case !null && (s == StabilityVendor || s == StabilitySystem || s == StabilityVINTF):
		return s, true
	}
	p.fail(op, start, fmt.Sprintf("stability word %#x is none of API level %d; is the peer of another Android release?",
		uint32(word), level), BAD_TYPE)
	return 0, false
}
