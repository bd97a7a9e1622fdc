package wire

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
)

// The helpers here say bytes without the package that is tested.

// words are 4 bytes each, little-endian.
func words(list ...int32) []byte {
	var b []byte
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, uint32(w))
	}
	return b
}

func long(v int64) []byte     { return binary.LittleEndian.AppendUint64(nil, uint64(v)) }
func float(v float32) []byte  { return words(int32(math.Float32bits(v))) }
func double(v float64) []byte { return long(int64(math.Float64bits(v))) }

// padded is bytes and zeros up to a multiple of 4.
func padded(b ...byte) []byte {
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// str is a String16: Parcel::writeString16.
func str(s string) []byte {
	units := utf16.Encode([]rune(s))
	b := words(int32(len(units)))
	for _, u := range append(units, 0) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return padded(b...)
}

// join is the parts side by side.
func join(parts ...[]byte) []byte {
	var b []byte
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// sized is a structured parcelable's body: its size, which counts itself, and its fields.
func sized(fields ...[]byte) []byte {
	body := join(fields...)
	return join(words(int32(4+len(body))), body)
}

// present is int32 1 and the body: a parcelable that is not null.
func present(body ...[]byte) []byte { return join(append([][]byte{words(1)}, body...)...) }
