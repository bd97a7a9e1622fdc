package difftest

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A worker is a thread of an actor: it does one system call at a time. It waits and works in raw
// system calls, so that Go's scheduler has no part in what it does and its state tells the truth:
// asleep and not done means that the driver lets it wait.
type worker struct {
	pid  int
	stat int // /proc/PID/task/TID/stat
	slot *slot

	arena []byte // for what its system call points to; used anew for each
	used  int
}

// A slot is what a worker's thread and the machine share.
type slot struct {
	posted atomic.Uint32 // counts system calls asked for; a futex
	done   atomic.Uint32 // counts those that are done
	tid    atomic.Uint32
	_      uint32
	number uintptr
	args   [6]uintptr
	result uintptr
	errno  uintptr
}

// busy says whether the system call is not done.
func (w *worker) busy() bool { return w.slot.done.Load() != w.slot.posted.Load() }

func (w *worker) errno() syscall.Errno { return syscall.Errno(w.slot.errno) }

// start begins a system call.
func (w *worker) start(number uintptr, args ...uintptr) {
	s := w.slot
	s.number = number
	s.args = [6]uintptr{}
	copy(s.args[:], args)
	s.posted.Add(1)
	unix.RawSyscall(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&s.posted)), futexWake, 1)
}

// call does a system call that does not wait.
func (w *worker) call(number uintptr, args ...uintptr) (uintptr, syscall.Errno) {
	w.start(number, args...)
	for i := 0; w.busy(); i++ {
		pause(i)
	}
	return w.slot.result, w.errno()
}

// asleep says whether the thread is in an interruptible wait.
func (w *worker) asleep() bool {
	var b [256]byte
	n, _, errno := unix.RawSyscall6(unix.SYS_PREAD64, uintptr(w.stat), uintptr(unsafe.Pointer(&b)), uintptr(len(b)), 0, 0, 0)
	if errno != 0 {
		return false
	}
	at := bytes.LastIndexByte(b[:n], ')')
	return at >= 0 && at+2 < int(n) && b[at+2] == 'S'
}

// watch opens what tells the thread's state.
func (w *worker) watch() error {
	var err error
	w.stat, err = unix.Open(fmt.Sprintf("/proc/%d/task/%d/stat", w.pid, w.slot.tid.Load()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return err
}

// take reserves n zeroed bytes of the arena, 8-byte aligned, and some room behind them.
func (w *worker) take(n int) []byte {
	at := w.used
	w.used += (n + 64 + 7) &^ 7
	if w.used > len(w.arena) {
		panic("difftest: an action needs more memory than a thread has")
	}
	b := w.arena[at : at+n+64]
	clear(b)
	return b[:n]
}

// text puts a string there as C knows them.
func (w *worker) text(s string) uintptr {
	b := w.take(len(s) + 1)
	copy(b, s)
	return uintptr(addressOf(b))
}

func addressOf(b []byte) uint64 { return uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }

// pause lets other threads run: for a moment at first, then longer.
func pause(i int) {
	if i < 20 {
		unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0)
		return
	}
	nap(50e3)
}

func nap(ns int64) {
	t := unix.NsecToTimespec(ns)
	unix.RawSyscall(unix.SYS_NANOSLEEP, uintptr(unsafe.Pointer(&t)), 0, 0)
}
