package devicefs

import (
	"os"
	"runtime"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A wire is the /dev/fuse descriptor.
type wire int

// write sends one message. The kernel copies it and wakes its reader; it does not wait for
// anybody, so the scheduler need not hear of it.
func (w wire) write(b []byte) syscall.Errno {
	_, _, errno := syscall.RawSyscall(unix.SYS_WRITE, uintptr(w), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	return errno
}

// notify sends a message that the kernel may make us wait for.
func (w wire) notify(head, tail []byte) syscall.Errno {
	v := [2]unix.Iovec{{Base: &head[0]}}
	v[0].SetLen(len(head))
	n := 1
	if len(tail) > 0 {
		v[1].Base = &tail[0]
		v[1].SetLen(len(tail))
		n = 2
	}
	_, _, errno := syscall.Syscall(unix.SYS_WRITEV, uintptr(w), uintptr(unsafe.Pointer(&v[0])), uintptr(n))
	return errno
}

// fail answers a request with an error and nothing else (err is a positive errno, or 0).
func (w wire) fail(unique uint64, err syscall.Errno) syscall.Errno {
	var b [sizeofOutHeader]byte
	putOutHeader(b[:], len(b), -int32(err), unique)
	return w.write(b[:])
}

// A receiver waits for requests in one of two ways.
//
// In the hot way it blocks without the scheduler's knowledge, which keeps its processor (P): a
// request that comes within milliseconds is then answered without waking the scheduler first.
// A plain blocking RawSyscall would also keep the garbage collector waiting for ever, so the
// signal with which the runtime asks a goroutine to stop (SIGURG) has to end the read: see
// interruptible. After that read failed with EINTR twice in a row there is no traffic worth it,
// and the receiver waits in the ordinary, cold way until the next request.
type receiver struct {
	wire  wire
	raw   bool // hot reads are allowed
	hot   bool
	quiet int

	aborting *atomic.Bool // EINTR is to be told
}

const quietMax = 2

func (r *receiver) read(b []byte) (int, syscall.Errno) {
	for {
		if !r.hot {
			n, _, errno := syscall.Syscall(unix.SYS_READ, uintptr(r.wire), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
			if errno == 0 {
				r.hot, r.quiet = r.raw, 0
			}
			return int(n), errno
		}
		n, _, errno := syscall.RawSyscall(unix.SYS_READ, uintptr(r.wire), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno != syscall.EINTR || r.aborting.Load() {
			r.quiet = 0
			return int(n), errno
		}
		if r.quiet++; r.quiet >= quietMax {
			r.hot = false
		}
		runtime.Gosched() // here the collector gets its turn
	}
}

// interruptible makes a preemption request of the runtime (SIGURG) end a raw read with EINTR, and
// gives the scheduler one more processor for the one the reader keeps.
func interruptible() error {
	if err := clearRestart(); err != nil {
		return err
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	return nil
}

// kick sends every thread of this process the signal that ends a read.
func kick() {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return
	}
	for _, t := range tasks {
		if tid, err := strconv.Atoi(t.Name()); err == nil {
			unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
		}
	}
}

// clearRestart clears SA_RESTART of SIGURG, whose handler is the runtime's.
func clearRestart() error {
	// struct sigaction of the kernel: handler, flags, restorer, mask, a word each.
	var action [4]uintptr
	const flags, saRestart = 1, 0x10000000
	if _, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGURG), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0); errno != 0 {
		return errno
	}
	action[flags] &^= saRestart
	if _, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGURG), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
