package difftest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// A Machine carries programs out on one mount of binderfs. It is for a process that starts again
// as an actor when ActorEnv says so (see the command replay).
type Machine struct {
	dir     string // of the devices
	control int
	probe   int // an open of another device, to see whether the broker has come to rest
	kernel  bool

	shared []byte
	memory *os.File // that is shared
	actors [MaxProcs]*actor
	inodes map[uint64]int // of the files that descriptors are of
	serial int

	// Coverage counts what was reached: a command, the state it met, what came of it.
	Coverage map[string]int

	// the run
	device string
	procs  [MaxProcs]*proc
	out    strings.Builder
	rush   bool // many threads are woken at once
}

// A proc is one open of the device.
type proc struct {
	*actor
	fd       int
	base     uint64 // where the receive buffer is
	size     uint64 // 0: there is none
	nonblock bool
	socket   int // the actor's end of the descriptor socket, or -1
	messages map[uint64][]int

	threads [MaxThreads]thread

	buffers []uint64 // received and not freed
	handles []uint32 // given in what was received
	asks    []ask    // BR_INCREFS and BR_ACQUIRE to be acknowledged
	deaths  []uint64 // BR_DEAD_BINDER, likewise
	freezes []uint64 // BR_FROZEN_BINDER, likewise
	arrays  []int    // descriptors that the driver put in for an array
}

type ask struct {
	acquire     bool
	ptr, cookie uint64
}

// A thread is what the machine remembers of one.
type thread struct {
	pending  *pending // its ioctl, until it is done
	incoming int      // calls it was given and has not answered
	outgoing bool
	looper   string
}

// A pending is an ioctl under way.
type pending struct {
	action *Action
	finish func(w *worker) string
}

// patience is how long a program may need to come to rest.
const patience = 10 * time.Second

