package ioctl

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// This file is the package's only door to unsafe and to system calls.
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

// openFile is open(2), again after a signal: an open that a file server answers can be interrupted.
func openFile(path string, flags int) (int, error) {
	for {
		fd, err := syscall.Open(path, flags|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

// closeFile is close(2). Its error says nothing that could be acted upon.
func closeFile(fd int) { syscall.Close(fd) }

// oPath is O_PATH, which package syscall does not have: the same on amd64 and arm64.
const oPath = 0x200000

// hollowFile puts a file that takes no ioctl in the place of fd, which is closed by that.
func hollowFile(fd int) {
	none, err := openFile("/", oPath)
	if err != nil {
		return // no descriptor to spare: fd closes when its last user leaves
	}
	for syscall.Dup3(none, fd, syscall.O_CLOEXEC) == syscall.EINTR {
	}
	closeFile(none)
}

// mapFile maps a receive buffer as the driver demands it: private and read-only.
func mapFile(fd, size int) ([]byte, error) {
	return syscall.Mmap(fd, 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
}

func unmapFile(mapping []byte) error { return syscall.Munmap(mapping) }

// newPages maps size bytes of fresh memory.
func newPages(size int) (unsafe.Pointer, error) {
	return unix.MmapPtr(-1, 0, nil, uintptr(size), unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
}

// copyPages copies v to offset off of the memory at p. The kernel does it: where v's file is gone it
// stops with an error, which is ignored, while touching v here would end the program.
func copyPages(p unsafe.Pointer, off uintptr, v []byte) {
	if len(v) == 0 {
		return
	}
	local := unix.Iovec{Base: (*byte)(unsafe.Add(p, off))}
	local.SetLen(len(v))
	remote := unix.RemoteIovec{Base: uintptr(unsafe.Pointer(unsafe.SliceData(v))), Len: len(v)}
	unix.ProcessVMReadv(unix.Getpid(), []unix.Iovec{local}, []unix.RemoteIovec{remote}, 0)
}

// moveOver moves the pages at p, as many as mapping has, into mapping's place, and makes them
// read-only. On error they are gone.
func moveOver(p unsafe.Pointer, mapping []byte) error {
	size := uintptr(len(mapping))
	to := unsafe.Pointer(unsafe.SliceData(mapping))
	if _, err := unix.MremapPtr(p, size, to, size, unix.MREMAP_MAYMOVE|unix.MREMAP_FIXED); err != nil {
		unix.MunmapPtr(p, size)
		return err
	}
	return unix.Mprotect(mapping, unix.PROT_READ)
}
