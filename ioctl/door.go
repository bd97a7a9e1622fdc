package ioctl

import (
	"syscall"
	"unsafe"
)

// This file is the package's only door to unsafe and to raw system calls.
//
// Two things must hold for memory whose address goes to the kernel: it must not move, and it must
// live until the call is over.
//
//   - The argument of an ioctl is named in the call expression of syscall.Syscall, which keeps it
//     alive, and a goroutine's stack does not move while it is in a system call. So it may stand
//     on the stack.
//   - A buffer that the argument points to (WriteRead.WriteBuffer, and what the commands in it
//     point to) is only a number to Go. AddressOf sees to it that such a buffer is on the heap,
//     where objects do not move; who called AddressOf keeps it alive with runtime.KeepAlive.

// AddressOf returns where b's bytes are, to be put into a WriteRead or a TransactionData; 0 when b
// is empty. It forces b's memory to the heap, so that the address stays valid when the goroutine's
// stack grows. The caller keeps b alive (runtime.KeepAlive(b), or a field that lives on) until the
// ioctl that uses the address has returned.
func AddressOf(b []byte) Address {
	if len(b) == 0 {
		return 0
	}
	p := unsafe.Pointer(unsafe.SliceData(b))
	if leak {
		// Never happens, but the compiler does not know: a pointer that may be stored in a global
		// variable cannot point into a stack.
		leaked = p
	}
	return Address(uintptr(p))
}

var leak bool

//lint:ignore U1000 it is there to be assigned to
var leaked unsafe.Pointer

// ioctl does one ioctl whose argument is a pointer to arg.
func ioctl[T any](fd int, r Request, arg *T) syscall.Errno {
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), uintptr(r), uintptr(unsafe.Pointer(arg)))
	return errno
}
