package parcel

import "fmt"

// ReadFixedArray reads an array of exactly len(v) elements into v, as read reads one of any length:
//
//	parcel.ReadFixedArray(p, v[:], (*parcel.Parcel).ReadInt32Array)
//
// AIDL's T[N] is written as T[] is, each dimension with its length (Parcel::writeFixedArray).
func ReadFixedArray[T any](p *Parcel, v []T, read func(*Parcel) []T) {
	start := p.pos
	got := read(p)
	if p.err == nil && len(got) != len(v) {
		p.fail("read fixed-size array", start, fmt.Sprintf("it has %d elements, not %d", len(got), len(v)), BAD_VALUE)
		return
	}
	copy(v, got)
}

// ReadInt8Array reads AIDL's byte[] as signed numbers.
func (p *Parcel) ReadInt8Array() []int8 { return ReadEnumSlice[int8](p) }

// WriteInt8Array writes AIDL's byte[] from signed numbers.
func (p *Parcel) WriteInt8Array(v []int8) { WriteEnumSlice(p, v) }
