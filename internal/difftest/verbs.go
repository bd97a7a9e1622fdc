package difftest

import (
	"encoding/binary"
	"fmt"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// verbs are the actions there are.
var verbs map[string]func(m *Machine, a *Action)

func init() {
	verbs = map[string]func(m *Machine, a *Action){
		"open":       (*Machine).open,
		"close":      (*Machine).close,
		"flush":      (*Machine).flush,
		"interrupt":  (*Machine).interrupt,
		"poll":       (*Machine).poll,
		"io":         (*Machine).io,
		"exit":       simple(ioctl.BINDER_THREAD_EXIT),
		"version":    simple(ioctl.BINDER_VERSION),
		"manager":    simple(ioctl.BINDER_SET_CONTEXT_MGR),
		"managerext": simple(ioctl.BINDER_SET_CONTEXT_MGR_EXT),
		"maxthreads": simple(ioctl.BINDER_SET_MAX_THREADS),
		"spam":       simple(ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION),
		"nodeinfo":   simple(ioctl.BINDER_GET_NODE_DEBUG_INFO),
		"refinfo":    simple(ioctl.BINDER_GET_NODE_INFO_FOR_REF),
		"error":      simple(ioctl.BINDER_GET_EXTENDED_ERROR),
		"ioctl":      simple(0),
	}
}

func (m *Machine) open(a *Action) {
	if m.procs[a.P] != nil {
		m.out.WriteString(" already")
		return
	}
	flags := unix.O_RDWR | unix.O_CLOEXEC
	if a.Nonblock {
		flags |= unix.O_NONBLOCK
	}
	fd, err := unix.Open(m.device, flags, 0)
	if err != nil {
		fmt.Fprintf(&m.out, " open: %v", err)
		return
	}
	p := &proc{fd: fd, nonblock: a.Nonblock, socket: -1, messages: map[uint64][]int{}}
	if a.Size > 0 {
		p.area, err = unix.Mmap(fd, 0, a.Size, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
		if err != nil {
			fmt.Fprintf(&m.out, " mmap: %v", err)
		} else {
			p.base = addressOf(p.area)
		}
	}
	m.procs[a.P] = p
	if !m.kernel {
		p.offerSocket()
	}
}

// close ends a process: its mapping and its descriptor go.
func (m *Machine) close(a *Action) {
	p := m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return
	}
	if p.area != nil {
		_ = unix.Munmap(p.area)
		p.area = nil
	}
	_ = unix.Close(p.fd)
	m.deferred()
	if err := m.rest(); err != nil {
		m.out.WriteString(" no rest")
		return
	}
	m.out.WriteByte('\n')
	for t := range p.threads {
		m.collect(a.P, t)
		p.threads[t].pending = nil
	}
	p.closeFiles(m)
	m.procs[a.P] = nil
}

// flush closes a duplicate of the descriptor.
func (m *Machine) flush(a *Action) {
	p := m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return
	}
	if d, err := unix.Dup(p.fd); err == nil {
		_ = unix.Close(d)
	}
	m.deferred()
}

// deferred lets the kernel do what it has put off: closing is done by a thread of its own.
func (m *Machine) deferred() {
	if m.kernel {
		nap(300e3)
	}
}

// interrupt sends a signal to a thread that waits.
func (m *Machine) interrupt(a *Action) {
	p := m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return
	}
	for i := range MaxThreads {
		t := (a.T + i) % MaxThreads
		if p.threads[t].pending == nil {
			continue
		}
		fmt.Fprintf(&m.out, ".%d", t)
		w := m.workers[a.P][t]
		_ = unix.Tgkill(unix.Getpid(), w.tid, unix.SIGURG)
		for n := 0; !w.done.Load() && n < 20000; n++ {
			pause(n)
		}
		return
	}
	m.out.WriteString(" idle")
}

// poll asks, without waiting, whether there is something to read. It is the main thread that asks,
// which is a thread of the process from then on.
func (m *Machine) poll(a *Action) {
	p := m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return
	}
	f := unix.PollFd{Fd: int32(p.fd), Events: unix.POLLIN | unix.POLLOUT}
	var zero unix.Timespec
	n, _, errno := unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(&f)), 1, uintptr(unsafe.Pointer(&zero)), 0, 0, 0)
	fmt.Fprintf(&m.out, " %s %d %#x", errnoName(errno), n, f.Revents)
}

// simple is an ioctl other than BINDER_WRITE_READ; request 0 takes its number from the action.
func simple(request ioctl.Request) func(m *Machine, a *Action) {
	return func(m *Machine, a *Action) {
		p, t, ok := m.choose(a)
		if !ok {
			return
		}
		w := m.workers[a.P][t]
		w.used = 0
		r := request
		if r == 0 {
			r = ioctl.Request(a.Code())
		}
		arg := w.take(max(64, r.Size()))
		le := binary.LittleEndian
		switch r {
		case ioctl.BINDER_SET_MAX_THREADS, ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION:
			le.PutUint32(arg, a.N)
		case ioctl.BINDER_SET_CONTEXT_MGR_EXT:
			(&ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.ObjectFlags(a.Flags), Binder: a.Ptr, Cookie: ioctl.Cookie(a.Cookie)}).Encode(arg)
		case ioctl.BINDER_GET_NODE_DEBUG_INFO:
			le.PutUint64(arg, a.Ptr)
		case ioctl.BINDER_GET_NODE_INFO_FOR_REF:
			le.PutUint32(arg, a.N)
			le.PutUint32(arg[4:], a.Flags) // not 0: not allowed
		}
		m.start(a, t, r, arg, func(w *worker) string {
			s := errnoName(w.errno)
			if w.errno != 0 {
				return s
			}
			switch r {
			case ioctl.BINDER_GET_NODE_DEBUG_INFO:
				var i ioctl.NodeDebugInfo
				i.Decode(arg)
				return fmt.Sprintf("%s ptr=%x cookie=%x strong=%d weak=%d", s, i.Pointer, i.Cookie, i.HasStrongRef, i.HasWeakRef)
			case ioctl.BINDER_GET_NODE_INFO_FOR_REF:
				return fmt.Sprintf("%s %x", s, arg[:ioctl.SizeofNodeInfoForRef])
			case ioctl.BINDER_GET_EXTENDED_ERROR:
				var e ioctl.ExtendedError
				e.Decode(arg)
				return fmt.Sprintf("%s id=%t %v %d", s, e.ID != 0, e.Command, e.Param)
			case ioctl.BINDER_VERSION:
				return fmt.Sprint(s, " ", le.Uint32(arg))
			}
			if r == ioctl.BINDER_THREAD_EXIT {
				p.threads[t] = thread{}
			}
			return s
		})
	}
}

// Code is the number of a raw ioctl.
func (a *Action) Code() uint32 { return a.N }
