package conformance

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A bus is a binder device that one test has for itself.
type bus struct {
	t    testing.TB
	path string
	dir  string
	own  bool // the device was added for the test
}

var busNumber atomic.Int64

// newBus adds a device, through binder-control, so that a test starts with a context nobody has
// touched. Where there is no binder-control beside the device, it is the device itself.
func newBus(t testing.TB) *bus {
	t.Helper()
	path, err := filepath.EvalSymlinks(device)
	if err != nil {
		t.Fatal(err)
	}
	b := &bus{t: t, path: path, dir: filepath.Dir(path)}
	name := fmt.Sprintf("t%d-%d", os.Getpid(), busNumber.Add(1))
	if err := addDevice(b.dir, name); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Logf("on the shared device, %v", err)
		return b
	}
	b.path, b.own = filepath.Join(b.dir, name), true
	t.Cleanup(func() { os.Remove(b.path) })
	return b
}

func addDevice(dir, name string) error {
	_, err := control(filepath.Join(dir, "binder-control"), name)
	return err
}

// control asks a binder-control for a device and returns the struct that came back.
func control(path, name string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	defer unix.Close(fd)
	b := make([]byte, ioctl.SizeofDevice)
	copy(b, name)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(ioctl.BINDER_CTL_ADD), uintptr(unsafe.Pointer(&b[0]))); errno != 0 {
		return b, errno
	}
	return b, nil
}

// A process is one open of the device, and the memory that goes with it.
type process struct {
	t    testing.TB
	bus  *bus
	host *host
	args OpenArgs
	OpenReply
}

const mapSize = 1 << 20

// An option changes how a device is opened.
type option func(*OpenArgs)

func nonblock(a *OpenArgs)    { a.Nonblock = true }
func noSocket(a *OpenArgs)    { a.NoSocket = true }
func noMap(a *OpenArgs)       { a.MapSize = 0 }
func shared(a *OpenArgs)      { a.Shared = true }
func mapped(n int) option     { return func(a *OpenArgs) { a.MapSize = n } }
func (b *bus) String() string { return b.path }

// open opens the device in this process.
func (b *bus) open(opts ...option) *process {
	b.t.Helper()
	return b.openIn(localHost(), opts...)
}

// openBeside opens it in the helper process that all tests share. The manager lives there: the
// driver refuses calls to handle 0 from the manager's own process.
func (b *bus) openBeside(opts ...option) *process {
	b.t.Helper()
	return b.openIn(besideHost(b.t), opts...)
}

// spawn opens it in a new process, which ends with the test.
func (b *bus) spawn(opts ...option) *process {
	b.t.Helper()
	return b.spawnAs(nil, opts...)
}

func (b *bus) spawnAs(as *syscall.SysProcAttr, opts ...option) *process {
	b.t.Helper()
	h, err := startHost(as)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { h.kill(b.t) })
	return b.openIn(h, opts...)
}

func (b *bus) openIn(h *host, opts ...option) *process {
	b.t.Helper()
	p := b.tryOpenIn(h, opts...)
	if p.Errno != 0 {
		b.t.Fatalf("open %s: %v", b.path, p.Errno)
	}
	return p
}

func (b *bus) tryOpenIn(h *host, opts ...option) *process {
	b.t.Helper()
	args := OpenArgs{Path: b.path, MapSize: mapSize}
	for _, o := range opts {
		o(&args)
	}
	p := &process{t: b.t, bus: b, host: h, args: args}
	p.do("Actor.Open", args, &p.OpenReply)
	if p.Errno == 0 {
		b.t.Cleanup(func() { h.Call("Actor.Close", p.ID, new(int)) })
	}
	return p
}

// do runs a method of the actor within the test's patience.
func (p *process) do(method string, args, reply any) {
	p.t.Helper()
	done := make(chan error, 1)
	go func() { done <- p.host.Call(method, args, reply) }()
	select {
	case err := <-done:
		if err != nil {
			p.t.Fatalf("%s: %v", method, err)
		}
	case <-time.After(patience):
		p.t.Fatalf("%s: no answer within %v", method, patience)
	}
}

