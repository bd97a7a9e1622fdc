package conformance

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/rpc"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// An Actor does what a test tells it, in the test's own process or in a process of its own
// (this test binary run again): it opens devices, keeps threads that are bound to OS threads,
// and issues their ioctls. Its methods have the shape net/rpc asks for.
type Actor struct {
	mu    sync.Mutex
	opens []*opened
}

// opened is one open of a device: one process, as the driver counts them.
type opened struct {
	fd       atomic.Int32            // -1 once it is closed
	area     []byte                  // the receive mapping, nil without one; guarded by mu
	arena    [][]byte                // memory for commands and payloads, never reused; guarded by mu
	used     int                     // of the last piece; guarded by mu
	socket   int                     // our end of the descriptor socket, -1 where there is none
	received map[ioctl.Address][]int // what came over it, by receive buffer
	mu       sync.Mutex
	workers  []*worker
}

// A worker is one thread of a client.
type worker struct {
	tid  int
	jobs chan func()
	quit chan struct{} // closed: the thread is to end
	rbuf ioctl.Address
}

const (
	arenaPiece = 1 << 20
	readSize   = 16 << 10 // what a read offers unless told otherwise
)

// OpenArgs says which device to open, and how.
type OpenArgs struct {
	Path     string
	MapSize  int  // 0: no mapping
	Shared   bool // map MAP_SHARED
	Nonblock bool
	NoSocket bool // do not hand over a descriptor socket
	Adopt    int  // if not 0, a descriptor to use instead of opening Path
}

// OpenReply tells what came of it.
type OpenReply struct {
	ID      int
	Errno   syscall.Errno
	Base    ioctl.Address // of the receive mapping
	Scratch ioctl.Address // 16 bytes of zero, mapped
	PID     int
	FD      int
}

