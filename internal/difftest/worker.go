package difftest

import (
	"bytes"
	"fmt"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A worker is an operating system thread that does one ioctl at a time. It waits and works in raw
// system calls, so that Go's scheduler has no part in what it does and its state tells the truth:
// asleep and not done means that the driver lets it wait.
type worker struct {
	tid  int
	wake int // eventfd
	stat int // /proc/self/task/TID/stat

	fd, request, arg uintptr
	result           uintptr
	errno            syscall.Errno
	done             atomic.Bool

	arena []byte // for what the ioctl points to; its own, used anew for each
	used  int
}

// arenaSize holds the largest commands with payloads, and what a read offers.
const arenaSize = 24 << 20

func newWorker() (*worker, error) {
	w := &worker{}
	w.done.Store(true)
	var err error
	if w.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC); err != nil {
		return nil, err
	}
	w.arena, err = unix.Mmap(-1, 0, arenaSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	started := make(chan struct{})
	go w.loop(started)
	<-started
	w.stat, err = unix.Open(fmt.Sprintf("/proc/self/task/%d/stat", w.tid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	return w, err
}

func (w *worker) loop(started chan<- struct{}) {
	runtime.LockOSThread()
	w.tid = unix.Gettid()
	close(started)
	var count [8]byte
	for {
		n, _, _ := unix.RawSyscall(unix.SYS_READ, uintptr(w.wake), uintptr(unsafe.Pointer(&count)), 8)
		if n != 8 {
			continue // a signal
		}
		r, _, errno := unix.RawSyscall(unix.SYS_IOCTL, w.fd, w.request, w.arg)
		w.result, w.errno = r, errno
		w.done.Store(true)
	}
}

// start begins an ioctl.
func (w *worker) start(fd int, request uint32, arg uintptr) {
	w.fd, w.request, w.arg = uintptr(fd), uintptr(request), arg
	w.done.Store(false)
	one := uint64(1)
	unix.RawSyscall(unix.SYS_WRITE, uintptr(w.wake), uintptr(unsafe.Pointer(&one)), 8)
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