// NewMachine prepares to run programs on the binderfs (or busd's) that device is on.
func NewMachine(device string) (*Machine, error) {
	m := &Machine{dir: filepath.Dir(device), inodes: map[uint64]int{}, Coverage: map[string]int{}}
	var fs unix.Statfs_t
	if err := unix.Statfs(device, &fs); err != nil {
		return nil, err
	}
	m.kernel = fs.Type == unix.BINDERFS_SUPER_MAGIC
	var err error
	if m.probe, err = unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open %s: %w", device, err)
	}
	control := filepath.Join(m.dir, "binder-control")
	if m.control, err = unix.Open(control, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("open %s: %w", control, err)
	}
	fd, err := unix.MemfdCreate("shared", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	memory := os.NewFile(uintptr(fd), "shared")
	if err := memory.Truncate(MaxProcs * threads * partSize); err != nil {
		return nil, err
	}
	shared, err := mapShared(fd)
	if err != nil {
		return nil, err
	}
	m.shared, m.memory = shared, memory
	for p := range m.actors {
		if m.actors[p], err = startActor(shared, memory, p); err != nil {
			return nil, err
		}
	}
	for p := range m.actors {
		if err := m.makeFilesOf(p); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Run carries p out on a device of its own and returns its history. An error says that the machine
// cannot go on.
func (m *Machine) Run(p Program) (history string, err error) {
	m.serial++
	name := fmt.Sprintf("difftest-%d-%d", unix.Getpid(), m.serial)
	if err := m.addDevice(name); err != nil {
		return "", fmt.Errorf("make a device: %w", err)
	}
	m.device = filepath.Join(m.dir, name)
	m.out.Reset()
	defer func() {
		if e := unix.Unlink(m.device); err == nil && e != nil {
			err = fmt.Errorf("unlink %s: %w", m.device, e)
		}
	}()
	for i := range p {
		if err := m.do(i, &p[i]); err != nil {
			return m.out.String(), err
		}
	}
	for i := range m.procs {
		if m.procs[i] != nil {
			if err := m.do(len(p)+i, &Action{Do: "close", P: i}); err != nil {
				return m.out.String(), err
			}
		}
	}
	return m.out.String(), nil
}

func (m *Machine) addDevice(name string) error {
	var d ioctl.BinderfsDevice
	copy(d.Name[:], name)
	var b [ioctl.SizeofDevice]byte
	d.Encode(b[:])
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(m.control), uintptr(ioctl.BINDER_CTL_ADD), uintptr(unsafe.Pointer(&b))); errno != 0 {
		return errno
	}
	return nil
}

// do carries out one action, waits for rest and tells what happened.
func (m *Machine) do(i int, a *Action) error {
	m.rush = a.Do == "close" || a.Do == "flush" || a.Do == "kill"
	fmt.Fprintf(&m.out, "%d %s %d", i, a.Do, a.P)
	verbs[a.Do](m, a)
	m.out.WriteByte('\n')
	return m.settle()
}

// settle waits until nothing moves, and tells which ioctls were done.
func (m *Machine) settle() error {
	if err := m.rest(); err != nil {
		return err
	}
	for p, pr := range m.procs {
		if pr == nil {
			continue
		}
		for t := range pr.threads {
			m.collect(p, t)
		}
	}
	return nil
}

// collect tells of an ioctl that is done.
func (m *Machine) collect(p, t int) {
	th, w := &m.procs[p].threads[t], m.actors[p].workers[t]
	if th.pending == nil || w.busy() {
		return
	}
	d := th.pending
	th.pending = nil
	fmt.Fprintf(&m.out, "  %d.%d %s\n", p, t, d.finish(w))
}

// rest waits until each thread is done or waits in the driver, and the broker has nothing to do
// for them: a request of ours, made when all of them slept, is answered after theirs.
func (m *Machine) rest() error {
	deadline := time.Now().Add(patience)
	for i := 0; ; i++ {
		before, quiet := m.look()
		if quiet {
			var version [4]byte
			unix.RawSyscall(unix.SYS_IOCTL, uintptr(m.probe), uintptr(ioctl.BINDER_VERSION), uintptr(unsafe.Pointer(&version)))
			if after, quiet := m.look(); quiet && before == after {
				return nil
			}
		}
		if i > 20 && time.Now().After(deadline) {
			return fmt.Errorf("the driver did not come to rest within %v; history:\n%s", patience, m.out.String())
		}
		pause(i)
	}
}

// look tells which threads are busy, and whether those sleep.
func (m *Machine) look() (busy uint32, quiet bool) {
	for p, a := range m.actors {
		for t, w := range a.workers {
			if !w.busy() {
				continue
			}
			busy |= 1 << (p*MaxThreads + t)
			if !w.asleep() || !w.busy() {
				return busy, false
			}
		}
	}
	return busy, true
}

// choose finds the thread for an action: one that is not busy.
func (m *Machine) choose(a *Action) (p *proc, t int, ok bool) {
	p = m.procs[a.P]
	if p == nil {
		m.out.WriteString(" nobody")
		return nil, 0, false
	}
	for round := range 2 {
		for i := range MaxThreads {
			t := (a.T + i) % MaxThreads
			th := &p.threads[t]
			if th.pending != nil || (a.Serving && round == 0 && th.incoming == 0) {
				continue
			}
			fmt.Fprintf(&m.out, ".%d", t)
			return p, t, true
		}
	}
	m.out.WriteString(" busy")
	return nil, 0, false
}

// start begins an ioctl on a thread.
func (m *Machine) start(a *Action, t int, request ioctl.Request, arg []byte, finish func(w *worker) string) {
	p := m.procs[a.P]
	p.threads[t].pending = &pending{action: a, finish: finish}
	p.workers[t].start(unix.SYS_IOCTL, uintptr(p.fd), uintptr(request), uintptr(addressOf(arg)))
}

func errnoName(e syscall.Errno) string {
	if e == 0 {
		return "ok"
	}
	return unix.ErrnoName(e)
}
