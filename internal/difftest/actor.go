package difftest

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An actor is an operating system process that does what the machine asks, a system call at a time.
// Machine and actors share memory, at the same address: what a system call points to lies there,
// except for what the driver maps.
type actor struct {
	cmd     *exec.Cmd
	pid     int
	workers [MaxThreads]*worker
	steward *worker // for everything but the ioctls of a program's threads
	clerk   *worker // for what only busd knows; to it, the clerk is a thread of the process
	files   [files]int
}

const (
	// ActorEnv is set to the actor's number where this program is to be one.
	ActorEnv = "DIFFTEST_ACTOR"

	sharedAt  = 64 << 30 // out of everybody's way, and within what small address spaces have
	threads   = MaxThreads + 2
	slotSize  = 4096
	arenaSize = 16 << 20
	partSize  = slotSize + arenaSize
	sharedFD  = 3 // in an actor

	futexWait, futexWake = 0, 1
)

// part is what belongs to thread t of actor p.
func part(shared []byte, p, t int) (*slot, []byte) {
	b := shared[(p*threads+t)*partSize:][:partSize]
	return (*slot)(unsafe.Pointer(&b[0])), b[slotSize:]
}

func mapShared(fd int) ([]byte, error) {
	const size = MaxProcs * threads * partSize
	at := uintptr(sharedAt)
	p, err := unix.MmapPtr(fd, 0, *(*unsafe.Pointer)(unsafe.Pointer(&at)), size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED_NOREPLACE)
	if err != nil {
		return nil, fmt.Errorf("map the memory that machine and actors share: %w", err)
	}
	return unsafe.Slice((*byte)(p), size), nil
}

// ActorMain is what a program does that was started as an actor. It does not return.
func ActorMain() {
	p, err := strconv.Atoi(os.Getenv(ActorEnv))
	shared, mapErr := mapShared(sharedFD)
	if err != nil || mapErr != nil {
		fmt.Fprintln(os.Stderr, "difftest: actor:", err, mapErr)
		os.Exit(1)
	}
	_ = unix.Close(sharedFD)
	for t := range threads {
		s, _ := part(shared, p, t)
		go s.serve()
	}
	select {} // until the machine's end, whose death signal ends us
}

// serve is the life of an actor's thread.
func (s *slot) serve() {
	runtime.LockOSThread()
	s.tid.Store(uint32(unix.Gettid()))
	for {
		done := s.done.Load()
		if s.posted.Load() == done {
			unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&s.posted)), futexWait, uintptr(done), 0, 0, 0)
			continue
		}
		a := &s.args
		r, _, errno := unix.RawSyscall6(s.number, a[0], a[1], a[2], a[3], a[4], a[5])
		s.result, s.errno = r, uintptr(errno)
		s.done.Store(done + 1)
	}
}

// replace ends actor p and starts another in its place.
func (m *Machine) replace(p int) error {
	old := m.actors[p]
	_ = old.cmd.Process.Kill()
	_ = old.cmd.Wait()
	for _, w := range append([]*worker{old.steward, old.clerk}, old.workers[:]...) {
		_ = unix.Close(w.stat)
		*w.slot = slot{}
	}
	var err error
	if m.actors[p], err = startActor(m.shared, m.memory, p); err != nil {
		return err
	}
	return m.makeFilesOf(p)
}

// startActor starts this program again as actor p.
func startActor(shared []byte, memory *os.File, p int) (*actor, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), ActorEnv+"="+strconv.Itoa(p))
	cmd.ExtraFiles = []*os.File{memory}
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &actor{cmd: cmd, pid: cmd.Process.Pid}
	for t := range threads {
		s, arena := part(shared, p, t)
		w := &worker{pid: a.pid, slot: s, arena: arena}
		for i := 0; s.tid.Load() == 0; i++ {
			if i > 200000 {
				return nil, fmt.Errorf("actor %d did not start", p)
			}
			pause(i)
		}
		if err := w.watch(); err != nil {
			return nil, err
		}
		switch t {
		case MaxThreads:
			a.steward = w
		case MaxThreads + 1:
			a.clerk = w
		default:
			a.workers[t] = w
		}
	}
	return a, nil
}
