package clientmem

import (
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// registers is what a stopped thread will go on with.
type registers struct{ unix.PtraceRegs }

// codeSegment64 is the CS register of a program in 64-bit mode.
const codeSegment64 = 0x33

var syscallInstruction = [...]byte{0x0f, 0x05} // syscall

// native tells whether the thread, just out of a system call, made it as 64-bit programs do.
func (r *registers) native(tid busd.ThreadID) bool {
	return r.Cs == codeSegment64 && codeAt(tid, r.Rip-uint64(len(syscallInstruction)), syscallInstruction[:])
}

// setCall makes it the registers of a thread about to make another system call.
func (r *registers) setCall(number int, args []uint64) {
	var a [4]uint64
	copy(a[:], args)
	r.Rip -= uint64(len(syscallInstruction))
	r.Rax, r.Orig_rax = uint64(number), ^uint64(0)
	r.Rdi, r.Rsi, r.Rdx, r.R10 = a[0], a[1], a[2], a[3]
}

// rewind makes it the registers of a thread about to make the same system call again.
func (r *registers) rewind(uint64) {
	r.Rip -= uint64(len(syscallInstruction))
	r.Rax, r.Orig_rax = unix.SYS_IOCTL, ^uint64(0)
}

func (r *registers) setResult(v int64) { r.Rax = uint64(v) }
func (r *registers) result() int64     { return int64(r.Rax) }
