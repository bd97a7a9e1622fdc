//go:build amd64 || arm64

package clientmem

import (
	"bytes"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// generalRegisters is NT_PRSTATUS, the register set of that kind.
const generalRegisters = 1

// get reads a stopped thread's registers: ENOEXEC if they are a 32-bit program's.
func (r *registers) get(tid int) syscall.Errno {
	v := unix.Iovec{Base: (*byte)(unsafe.Pointer(r))}
	v.SetLen(int(unsafe.Sizeof(*r)))
	if errno := traceAt(unix.PTRACE_GETREGSET, tid, generalRegisters, unsafe.Pointer(&v)); errno != 0 {
		return errno
	}
	if v.Len != uint64(unsafe.Sizeof(*r)) {
		return syscall.ENOEXEC
	}
	return 0
}

func (r *registers) set(tid int) syscall.Errno {
	v := unix.Iovec{Base: (*byte)(unsafe.Pointer(r))}
	v.SetLen(int(unsafe.Sizeof(*r)))
	return traceAt(unix.PTRACE_SETREGSET, tid, generalRegisters, unsafe.Pointer(&v))
}

// codeAt tells whether that machine code stands there.
func codeAt(tid busd.ThreadID, at uint64, code []byte) bool {
	b := make([]byte, len(code))
	l := []unix.Iovec{{Base: &b[0]}}
	l[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(int(tid), l, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	return err == nil && n == len(b) && bytes.Equal(b, code)
}
