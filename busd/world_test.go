package busd

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// The world of these tests is a few clients whose memory is a slice and whose receive area is
// another. The broker cannot tell it from the real one.

const (
	memoryAt ioctl.Address = 0x1000_0000
	areaAt   ioctl.Address = 0x7000_0000
	areaSize               = 64 << 10
)

type world struct {
	testing.TB
	bus *Bus
	ctx *Context
	pid ProcessID
}

func newWorld(t testing.TB) *world {
	w := &world{TB: t, bus: New(Config{}), pid: 100}
	ctx, errno := w.bus.AddContext("binder")
	if errno != 0 {
		t.Fatal(errno)
	}
	w.ctx = ctx
	return w
}

// client is one open of the device.
type client struct {
	*world
	*Process
	memory []byte
	area   []byte
	next   ThreadID
	files  map[uint32]*file
	mu     sync.Mutex
	given  []*file // guarded by mu

	withdrawn []uint32 // what Withdraw was given
	socket    bool     // Give installs nothing
	readyC    chan struct{}

	unmapped bool          // Map answers nil
	giveErr  syscall.Errno // what Give answers
	socketFD int32         // what SetSocket was given
	closed   bool          // the area was closed

	unwritable bool // Write answers EFAULT

	// Called before memory is touched, when not nil: they may block.
	onRead, onWrite func(ioctl.Address)
	onGive          func()
	onWithdraw      func()
	onPublish       func()
	onDiscard       func()
}

type file struct{ open atomic.Int32 }

func (f *file) Close() { f.open.Add(-1) }

func (w *world) open() *client { return w.openAs(1000) }

func (w *world) openAs(uid uint32) *client {
	w.Helper()
	c, errno := w.tryOpen(Identity{EUID: uid})
	if errno != 0 {
		w.Fatal(errno)
	}
	return c
}

// tryOpen opens the device as id, with a pid of its own if that has none.
func (w *world) tryOpen(id Identity) (*client, syscall.Errno) {
	w.pid++
	if id.PID == 0 {
		id.PID = w.pid
	}
	c := &client{
		world: w, memory: make([]byte, 256<<10), area: make([]byte, areaSize),
		next: ThreadID(w.pid) * 100, files: map[uint32]*file{}, readyC: make(chan struct{}, 1),
	}
	p, errno := w.ctx.Open(Client{Identity: id, Memory: c, Files: c, Watcher: c})
	c.Process = p
	return c, errno
}

func (c *client) at(a ioctl.Address, n int) []byte {
	if a < memoryAt || a > memoryAt+ioctl.Address(len(c.memory)) {
		return nil
	}
	b := c.memory[a-memoryAt:]
	return b[:min(n, len(b))]
}

func (c *client) Read(_ ThreadID, dst []byte, from ioctl.Address) (int, syscall.Errno) {
	if c.onRead != nil {
		c.onRead(from)
	}
	n := copy(dst, c.at(from, len(dst)))
	if n < len(dst) {
		return n, syscall.EFAULT
	}
	return n, 0
}

func (c *client) ReadBoth(tid ThreadID, dst []byte, from ioctl.Address, dst2 []byte, from2 ioctl.Address) (n, n2 int) {
	if n, _ = c.Read(tid, dst, from); n == len(dst) {
		n2, _ = c.Read(tid, dst2, from2)
	}
	return n, n2
}

func (c *client) Write(_ ThreadID, src []byte, to ioctl.Address) (int, syscall.Errno) {
	if c.onWrite != nil {
		c.onWrite(to)
	}
	if c.unwritable {
		return 0, syscall.EFAULT
	}
	n := copy(c.at(to, len(src)), src)
	if n < len(src) {
		return n, syscall.EFAULT
	}
	return n, 0
}

func (c *client) Map(ThreadID) Area {
	if c.unmapped {
		return nil
	}
	return c
}
func (c *client) Address() ioctl.Address { return areaAt }
func (c *client) Bytes() []byte          { return c.area }
func (c *client) Publish(off, n int) {
	if c.onPublish != nil {
		c.onPublish()
	}
}
func (c *client) Discard(off, n int) {
	if c.onDiscard != nil {
		c.onDiscard()
	}
	clear(c.area[off : off+n])
}
func (c *client) Close() { c.closed = true }
func (c *client) Ready() {
	select {
	case c.readyC <- struct{}{}:
	default:
	}
}

func (c *client) Take(_ ThreadID, fd uint32) (File, syscall.Errno) {
	f := c.files[fd]
	if f == nil {
		return nil, syscall.EBADF
	}
	f.open.Add(1)
	return f, 0
}

