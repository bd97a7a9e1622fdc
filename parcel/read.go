package parcel

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/fusebinder/fusebinder/ioctl"
)

// peek is the next n bytes and whatever pads them, nil when that much is not left.
func (p *Parcel) peek(op string, n int) []byte {
	if p.err != nil {
		return nil
	}
	left := len(p.data) - p.pos
	if n < 0 || n > left || pad(n) > left {
		p.fail(op, p.pos, fmt.Sprintf("it takes %d bytes, %d are left", pad(n), left), NOT_ENOUGH_DATA)
		return nil
	}
	return p.data[p.pos : p.pos+n : p.pos+n]
}

// take is peek, and moves past the bytes and their padding. None of them may belong to an object
// (Parcel::validateReadData).
func (p *Parcel) take(op string, n int) []byte {
	b := p.peek(op, n)
	if b == nil {
		return nil
	}
	if len(p.offsets) > 0 {
		if at, hit := p.overlaps(p.pos, p.pos+pad(n)); hit {
			p.fail(op, p.pos, fmt.Sprintf("the object at offset %d is in the way", at), PERMISSION_DENIED)
			return nil
		}
	}
	p.pos += pad(n)
	return b
}

// overlaps finds an object of the table with a byte in [from, to).
func (p *Parcel) overlaps(from, to int) (at int, hit bool) {
	for i := p.seek(from); i < len(p.offsets)/8; i++ {
		at = p.offsetOf(i)
		if at >= to {
			return 0, false
		}
		if from < at+p.sizeAt(at) {
			return at, true
		}
	}
	return 0, false
}

// seek is the index of the first object that may end after from, and remembers it for the next
// time: reads go forward, so this is almost always one comparison.
func (p *Parcel) seek(from int) int {
	for p.next > 0 && p.offsetOf(p.next-1) >= from {
		p.next--
	}
	for p.next > 0 && p.endOf(p.next-1) > from {
		p.next--
	}
	for p.next < len(p.offsets)/8 && p.endOf(p.next) <= from {
		p.next++
	}
	return p.next
}

func (p *Parcel) offsetOf(i int) int { return int(binary.LittleEndian.Uint64(p.offsets[8*i:])) }

func (p *Parcel) endOf(i int) int {
	at := p.offsetOf(i)
	return at + p.sizeAt(at)
}

func (p *Parcel) sizeAt(at int) int {
	return ioctl.ObjectType(binary.LittleEndian.Uint32(p.data[at:])).Size()
}

// listed says whether the table has an object at offset at.
func (p *Parcel) listed(at int) bool {
	i := p.seek(at)
	return i < len(p.offsets)/8 && p.offsetOf(i) == at
}

// ReadInt32 reads 4 bytes.
func (p *Parcel) ReadInt32() int32 { return int32(p.read4("read int32")) }

// ReadUint32 reads 4 bytes.
func (p *Parcel) ReadUint32() uint32 { return p.read4("read uint32") }

// ReadInt64 reads 8 bytes.
func (p *Parcel) ReadInt64() int64 { return int64(p.read8("read int64")) }

// ReadUint64 reads 8 bytes.
func (p *Parcel) ReadUint64() uint64 { return p.read8("read uint64") }

// ReadFloat32 reads AIDL's float.
func (p *Parcel) ReadFloat32() float32 { return math.Float32frombits(p.read4("read float")) }

// ReadFloat64 reads AIDL's double.
func (p *Parcel) ReadFloat64() float64 { return math.Float64frombits(p.read8("read double")) }

// ReadBool reads an int32; any value but 0 is true (Parcel::readBool).
func (p *Parcel) ReadBool() bool { return p.read4("read bool") != 0 }

// ReadChar reads AIDL's char, the lower half of an int32.
func (p *Parcel) ReadChar() uint16 { return uint16(p.read4("read char")) }

// ReadInt8 reads AIDL's byte, the lowest byte of an int32.
func (p *Parcel) ReadInt8() int8 { return int8(p.read4("read byte")) }

func (p *Parcel) read4(op string) uint32 {
	if b := p.take(op, 4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (p *Parcel) read8(op string) uint64 {
	if b := p.take(op, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// ReadRaw is the next n bytes, a view that ends with the parcel; their padding is skipped.
func (p *Parcel) ReadRaw(n int) []byte { return p.take("read raw bytes", n) }

func word(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
