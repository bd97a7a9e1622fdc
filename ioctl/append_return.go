package ioctl

import "encoding/binary"

// The functions of this file append one return and its argument to a stream that a driver writes.

// AppendReturn appends a return without an argument, such as BR_NOOP.
func AppendReturn(b []byte, r Return) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(r))
}

// AppendError appends BR_ERROR; errno is negative.
func AppendError(b []byte, errno int32) []byte {
	return binary.LittleEndian.AppendUint32(AppendReturn(b, BR_ERROR), uint32(errno))
}

// AppendReturnTransaction appends BR_TRANSACTION or BR_REPLY.
func AppendReturnTransaction(b []byte, r Return, t *TransactionData) []byte {
	b, arg := grow(AppendReturn(b, r), SizeofTransactionData)
	t.Encode(arg)
	return b
}

// AppendReturnTransactionSecctx appends BR_TRANSACTION_SEC_CTX.
func AppendReturnTransactionSecctx(b []byte, t *TransactionDataSecctx) []byte {
	b, arg := grow(AppendReturn(b, BR_TRANSACTION_SEC_CTX), SizeofTransactionDataSecctx)
	t.Encode(arg)
	return b
}

// AppendReturnPtrCookie appends BR_INCREFS, BR_ACQUIRE, BR_RELEASE or BR_DECREFS.
func AppendReturnPtrCookie(b []byte, r Return, p PtrCookie) []byte {
	b, arg := grow(AppendReturn(b, r), SizeofPtrCookie)
	p.Encode(arg)
	return b
}

// AppendReturnCookie appends BR_DEAD_BINDER, BR_CLEAR_DEATH_NOTIFICATION_DONE or
// BR_CLEAR_FREEZE_NOTIFICATION_DONE.
func AppendReturnCookie(b []byte, r Return, c Cookie) []byte {
	return binary.LittleEndian.AppendUint64(AppendReturn(b, r), uint64(c))
}

// AppendReturnFrozen appends BR_FROZEN_BINDER.
func AppendReturnFrozen(b []byte, i FrozenStateInfo) []byte {
	b, arg := grow(AppendReturn(b, BR_FROZEN_BINDER), SizeofFrozenStateInfo)
	i.Encode(arg)
	return b
}
