package ioctl

import "encoding/binary"

// The functions of this file append one command and its argument to a stream that a client
// writes. The stream is packed: nothing is aligned.

// AppendCommand appends a command without an argument: BC_ENTER_LOOPER, BC_REGISTER_LOOPER,
// BC_EXIT_LOOPER.
func AppendCommand(b []byte, cmd Command) []byte {
	return binary.LittleEndian.AppendUint32(b, uint32(cmd))
}

// AppendTransaction appends BC_TRANSACTION or BC_REPLY.
func AppendTransaction(b []byte, cmd Command, t *TransactionData) []byte {
	b, arg := grow(AppendCommand(b, cmd), SizeofTransactionData)
	t.Encode(arg)
	return b
}

// AppendTransactionSG appends BC_TRANSACTION_SG or BC_REPLY_SG.
func AppendTransactionSG(b []byte, cmd Command, t *TransactionDataSG) []byte {
	b, arg := grow(AppendCommand(b, cmd), SizeofTransactionDataSG)
	t.Encode(arg)
	return b
}

// AppendHandle appends BC_INCREFS, BC_ACQUIRE, BC_RELEASE or BC_DECREFS.
func AppendHandle(b []byte, cmd Command, h Handle) []byte {
	return binary.LittleEndian.AppendUint32(AppendCommand(b, cmd), uint32(h))
}

// AppendFreeBuffer appends BC_FREE_BUFFER; buffer is the TransactionData.Buffer that was received.
func AppendFreeBuffer(b []byte, buffer Address) []byte {
	return binary.LittleEndian.AppendUint64(AppendCommand(b, BC_FREE_BUFFER), uint64(buffer))
}

// AppendPtrCookie appends BC_INCREFS_DONE or BC_ACQUIRE_DONE.
func AppendPtrCookie(b []byte, cmd Command, p PtrCookie) []byte {
	b, arg := grow(AppendCommand(b, cmd), SizeofPtrCookie)
	p.Encode(arg)
	return b
}

// AppendHandleCookie appends BC_REQUEST_DEATH_NOTIFICATION, BC_CLEAR_DEATH_NOTIFICATION,
// BC_REQUEST_FREEZE_NOTIFICATION or BC_CLEAR_FREEZE_NOTIFICATION.
func AppendHandleCookie(b []byte, cmd Command, h HandleCookie) []byte {
	b, arg := grow(AppendCommand(b, cmd), SizeofHandleCookie)
	h.Encode(arg)
	return b
}

// AppendCookie appends BC_DEAD_BINDER_DONE or BC_FREEZE_NOTIFICATION_DONE.
func AppendCookie(b []byte, cmd Command, c Cookie) []byte {
	return binary.LittleEndian.AppendUint64(AppendCommand(b, cmd), uint64(c))
}

// grow appends n zero bytes to b and returns them too.
func grow(b []byte, n int) (whole, tail []byte) {
	var zero [SizeofTransactionDataSG]byte
	b = append(b, zero[:n]...)
	return b, b[len(b)-n:]
}