// close closes the device: for the driver, the process is dead.
func (p *process) close() { p.t.Helper(); p.do("Actor.Close", p.ID, new(int)) }

// kill ends the whole process, for spawned ones.
func (p *process) kill() { p.t.Helper(); p.host.kill(p.t) }

// flush closes a copy of the descriptor.
func (p *process) flush() { p.t.Helper(); p.do("Actor.Dup", p.ID, new(int)) }

// put stores bytes in the process's memory.
func (p *process) put(b []byte) ioctl.Address {
	p.t.Helper()
	if len(b) == 0 {
		return p.Scratch
	}
	var at ioctl.Address
	p.do("Actor.Put", PutArgs{p.ID, b}, &at)
	return at
}

// edge stores bytes so that no memory follows them.
func (p *process) edge(b []byte) ioctl.Address {
	p.t.Helper()
	var at ioctl.Address
	p.do("Actor.Edge", b, &at)
	return at
}

// get reads the process's memory.
func (p *process) get(at ioctl.Address, n uint64) []byte {
	p.t.Helper()
	var b []byte
	p.do("Actor.Get", GetArgs{p.ID, at, int(n)}, &b)
	return b
}

// bareThread adds a thread that the driver has not heard of yet.
func (p *process) bareThread() *thread {
	p.t.Helper()
	th := &thread{p: p}
	p.do("Actor.Thread", p.ID, &th.ThreadReply)
	p.t.Cleanup(func() {
		// A thread that still waits for the driver ends when the device is closed.
		go p.host.Call("Actor.End", th.args(), new(int))
	})
	return th
}

// thread adds a thread and lets it ask for the version: the first ioctl of a thread is special
// to the driver (see TestFirstReadOfAThread).
func (p *process) thread() *thread {
	p.t.Helper()
	th := p.bareThread()
	th.version()
	return th
}

// looper adds a thread that has entered its loop.
func (p *process) looper() *thread {
	p.t.Helper()
	th := p.thread()
	th.send(enterLooper)
	return th
}

// A thread is one thread of a process.
type thread struct {
	p *process
	ThreadReply
	pending chan ExchangeReply
}

func (th *thread) args() ThreadArgs { return ThreadArgs{th.p.ID, th.ID} }

func (th *thread) ioctl(r ioctl.Request, arg []byte) ([]byte, syscall.Errno) {
	th.p.t.Helper()
	var reply IoctlReply
	th.p.do("Actor.Ioctl", IoctlArgs{ThreadArgs: th.args(), Request: r, Arg: arg}, &reply)
	return reply.Arg, reply.Errno
}

func (th *thread) ioctl32(r ioctl.Request, v uint32) syscall.Errno {
	th.p.t.Helper()
	_, errno := th.ioctl(r, binary.LittleEndian.AppendUint32(nil, v))
	return errno
}

func (th *thread) version() int32 {
	th.p.t.Helper()
	b, errno := th.ioctl(ioctl.BINDER_VERSION, make([]byte, 4))
	if errno != 0 {
		th.p.t.Fatalf("BINDER_VERSION: %v", errno)
	}
	return int32(binary.LittleEndian.Uint32(b))
}

func (th *thread) maxThreads(n uint32) {
	th.p.t.Helper()
	if errno := th.ioctl32(ioctl.BINDER_SET_MAX_THREADS, n); errno != 0 {
		th.p.t.Fatalf("BINDER_SET_MAX_THREADS: %v", errno)
	}
}

func (th *thread) exit() {
	th.p.t.Helper()
	if errno := th.ioctl32(ioctl.BINDER_THREAD_EXIT, 0); errno != 0 {
		th.p.t.Fatalf("BINDER_THREAD_EXIT: %v", errno)
	}
}

// extendedError fetches, and so clears, the thread's last error.
func (th *thread) extendedError() ioctl.ExtendedError {
	th.p.t.Helper()
	b, errno := th.ioctl(ioctl.BINDER_GET_EXTENDED_ERROR, make([]byte, ioctl.SizeofExtendedError))
	if errno != 0 {
		th.p.t.Fatalf("BINDER_GET_EXTENDED_ERROR: %v", errno)
	}
	var e ioctl.ExtendedError
	e.Decode(b)
	return e
}

