package ioctl

import (
	"encoding/binary"
	"structs"
)

// Sizes of the transaction structs.
const (
	SizeofTransactionData       = 64 // sizeof(struct binder_transaction_data)
	SizeofTransactionDataSG     = 72 // sizeof(struct binder_transaction_data_sg)
	SizeofTransactionDataSecctx = 72 // sizeof(struct binder_transaction_data_secctx)
)

// TransactionData is struct binder_transaction_data, sent with BC_TRANSACTION and BC_REPLY and
// received with BR_TRANSACTION and BR_REPLY.
type TransactionData struct {
	_ structs.HostLayout

	// Target is the sender's handle in BC_TRANSACTION (lower half), the owner's pointer in
	// BR_TRANSACTION, and 0 in replies: union { __u32 handle; binder_uintptr_t ptr; } target.
	Target      uint64
	Cookie      Cookie  // binder_uintptr_t cookie: the target object's, set by the driver
	Code        Code    // __u32 code
	Flags       Flags   // __u32 flags
	SenderPID   int32   // __kernel_pid_t sender_pid: set by the driver, 0 for oneway calls and replies
	SenderEUID  uint32  // __kernel_uid32_t sender_euid: set by the driver
	DataSize    uint64  // binder_size_t data_size, bytes
	OffsetsSize uint64  // binder_size_t offsets_size, bytes: 8 for each object
	Buffer      Address // binder_uintptr_t data.ptr.buffer
	Offsets     Address // binder_uintptr_t data.ptr.offsets
}

// Handle reads the target as a handle (BC_TRANSACTION).
func (t *TransactionData) Handle() Handle { return Handle(t.Target) }

// Pointer reads the target as the owner's address (BR_TRANSACTION).
func (t *TransactionData) Pointer() Pointer { return Pointer(t.Target) }

// Decode reads t from the first SizeofTransactionData bytes of b.
func (t *TransactionData) Decode(b []byte) {
	_ = b[SizeofTransactionData-1]
	t.Target = binary.LittleEndian.Uint64(b[0:])
	t.Cookie = Cookie(binary.LittleEndian.Uint64(b[8:]))
	t.Code = Code(binary.LittleEndian.Uint32(b[16:]))
	t.Flags = Flags(binary.LittleEndian.Uint32(b[20:]))
	t.SenderPID = int32(binary.LittleEndian.Uint32(b[24:]))
	t.SenderEUID = binary.LittleEndian.Uint32(b[28:])
	t.DataSize = binary.LittleEndian.Uint64(b[32:])
	t.OffsetsSize = binary.LittleEndian.Uint64(b[40:])
	t.Buffer = Address(binary.LittleEndian.Uint64(b[48:]))
	t.Offsets = Address(binary.LittleEndian.Uint64(b[56:]))
}

// Encode writes t to the first SizeofTransactionData bytes of b.
func (t *TransactionData) Encode(b []byte) {
	_ = b[SizeofTransactionData-1]
	binary.LittleEndian.PutUint64(b[0:], t.Target)
	binary.LittleEndian.PutUint64(b[8:], uint64(t.Cookie))
	binary.LittleEndian.PutUint32(b[16:], uint32(t.Code))
	binary.LittleEndian.PutUint32(b[20:], uint32(t.Flags))
	binary.LittleEndian.PutUint32(b[24:], uint32(t.SenderPID))
	binary.LittleEndian.PutUint32(b[28:], t.SenderEUID)
	binary.LittleEndian.PutUint64(b[32:], t.DataSize)
	binary.LittleEndian.PutUint64(b[40:], t.OffsetsSize)
	binary.LittleEndian.PutUint64(b[48:], uint64(t.Buffer))
	binary.LittleEndian.PutUint64(b[56:], uint64(t.Offsets))
}

// PtrCookie is struct binder_ptr_cookie: a node as its owner knows it.
type PtrCookie struct {
	_ structs.HostLayout

	Pointer Pointer // binder_uintptr_t ptr
	Cookie  Cookie  // binder_uintptr_t cookie
}

// HandleCookie is struct binder_handle_cookie, packed: a subscription as its client knows it.
type HandleCookie struct {
	Handle Handle // __u32 handle
	Cookie Cookie // binder_uintptr_t cookie, at offset 4
}

// Sizes of the small command arguments.
const (
	SizeofPtrCookie    = 16 // sizeof(struct binder_ptr_cookie)
	SizeofHandleCookie = 12 // sizeof(struct binder_handle_cookie): packed
	SizeofPriDesc      = 8  // sizeof(struct binder_pri_desc)
	SizeofPriPtrCookie = 24 // sizeof(struct binder_pri_ptr_cookie)
)

// Decode reads p from the first SizeofPtrCookie bytes of b.
func (p *PtrCookie) Decode(b []byte) {
	_ = b[SizeofPtrCookie-1]
	p.Pointer = Pointer(binary.LittleEndian.Uint64(b[0:]))
	p.Cookie = Cookie(binary.LittleEndian.Uint64(b[8:]))
}

