//go:build amd64 || arm64

package clientmem

import (
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// A Hold is control over a client's thread from the end of one ioctl to its return to user space.
// It is how descriptors get into a client that does not help, and out again: the thread makes the
// system calls that take them, without knowing.
//
// The order of things:
//
//	Grasp    the thread waits in its ioctl. Errors change nothing: it goes on waiting.
//	(the ioctl is answered, whatever the answer)
//	Arrest   the thread is stopped on its way out.
//	Install, Close  as often as needed.
//	Return or Restart, in the end, always, also after an error of the others.
//
// A traced thread obeys the one thread that traces it, so each Hold has a system thread of its
// own, which ends if anything goes wrong: the kernel then lets go of the client. (A process
// for it would not make it simpler: the only children of a broker that an unexpected wait could
// harm are left alone by wait, below.)
type Hold struct {
	waiting Waiting
	jobs    chan func() // for the tracer; no two at a time
	fd      int         // of the thread
	options uintptr     // of ptrace
	first   uint64      // first argument of the ioctl

	dead   bool
	free   bool      // the thread is not traced
	bound  bool      // the thread is killed if the tracer ends before it
	saved  registers // as the thread is to be in user space after the ioctl
	known  bool      // they are
	mask   uint64    // its blocked signals
	masked bool      // all are, for the moment
}

// Waiting says how a thread waits.
type Waiting struct {
	Thread   busd.ThreadID
	Request  ioctl.Request
	Argument ioctl.Address

	// Scratch is Room bytes of the client's memory that are the driver's to write while the ioctl
	// lasts: the rest of the read buffer. What stands there comes back.
	Scratch ioctl.Address
	Room    int

	// Filters is how many seccomp filters beside the broker's own are known not to mind.
	Filters int
}

// Spacious tells whether there is room enough for Install.
func (w *Waiting) Spacious() bool { return w.Room >= minScratch }

// minScratch is what one descriptor takes: a message header and a control message.
const minScratch = sizeofMsghdr + sizeofCmsghdr + 4

const (
	sizeofMsghdr  = 56 // struct msghdr
	sizeofCmsghdr = 16 // struct cmsghdr
)

// Grasp takes control of a thread. It may block for as long as a sibling's execve does, which in
// turn may wait for the thread to die: then close abandon, and Grasp answers EINTR. See Dying.
//
// EPERM: somebody else traces it, or it must not be traced, or a seccomp filter forbids who knows
// what. ENOEXEC: it is not in that ioctl, or its machine code is not of this machine's native kind.
func Grasp(w Waiting, abandon <-chan struct{}) (*Hold, syscall.Errno) {
	quiet.Do(quieten)
	h := &Hold{waiting: w, jobs: make(chan func(), 1), fd: -1}
	select {
	case holds <- h:
	default:
		go h.work()
	}
	result := make(chan syscall.Errno, 1)
	decided := make(chan bool, 1)
	h.jobs <- func() {
		errno := h.seize()
		h.free = errno != 0
		if errno == 0 {
			// Not before it is known that the caller still wants it: in its next ioctl, an
			// interrupt would be somebody else's.
			result <- 0
			if !<-decided {
				return
			}
			errno = trace(unix.PTRACE_INTERRUPT, h.tid(), 0)
		}
		result <- errno
	}
	errno := syscall.Errno(0)
	select {
	case errno = <-result:
		if errno == 0 {
			decided <- true
			errno = <-result
		}
	case <-abandon:
		decided <- false
		errno = syscall.EINTR
	}
	if errno != 0 {
		close(h.jobs)
		return nil, errno
	}
	return h, 0
}

// work is the tracer. Unless all went well it ends without unlocking, and so its thread does, and
// whatever it traces is free. Otherwise it waits for the next hold: to make a thread costs more
// than all the rest.
func (h *Hold) work() {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() { // the main thread would not end
		done := make(chan struct{})
		go func() { h.serve(); close(done) }()
		<-done
		runtime.UnlockOSThread()
		return
	}
	for h.serve() {
		if idle.Add(1) > maxIdle {
			idle.Add(-1)
			return
		}
		h = <-holds
		idle.Add(-1)
	}
}

// serve does a hold's jobs, and tells whether nothing is traced any longer.
func (h *Hold) serve() bool {
	runtime.LockOSThread()
	for job := range h.jobs {
		job()
	}
	if h.fd >= 0 {
		unix.Close(h.fd)
	}
	if !h.free && h.bound {
		h.mourn()
	}
	return h.free
}

// mourn waits until a thread has ended that obeys no longer, because it was told to die. If the
// tracer ended before it, the kernel would kill it once more (PTRACE_O_EXITKILL), which is too much:
// a sibling's execve wants this thread alone to die, but a SIGKILL is for the whole process.
func (h *Hold) mourn() {
	const flags = unix.WEXITED | unix.WNOWAIT | unix.WALL | unix.WNOTHREAD
	for {
		var info childInfo
		_, _, errno := syscall.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(h.tid()), uintptr(unsafe.Pointer(&info)), flags, 0, 0)
		if errno != syscall.EINTR {
			return
		}
	}
}

