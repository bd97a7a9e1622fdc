package ioctl

import (
	"reflect"
	"strings"
)

// This file pairs Go names with C names, for the tests.

// A codec is what every struct of the ABI can do.
type codec interface {
	Decode(b []byte)
	Encode(b []byte)
}

// A twin is a Go struct and the C struct it stands for.
type twin struct {
	c      string // the C struct's name
	size   int
	fresh  func() codec
	fields string // "GoField c_field" pairs, in order
	packed bool   // the Go struct's own layout differs: it is only a shape to decode into
}

func newOf[T any, P interface {
	*T
	codec
}]() func() codec {
	return func() codec { return P(new(T)) }
}

var twins = []twin{
	{c: "binder_write_read", size: SizeofWriteRead, fresh: newOf[WriteRead](),
		fields: "WriteSize write_size WriteConsumed write_consumed WriteBuffer write_buffer ReadSize read_size ReadConsumed read_consumed ReadBuffer read_buffer"},
	{c: "flat_binder_object", size: SizeofFlatObject, fresh: newOf[FlatObject](),
		fields: "Type hdr Flags flags Binder binder Cookie cookie"},
	{c: "binder_fd_object", size: SizeofFDObject, fresh: newOf[FDObject](),
		fields: "Type hdr PadFlags pad_flags FD fd Cookie cookie"},
	{c: "binder_buffer_object", size: SizeofBufferObject, fresh: newOf[BufferObject](),
		fields: "Type hdr Flags flags Buffer buffer Length length Parent parent ParentOffset parent_offset"},
	{c: "binder_fd_array_object", size: SizeofFDArrayObject, fresh: newOf[FDArrayObject](),
		fields: "Type hdr NumFDs num_fds Parent parent ParentOffset parent_offset"},
	{c: "binder_transaction_data", size: SizeofTransactionData, fresh: newOf[TransactionData](),
		fields: "Target target Cookie cookie Code code Flags flags SenderPID sender_pid SenderEUID sender_euid DataSize data_size OffsetsSize offsets_size Buffer data.ptr.buffer Offsets data.ptr.offsets"},
	{c: "binder_transaction_data_sg", size: SizeofTransactionDataSG, fresh: newOf[TransactionDataSG](),
		fields: "TransactionData transaction_data BuffersSize buffers_size"},
	{c: "binder_transaction_data_secctx", size: SizeofTransactionDataSecctx, fresh: newOf[TransactionDataSecctx](),
		fields: "TransactionData transaction_data Secctx secctx"},
	{c: "binder_ptr_cookie", size: SizeofPtrCookie, fresh: newOf[PtrCookie](),
		fields: "Pointer ptr Cookie cookie"},
	{c: "binder_handle_cookie", size: SizeofHandleCookie, fresh: newOf[HandleCookie](), packed: true,
		fields: "Handle handle Cookie cookie"},
	{c: "binder_pri_desc", size: SizeofPriDesc, fresh: newOf[PriDesc](),
		fields: "Priority priority Handle desc"},
	{c: "binder_pri_ptr_cookie", size: SizeofPriPtrCookie, fresh: newOf[PriPtrCookie](),
		fields: "Priority priority Pointer ptr Cookie cookie"},
	{c: "binder_node_debug_info", size: SizeofNodeDebugInfo, fresh: newOf[NodeDebugInfo](),
		fields: "Pointer ptr Cookie cookie HasStrongRef has_strong_ref HasWeakRef has_weak_ref"},
	{c: "binder_node_info_for_ref", size: SizeofNodeInfoForRef, fresh: newOf[NodeInfoForRef](),
		fields: "Handle handle StrongCount strong_count WeakCount weak_count Reserved reserved1"},
	{c: "binder_extended_error", size: SizeofExtendedError, fresh: newOf[ExtendedError](),
		fields: "ID id Command command Param param"},
	{c: "binder_freeze_info", size: SizeofFreezeInfo, fresh: newOf[FreezeInfo](),
		fields: "PID pid Enable enable TimeoutMS timeout_ms"},
	{c: "binder_frozen_status_info", size: SizeofFrozenStatus, fresh: newOf[FrozenStatus](),
		fields: "PID pid SyncRecv sync_recv AsyncRecv async_recv"},
	{c: "binder_frozen_state_info", size: SizeofFrozenStateInfo, fresh: newOf[FrozenStateInfo](),
		fields: "Cookie cookie IsFrozen is_frozen Reserved reserved"},
	{c: "binderfs_device", size: SizeofDevice, fresh: newOf[BinderfsDevice](),
		fields: "Name name Major major Minor minor"},
}

