package ioctl

import (
	"encoding/binary"
	"structs"
)

// Sizes of the arguments of the smaller requests.
const (
	SizeofNodeDebugInfo   = 24  // sizeof(struct binder_node_debug_info)
	SizeofNodeInfoForRef  = 24  // sizeof(struct binder_node_info_for_ref)
	SizeofFreezeInfo      = 12  // sizeof(struct binder_freeze_info)
	SizeofFrozenStatus    = 12  // sizeof(struct binder_frozen_status_info)
	SizeofFrozenStateInfo = 16  // sizeof(struct binder_frozen_state_info); Linux 6.12
	SizeofExtendedError   = 12  // sizeof(struct binder_extended_error)
	SizeofDevice          = 264 // sizeof(struct binderfs_device)
)

// NodeDebugInfo is struct binder_node_debug_info (BINDER_GET_NODE_DEBUG_INFO).
type NodeDebugInfo struct {
	_ structs.HostLayout

	Pointer      Pointer // binder_uintptr_t ptr: in, the previous node's; out, the next one's or 0
	Cookie       Cookie  // binder_uintptr_t cookie
	HasStrongRef uint32  // __u32 has_strong_ref
	HasWeakRef   uint32  // __u32 has_weak_ref
}

// Decode reads i from the first SizeofNodeDebugInfo bytes of b.
func (i *NodeDebugInfo) Decode(b []byte) {
	_ = b[SizeofNodeDebugInfo-1]
	i.Pointer = Pointer(binary.LittleEndian.Uint64(b[0:]))
	i.Cookie = Cookie(binary.LittleEndian.Uint64(b[8:]))
	i.HasStrongRef = binary.LittleEndian.Uint32(b[16:])
	i.HasWeakRef = binary.LittleEndian.Uint32(b[20:])
}

// Encode writes i to the first SizeofNodeDebugInfo bytes of b.
func (i *NodeDebugInfo) Encode(b []byte) {
	_ = b[SizeofNodeDebugInfo-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(i.Pointer))
	binary.LittleEndian.PutUint64(b[8:], uint64(i.Cookie))
	binary.LittleEndian.PutUint32(b[16:], i.HasStrongRef)
	binary.LittleEndian.PutUint32(b[20:], i.HasWeakRef)
}

// NodeInfoForRef is struct binder_node_info_for_ref (BINDER_GET_NODE_INFO_FOR_REF).
type NodeInfoForRef struct {
	_ structs.HostLayout

	Handle      Handle    // __u32 handle: in
	StrongCount uint32    // __u32 strong_count: out
	WeakCount   uint32    // __u32 weak_count: out
	Reserved    [3]uint32 // __u32 reserved1, reserved2, reserved3: must be 0
}

// Decode reads i from the first SizeofNodeInfoForRef bytes of b.
func (i *NodeInfoForRef) Decode(b []byte) {
	_ = b[SizeofNodeInfoForRef-1]
	i.Handle = Handle(binary.LittleEndian.Uint32(b[0:]))
	i.StrongCount = binary.LittleEndian.Uint32(b[4:])
	i.WeakCount = binary.LittleEndian.Uint32(b[8:])
	for k := range i.Reserved {
		i.Reserved[k] = binary.LittleEndian.Uint32(b[12+4*k:])
	}
}

// Encode writes i to the first SizeofNodeInfoForRef bytes of b.
func (i *NodeInfoForRef) Encode(b []byte) {
	_ = b[SizeofNodeInfoForRef-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(i.Handle))
	binary.LittleEndian.PutUint32(b[4:], i.StrongCount)
	binary.LittleEndian.PutUint32(b[8:], i.WeakCount)
	for k, v := range i.Reserved {
		binary.LittleEndian.PutUint32(b[12+4*k:], v)
	}
}

// ExtendedError is struct binder_extended_error (BINDER_GET_EXTENDED_ERROR).
type ExtendedError struct {
	_ structs.HostLayout

	ID      uint32 // __u32 id: debug id of the failed transaction
	Command Return // __u32 command: the BR_ code
	Param   int32  // __s32 param: a negative errno
}