// maxIdle is how many tracers wait for work.
const maxIdle = 4

var (
	holds = make(chan *Hold) // for idle tracers
	idle  atomic.Int32
)

// do has the tracer do a job.
func (h *Hold) do(job func() syscall.Errno) syscall.Errno {
	result := make(chan syscall.Errno, 1)
	h.jobs <- func() { result <- job() }
	return <-result
}

func (h *Hold) tid() int { return int(h.waiting.Thread) }

// seize attaches the thread without stopping it.
func (h *Hold) seize() syscall.Errno {
	w := &h.waiting
	number, args, errno := blockedIn(w.Thread)
	for try := 0; errno == syscall.EAGAIN && try < sleepTries; try++ { // about to fall asleep
		time.Sleep(sleepTryEvery)
		number, args, errno = blockedIn(w.Thread)
	}
	if errno != 0 {
		return errno
	}
	if number != unix.SYS_IOCTL || uint32(args[1]) != uint32(w.Request) || ioctl.Address(args[2]) != w.Argument {
		return syscall.ENOEXEC
	}
	h.first = args[0]
	if h.fd, errno = anyFD(w.Thread); errno != 0 {
		return errno
	}
	h.options = unix.PTRACE_O_TRACESYSGOOD
	if strict, errno := filtered(w.Thread, w.Filters); errno != 0 {
		return errno
	} else if strict {
		h.options |= unix.PTRACE_O_SUSPEND_SECCOMP
	}
	for try := 0; ; try++ {
		// Not raw: it may sleep.
		_, _, errno := syscall.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(h.tid()), 0, h.options, 0, 0)
		if errno != syscall.EPERM || try == ownTracerTries || !tracedByUs(w.Thread) {
			return errno
		}
		runtime.Gosched() // an abandoned hold of the same thread is about to end
	}
}

const (
	ownTracerTries = 1000

	sleepTryEvery = 50 * time.Microsecond
	sleepTries    = 20_000 // a second: on a busy machine, a thread's turn may be long in coming
)

// Arrest waits until the thread, whose ioctl has been answered, is on its way out.
func (h *Hold) Arrest() syscall.Errno {
	return h.do(func() syscall.Errno {
		if errno := h.await(true); errno != 0 {
			return errno
		}
		if errno := h.saved.get(h.tid()); errno != 0 {
			return errno
		}
		h.known = true
		if !h.saved.native(h.waiting.Thread) {
			return syscall.ENOEXEC
		}
		if errno := traceAt(unix.PTRACE_GETSIGMASK, h.tid(), 8, unsafe.Pointer(&h.mask)); errno != 0 {
			return errno
		}
		// From here on the thread may not outlive us: it would go on with strange registers.
		if errno := trace(unix.PTRACE_SETOPTIONS, h.tid(), h.options|unix.PTRACE_O_EXITKILL); errno != 0 {
			return errno
		}
		h.bound = true
		all := ^uint64(0)
		h.masked = true
		return traceAt(unix.PTRACE_SETSIGMASK, h.tid(), 8, unsafe.Pointer(&all))
	})
}