// wantError checks the thread's last error: which BR_ code, and which errno (0 for none).
func (th *thread) wantError(cmd ioctl.Return, errno syscall.Errno) {
	th.p.t.Helper()
	e := th.extendedError()
	if e.Command != cmd || e.Param != -int32(errno) {
		th.p.t.Errorf("extended error: %v %v, want %v %v", event{cmd: e.Command}, syscall.Errno(-e.Param), event{cmd: cmd}, errno)
	}
}

// start begins a write and a read of size bytes without waiting for their end.
func (th *thread) start(size int, cs ...command) {
	th.p.t.Helper()
	if th.pending != nil {
		th.p.t.Fatal("the thread is still in the driver")
	}
	var w []byte
	for _, c := range cs {
		w = append(w, c...)
	}
	done := make(chan ExchangeReply, 1)
	th.pending = done
	go func() {
		var r ExchangeReply
		if err := th.p.host.Call("Actor.Exchange", ExchangeArgs{th.args(), w, size}, &r); err != nil {
			r.Errno = syscall.EPIPE // its process is gone
		}
		done <- r
	}()
}

// park begins a read and waits until the thread sleeps in it.
func (th *thread) park(cs ...command) {
	th.p.t.Helper()
	th.start(readSize, cs...)
	await(th.p.t, "the thread sleeps in its ioctl", func() bool { return sleeps(th.p.PID, th.TID) })
}

// sleeps says whether a thread sleeps in ioctl(2).
func sleeps(pid, tid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid))
	if err != nil {
		return false
	}
	s := string(b)
	return strings.HasPrefix(s[strings.LastIndexByte(s, ')')+1:], " S") && inIoctl(pid, tid)
}

// inIoctl says whether the thread is inside ioctl(2), as far as /proc tells.
func inIoctl(pid, tid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/syscall", pid, tid))
	if err != nil {
		time.Sleep(20 * time.Millisecond) // a kernel that does not tell: give it a moment
		return true
	}
	return strings.HasPrefix(string(b), fmt.Sprintf("%d ", unix.SYS_IOCTL))
}

// finish waits for the end of what start began.
func (th *thread) finish() ExchangeReply {
	th.p.t.Helper()
	select {
	case r := <-th.pending:
		th.pending = nil
		return r
	case <-time.After(patience):
		th.p.t.Fatalf("thread %d: still in the driver after %v", th.TID, patience)
		panic("unreachable")
	}
}

// try writes and reads and returns whatever comes.
func (th *thread) try(size int, cs ...command) ExchangeReply {
	th.p.t.Helper()
	th.start(size, cs...)
	return th.finish()
}

// send writes commands and reads nothing.
func (th *thread) send(cs ...command) {
	th.p.t.Helper()
	n := 0
	for _, c := range cs {
		n += len(c)
	}
	if r := th.try(0, cs...); r.Errno != 0 || r.Consumed != uint64(n) {
		th.p.t.Fatalf("write: %v, %d of %d bytes consumed", r.Errno, r.Consumed, n)
	}
}

// expect waits for the end of a parked read, or reads now, and compares what comes with want.
func (th *thread) expect(want ...string) []event {
	th.p.t.Helper()
	if th.pending == nil {
		th.start(readSize)
	}
	r := th.finish()
	for r.Errno == unix.EAGAIN && th.p.args.Nonblock {
		th.ready()
		r = th.try(readSize)
	}
	if r.Errno != 0 {
		th.p.t.Fatalf("read: %v, want %q", r.Errno, want)
	}
	es, err := events(r.Read)
	if err != nil {
		th.p.t.Fatal(err)
	}
	if d := cmp.Diff(want, names(es)); d != "" {
		th.p.t.Fatalf("thread %d read (-want +got):\n%s", th.TID, d)
	}
	return es
}

// ask writes commands and reads, and compares what comes with want.
func (th *thread) ask(cs []command, want ...string) []event {
	th.p.t.Helper()
	th.start(readSize, cs...)
	return th.expect(want...)
}

