package ioctl

// A Request is an ioctl request number of a binder device or of binder-control.
type Request Number

// Size is the number of bytes of the argument that belongs to r.
func (r Request) Size() int { return Number(r).Size() }

// The ioctls of a binder device, <linux/android/binder.h>.
const (
	BINDER_WRITE_READ                   Request = (dirRead|dirWrite)<<dirShift | SizeofWriteRead<<sizeShift | 'b'<<letterShift | 1       // _IOWR('b', 1, struct binder_write_read)
	BINDER_SET_IDLE_TIMEOUT             Request = dirWrite<<dirShift | 8<<sizeShift | 'b'<<letterShift | 3                               // _IOW('b', 3, __s64)
	BINDER_SET_MAX_THREADS              Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 5                               // _IOW('b', 5, __u32)
	BINDER_SET_IDLE_PRIORITY            Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 6                               // _IOW('b', 6, __s32)
	BINDER_SET_CONTEXT_MGR              Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 7                               // _IOW('b', 7, __s32)
	BINDER_THREAD_EXIT                  Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 8                               // _IOW('b', 8, __s32)
	BINDER_VERSION                      Request = (dirRead|dirWrite)<<dirShift | 4<<sizeShift | 'b'<<letterShift | 9                     // _IOWR('b', 9, struct binder_version)
	BINDER_GET_NODE_DEBUG_INFO          Request = (dirRead|dirWrite)<<dirShift | SizeofNodeDebugInfo<<sizeShift | 'b'<<letterShift | 11  // _IOWR('b', 11, struct binder_node_debug_info)
	BINDER_GET_NODE_INFO_FOR_REF        Request = (dirRead|dirWrite)<<dirShift | SizeofNodeInfoForRef<<sizeShift | 'b'<<letterShift | 12 // _IOWR('b', 12, struct binder_node_info_for_ref)
	BINDER_SET_CONTEXT_MGR_EXT          Request = dirWrite<<dirShift | SizeofFlatObject<<sizeShift | 'b'<<letterShift | 13               // _IOW('b', 13, struct flat_binder_object)
	BINDER_FREEZE                       Request = dirWrite<<dirShift | SizeofFreezeInfo<<sizeShift | 'b'<<letterShift | 14               // _IOW('b', 14, struct binder_freeze_info)
	BINDER_GET_FROZEN_INFO              Request = (dirRead|dirWrite)<<dirShift | SizeofFrozenStatus<<sizeShift | 'b'<<letterShift | 15   // _IOWR('b', 15, struct binder_frozen_status_info)
	BINDER_ENABLE_ONEWAY_SPAM_DETECTION Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 16                              // _IOW('b', 16, __u32)
	BINDER_GET_EXTENDED_ERROR           Request = (dirRead|dirWrite)<<dirShift | SizeofExtendedError<<sizeShift | 'b'<<letterShift | 17  // _IOWR('b', 17, struct binder_extended_error)
)

// The ioctl of binder-control, <linux/android/binderfs.h>.
const (
	BINDER_CTL_ADD Request = (dirRead|dirWrite)<<dirShift | SizeofDevice<<sizeShift | 'b'<<letterShift | 1 // _IOWR('b', 1, struct binderfs_device)
)

// The ioctl that only FuseBinder's devices know; the kernel's driver answers it EINVAL.
const (
	// FUSEBINDER_SET_DESCRIPTOR_SOCKET offers the broker one end of a SOCK_SEQPACKET socketpair
	// (the caller's descriptor number, an int) on which it then sends received descriptors with
	// SCM_RIGHTS. See DescriptorMessage.
	FUSEBINDER_SET_DESCRIPTOR_SOCKET Request = dirWrite<<dirShift | 4<<sizeShift | 'b'<<letterShift | 0xf0 // _IOW('b', 0xf0, __s32)
)

// ProtocolVersion is what BINDER_VERSION answers on 64-bit kernels (BINDER_CURRENT_PROTOCOL_VERSION).
const ProtocolVersion = 8