// Install puts files into the thread's table of descriptors, close-on-exec, and answers their
// numbers. On error none stays there; EMFILE is the table's, ESRCH says that the thread is gone,
// ENOSPC that there is too little scratch memory.
func (h *Hold) Install(files []int, numbers []uint32, place Place) syscall.Errno {
	return h.do(func() syscall.Errno {
		if h.dead {
			return syscall.ESRCH
		}
		if !h.masked {
			return syscall.ENOEXEC
		}
		if !h.waiting.Spacious() {
			return syscall.ENOSPC
		}
		if place.beyond {
			undo, errno := widen(h.waiting.Thread)
			if errno != 0 {
				return errno
			}
			defer undo()
		}
		return h.install(files, numbers, place.number)
	})
}

// Close closes descriptors in the thread's table, those that are open.
func (h *Hold) Close(numbers []uint32) syscall.Errno {
	return h.do(func() syscall.Errno {
		if !h.dead && !h.masked {
			return syscall.ENOEXEC
		}
		for _, fd := range numbers {
			if h.dead {
				return syscall.ESRCH
			}
			_, _ = h.call(unix.SYS_CLOSE, uint64(fd))
		}
		return 0
	})
}

// Return lets the thread go: its ioctl returns result and leaves argument where it came from. A
// positive result is a value, a negative one an errno.
func (h *Hold) Return(result int32, argument []byte) {
	b := append([]byte(nil), argument...)
	h.last(func() {
		if errno := h.poke(h.waiting.Argument, b); errno != 0 {
			result = -int32(syscall.EFAULT)
		}
		r := h.saved
		r.setResult(int64(result))
		h.release(&r)
	})
}

// Restart lets the thread go back into the ioctl, with a new argument, as if it had not left. If
// a signal waits to be handled, the ioctl returns EINTR instead.
func (h *Hold) Restart(argument []byte) {
	b := append([]byte(nil), argument...)
	h.last(func() {
		r := h.saved
		switch {
		case h.poke(h.waiting.Argument, b) != 0:
			r.setResult(-int64(syscall.EFAULT))
		case !h.masked, signalled(h.waiting.Thread, h.mask):
			r.setResult(-int64(syscall.EINTR))
		default:
			r.rewind(h.first)
		}
		h.release(&r)
	})
}

// last is the tracer's last job. Nobody waits for it: it may take as long as the client likes.
func (h *Hold) last(job func()) {
	h.jobs <- job
	close(h.jobs)
}

// release needs a stopped thread, or one that is dead.
func (h *Hold) release(r *registers) {
	if h.dead {
		return
	}
	if h.known {
		_ = r.set(h.tid())
	}
	if h.masked {
		_ = traceAt(unix.PTRACE_SETSIGMASK, h.tid(), 8, unsafe.Pointer(&h.mask))
	}
	h.free = trace(unix.PTRACE_DETACH, h.tid(), 0) == 0 // ESRCH: killed meanwhile
}

// await waits for the thread to stop: for the stop of PTRACE_INTERRUPT, or else for one at the
// border of a system call. On the way there it lets pass whatever else happens to the thread.
func (h *Hold) await(event bool) syscall.Errno {
	const eventStop = unix.PTRACE_EVENT_STOP
	for {
		status, errno := h.wait()
		if errno != 0 {
			h.dead = true
			return syscall.ESRCH
		}
		signal, what := uintptr(status&0x7f), status>>8
		resume := unix.PTRACE_SYSCALL
		switch {
		case event && what == eventStop:
			return 0
		case event:
			resume = unix.PTRACE_CONT
		case status == int32(syscall.SIGTRAP)|0x80:
			return 0
		}
		if what != 0 {
			signal = 0 // an event, not a signal to be given on
		}
		if errno := trace(resume, h.tid(), signal); errno != 0 {
			h.dead = errno == syscall.ESRCH
			return errno
		}
	}
}

