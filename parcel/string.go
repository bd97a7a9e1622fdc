package parcel

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

const nullLength = -1 // of a string or an array that is null

// WriteString16 writes AIDL's String: int32 length in UTF-16 units, the units, a NUL unit, padding
// (Parcel::writeString16). Bytes of s that are not UTF-8 become U+FFFD.
func (p *Parcel) WriteString16(s string) {
	const op = "write string16"
	n := utf16Length(s)
	if n >= math.MaxInt32/2 {
		p.fail(op, len(p.data), fmt.Sprintf("%d units are too many", n), BAD_VALUE)
		return
	}
	b := p.room(op, 4+2*(n+1))
	if b == nil {
		return
	}
	binary.LittleEndian.PutUint32(b, uint32(n))
	b = b[4:]
	for _, r := range s {
		if r < 0x10000 {
			binary.LittleEndian.PutUint16(b, uint16(r))
			b = b[2:]
			continue
		}
		high, low := utf16.EncodeRune(r)
		binary.LittleEndian.PutUint16(b, uint16(high))
		binary.LittleEndian.PutUint16(b[2:], uint16(low))
		b = b[4:]
	}
	binary.LittleEndian.PutUint16(b, 0)
}

// utf16Length is how many UTF-16 units s takes.
func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r >= 0x10000 {
			n++
		}
	}
	return n
}

// WriteNullableString16 writes *s as WriteString16, or int32 -1 for nil.
func (p *Parcel) WriteNullableString16(s *string) {
	if s == nil {
		p.WriteInt32(nullLength)
		return
	}
	p.WriteString16(*s)
}

// WriteUTF16 is WriteString16 for units that need not be valid UTF-16.
func (p *Parcel) WriteUTF16(units []uint16) {
	const op = "write string16"
	if len(units) >= math.MaxInt32/2 {
		p.fail(op, len(p.data), fmt.Sprintf("%d units are too many", len(units)), BAD_VALUE)
		return
	}
	b := p.room(op, 4+2*(len(units)+1))
	if b == nil {
		return
	}
	binary.LittleEndian.PutUint32(b, uint32(len(units)))
	for i, u := range units {
		binary.LittleEndian.PutUint16(b[4+2*i:], u)
	}
	binary.LittleEndian.PutUint16(b[4+2*len(units):], 0)
}

// WriteString8 writes int32 length in bytes, the bytes, a NUL byte, padding (Parcel::writeString8).
// AIDL never does, not for @utf8InCpp either; some older native interfaces do.
func (p *Parcel) WriteString8(s string) {
	const op = "write string8"
	if len(s) >= math.MaxInt32-8 {
		p.fail(op, len(p.data), fmt.Sprintf("%d bytes are too many", len(s)), BAD_VALUE)
		return
	}
	b := p.room(op, 4+len(s)+1)
	if b == nil {
		return
	}
	binary.LittleEndian.PutUint32(b, uint32(len(s)))
	copy(b[4:], s)
	b[4+len(s)] = 0
}

// WriteNullableString8 writes *s as WriteString8, or int32 -1 for nil.
func (p *Parcel) WriteNullableString8(s *string) {
	if s == nil {
		p.WriteInt32(nullLength)
		return
	}
	p.WriteString8(*s)
}

// ReadString16 reads a String that must not be null. Units that are not UTF-16 become U+FFFD.
func (p *Parcel) ReadString16() string {
	units, ok := p.readUnits("read string16", false)
	if !ok {
		return ""
	}
	return decodeUTF16(units)
}

// ReadNullableString16 reads a String; nil if it is null.
func (p *Parcel) ReadNullableString16() *string {
	units, ok := p.readUnits("read string16", true)
	if !ok {
		return nil
	}
	s := decodeUTF16(units)
	return &s
}

// ReadUTF16 reads a String that must not be null as the units it is made of.
func (p *Parcel) ReadUTF16() []uint16 {
	raw, ok := p.readUnits("read string16", false)
	if !ok {
		return nil
	}
	units := make([]uint16, len(raw)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(raw[2*i:])
	}
	return units
}

// readUnits reads a String16 and is the bytes of its units, without the NUL; not ok when it is
// null or there is none.
func (p *Parcel) readUnits(op string, nullable bool) (units []byte, ok bool) {
	n, ok := p.readLength(op, 2, nullable)
	if !ok {
		return nil, false
	}
	start := p.pos
	raw := p.take(op, 2*(n+1))
	if raw == nil {
		return nil, false
	}
	if raw[2*n] != 0 || raw[2*n+1] != 0 {
		p.fail(op, start, fmt.Sprintf("no NUL follows its %d units", n), BAD_VALUE)
		return nil, false
	}
	return raw[:2*n], true
}

// decodeUTF16 is the string that units, 2 bytes each, stand for.
func decodeUTF16(units []byte) string {
	var small [64]byte // keeps the usual name off the heap but for the string itself
	b := small[:0]
	for len(units) > 0 {
		r := rune(binary.LittleEndian.Uint16(units))
		units = units[2:]
		if utf16.IsSurrogate(r) {
			next := rune(0)
			if len(units) > 0 {
				next = rune(binary.LittleEndian.Uint16(units))
			}
			if r = utf16.DecodeRune(r, next); r != utf8.RuneError {
				units = units[2:]
			}
		}
		b = utf8.AppendRune(b, r)
	}
	return string(b)
}

// ReadString8 reads a String8 that must not be null.
func (p *Parcel) ReadString8() string {
	b, _ := p.readString8(false)
	return string(b)
}

// ReadNullableString8 reads a String8; nil if it is null.
func (p *Parcel) ReadNullableString8() *string {
	b, ok := p.readString8(true)
	if !ok {
		return nil
	}
	s := string(b)
	return &s
}

func (p *Parcel) readString8(nullable bool) ([]byte, bool) {
	const op = "read string8"
	n, ok := p.readLength(op, 1, nullable)
	if !ok {
		return nil, false
	}
	start := p.pos
	raw := p.take(op, n+1)
	if raw == nil {
		return nil, false
	}
	if raw[n] != 0 {
		p.fail(op, start, fmt.Sprintf("no NUL follows its %d bytes", n), BAD_VALUE)
		return nil, false
	}
	return raw[:n], true
}

// readLength reads the int32 before a string or an array and holds it against what is left: each
// element takes at least size bytes. Not ok when it is null or there is none; a null that may not
// be is an error, and so is any other negative length.
func (p *Parcel) readLength(op string, size int, nullable bool) (n int, ok bool) {
	start := p.pos
	raw := p.take(op, 4)
	if raw == nil {
		return 0, false
	}
	n = int(int32(binary.LittleEndian.Uint32(raw)))
	switch left := p.Remaining(); {
	case n == nullLength && nullable:
		return 0, false
	case n == nullLength:
		p.fail(op, start, "", UNEXPECTED_NULL)
		return 0, false
	case n < 0:
		p.fail(op, start, fmt.Sprintf("its length is %d", n), BAD_VALUE)
		return 0, false
	case n > left/size:
		p.fail(op, start, fmt.Sprintf("its length is %d, but %d bytes are left", n, left), NOT_ENOUGH_DATA)
		return 0, false
	}
	return n, true
}