// idle checks that the thread has nothing to read. On a device opened without O_NONBLOCK it asks
// poll; the kernel's driver then says too often that there is something, when node work is queued
// that turns out to be void.
func (th *thread) idle() {
	th.p.t.Helper()
	if th.p.args.Nonblock {
		if r := th.try(readSize); r.Errno != unix.EAGAIN || len(r.Read) > 0 {
			es, _ := events(r.Read)
			th.p.t.Errorf("read: %v %v, want nothing", r.Errno, names(es))
		}
		return
	}
	if e := th.poll(0); e != 0 {
		th.p.t.Errorf("poll: %#x, want nothing to read", e)
	}
}

// ready waits until the thread has something to read.
func (th *thread) ready() {
	th.p.t.Helper()
	if e := th.poll(patience); e != unix.POLLIN {
		th.p.t.Fatalf("poll: %#x, want POLLIN", e)
	}
}

func (th *thread) poll(d time.Duration) int {
	th.p.t.Helper()
	var r PollReply
	done := make(chan error, 1)
	go func() {
		done <- th.p.host.Call("Actor.Poll", PollArgs{ThreadArgs: th.args(), Timeout: d}, &r)
	}()
	select {
	case err := <-done:
		if err != nil || r.Err != "" {
			th.p.t.Fatalf("poll: %v %s", err, r.Err)
		}
	case <-time.After(d + patience):
		th.p.t.Fatal("poll did not return in time")
	}
	return r.Events
}

// transaction is the struct of a message, whose content is put in the process's memory.
func (p *process) transaction(h ioctl.Handle, m *message) ioctl.TransactionData {
	p.t.Helper()
	var offs []byte
	for _, o := range m.offsets {
		offs = binary.LittleEndian.AppendUint64(offs, o)
	}
	return ioctl.TransactionData{
		Target: uint64(h), Code: m.code, Flags: m.flags,
		DataSize: uint64(len(m.data)), OffsetsSize: uint64(len(offs)),
		Buffer: p.put(m.data), Offsets: p.put(offs),
	}
}

func encode(c ioctl.Command, tr ioctl.TransactionData) command {
	b := bc(c)
	b = append(b, make([]byte, ioctl.SizeofTransactionData)...)
	tr.Encode(b[4:])
	return b
}

// call is a BC_TRANSACTION to handle h.
func (th *thread) call(h ioctl.Handle, m *message) command {
	th.p.t.Helper()
	return encode(ioctl.BC_TRANSACTION, th.p.transaction(h, m))
}

// reply is a BC_REPLY.
func (th *thread) reply(m *message) command {
	th.p.t.Helper()
	return encode(ioctl.BC_REPLY, th.p.transaction(0, m))
}

// A parcel is a transaction or reply as it was received.
type parcel struct {
	ioctl.TransactionData
	p       *process
	data    []byte
	offsets []uint64
}

// parcelOf decodes the transaction that e brought to p.
func (p *process) parcelOf(e event) *parcel {
	p.t.Helper()
	if e.cmd != ioctl.BR_TRANSACTION && e.cmd != ioctl.BR_REPLY {
		p.t.Fatalf("%v is no transaction", e)
	}
	q := &parcel{p: p}
	q.Decode(e.payload)
	if q.DataSize > 0 {
		q.data = p.get(q.Buffer, q.DataSize)
	}
	if q.OffsetsSize > 0 {
		b := p.get(q.Offsets, q.OffsetsSize)
		for ; len(b) >= 8; b = b[8:] {
			q.offsets = append(q.offsets, binary.LittleEndian.Uint64(b))
		}
	}
	return q
}

// got expects want, the last of which brings a transaction or reply, and returns that.
func (th *thread) got(want ...string) *parcel {
	th.p.t.Helper()
	es := th.expect(want...)
	return th.p.parcelOf(es[len(es)-1])
}

// object is the i-th flat object of a parcel.
func (q *parcel) object(i int) ioctl.FlatObject {
	q.p.t.Helper()
	if i >= len(q.offsets) {
		q.p.t.Fatalf("no object %d among %d", i, len(q.offsets))
	}
	var o ioctl.FlatObject
	o.Decode(q.data[q.offsets[i]:])
	return o
}