// wait answers the status of the next stop. A thread that has ended is not reaped: if it is our
// own child, os/exec wants to do that.
func (h *Hold) wait() (int32, syscall.Errno) {
	const flags = unix.WEXITED | unix.WSTOPPED | unix.WALL | unix.WNOTHREAD
	for {
		var info childInfo
		_, _, errno := syscall.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(h.tid()), uintptr(unsafe.Pointer(&info)), flags|unix.WNOWAIT, 0, 0)
		if errno == 0 && info.code != cldTrapped && info.code != cldStopped {
			return 0, syscall.ESRCH
		}
		if errno == 0 {
			info = childInfo{}
			_, _, errno = syscall.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(h.tid()), uintptr(unsafe.Pointer(&info)), flags&^unix.WEXITED|unix.WNOHANG, 0, 0)
		}
		if errno == syscall.EINTR || errno == 0 && info.pid == 0 {
			continue
		}
		return info.status, errno
	}
}

// childInfo is struct siginfo as waitid fills it in.
type childInfo struct {
	signo, errno, code int32
	_                  int32
	pid, uid, status   int32
	_                  [100]byte
}

const (
	cldTrapped = 4 // CLD_TRAPPED
	cldStopped = 5 // CLD_STOPPED
)

// call has the stopped thread make a system call, with the instruction that its ioctl was made
// with, and answers what came of it.
func (h *Hold) call(number int, args ...uint64) (int, syscall.Errno) {
	r := h.saved
	r.setCall(number, args)
	if errno := r.set(h.tid()); errno != 0 {
		h.dead = h.dead || errno == syscall.ESRCH
		return 0, errno
	}
	for range 2 { // in and out
		if errno := trace(unix.PTRACE_SYSCALL, h.tid(), 0); errno != 0 {
			h.dead = h.dead || errno == syscall.ESRCH
			return 0, errno
		}
		if errno := h.await(false); errno != 0 {
			return 0, errno
		}
	}
	if errno := r.get(h.tid()); errno != 0 {
		h.dead = h.dead || errno == syscall.ESRCH
		return 0, errno
	}
	if v := r.result(); v >= 0 || v < -4095 {
		return int(v), 0
	} else {
		return 0, syscall.Errno(-v)
	}
}

func (h *Hold) peek(at ioctl.Address, b []byte) syscall.Errno {
	l := []unix.Iovec{{Base: &b[0]}}
	l[0].SetLen(len(b))
	n, err := unix.ProcessVMReadv(h.tid(), l, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil || n < len(b) {
		return syscall.EFAULT
	}
	return 0
}

func (h *Hold) poke(at ioctl.Address, b []byte) syscall.Errno {
	l := []unix.Iovec{{Base: &b[0]}}
	l[0].SetLen(len(b))
	n, err := unix.ProcessVMWritev(h.tid(), l, []unix.RemoteIovec{{Base: uintptr(at), Len: len(b)}}, 0)
	if err != nil || n < len(b) {
		return syscall.EFAULT
	}
	return 0
}

// trace is ptrace, from the tracer's thread. None of these requests waits.
func trace(request, tid int, data uintptr) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), 0, data, 0, 0)
	return errno
}

// traceAt is trace with a pointer.
func traceAt(request, tid int, addr uintptr, data unsafe.Pointer) syscall.Errno {
	_, _, errno := syscall.RawSyscall6(unix.SYS_PTRACE, uintptr(request), uintptr(tid), addr, uintptr(data), 0, 0)
	return errno
}

// quieten keeps the runtime from hearing of each stop by a SIGCHLD; those of ended children come
// as before.
func quieten() {
	// struct sigaction of the kernel: handler, flags, restorer (not on arm64), mask.
	var action [4]uintptr
	const flags, saNoChildStop = 1, 1
	if _, _, errno := syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), 0, uintptr(unsafe.Pointer(&action)), 8, 0, 0); errno != 0 {
		return
	}
	action[flags] |= saNoChildStop
	_, _, _ = syscall.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(syscall.SIGCHLD), uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
}

var quiet sync.Once