// Open opens a device and maps it.
func (a *Actor) Open(args OpenArgs, reply *OpenReply) error {
	flags := unix.O_RDWR | unix.O_CLOEXEC
	if args.Nonblock {
		flags |= unix.O_NONBLOCK
	}
	fd := args.Adopt
	if fd == 0 {
		var err error
		fd, err = unix.Open(args.Path, flags, 0)
		if err != nil {
			reply.Errno = err.(syscall.Errno)
			return nil
		}
	}
	o := &opened{socket: -1}
	o.fd.Store(int32(fd))
	if args.MapSize > 0 {
		kind := unix.MAP_PRIVATE
		if args.Shared {
			kind = unix.MAP_SHARED
		}
		area, err := unix.Mmap(fd, 0, args.MapSize, unix.PROT_READ, kind|unix.MAP_NORESERVE)
		if err != nil {
			unix.Close(fd)
			reply.Errno = err.(syscall.Errno)
			return nil
		}
		o.area = area
		reply.Base = address(area)
	}
	if !args.NoSocket {
		if err := o.offerSocket(); err != nil {
			return err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.opens = append(a.opens, o)
	reply.Scratch = o.alloc(16)
	reply.ID, reply.PID, reply.FD = len(a.opens)-1, os.Getpid(), fd
	return nil
}

func address(b []byte) ioctl.Address { return ioctl.Address(uintptr(unsafe.Pointer(&b[0]))) }

// alloc reserves n bytes of the arena, on an 8-byte boundary.
func (o *opened) alloc(n int) ioctl.Address {
	o.mu.Lock()
	defer o.mu.Unlock()
	n = (n + 8) &^ 7
	if len(o.arena) == 0 || o.used+n > len(o.arena[len(o.arena)-1]) {
		piece, err := unix.Mmap(-1, 0, max(n, arenaPiece), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
		if err != nil {
			panic(err)
		}
		o.arena, o.used = append(o.arena, piece), 0
	}
	at := o.used
	o.used += n
	return address(o.arena[len(o.arena)-1][at:])
}

// bytes is the memory at an address of the arena or of the receive mapping.
func (o *opened) bytes(at ioctl.Address, n int) ([]byte, error) {
	o.mu.Lock()
	areas := append([][]byte{o.area}, o.arena...)
	o.mu.Unlock()
	for _, m := range areas {
		if len(m) == 0 {
			continue
		}
		if base := address(m); at >= base && uint64(at-base)+uint64(n) <= uint64(len(m)) {
			return m[at-base:][:n:n], nil
		}
	}
	return nil, fmt.Errorf("no memory at %#x", at)
}

func (a *Actor) open(id int) *opened {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.opens[id]
}

func (o *opened) worker(id int) *worker {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.workers[id]
}

// ThreadReply names a new thread.
type ThreadReply struct{ ID, TID int }

// Thread starts a thread for open id.
func (a *Actor) Thread(id int, reply *ThreadReply) error {
	o := a.open(id)
	w := &worker{jobs: make(chan func()), quit: make(chan struct{}), rbuf: o.alloc(readSize)}
	started := make(chan int)
	go func() {
		runtime.LockOSThread() // never unlocked: the OS thread ends with the goroutine
		started <- unix.Gettid()
		for {
			select {
			case job := <-w.jobs:
				job()
			case <-w.quit:
				return
			}
		}
	}()
	w.tid = <-started
	o.mu.Lock()
	defer o.mu.Unlock()
	o.workers = append(o.workers, w)
	*reply = ThreadReply{ID: len(o.workers) - 1, TID: w.tid}
	return nil
}

// ThreadArgs names a thread.
type ThreadArgs struct{ Open, Thread int }

// on runs f on the thread.
func (a *Actor) on(t ThreadArgs, f func(o *opened, w *worker)) {
	o := a.open(t.Open)
	w := o.worker(t.Thread)
	done := make(chan struct{})
	select {
	case w.jobs <- func() { defer close(done); f(o, w) }:
		<-done
	case <-w.quit:
	}
}

// End lets the thread end, without a word to the driver.
func (a *Actor) End(t ThreadArgs, _ *int) error {
	close(a.open(t.Open).worker(t.Thread).quit)
	return nil
}

// ExchangeArgs is one BINDER_WRITE_READ.
type ExchangeArgs struct {
	ThreadArgs
	Write    []byte
	ReadSize int // 0: no read
}

// ExchangeReply is what the driver answered.
type ExchangeReply struct {
	Errno    syscall.Errno
	Consumed uint64 // of the written bytes
	Read     []byte
}

// Exchange writes and reads. An EINTR, which the Go runtime's own signals can cause, is
// continued where the driver says it stopped.
func (a *Actor) Exchange(args ExchangeArgs, reply *ExchangeReply) error {
	a.on(args.ThreadArgs, func(o *opened, w *worker) {
		wr := ioctl.WriteRead{WriteSize: uint64(len(args.Write)), ReadSize: uint64(args.ReadSize), ReadBuffer: w.rbuf}
		if args.ReadSize > readSize {
			wr.ReadBuffer = o.alloc(args.ReadSize)
		}
		if len(args.Write) > 0 {
			wr.WriteBuffer = o.alloc(len(args.Write))
			b, _ := o.bytes(wr.WriteBuffer, len(args.Write))
			copy(b, args.Write)
		}
		for {
			reply.Errno = writeRead(int(o.fd.Load()), &wr)
			if reply.Errno != unix.EINTR {
				break
			}
		}
		reply.Consumed = wr.WriteConsumed
		b, err := o.bytes(wr.ReadBuffer, int(wr.ReadConsumed))
		if err != nil {
			reply.Errno = unix.ERANGE
			return
		}
		reply.Read = append([]byte(nil), b...)
	})
	return nil
}

// RawArgs is one BINDER_WRITE_READ with every field as it stands, not retried.
type RawArgs struct {
	ThreadArgs
	WriteRead ioctl.WriteRead
}

// RawReply is what came back.
type RawReply struct {
	Errno     syscall.Errno
	WriteRead ioctl.WriteRead
}

// Raw issues one ioctl.
func (a *Actor) Raw(args RawArgs, reply *RawReply) error {
	a.on(args.ThreadArgs, func(o *opened, w *worker) {
		wr := args.WriteRead
		reply.Errno = writeRead(int(o.fd.Load()), &wr)
		reply.WriteRead = wr
	})
	return nil
}

func writeRead(fd int, wr *ioctl.WriteRead) syscall.Errno {
	b := make([]byte, ioctl.SizeofWriteRead)
	wr.Encode(b)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(ioctl.BINDER_WRITE_READ), uintptr(unsafe.Pointer(&b[0])))
	wr.Decode(b)
	return errno
}

// IoctlArgs is any other ioctl.
type IoctlArgs struct {
	ThreadArgs
	Request ioctl.Request
	Arg     []byte
	Null    bool    // pass no argument
	At      uintptr // if not 0, pass this address
}

// IoctlReply is its answer; Arg holds the bytes that came back.
type IoctlReply struct {
	Errno  syscall.Errno
	Result int
	Arg    []byte
}

// Ioctl issues one ioctl.
func (a *Actor) Ioctl(args IoctlArgs, reply *IoctlReply) error {
	a.on(args.ThreadArgs, func(o *opened, w *worker) {
		b := append(make([]byte, 0, len(args.Arg)+1), args.Arg...)
		p := unsafe.Pointer(unsafe.SliceData(b[:1]))
		var r uintptr
		switch {
		case args.Null || args.At != 0:
			r, _, reply.Errno = unix.Syscall(unix.SYS_IOCTL, uintptr(o.fd.Load()), uintptr(args.Request), args.At)
		default:
			r, _, reply.Errno = unix.Syscall(unix.SYS_IOCTL, uintptr(o.fd.Load()), uintptr(args.Request), uintptr(p))
		}
		reply.Result = int(r)
		reply.Arg = b
	})
	return nil
}

// PollArgs asks a thread to poll its device.
type PollArgs struct {
	ThreadArgs
	Timeout time.Duration
	Epoll   bool
}

// PollReply is what poll said: events, 0 when the time was up.
type PollReply struct {
	Events int
	Err    string
}

// Poll waits for the device to become readable, as the thread.
func (a *Actor) Poll(args PollArgs, reply *PollReply) error {
	a.on(args.ThreadArgs, func(o *opened, w *worker) {
		deadline := time.Now().Add(args.Timeout)
		for {
			ms := int(math.Ceil(float64(time.Until(deadline)) / 1e6))
			if ms < 0 {
				ms = 0
			}
			var n, events int
			var err error
			if args.Epoll {
				n, events, err = epollOnce(int(o.fd.Load()), ms)
			} else {
				p := []unix.PollFd{{Fd: o.fd.Load(), Events: unix.POLLIN}}
				n, err = unix.Poll(p, ms)
				events = int(p[0].Revents)
			}
			if err == unix.EINTR {
				continue
			}
			if err != nil {
				reply.Err = err.Error()
			}
			if n > 0 {
				reply.Events = events
			}
			return
		}
	})
	return nil
}

func epollOnce(fd, ms int) (n, events int, err error) {
	ep, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return 0, 0, err
	}
	defer unix.Close(ep)
	if err := unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return 0, 0, err
	}
	ev := make([]unix.EpollEvent, 1)
	n, err = unix.EpollWait(ep, ev, ms)
	return n, int(ev[0].Events), err
}