// handle is the i-th object, which must be a strong handle.
func (q *parcel) handle(i int) ioctl.Handle {
	q.p.t.Helper()
	o := q.object(i)
	if o.Type != ioctl.BINDER_TYPE_HANDLE {
		q.p.t.Fatalf("object %d has type %#x, want a handle", i, uint32(o.Type))
	}
	return o.Handle()
}

func (q *parcel) free() command { return freeBuffer(q.Buffer) }

// text checks the content.
func (q *parcel) text(want string) *parcel {
	q.p.t.Helper()
	if d := cmp.Diff(want, string(q.data)); d != "" {
		q.p.t.Fatalf("parcel (-want +got):\n%s", d)
	}
	return q
}

// become makes the thread's process the context manager of a legacy kind (ptr and cookie 0).
func (th *thread) become() {
	th.p.t.Helper()
	// A shared device is free again only some time after its last manager has gone.
	await(th.p.t, "BINDER_SET_CONTEXT_MGR succeeds", func() bool {
		errno := th.ioctl32(ioctl.BINDER_SET_CONTEXT_MGR, 0)
		if errno != 0 && (errno != unix.EBUSY || th.p.bus.own) {
			th.p.t.Fatalf("BINDER_SET_CONTEXT_MGR: %v", errno)
		}
		return errno == 0
	})
}

// becomeExt makes it the manager with an object of its own, which takes descriptors.
func (th *thread) becomeExt(n node, flags ioctl.ObjectFlags) {
	th.p.t.Helper()
	o := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: flags, Binder: uint64(n.ptr), Cookie: n.cookie}
	b := make([]byte, ioctl.SizeofFlatObject)
	o.Encode(b)
	await(th.p.t, "BINDER_SET_CONTEXT_MGR_EXT succeeds", func() bool {
		_, errno := th.ioctl(ioctl.BINDER_SET_CONTEXT_MGR_EXT, b)
		if errno != 0 && (errno != unix.EBUSY || th.p.bus.own) {
			th.p.t.Fatalf("BINDER_SET_CONTEXT_MGR_EXT: %v", errno)
		}
		return errno == 0
	})
}

// manager is a context manager in the process beside, with one looper.
func (b *bus) manager(opts ...option) *thread {
	b.t.Helper()
	th := b.openBeside(opts...).looper()
	th.becomeExt(node{}, 0x7f|ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	return th
}

// await polls a condition until it holds, or fails the test.
func await(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(time.Millisecond)
	}
}

const (
	noop     = "NOOP"
	complete = "TRANSACTION_COMPLETE"
)

// publish lets owner offer object n through the manager to a client, and returns the client's
// handle. The owner has answered the acquire handshake; the client holds one strong reference.
func publish(mgr, owner, client *thread, n node) ioctl.Handle {
	mgr.p.t.Helper()
	owner.start(readSize, owner.call(0, msg(1, "").binder(n)))
	q := mgr.got(noop, "TRANSACTION")
	h := q.handle(0)
	mgr.send(acquire(h), mgr.reply(msg(0, "")), q.free())
	mgr.expect(noop, complete)
	es := owner.expect(noop, "INCREFS "+n.String(), "ACQUIRE "+n.String(), complete, "REPLY")
	owner.send(incRefsDone(n), acquireDone(n), owner.p.parcelOf(es[len(es)-1]).free())

	client.start(readSize, client.call(0, msg(2, "")))
	q = mgr.got(noop, "TRANSACTION")
	mgr.send(mgr.reply(msg(0, "").handle(h)), q.free(), release(h))
	mgr.expect(noop, complete)
	r := client.got(noop, complete, "REPLY")
	ch := r.handle(0)
	client.send(acquire(ch), r.free())
	return ch
}

func (n node) String() string { return fmt.Sprintf("%#x/%#x", uint64(n.ptr), uint64(n.cookie)) }

// knows says whether the driver still has state for process pid on this bus's device.
func knows(t testing.TB, b *bus, pid int) bool {
	t.Helper()
	_, err := os.Stat(filepath.Join(b.dir, "binder_logs", "proc", fmt.Sprint(pid)))
	if err == nil {
		return true
	}
	state, err := os.ReadFile(filepath.Join(b.dir, "binder_logs", "state"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(state), fmt.Sprintf("\nproc %d\n", pid))
}