func (c *client) Give(_ ThreadID, _ ioctl.Address, files []File, fds []uint32) (bool, syscall.Errno) {
	if c.onGive != nil {
		c.onGive()
	}
	if c.giveErr != 0 {
		return false, c.giveErr
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, f := range files {
		fds[i] = uint32(len(c.given)) + 50
		c.given = append(c.given, f.(*file))
	}
	return !c.socket, 0
}

func (c *client) Withdraw(_ ThreadID, fds []uint32) {
	if c.onWithdraw != nil {
		c.onWithdraw()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.withdrawn = append(c.withdrawn, fds...)
}

func (c *client) SetSocket(_ ThreadID, fd int32) syscall.Errno {
	c.socketFD = fd
	return 0
}

// thread is one thread of a client, with a piece of its memory to itself.
type thread struct {
	*client
	tid   ThreadID
	base  ioctl.Address // of 8 KiB: commands, 4 KiB on what it reads
	call  Call
	arg   [ioctl.SizeofDevice]byte
	reply chan int32
	busy  bool // a call was issued and not waited for
}

func (c *client) newThread() *thread {
	c.next++
	i := ioctl.Address(c.next % 100)
	return &thread{client: c, tid: c.next, base: memoryAt + i*8192, reply: make(chan int32, 1)}
}

func (th *thread) Reply(_ *Call, result int32) { th.reply <- result }

// start begins an ioctl.
func (th *thread) start(r ioctl.Request, arg []byte) {
	copy(th.arg[:], arg)
	th.issue(r)
}

func (th *thread) issue(r ioctl.Request) {
	if th.Helper(); th.busy {
		th.Fatalf("thread %d is in a call", th.tid)
	}
	th.busy = true
	th.call.Thread, th.call.Request, th.call.Arg = th.tid, r, th.arg[:r.Size()]
	th.call.Replier, th.call.Interrupted = th, false
	th.Ioctl(&th.call)
}

// wait waits for the end of what start began.
func (th *thread) wait() int32 {
	th.Helper()
	th.busy = false
	select {
	case r := <-th.reply:
		return r
	default:
	}
	select {
	case r := <-th.reply:
		return r
	case <-time.After(10 * time.Second):
		th.Fatalf("thread %d: no reply", th.tid)
		return 0
	}
}

// parked tells whether what start began has not ended.
func (th *thread) parked() bool { return len(th.reply) == 0 }

// begin writes commands and goes on to read.
func (th *thread) begin(commands []byte) {
	copy(th.at(th.base, 4096), commands)
	wr := ioctl.WriteRead{
		WriteSize: uint64(len(commands)), WriteBuffer: th.base,
		ReadSize: 2048, ReadBuffer: th.base + 4096,
	}
	wr.Encode(th.arg[:])
	th.issue(ioctl.BINDER_WRITE_READ)
}

// end waits for the end of what begin began, and answers what was read.
func (th *thread) end() []byte {
	th.Helper()
	if r := th.wait(); r != 0 {
		th.Fatalf("thread %d: %v", th.tid, syscall.Errno(-r))
	}
	var wr ioctl.WriteRead
	wr.Decode(th.arg[:])
	if wr.WriteConsumed != wr.WriteSize {
		th.Fatalf("thread %d: %d of %d bytes consumed", th.tid, wr.WriteConsumed, wr.WriteSize)
	}
	return th.at(th.base+4096, int(wr.ReadConsumed))
}

// write writes commands and reads nothing.
func (th *thread) write(commands []byte) {
	th.Helper()
	copy(th.at(th.base, 4096), commands)
	wr := ioctl.WriteRead{WriteSize: uint64(len(commands)), WriteBuffer: th.base}
	wr.Encode(th.arg[:])
	th.issue(ioctl.BINDER_WRITE_READ)
	th.end()
}

// put places a payload and offsets in the thread's memory and describes them.
func (th *thread) put(tr ioctl.TransactionData, payload []byte, offsets ...uint64) *ioctl.TransactionData {
	at := th.base + 1024
	copy(th.at(at, len(payload)), payload)
	tr.Buffer, tr.DataSize = at, uint64(len(payload))
	at += ioctl.Address(align8(uint64(len(payload))))
	var o []byte
	for _, off := range offsets {
		o = binary.LittleEndian.AppendUint64(o, off)
	}
	copy(th.at(at, len(o)), o)
	tr.Offsets, tr.OffsetsSize = at, uint64(len(o))
	return &tr
}

// received is the payload of a transaction that the client was given.
func (c *client) received(tr *ioctl.TransactionData) []byte {
	return c.area[tr.Buffer-areaAt:][:tr.DataSize]
}

// manager makes a client the context manager and one thread of it a looper.
func (w *world) manager() *thread {
	w.Helper()
	th := w.open().newThread()
	th.start(ioctl.BINDER_SET_CONTEXT_MGR_EXT, encodeObject(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS}))
	if r := th.wait(); r != 0 {
		w.Fatal(syscall.Errno(-r))
	}
	th.write(ioctl.AppendCommand(nil, ioctl.BC_ENTER_LOOPER))
	return th
}

func encodeObject(o ioctl.FlatObject) []byte {
	b := make([]byte, ioctl.SizeofFlatObject)
	o.Encode(b)
	return b
}

// ready is a thread of the client that has made its first ioctl, so that it waits.
func (c *client) readyThread() *thread {
	th := c.newThread()
	th.write(nil)
	return th
}
