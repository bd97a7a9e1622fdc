package parcel

import "unsafe"

// Enum is the type of an AIDL enum, by its backing type: byte, int or long. Values without a name
// travel like those that have one.
type Enum interface{ ~int8 | ~int32 | ~int64 }

// WriteEnum writes an enum as its backing type.
func WriteEnum[E Enum](p *Parcel, v E) {
	switch unsafe.Sizeof(v) {
	case 1:
		p.WriteInt8(int8(v))
	case 4:
		p.WriteInt32(int32(v))
	default:
		p.WriteInt64(int64(v))
	}
}

// ReadEnum reads an enum.
func ReadEnum[E Enum](p *Parcel) (v E) {
	switch unsafe.Sizeof(v) {
	case 1:
		return E(p.ReadInt8())
	case 4:
		return E(p.ReadInt32())
	default:
		return E(p.ReadInt64())
	}
}

// WriteEnumSlice writes an array of enums, which is laid out as the array of its backing type:
// those of bytes side by side (Parcel::writeEnumVector).
func WriteEnumSlice[E Enum](p *Parcel, v []E) {
	const op = "write enum array"
	size := int(unsafe.Sizeof(E(0)))
	b := p.array(op, len(v), size)
	for i := range b[:len(b)/size] {
		for j := range size {
			b[i*size+j] = byte(int64(v[i]) >> (8 * j))
		}
	}
}

// ReadEnumSlice reads an array of enums that must not be null.
func ReadEnumSlice[E Enum](p *Parcel) []E {
	size := int(unsafe.Sizeof(E(0)))
	b := p.elements("read enum array", size)
	if b == nil {
		return nil
	}
	v := make([]E, len(b)/size)
	for i := range v {
		var x int64
		for j := range size {
			x |= int64(b[i*size+j]) << (8 * j)
		}
		v[i] = E(x)
	}
	return v
}
