package parcel

import (
	"encoding/binary"
	"fmt"
)

// A Parcelable writes and reads itself. Errors stay in the parcel.
type Parcelable interface {
	WriteToParcel(p *Parcel)
	ReadFromParcel(p *Parcel)
}

// What stands before a parcelable (kNonNullParcelableFlag, kNullParcelableFlag in Parcel.h).
const (
	nullFlag    = 0
	presentFlag = 1
)

// WriteParcelable writes int32 1 and v, or int32 0 when v is nil (Java's writeTypedObject).
func (p *Parcel) WriteParcelable(v Parcelable) {
	if v == nil {
		p.WriteInt32(nullFlag)
		return
	}
	p.WriteInt32(presentFlag)
	v.WriteToParcel(p)
}

// ReadParcelable reads into v a parcelable that must not be null.
func (p *Parcel) ReadParcelable(v Parcelable) {
	start := p.pos
	if !p.ReadNullableParcelable(v) && p.err == nil {
		p.fail("read parcelable", start, "", UNEXPECTED_NULL)
	}
}

// ReadNullableParcelable reads into v a parcelable unless it is null, and says which.
func (p *Parcel) ReadNullableParcelable(v Parcelable) (present bool) {
	if !p.readPresence("read parcelable") {
		return false
	}
	v.ReadFromParcel(p)
	return p.err == nil
}

func (p *Parcel) readPresence(op string) bool {
	start := p.pos
	switch flag := p.ReadInt32(); {
	case p.err != nil || flag == nullFlag:
		return false
	case flag != presentFlag:
		p.fail(op, start, fmt.Sprintf("its presence flag is %d", flag), UNEXPECTED_NULL)
		return false
	}
	return true
}

// An Extent is the part of a parcel that a structured AIDL parcelable takes: an int32 size, which
// counts itself, and the fields. A reader that knows more fields than the writer stops at the end;
// one that knows fewer skips the rest.
type Extent struct{ start, end int }

// BeginExtent writes the place of a size, to be filled by EndExtent.
func (p *Parcel) BeginExtent() Extent {
	e := Extent{start: len(p.data)}
	p.WriteInt32(0)
	return e
}

// EndExtent writes the size of what was written since BeginExtent.
func (p *Parcel) EndExtent(e Extent) {
	if p.err == nil {
		binary.LittleEndian.PutUint32(p.data[e.start:], uint32(len(p.data)-e.start))
	}
}

// endSize is EndExtent for a size that does not count itself.
func (p *Parcel) endSize(e Extent) {
	if p.err == nil {
		binary.LittleEndian.PutUint32(p.data[e.start:], uint32(len(p.data)-e.start-4))
	}
}

// ReadExtent reads a size; the fields follow.
func (p *Parcel) ReadExtent() Extent {
	start := p.pos
	size := int(p.ReadInt32())
	if p.err == nil && (size < 4 || size > len(p.data)-start) {
		p.fail("read parcelable size", start, fmt.Sprintf("its size is %d, but %d bytes are left", size, len(p.data)-start), BAD_VALUE)
	}
	return Extent{start: start, end: start + size}
}

// More says whether another field stands in e.
func (p *Parcel) More(e Extent) bool { return p.err == nil && p.pos < e.end }

// LeaveExtent skips what is left of e. Fields that went beyond its end are an error: to go back
// there would read the same bytes again, and again for each element of a list.
func (p *Parcel) LeaveExtent(e Extent) {
	switch {
	case p.err != nil:
	case p.pos > e.end:
		p.fail("read parcelable", e.start, fmt.Sprintf("its size is %d, its fields took %d", e.end-e.start, p.pos-e.start), BAD_VALUE)
	default:
		p.pos = e.end
	}
}

// WriteForeign writes the body of a parcelable whose layout AIDL does not know.
func (p *Parcel) WriteForeign(name string, v Parcelable) {
	if v == nil {
		p.fail("write parcelable", len(p.data), name+" has no value", UNEXPECTED_NULL)
		return
	}
	v.WriteToParcel(p)
}

// ReadForeign reads the body of a parcelable whose layout AIDL does not know into a value that build
// makes.
func (p *Parcel) ReadForeign(name string, build func() Parcelable) Parcelable {
	if build == nil {
		p.fail("read parcelable", p.pos, "no Go type was set for "+name, BAD_TYPE)
		return nil
	}
	v := build()
	v.ReadFromParcel(p)
	return v
}
