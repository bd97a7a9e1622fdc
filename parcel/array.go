package parcel

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
)

// Arrays begin with an int32, the number of elements, -1 for null. An array of bytes then has its
// bytes, padded once; of int32, int64, float, double its elements side by side; of bool and char
// one int32 for each, as Java and C++ do; of anything else each element as it is written alone.
// The Write functions write nil as an empty array; WriteNullableSlice writes it as null.

// WriteByteArray writes AIDL's byte[].
func (p *Parcel) WriteByteArray(v []byte) {
	if b := p.array("write byte array", len(v), 1); b != nil {
		copy(b, v)
	}
}

// WriteInt32Array writes AIDL's int[].
func (p *Parcel) WriteInt32Array(v []int32) {
	b := p.array("write int32 array", len(v), 4)
	for i := range b[:len(b)/4] {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v[i]))
	}
}

// WriteInt64Array writes AIDL's long[].
func (p *Parcel) WriteInt64Array(v []int64) {
	b := p.array("write int64 array", len(v), 8)
	for i := range b[:len(b)/8] {
		binary.LittleEndian.PutUint64(b[8*i:], uint64(v[i]))
	}
}

// WriteFloat32Array writes AIDL's float[].
func (p *Parcel) WriteFloat32Array(v []float32) {
	b := p.array("write float array", len(v), 4)
	for i := range b[:len(b)/4] {
		binary.LittleEndian.PutUint32(b[4*i:], math.Float32bits(v[i]))
	}
}

// WriteFloat64Array writes AIDL's double[].
func (p *Parcel) WriteFloat64Array(v []float64) {
	b := p.array("write double array", len(v), 8)
	for i := range b[:len(b)/8] {
		binary.LittleEndian.PutUint64(b[8*i:], math.Float64bits(v[i]))
	}
}

// WriteBoolArray writes AIDL's boolean[], an int32 for each.
func (p *Parcel) WriteBoolArray(v []bool) {
	b := p.array("write bool array", len(v), 4)
	clear(b)
	for i := range b[:len(b)/4] {
		if v[i] {
			b[4*i] = 1
		}
	}
}

// WriteCharArray writes AIDL's char[], an int32 for each.
func (p *Parcel) WriteCharArray(v []uint16) {
	b := p.array("write char array", len(v), 4)
	for i := range b[:len(b)/4] {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(v[i]))
	}
}

// array writes the length of an array and makes room for its elements.
func (p *Parcel) array(op string, n, size int) []byte {
	if n > (math.MaxInt32-8)/size {
		p.fail(op, len(p.data), fmt.Sprintf("%d elements are too many", n), BAD_VALUE)
		return nil
	}
	b := p.room(op, 4+n*size)
	if b == nil {
		return nil
	}
	binary.LittleEndian.PutUint32(b, uint32(n))
	return b[4:]
}

// WriteString16Array writes AIDL's String[].
func (p *Parcel) WriteString16Array(v []string) { WriteSlice(p, v, (*Parcel).WriteString16) }

// WriteStrongBinderArray writes AIDL's IBinder[].
func (p *Parcel) WriteStrongBinderArray(v []Binder) { WriteSlice(p, v, (*Parcel).WriteStrongBinder) }

// ReadByteArray reads AIDL's byte[] into memory of its own.
func (p *Parcel) ReadByteArray() []byte { return bytes.Clone(p.ReadByteView()) }

// ReadByteView reads AIDL's byte[] as a view that ends with the parcel.
func (p *Parcel) ReadByteView() []byte { return p.elements("read byte array", 1) }

// ReadInt32Array reads AIDL's int[].
func (p *Parcel) ReadInt32Array() []int32 {
	b := p.elements("read int32 array", 4)
	if b == nil {
		return nil
	}
	v := make([]int32, len(b)/4)
	for i := range v {
		v[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// ReadInt64Array reads AIDL's long[].
func (p *Parcel) ReadInt64Array() []int64 {
	b := p.elements("read int64 array", 8)
	if b == nil {
		return nil
	}
	v := make([]int64, len(b)/8)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v
}

// ReadFloat32Array reads AIDL's float[].
func (p *Parcel) ReadFloat32Array() []float32 {
	b := p.elements("read float array", 4)
	if b == nil {
		return nil
	}
	v := make([]float32, len(b)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}

// ReadFloat64Array reads AIDL's double[].
func (p *Parcel) ReadFloat64Array() []float64 {
	b := p.elements("read double array", 8)
	if b == nil {
		return nil
	}
	v := make([]float64, len(b)/8)
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v
}

// ReadBoolArray reads AIDL's boolean[].
func (p *Parcel) ReadBoolArray() []bool {
	b := p.elements("read bool array", 4)
	if b == nil {
		return nil
	}
	v := make([]bool, len(b)/4)
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(b[4*i:]) != 0
	}
	return v
}

// ReadCharArray reads AIDL's char[].
func (p *Parcel) ReadCharArray() []uint16 {
	b := p.elements("read char array", 4)
	if b == nil {
		return nil
	}
	v := make([]uint16, len(b)/4)
	for i := range v {
		v[i] = binary.LittleEndian.Uint16(b[4*i:])
	}
	return v
}

// elements reads an array that must not be null and is the bytes of its elements.
func (p *Parcel) elements(op string, size int) []byte {
	n, ok := p.readLength(op, size, false)
	if !ok {
		return nil
	}
	return p.take(op, n*size)
}

// ReadString16Array reads AIDL's String[], none of them null.
func (p *Parcel) ReadString16Array() []string { return ReadSlice(p, (*Parcel).ReadString16) }

// ReadStrongBinderArray reads AIDL's IBinder[], none of them null.
func (p *Parcel) ReadStrongBinderArray() []Binder { return ReadSlice(p, (*Parcel).ReadStrongBinder) }

// WriteSlice writes an array or a list: its length, and each element as write does.
func WriteSlice[T any](p *Parcel, v []T, write func(*Parcel, T)) {
	if len(v) > math.MaxInt32 {
		p.fail("write array", len(p.data), fmt.Sprintf("%d elements are too many", len(v)), BAD_VALUE)
		return
	}
	p.WriteInt32(int32(len(v)))
	for _, e := range v {
		write(p, e)
	}
}

// ReadSlice reads an array or a list that must not be null, each element as read does. Every
// element takes at least 4 bytes, as all that AIDL knows do.
func ReadSlice[T any](p *Parcel, read func(*Parcel) T) []T {
	n, ok := p.readLength("read array", 4, false)
	if !ok {
		return nil
	}
	v := make([]T, 0, min(n, 64)) // then as elements really come: a count alone buys no memory
	for range n {
		e := read(p)
		if p.err != nil {
			return nil
		}
		v = append(v, e)
	}
	return v
}

// WriteNullableSlice writes v as write does, or int32 -1 when it is nil:
//
//	parcel.WriteNullableSlice(p, ints, (*parcel.Parcel).WriteInt32Array)
func WriteNullableSlice[T any](p *Parcel, v []T, write func(*Parcel, []T)) {
	if v == nil {
		p.WriteInt32(nullLength)
		return
	}
	write(p, v)
}

// ReadNullableSlice reads what read does, or nil when it is null; an empty array is not nil:
//
//	ints := parcel.ReadNullableSlice(p, (*parcel.Parcel).ReadInt32Array)
func ReadNullableSlice[T any](p *Parcel, read func(*Parcel) []T) []T {
	start := p.pos
	if n := p.ReadInt32(); p.err != nil || n == nullLength {
		return nil
	}
	p.pos = start
	return read(p)
}
