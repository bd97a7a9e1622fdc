package ioctl

import "encoding/binary"

// Sizes of the transaction structs.
const (
	SizeofTransactionData       = 64 // sizeof(struct binder_transaction_data)
	SizeofTransactionDataSG     = 72 // sizeof(struct binder_transaction_data_sg)
	SizeofTransactionDataSecctx = 72 // sizeof(struct binder_transaction_data_secctx)
)

// TransactionData is struct binder_transaction_data, sent with BC_TRANSACTION and BC_REPLY and
// received with BR_TRANSACTION and BR_REPLY.
type TransactionData struct {
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