// name is the Go struct's name.
func (tw twin) name() string { return reflect.TypeOf(tw.fresh()).Elem().Name() }

// pairs calls f with each Go field and its C name.
func (tw twin) pairs(f func(goField, cField string)) {
	words := strings.Fields(tw.fields)
	for i := 0; i < len(words); i += 2 {
		f(words[i], words[i+1])
	}
}

// numbers holds every constant of the ABI by its name, which is the same in both languages but for
// BINDER_CURRENT_PROTOCOL_VERSION.
var numbers = map[string]uint64{
	"BINDER_CURRENT_PROTOCOL_VERSION": ProtocolVersion,
	"BINDERFS_MAX_NAME":               BINDERFS_MAX_NAME,
	"BINDER_BUFFER_FLAG_HAS_PARENT":   BINDER_BUFFER_FLAG_HAS_PARENT,

	"BINDER_WRITE_READ":                   uint64(BINDER_WRITE_READ),
	"BINDER_SET_IDLE_TIMEOUT":             uint64(BINDER_SET_IDLE_TIMEOUT),
	"BINDER_SET_MAX_THREADS":              uint64(BINDER_SET_MAX_THREADS),
	"BINDER_SET_IDLE_PRIORITY":            uint64(BINDER_SET_IDLE_PRIORITY),
	"BINDER_SET_CONTEXT_MGR":              uint64(BINDER_SET_CONTEXT_MGR),
	"BINDER_THREAD_EXIT":                  uint64(BINDER_THREAD_EXIT),
	"BINDER_VERSION":                      uint64(BINDER_VERSION),
	"BINDER_GET_NODE_DEBUG_INFO":          uint64(BINDER_GET_NODE_DEBUG_INFO),
	"BINDER_GET_NODE_INFO_FOR_REF":        uint64(BINDER_GET_NODE_INFO_FOR_REF),
	"BINDER_SET_CONTEXT_MGR_EXT":          uint64(BINDER_SET_CONTEXT_MGR_EXT),
	"BINDER_FREEZE":                       uint64(BINDER_FREEZE),
	"BINDER_GET_FROZEN_INFO":              uint64(BINDER_GET_FROZEN_INFO),
	"BINDER_ENABLE_ONEWAY_SPAM_DETECTION": uint64(BINDER_ENABLE_ONEWAY_SPAM_DETECTION),
	"BINDER_GET_EXTENDED_ERROR":           uint64(BINDER_GET_EXTENDED_ERROR),
	"BINDER_CTL_ADD":                      uint64(BINDER_CTL_ADD),

	"BC_TRANSACTION":                 uint64(BC_TRANSACTION),
	"BC_REPLY":                       uint64(BC_REPLY),
	"BC_ACQUIRE_RESULT":              uint64(BC_ACQUIRE_RESULT),
	"BC_FREE_BUFFER":                 uint64(BC_FREE_BUFFER),
	"BC_INCREFS":                     uint64(BC_INCREFS),
	"BC_ACQUIRE":                     uint64(BC_ACQUIRE),
	"BC_RELEASE":                     uint64(BC_RELEASE),
	"BC_DECREFS":                     uint64(BC_DECREFS),
	"BC_INCREFS_DONE":                uint64(BC_INCREFS_DONE),
	"BC_ACQUIRE_DONE":                uint64(BC_ACQUIRE_DONE),
	"BC_ATTEMPT_ACQUIRE":             uint64(BC_ATTEMPT_ACQUIRE),
	"BC_REGISTER_LOOPER":             uint64(BC_REGISTER_LOOPER),
	"BC_ENTER_LOOPER":                uint64(BC_ENTER_LOOPER),
	"BC_EXIT_LOOPER":                 uint64(BC_EXIT_LOOPER),
	"BC_REQUEST_DEATH_NOTIFICATION":  uint64(BC_REQUEST_DEATH_NOTIFICATION),
	"BC_CLEAR_DEATH_NOTIFICATION":    uint64(BC_CLEAR_DEATH_NOTIFICATION),
	"BC_DEAD_BINDER_DONE":            uint64(BC_DEAD_BINDER_DONE),
	"BC_TRANSACTION_SG":              uint64(BC_TRANSACTION_SG),
	"BC_REPLY_SG":                    uint64(BC_REPLY_SG),
	"BC_REQUEST_FREEZE_NOTIFICATION": uint64(BC_REQUEST_FREEZE_NOTIFICATION),
	"BC_CLEAR_FREEZE_NOTIFICATION":   uint64(BC_CLEAR_FREEZE_NOTIFICATION),
	"BC_FREEZE_NOTIFICATION_DONE":    uint64(BC_FREEZE_NOTIFICATION_DONE),

	"BR_ERROR":                          uint64(BR_ERROR),
	"BR_OK":                             uint64(BR_OK),
	"BR_TRANSACTION_SEC_CTX":            uint64(BR_TRANSACTION_SEC_CTX),
	"BR_TRANSACTION":                    uint64(BR_TRANSACTION),
	"BR_REPLY":                          uint64(BR_REPLY),
	"BR_ACQUIRE_RESULT":                 uint64(BR_ACQUIRE_RESULT),
	"BR_DEAD_REPLY":                     uint64(BR_DEAD_REPLY),
	"BR_TRANSACTION_COMPLETE":           uint64(BR_TRANSACTION_COMPLETE),
	"BR_INCREFS":                        uint64(BR_INCREFS),
	"BR_ACQUIRE":                        uint64(BR_ACQUIRE),
	"BR_RELEASE":                        uint64(BR_RELEASE),
	"BR_DECREFS":                        uint64(BR_DECREFS),
	"BR_ATTEMPT_ACQUIRE":                uint64(BR_ATTEMPT_ACQUIRE),
	"BR_NOOP":                           uint64(BR_NOOP),
	"BR_SPAWN_LOOPER":                   uint64(BR_SPAWN_LOOPER),
	"BR_FINISHED":                       uint64(BR_FINISHED),
	"BR_DEAD_BINDER":                    uint64(BR_DEAD_BINDER),
	"BR_CLEAR_DEATH_NOTIFICATION_DONE":  uint64(BR_CLEAR_DEATH_NOTIFICATION_DONE),
	"BR_FAILED_REPLY":                   uint64(BR_FAILED_REPLY),
	"BR_FROZEN_REPLY":                   uint64(BR_FROZEN_REPLY),
	"BR_ONEWAY_SPAM_SUSPECT":            uint64(BR_ONEWAY_SPAM_SUSPECT),
	"BR_TRANSACTION_PENDING_FROZEN":     uint64(BR_TRANSACTION_PENDING_FROZEN),
	"BR_FROZEN_BINDER":                  uint64(BR_FROZEN_BINDER),
	"BR_CLEAR_FREEZE_NOTIFICATION_DONE": uint64(BR_CLEAR_FREEZE_NOTIFICATION_DONE),

	"BINDER_TYPE_BINDER":      uint64(BINDER_TYPE_BINDER),
	"BINDER_TYPE_WEAK_BINDER": uint64(BINDER_TYPE_WEAK_BINDER),
	"BINDER_TYPE_HANDLE":      uint64(BINDER_TYPE_HANDLE),
	"BINDER_TYPE_WEAK_HANDLE": uint64(BINDER_TYPE_WEAK_HANDLE),
	"BINDER_TYPE_FD":          uint64(BINDER_TYPE_FD),
	"BINDER_TYPE_FDA":         uint64(BINDER_TYPE_FDA),
	"BINDER_TYPE_PTR":         uint64(BINDER_TYPE_PTR),

	"FLAT_BINDER_FLAG_PRIORITY_MASK":    uint64(FLAT_BINDER_FLAG_PRIORITY_MASK),
	"FLAT_BINDER_FLAG_ACCEPTS_FDS":      uint64(FLAT_BINDER_FLAG_ACCEPTS_FDS),
	"FLAT_BINDER_FLAG_TXN_SECURITY_CTX": uint64(FLAT_BINDER_FLAG_TXN_SECURITY_CTX),

	"TF_ONE_WAY":     uint64(TF_ONE_WAY),
	"TF_ROOT_OBJECT": uint64(TF_ROOT_OBJECT),
	"TF_STATUS_CODE": uint64(TF_STATUS_CODE),
	"TF_ACCEPT_FDS":  uint64(TF_ACCEPT_FDS),
	"TF_CLEAR_BUF":   uint64(TF_CLEAR_BUF),
	"TF_UPDATE_TXN":  uint64(TF_UPDATE_TXN),
}
