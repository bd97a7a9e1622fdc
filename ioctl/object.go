package ioctl

import (
	"encoding/binary"
	"structs"
)

// ObjectType says what stands at an offset of a transaction: the binder_object_header.type.
type ObjectType uint32

// Object types: B_PACK_CHARS(c1, c2, '*', B_TYPE_LARGE).
const (
	BINDER_TYPE_BINDER      ObjectType = 's'<<24 | 'b'<<16 | '*'<<8 | typeLarge // an object of the sender's, strong
	BINDER_TYPE_WEAK_BINDER ObjectType = 'w'<<24 | 'b'<<16 | '*'<<8 | typeLarge // an object of the sender's, weak
	BINDER_TYPE_HANDLE      ObjectType = 's'<<24 | 'h'<<16 | '*'<<8 | typeLarge // the sender's handle for an object of another's, strong
	BINDER_TYPE_WEAK_HANDLE ObjectType = 'w'<<24 | 'h'<<16 | '*'<<8 | typeLarge // the same, weak
	BINDER_TYPE_FD          ObjectType = 'f'<<24 | 'd'<<16 | '*'<<8 | typeLarge // a file descriptor
	BINDER_TYPE_FDA         ObjectType = 'f'<<24 | 'd'<<16 | 'a'<<8 | typeLarge // descriptors inside a PTR buffer
	BINDER_TYPE_PTR         ObjectType = 'p'<<24 | 't'<<16 | '*'<<8 | typeLarge // a scatter-gather buffer

	typeLarge = 0x85 // B_TYPE_LARGE
)

// ObjectFlags are the FLAT_BINDER_FLAG_ bits of flat_binder_object.flags.
type ObjectFlags uint32

// Flags of a flat object.
const (
	FLAT_BINDER_FLAG_PRIORITY_MASK    ObjectFlags = 0xff   // FLAT_BINDER_FLAG_PRIORITY_MASK = 0xff: lowest nice value to serve it with
	FLAT_BINDER_FLAG_ACCEPTS_FDS      ObjectFlags = 0x100  // FLAT_BINDER_FLAG_ACCEPTS_FDS = 0x100
	FLAT_BINDER_FLAG_TXN_SECURITY_CTX ObjectFlags = 0x1000 // FLAT_BINDER_FLAG_TXN_SECURITY_CTX = 0x1000
)

// SizeofObjectHeader is sizeof(struct binder_object_header).
const SizeofObjectHeader = 4

// SizeofFlatObject is sizeof(struct flat_binder_object).
const SizeofFlatObject = 24

// FlatObject is struct flat_binder_object: a binder or a handle inside a transaction.
type FlatObject struct {
	_ structs.HostLayout

	Type   ObjectType  // struct binder_object_header hdr
	Flags  ObjectFlags // __u32 flags
	Binder uint64      // union { binder_uintptr_t binder; __u32 handle; }
	Cookie Cookie      // binder_uintptr_t cookie
}

// Handle reads the union as a handle; its upper half does not count.
func (o *FlatObject) Handle() Handle { return Handle(o.Binder) }

// Pointer reads the union as the owner's address of the object.
func (o *FlatObject) Pointer() Pointer { return Pointer(o.Binder) }

// Decode reads o from the first SizeofFlatObject bytes of b.
func (o *FlatObject) Decode(b []byte) {
	_ = b[SizeofFlatObject-1]
	o.Type = ObjectType(binary.LittleEndian.Uint32(b[0:]))
	o.Flags = ObjectFlags(binary.LittleEndian.Uint32(b[4:]))
	o.Binder = binary.LittleEndian.Uint64(b[8:])
	o.Cookie = Cookie(binary.LittleEndian.Uint64(b[16:]))
}

// Encode writes o to the first SizeofFlatObject bytes of b.
func (o *FlatObject) Encode(b []byte) {
	_ = b[SizeofFlatObject-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(o.Type))
	binary.LittleEndian.PutUint32(b[4:], uint32(o.Flags))
	binary.LittleEndian.PutUint64(b[8:], o.Binder)
	binary.LittleEndian.PutUint64(b[16:], uint64(o.Cookie))
}

// SizeofFDObject is sizeof(struct binder_fd_object).
const SizeofFDObject = 24

// FDObject is struct binder_fd_object: a file descriptor inside a transaction.
type FDObject struct {
	_ structs.HostLayout

	Type     ObjectType // struct binder_object_header hdr
	PadFlags uint32     // __u32 pad_flags
	FD       uint32     // union { binder_uintptr_t pad_binder; __u32 fd; }
	_        uint32     // upper half of pad_binder
	Cookie   Cookie     // binder_uintptr_t cookie; the user's own
}

