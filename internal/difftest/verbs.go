package difftest

import (
	"fmt"

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
		"freeze":     (*Machine).freeze,
		"frozeninfo": simple(ioctl.BINDER_GET_FROZEN_INFO),
		"kill":       (*Machine).kill,
	}
}

func (m *Machine) open(a *Action) {
	if m.procs[a.P] != nil {
		m.out.WriteString(" already")
		return
	}
	s := m.actors[a.P].steward
	s.used = 0
	flags := unix.O_RDWR | unix.O_CLOEXEC
	if a.Nonblock {
		flags |= unix.O_NONBLOCK
	}
	fd, errno := s.call(unix.SYS_OPENAT, 0, s.text(m.device), uintptr(flags))
	if errno != 0 {
		fmt.Fprint(&m.out, " open: ", errnoName(errno))
		return
	}
	p := &proc{actor: m.actors[a.P], fd: int(fd), nonblock: a.Nonblock, socket: -1, messages: map[uint64][]int{}}
	if a.Size > 0 {
		at, errno := s.call(unix.SYS_MMAP, 0, uintptr(a.Size), unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_NORESERVE, fd, 0)
		if errno != 0 {
			fmt.Fprint(&m.out, " mmap: ", errnoName(errno))
		} else {
			p.base, p.size = uint64(at), uint64(a.Size)
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
	if p.size > 0 {
		p.steward.call(unix.SYS_MUNMAP, uintptr(p.base), uintptr(p.size))
		p.size = 0
	}
	p.steward.call(unix.SYS_CLOSE, uintptr(p.fd))
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
	if d, errno := p.steward.call(unix.SYS_DUP, uintptr(p.fd)); errno == 0 {
		p.steward.call(unix.SYS_CLOSE, d)
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
		w := p.workers[t]
		_ = unix.Tgkill(p.pid, int(w.slot.tid.Load()), unix.SIGURG)
		for n := 0; w.busy() && n < 20000; n++ {
			pause(n)
		}
		return
	}
	m.out.WriteString(" idle")
}

// poll asks, without waiting, whether there is something to read. It is the steward that asks,
// who is a thread of the process from then on.
func (m *Machine) poll(a *Action) {
	p := m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return
	}
	s := p.steward
	s.used = 0
	f, zero := s.take(8), s.take(16)
	le.PutUint32(f, uint32(p.fd))
	le.PutUint16(f[4:], unix.POLLIN|unix.POLLOUT)
	n, errno := s.call(unix.SYS_PPOLL, uintptr(addressOf(f)), 1, uintptr(addressOf(zero)), 0, 8)
	fmt.Fprintf(&m.out, " %s %d %#x", errnoName(errno), int32(n), le.Uint16(f[6:]))
}

// simple is an ioctl other than BINDER_WRITE_READ; request 0 takes its number from the action.
func simple(request ioctl.Request) func(m *Machine, a *Action) {
	return func(m *Machine, a *Action) {
		p, t, ok := m.choose(a)
		if !ok {
			return
		}
		w := p.workers[t]
		w.used = 0
		r := request
		if r == 0 {
			r = ioctl.Request(a.Code())
		}
		arg := w.take(max(64, r.Size()))
		switch r {
		case ioctl.BINDER_SET_MAX_THREADS, ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION:
			le.PutUint32(arg, a.N)
		case ioctl.BINDER_SET_CONTEXT_MGR_EXT:
			(&ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.ObjectFlags(a.Flags), Binder: a.Ptr, Cookie: ioctl.Cookie(a.Cookie)}).Encode(arg)
		case ioctl.BINDER_FREEZE:
			(&ioctl.FreezeInfo{PID: m.number(a.N), Enable: a.Flags, TimeoutMS: uint32(a.Cookie)}).Encode(arg)
		case ioctl.BINDER_GET_FROZEN_INFO:
			le.PutUint32(arg, m.number(a.N))
		case ioctl.BINDER_GET_NODE_DEBUG_INFO:
			le.PutUint64(arg, a.Ptr)
		case ioctl.BINDER_GET_NODE_INFO_FOR_REF:
			le.PutUint32(arg, a.N)
			le.PutUint32(arg[4:], a.Flags) // not 0: not allowed
		}
		m.start(a, t, r, arg, func(w *worker) string {
			s := errnoName(w.errno())
			if w.errno() != 0 {
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
			case ioctl.BINDER_GET_FROZEN_INFO:
				var i ioctl.FrozenStatus
				i.Decode(arg)
				return fmt.Sprintf("%s sync=%d async=%d", s, i.SyncRecv, i.AsyncRecv)
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

// freeze freezes the process N, for which it may wait Cookie milliseconds, or thaws it.
func (m *Machine) freeze(a *Action) {
	simple(ioctl.BINDER_FREEZE)(m, a)
	for _, w := range m.actors[a.P].workers {
		// Somebody who waits for the others to end their calls sleeps, but is not at rest.
		for i := 0; a.Cookie > 0 && w.busy() && w.used > 0 && i < 2000 && w.slot.args[1] == uintptr(ioctl.BINDER_FREEZE); i++ {
			pause(i)
		}
	}
}

// number is the pid of process n, or one that has never opened the device.
func (m *Machine) number(n uint32) uint32 {
	if n < MaxProcs {
		return uint32(m.actors[n].pid)
	}
	return 1
}

// kill ends an actor in the middle of whatever it does, and with it a process. Another takes its
// place.
func (m *Machine) kill(a *Action) {
	if m.procs[a.P] == nil {
		m.out.WriteString(" nobody")
		return
	}
	m.procs[a.P] = nil
	if err := m.replace(a.P); err != nil {
		fmt.Fprint(&m.out, " ", err)
	}
	m.deferred()
}

// Code is the number of a raw ioctl.
func (a *Action) Code() uint32 { return a.N }
