package ioctl

import (
	"encoding/binary"
	"structs"
)

// SizeofWriteRead is sizeof(struct binder_write_read).
const SizeofWriteRead = 48

// WriteRead is struct binder_write_read, the argument of BINDER_WRITE_READ. Sizes and consumed
// counts are bytes; the consumed fields are read on the way in and set on the way out.
type WriteRead struct {
	_ structs.HostLayout

	WriteSize     uint64  // binder_size_t write_size
	WriteConsumed uint64  // binder_size_t write_consumed
	WriteBuffer   Address // binder_uintptr_t write_buffer
	ReadSize      uint64  // binder_size_t read_size
	ReadConsumed  uint64  // binder_size_t read_consumed
	ReadBuffer    Address // binder_uintptr_t read_buffer
}

// Decode reads w from the first SizeofWriteRead bytes of b.
func (w *WriteRead) Decode(b []byte) {
	_ = b[SizeofWriteRead-1]
	w.WriteSize = binary.LittleEndian.Uint64(b[0:])
	w.WriteConsumed = binary.LittleEndian.Uint64(b[8:])
	w.WriteBuffer = Address(binary.LittleEndian.Uint64(b[16:]))
	w.ReadSize = binary.LittleEndian.Uint64(b[24:])
	w.ReadConsumed = binary.LittleEndian.Uint64(b[32:])
	w.ReadBuffer = Address(binary.LittleEndian.Uint64(b[40:]))
}

// Encode writes w to the first SizeofWriteRead bytes of b.
func (w *WriteRead) Encode(b []byte) {
	_ = b[SizeofWriteRead-1]
	binary.LittleEndian.PutUint64(b[0:], w.WriteSize)
	binary.LittleEndian.PutUint64(b[8:], w.WriteConsumed)
	binary.LittleEndian.PutUint64(b[16:], uint64(w.WriteBuffer))
	binary.LittleEndian.PutUint64(b[24:], w.ReadSize)
	binary.LittleEndian.PutUint64(b[32:], w.ReadConsumed)
	binary.LittleEndian.PutUint64(b[40:], uint64(w.ReadBuffer))
}
