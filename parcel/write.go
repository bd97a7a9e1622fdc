package parcel

import (
	"encoding/binary"
	"fmt"
	"math"
)

// writable says whether p takes writes, and makes sure that it has memory of its own.
func (p *Parcel) writable(op string) bool {
	if p.err != nil {
		return false
	}
	if p.received {
		p.fail(op, len(p.data), "a received parcel is read-only", INVALID_OPERATION)
		return false
	}
	if p.store == nil {
		p.store = stores.Get().(*store)
		p.data, p.offsets = p.store.data, p.store.offsets
	}
	return true
}

// room is grow for a size that is checked: n bytes and the padding after them, nil when they are
// too many or p takes no writes. The padding is zero, the n bytes are whatever stood there.
func (p *Parcel) room(op string, n int) []byte {
	if !p.writable(op) {
		return nil
	}
	if n > math.MaxInt32-len(p.data)-3 {
		p.fail(op, len(p.data), fmt.Sprintf("%d bytes more are too many", n), BAD_VALUE)
		return nil
	}
	b := p.grow(pad(n))
	clear(b[n:])
	return b[:n:n]
}

// grow appends n bytes to the data of a writable parcel and is those bytes, not cleared.
func (p *Parcel) grow(n int) []byte {
	start := len(p.data)
	if need := start + n; need > cap(p.data) {
		larger := make([]byte, start, max(need, 2*cap(p.data)))
		copy(larger, p.data)
		p.data = larger
	}
	p.data = p.data[:start+n]
	return p.data[start:]
}

// pad is n rounded up to a multiple of 4 (pad_size in Parcel.cpp).
func pad(n int) int { return (n + 3) &^ 3 }

// WriteInt32 writes 4 bytes.
func (p *Parcel) WriteInt32(v int32) { p.write4("write int32", uint32(v)) }

// WriteUint32 writes 4 bytes.
func (p *Parcel) WriteUint32(v uint32) { p.write4("write uint32", v) }

// WriteInt64 writes 8 bytes, at whatever multiple of 4 comes next (Parcel::writeAligned).
func (p *Parcel) WriteInt64(v int64) { p.write8("write int64", uint64(v)) }

// WriteUint64 writes 8 bytes, as WriteInt64.
func (p *Parcel) WriteUint64(v uint64) { p.write8("write uint64", v) }

// WriteFloat32 writes AIDL's float, 4 bytes.
func (p *Parcel) WriteFloat32(v float32) { p.write4("write float", math.Float32bits(v)) }

// WriteFloat64 writes AIDL's double, 8 bytes, as WriteInt64.
func (p *Parcel) WriteFloat64(v float64) { p.write8("write double", math.Float64bits(v)) }

// WriteBool writes an int32, 1 or 0.
func (p *Parcel) WriteBool(v bool) {
	var word uint32
	if v {
		word = 1
	}
	p.write4("write bool", word)
}

// WriteChar writes AIDL's char, a UTF-16 unit, as an int32.
func (p *Parcel) WriteChar(v uint16) { p.write4("write char", uint32(v)) }

// WriteInt8 writes AIDL's byte, which is signed, as an int32.
func (p *Parcel) WriteInt8(v int8) { p.write4("write byte", uint32(int32(v))) }

func (p *Parcel) write4(op string, v uint32) {
	if b := p.room(op, 4); b != nil {
		binary.LittleEndian.PutUint32(b, v)
	}
}

func (p *Parcel) write8(op string, v uint64) {
	if b := p.room(op, 8); b != nil {
		binary.LittleEndian.PutUint64(b, v)
	}
}

// WriteRaw writes the bytes of b and pads them, with no length before them (Parcel::write).
func (p *Parcel) WriteRaw(b []byte) {
	if to := p.room("write raw bytes", len(b)); to != nil {
		copy(to, b)
	}
}
