package clientmem

import (
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// registers is what a stopped thread will go on with.
type registers struct{ unix.PtraceRegs }

const numberRegister = 8

var syscallInstruction = [...]byte{0x01, 0x00, 0x00, 0xd4} // svc #0

// native tells whether the thread, just out of a system call, made it as 64-bit programs do.
func (r *registers) native(tid busd.ThreadID) bool {
	const aarch32 = 1 << 4 // of pstate
	return r.Pstate&aarch32 == 0 && codeAt(tid, r.Pc-uint64(len(syscallInstruction)), syscallInstruction[:])
}

// setCall makes it the registers of a thread about to make another system call.
func (r *registers) setCall(number int, args []uint64) {
	r.Pc -= uint64(len(syscallInstruction))
	r.Regs[numberRegister] = uint64(number)
	clear(r.Regs[:4])
	copy(r.Regs[:4], args)
}

// rewind makes it the registers of a thread about to make the same system call again. The result
// stands where its first argument was.
func (r *registers) rewind(first uint64) {
	r.Pc -= uint64(len(syscallInstruction))
	r.Regs[0] = first
}

func (r *registers) setResult(v int64) { r.Regs[0] = uint64(v) }
func (r *registers) result() int64     { return int64(r.Regs[0]) }