// Decode reads e from the first SizeofExtendedError bytes of b.
func (e *ExtendedError) Decode(b []byte) {
	_ = b[SizeofExtendedError-1]
	e.ID = binary.LittleEndian.Uint32(b[0:])
	e.Command = Return(binary.LittleEndian.Uint32(b[4:]))
	e.Param = int32(binary.LittleEndian.Uint32(b[8:]))
}

// Encode writes e to the first SizeofExtendedError bytes of b.
func (e *ExtendedError) Encode(b []byte) {
	_ = b[SizeofExtendedError-1]
	binary.LittleEndian.PutUint32(b[0:], e.ID)
	binary.LittleEndian.PutUint32(b[4:], uint32(e.Command))
	binary.LittleEndian.PutUint32(b[8:], uint32(e.Param))
}

// FreezeInfo is struct binder_freeze_info (BINDER_FREEZE).
type FreezeInfo struct {
	_ structs.HostLayout

	PID       uint32 // __u32 pid
	Enable    uint32 // __u32 enable
	TimeoutMS uint32 // __u32 timeout_ms, milliseconds
}

// Decode reads i from the first SizeofFreezeInfo bytes of b.
func (i *FreezeInfo) Decode(b []byte) {
	_ = b[SizeofFreezeInfo-1]
	i.PID = binary.LittleEndian.Uint32(b[0:])
	i.Enable = binary.LittleEndian.Uint32(b[4:])
	i.TimeoutMS = binary.LittleEndian.Uint32(b[8:])
}

// Encode writes i to the first SizeofFreezeInfo bytes of b.
func (i *FreezeInfo) Encode(b []byte) {
	_ = b[SizeofFreezeInfo-1]
	binary.LittleEndian.PutUint32(b[0:], i.PID)
	binary.LittleEndian.PutUint32(b[4:], i.Enable)
	binary.LittleEndian.PutUint32(b[8:], i.TimeoutMS)
}

// FrozenStatus is struct binder_frozen_status_info (BINDER_GET_FROZEN_INFO).
type FrozenStatus struct {
	_ structs.HostLayout

	PID       uint32 // __u32 pid: in
	SyncRecv  uint32 // __u32 sync_recv: bit 0, sync transaction received; bit 1, one pending
	AsyncRecv uint32 // __u32 async_recv
}

// Decode reads i from the first SizeofFrozenStatus bytes of b.
func (i *FrozenStatus) Decode(b []byte) {
	_ = b[SizeofFrozenStatus-1]
	i.PID = binary.LittleEndian.Uint32(b[0:])
	i.SyncRecv = binary.LittleEndian.Uint32(b[4:])
	i.AsyncRecv = binary.LittleEndian.Uint32(b[8:])
}

// Encode writes i to the first SizeofFrozenStatus bytes of b.
func (i *FrozenStatus) Encode(b []byte) {
	_ = b[SizeofFrozenStatus-1]
	binary.LittleEndian.PutUint32(b[0:], i.PID)
	binary.LittleEndian.PutUint32(b[4:], i.SyncRecv)
	binary.LittleEndian.PutUint32(b[8:], i.AsyncRecv)
}

// FrozenStateInfo is struct binder_frozen_state_info, which BR_FROZEN_BINDER carries (Linux 6.12).
type FrozenStateInfo struct {
	_ structs.HostLayout

	Cookie   Cookie // binder_uintptr_t cookie
	IsFrozen uint32 // __u32 is_frozen
	Reserved uint32 // __u32 reserved
}

// Decode reads i from the first SizeofFrozenStateInfo bytes of b.
func (i *FrozenStateInfo) Decode(b []byte) {
	_ = b[SizeofFrozenStateInfo-1]
	i.Cookie = Cookie(binary.LittleEndian.Uint64(b[0:]))
	i.IsFrozen = binary.LittleEndian.Uint32(b[8:])
	i.Reserved = binary.LittleEndian.Uint32(b[12:])
}

// Encode writes i to the first SizeofFrozenStateInfo bytes of b.
func (i *FrozenStateInfo) Encode(b []byte) {
	_ = b[SizeofFrozenStateInfo-1]
	binary.LittleEndian.PutUint64(b[0:], uint64(i.Cookie))
	binary.LittleEndian.PutUint32(b[8:], i.IsFrozen)
	binary.LittleEndian.PutUint32(b[12:], i.Reserved)
}