// Put stores bytes in the open's memory and tells where.
func (a *Actor) Put(args PutArgs, at *ioctl.Address) error {
	o := a.open(args.Open)
	*at = o.alloc(len(args.Bytes))
	b, err := o.bytes(*at, len(args.Bytes))
	copy(b, args.Bytes)
	return err
}

// PutArgs are bytes for the memory of an open.
type PutArgs struct {
	Open  int
	Bytes []byte
}

// GetArgs names a piece of memory.
type GetArgs struct {
	Open int
	At   ioctl.Address
	Size int
}

// Get reads the memory of an open: the receive mapping or what Put stored.
func (a *Actor) Get(args GetArgs, b *[]byte) error {
	m, err := a.open(args.Open).bytes(args.At, args.Size)
	*b = append([]byte(nil), m...)
	return err
}

// Edge makes two pages, of which only the first may be touched, stores bytes at the end of the
// first, and tells where they begin.
func (a *Actor) Edge(b []byte, at *ioctl.Address) error {
	size := os.Getpagesize()
	m, err := unix.Mmap(-1, 0, 2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	copy(m[size-len(b):], b)
	*at = address(m[size-len(b):])
	return unix.Mprotect(m[size:], unix.PROT_NONE)
}

// Dup duplicates the device's descriptor and closes the copy again, which the driver sees as a flush.
func (a *Actor) Dup(id int, _ *int) error {
	d, err := unix.Dup(int(a.open(id).fd.Load()))
	if err != nil {
		return err
	}
	return unix.Close(d)
}

// Close unmaps and closes the device.
func (a *Actor) Close(id int, _ *int) error {
	o := a.open(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	fd := o.fd.Swap(-1)
	if fd < 0 {
		return nil
	}
	var err error
	if o.area != nil {
		err = unix.Munmap(o.area)
		o.area = nil
	}
	err = errors.Join(err, unix.Close(int(fd)))
	if o.socket >= 0 {
		unix.Close(o.socket)
	}
	return err
}

// Signal sends a signal to one of the actor's threads, from another of its threads.
func (a *Actor) Signal(args SignalArgs, _ *int) error {
	return unix.Tgkill(os.Getpid(), a.open(args.Open).worker(args.Thread).tid, args.Signal)
}

// SignalArgs is a signal for a thread.
type SignalArgs struct {
	ThreadArgs
	Signal syscall.Signal
}

// A caller reaches an actor, here or elsewhere.
type caller interface {
	Call(method string, args, reply any) error
}

// here is an actor in this process: calls go through a pipe in memory so that both kinds are one.
func here() *rpc.Client {
	ours, theirs := net.Pipe()
	serveActor(theirs)
	return rpc.NewClient(ours)
}

func serveActor(conn io.ReadWriteCloser) chan struct{} {
	server := rpc.NewServer()
	if err := server.RegisterName("Actor", new(Actor)); err != nil {
		panic(err)
	}
	done := make(chan struct{})
	go func() { server.ServeConn(conn); close(done) }()
	return done
}

// A host is an operating system process with an actor in it.
type host struct {
	caller
	cmd *exec.Cmd // nil for this process
}

const actorEnv = "CONFORMANCE_ACTOR"

// actorMain is what the test binary does when it is started as an actor: serve descriptor 3.
func actorMain() {
	conn, err := net.FileConn(os.NewFile(3, "actor"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance: actor:", err)
		os.Exit(1)
	}
	<-serveActor(conn)
	os.Exit(0)
}

// startHost starts an actor in a process of its own; as, when not nil, changes how it starts.
func startHost(as *syscall.SysProcAttr) (*host, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer theirs.Close()
	defer ours.Close()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), actorEnv+"=1")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = as
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, err
	}
	return &host{caller: rpc.NewClient(conn), cmd: cmd}, nil
}

// kill ends the host's process with SIGKILL and waits until it is gone.
func (h *host) kill(t testing.TB) {
	t.Helper()
	h.cmd.Process.Kill()
	done := make(chan struct{})
	go func() { h.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("process %d did not die of SIGKILL within %v", h.cmd.Process.Pid, patience)
	}
}

var (
	localHost = sync.OnceValue(func() *host { return &host{caller: here()} })
	beside    = sync.OnceValues(func() (*host, error) {
		h, err := startHost(nil)
		besideStarted = h
		return h, err
	})
	besideStarted *host
	besideHost    = func(t testing.TB) *host {
		t.Helper()
		h, err := beside()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
)

// endBeside ends the process that openBeside started, if it did.
func endBeside() {
	if besideStarted != nil {
		besideStarted.cmd.Process.Kill()
		besideStarted.cmd.Wait()
	}
}