// Encode writes p to the first SizeofPtrCookie bytes of b.
func (p *PtrCookie) Encode(b []byte) {
	_ = b[SizeofPtrCookie-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(p.Pointer))
	binary.LittleEndian.PutUint64(b[8:], uint64(p.Cookie))
}

// Decode reads h from the first SizeofHandleCookie bytes of b.
func (h *HandleCookie) Decode(b []byte) {
	_ = b[SizeofHandleCookie-1]
	h.Handle = Handle(binary.LittleEndian.Uint32(b[0:]))
	h.Cookie = Cookie(binary.LittleEndian.Uint64(b[4:]))
}

// Encode writes h to the first SizeofHandleCookie bytes of b.
func (h *HandleCookie) Encode(b []byte) {
	_ = b[SizeofHandleCookie-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(h.Handle))
	binary.LittleEndian.PutUint64(b[4:], uint64(h.Cookie))
}

// TransactionDataSG is struct binder_transaction_data_sg, sent with BC_TRANSACTION_SG and
// BC_REPLY_SG.
type TransactionDataSG struct {
	_ structs.HostLayout

	TransactionData        // struct binder_transaction_data transaction_data
	BuffersSize     uint64 // binder_size_t buffers_size: bytes of all BufferObjects, each rounded up to 8
}

// Decode reads t from the first SizeofTransactionDataSG bytes of b.
func (t *TransactionDataSG) Decode(b []byte) {
	_ = b[SizeofTransactionDataSG-1]
	t.TransactionData.Decode(b)
	t.BuffersSize = binary.LittleEndian.Uint64(b[64:])
}

// Encode writes t to the first SizeofTransactionDataSG bytes of b.
func (t *TransactionDataSG) Encode(b []byte) {
	_ = b[SizeofTransactionDataSG-1]
	t.TransactionData.Encode(b)
	binary.LittleEndian.PutUint64(b[64:], t.BuffersSize)
}

// TransactionDataSecctx is struct binder_transaction_data_secctx, received with
// BR_TRANSACTION_SEC_CTX.
type TransactionDataSecctx struct {
	_ structs.HostLayout

	TransactionData         // struct binder_transaction_data transaction_data
	Secctx          Address // binder_uintptr_t secctx: the sender's label in the receive buffer, ends with a zero byte
}

// Decode reads t from the first SizeofTransactionDataSecctx bytes of b.
func (t *TransactionDataSecctx) Decode(b []byte) {
	_ = b[SizeofTransactionDataSecctx-1]
	t.TransactionData.Decode(b)
	t.Secctx = Address(binary.LittleEndian.Uint64(b[64:]))
}

// Encode writes t to the first SizeofTransactionDataSecctx bytes of b.
func (t *TransactionDataSecctx) Encode(b []byte) {
	_ = b[SizeofTransactionDataSecctx-1]
	t.TransactionData.Encode(b)
	binary.LittleEndian.PutUint64(b[64:], uint64(t.Secctx))
}

// PriDesc is struct binder_pri_desc, the argument of BC_ATTEMPT_ACQUIRE, which drivers refuse.
type PriDesc struct {
	_ structs.HostLayout

	Priority int32  // __s32 priority
	Handle   Handle // __u32 desc
}

// Decode reads p from the first SizeofPriDesc bytes of b.
func (p *PriDesc) Decode(b []byte) {
	_ = b[SizeofPriDesc-1]
	p.Priority = int32(binary.LittleEndian.Uint32(b[0:]))
	p.Handle = Handle(binary.LittleEndian.Uint32(b[4:]))
}

// Encode writes p to the first SizeofPriDesc bytes of b.
func (p *PriDesc) Encode(b []byte) {
	_ = b[SizeofPriDesc-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(p.Priority))
	binary.LittleEndian.PutUint32(b[4:], uint32(p.Handle))
}

// PriPtrCookie is struct binder_pri_ptr_cookie, the argument of BR_ATTEMPT_ACQUIRE, which is never
// sent.
type PriPtrCookie struct {
	_ structs.HostLayout

	Priority int32   // __s32 priority
	_        uint32  // padding
	Pointer  Pointer // binder_uintptr_t ptr
	Cookie   Cookie  // binder_uintptr_t cookie
}

// Decode reads p from the first SizeofPriPtrCookie bytes of b.
func (p *PriPtrCookie) Decode(b []byte) {
	_ = b[SizeofPriPtrCookie-1]
	p.Priority = int32(binary.LittleEndian.Uint32(b[0:]))
	p.Pointer = Pointer(binary.LittleEndian.Uint64(b[8:]))
	p.Cookie = Cookie(binary.LittleEndian.Uint64(b[16:]))
}

// Encode writes p to the first SizeofPriPtrCookie bytes of b.
func (p *PriPtrCookie) Encode(b []byte) {
	_ = b[SizeofPriPtrCookie-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(p.Priority))
	binary.LittleEndian.PutUint32(b[4:], 0)
	binary.LittleEndian.PutUint64(b[8:], uint64(p.Pointer))
	binary.LittleEndian.PutUint64(b[16:], uint64(p.Cookie))
}
