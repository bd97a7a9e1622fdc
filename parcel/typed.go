package parcel

import "fmt"

// What follows is for code that aidlgen generates: values of known Go types, each a few calls of
// the rest of the package. Generated parcelables are Go structs whose pointers are Parcelables.

// WritePresent writes the int32 that stands before a parcelable, 1 or, for null, 0. It returns
// present, so that the parcelable can be written next.
func (p *Parcel) WritePresent(present bool) bool {
	if present {
		p.WriteInt32(presentFlag)
	} else {
		p.WriteInt32(nullFlag)
	}
	return present
}

// ReadPresent reads what WritePresent wrote.
func (p *Parcel) ReadPresent() bool { return p.readPresence("read parcelable") }

// RequirePresent is ReadPresent for a parcelable that must not be null.
func (p *Parcel) RequirePresent() bool {
	start := p.pos
	present := p.ReadPresent()
	if !present && p.err == nil {
		p.fail("read parcelable", start, "", UNEXPECTED_NULL)
	}
	return present
}

// ReadNull moves past the length of an array or a map that is null and says whether it was; else it
// moves nowhere.
func (p *Parcel) ReadNull() bool {
	start := p.pos
	if n := p.ReadInt32(); p.err == nil && n != nullLength {
		p.pos = start
		return false
	}
	return true
}

// pointer is a *T that is a Parcelable.
type pointer[T any] interface {
	*T
	Parcelable
}

// WriteTyped writes a parcelable that is not null: an element for WriteSlice.
func WriteTyped[T any, P pointer[T]](p *Parcel, v T) {
	p.WriteInt32(presentFlag)
	P(&v).WriteToParcel(p)
}

// ReadTyped reads a parcelable that must not be null: an element for ReadSlice.
func ReadTyped[T any, P pointer[T]](p *Parcel) (v T) {
	if p.RequirePresent() {
		P(&v).ReadFromParcel(p)
	}
	return v
}

// WriteNullableTyped is WriteTyped, or int32 0 for nil.
func WriteNullableTyped[T any, P pointer[T]](p *Parcel, v *T) {
	if p.WritePresent(v != nil) {
		P(v).WriteToParcel(p)
	}
}

// ReadNullableTyped reads a parcelable; nil if it is null.
func ReadNullableTyped[T any, P pointer[T]](p *Parcel) *T {
	if !p.ReadPresent() {
		return nil
	}
	v := new(T)
	P(v).ReadFromParcel(p)
	return v
}

// WriteNullableElements is WriteSlice, or int32 -1 when v is nil.
func WriteNullableElements[T any](p *Parcel, v []T, write func(*Parcel, T)) {
	if v == nil {
		p.WriteInt32(nullLength)
		return
	}
	WriteSlice(p, v, write)
}

// ReadNullableElements is ReadSlice, or nil when the array or list is null.
func ReadNullableElements[T any](p *Parcel, read func(*Parcel) T) []T {
	if p.ReadNull() {
		return nil
	}
	return ReadSlice(p, read)
}

// UnknownTag is what reading a union does with a tag that is none of its fields: BAD_VALUE, as
// AOSP's backends have it.
func (p *Parcel) UnknownTag(union string, tag int32) {
	p.fail("read union", p.pos-4, fmt.Sprintf("%s has no field of tag %d", union, tag), BAD_VALUE)
}

// Some is a pointer to v, for nullable values.
func Some[T any](v T) *T { return &v }