// Decode reads o from the first SizeofFDObject bytes of b.
func (o *FDObject) Decode(b []byte) {
	_ = b[SizeofFDObject-1]
	o.Type = ObjectType(binary.LittleEndian.Uint32(b[0:]))
	o.PadFlags = binary.LittleEndian.Uint32(b[4:])
	o.FD = binary.LittleEndian.Uint32(b[8:])
	o.Cookie = Cookie(binary.LittleEndian.Uint64(b[16:]))
}

// Encode writes o to the first SizeofFDObject bytes of b.
func (o *FDObject) Encode(b []byte) {
	_ = b[SizeofFDObject-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(o.Type))
	binary.LittleEndian.PutUint32(b[4:], o.PadFlags)
	binary.LittleEndian.PutUint64(b[8:], uint64(o.FD))
	binary.LittleEndian.PutUint64(b[16:], uint64(o.Cookie))
}

// SizeofBufferObject is sizeof(struct binder_buffer_object).
const SizeofBufferObject = 40

// BINDER_BUFFER_FLAG_HAS_PARENT says that Parent and ParentOffset of a BufferObject count.
const BINDER_BUFFER_FLAG_HAS_PARENT = 0x01

// BufferObject is struct binder_buffer_object: a scatter-gather buffer.
type BufferObject struct {
	_ structs.HostLayout

	Type         ObjectType // struct binder_object_header hdr
	Flags        uint32     // __u32 flags: BINDER_BUFFER_FLAG_*
	Buffer       Address    // binder_uintptr_t buffer
	Length       uint64     // binder_size_t length, bytes
	Parent       uint64     // binder_size_t parent: index in the offsets array
	ParentOffset uint64     // binder_size_t parent_offset, bytes into the parent buffer
}

// Decode reads o from the first SizeofBufferObject bytes of b.
func (o *BufferObject) Decode(b []byte) {
	_ = b[SizeofBufferObject-1]
	o.Type = ObjectType(binary.LittleEndian.Uint32(b[0:]))
	o.Flags = binary.LittleEndian.Uint32(b[4:])
	o.Buffer = Address(binary.LittleEndian.Uint64(b[8:]))
	o.Length = binary.LittleEndian.Uint64(b[16:])
	o.Parent = binary.LittleEndian.Uint64(b[24:])
	o.ParentOffset = binary.LittleEndian.Uint64(b[32:])
}

// Encode writes o to the first SizeofBufferObject bytes of b.
func (o *BufferObject) Encode(b []byte) {
	_ = b[SizeofBufferObject-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(o.Type))
	binary.LittleEndian.PutUint32(b[4:], o.Flags)
	binary.LittleEndian.PutUint64(b[8:], uint64(o.Buffer))
	binary.LittleEndian.PutUint64(b[16:], o.Length)
	binary.LittleEndian.PutUint64(b[24:], o.Parent)
	binary.LittleEndian.PutUint64(b[32:], o.ParentOffset)
}

// SizeofFDArrayObject is sizeof(struct binder_fd_array_object).
const SizeofFDArrayObject = 32

// FDArrayObject is struct binder_fd_array_object: descriptors inside a BufferObject.
type FDArrayObject struct {
	_ structs.HostLayout

	Type         ObjectType // struct binder_object_header hdr
	_            uint32     // __u32 pad
	NumFDs       uint64     // binder_size_t num_fds
	Parent       uint64     // binder_size_t parent: index in the offsets array
	ParentOffset uint64     // binder_size_t parent_offset, bytes into the parent buffer
}

// Decode reads o from the first SizeofFDArrayObject bytes of b.
func (o *FDArrayObject) Decode(b []byte) {
	_ = b[SizeofFDArrayObject-1]
	o.Type = ObjectType(binary.LittleEndian.Uint32(b[0:]))
	o.NumFDs = binary.LittleEndian.Uint64(b[8:])
	o.Parent = binary.LittleEndian.Uint64(b[16:])
	o.ParentOffset = binary.LittleEndian.Uint64(b[24:])
}

// Encode writes o to the first SizeofFDArrayObject bytes of b.
func (o *FDArrayObject) Encode(b []byte) {
	_ = b[SizeofFDArrayObject-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(o.Type))
	binary.LittleEndian.PutUint32(b[4:], 0)
	binary.LittleEndian.PutUint64(b[8:], o.NumFDs)
	binary.LittleEndian.PutUint64(b[16:], o.Parent)
	binary.LittleEndian.PutUint64(b[24:], o.ParentOffset)
}

// Size is the number of bytes an object of type t takes in a transaction, 0 for an unknown type.
func (t ObjectType) Size() int {
	switch t {
	case BINDER_TYPE_BINDER, BINDER_TYPE_WEAK_BINDER, BINDER_TYPE_HANDLE, BINDER_TYPE_WEAK_HANDLE:
		return SizeofFlatObject
	case BINDER_TYPE_FD:
		return SizeofFDObject
	case BINDER_TYPE_PTR:
		return SizeofBufferObject
	case BINDER_TYPE_FDA:
		return SizeofFDArrayObject
	}
	return 0
}
