package devicefs

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/busd/clientmem"
)

// A device is a name in the directory behind which the broker has a context.
type device struct {
	name  string // that it was made with; it may have been renamed
	minor uint32
	ctx   opener

	made uint64 // the how manieth device of the mount it is

	// The fields below are guarded by tree.mu.
	opens   int  // open files
	removed bool // it has no name any longer
	attributes
}

// opener is what we need of a *busd.Context.
type opener interface {
	Open(busd.Client) (process, syscall.Errno)
	Remove()
}

// process is what we need of a *busd.Process.
type process interface {
	Ioctl(*busd.Call)
	Interrupt(*busd.Call)
	Poll(tid busd.ThreadID, schedule bool) uint32
	Flush()
	ThreadGone(busd.ThreadID)
	Release()
	SetEUID(uint32)
}

// brokerContext makes a *busd.Context an opener.
type brokerContext struct{ *busd.Context }

func (c brokerContext) Open(cl busd.Client) (process, syscall.Errno) {
	p, errno := c.Context.Open(cl)
	if errno != 0 {
		return nil, errno
	}
	return p, 0
}

// A node is one looked-up inode of a device. Each LOOKUP makes a new one, so that each open(2)
// gets an inode, and with it a receive area, of its own.
type node struct {
	id     uint64
	device *device

	// The fields below are guarded by tree.mu.
	lookups uint64
	claimed bool  // somebody opens it, or has it open
	used    bool  // somebody has had it open
	open    *open // nil while it is being opened
}

// An open is one open file of a device: one process of the broker.
type open struct {
	server   *Server
	handle   uint64
	node     *node
	nonblock bool
	process  process
	backing  *backing
	id       int32 // of the backing file, in Passthrough
	files    *clientmem.Files
	watcher  watcher
	threads  threadSet
	pid      busd.ProcessID // who opened it
	caller   atomic.Uint32  // the uid of the newest ioctl

	injecting atomic.Int32 // threads of ours that put descriptors into it
}

// openDevice makes a process of the broker for an OPEN.
func (s *Server) openDevice(n *node, in *fuse.OpenIn, out *fuse.OpenOut) syscall.Errno {
	tid := busd.ThreadID(in.Pid)
	if tid == 0 {
		s.log.Warn("a process in a pid namespace that is not ours to see tried to open a device; run the broker in an outer namespace", "device", n.device.name)
		return syscall.EPERM
	}
	select {
	case <-s.ready:
	case <-s.done:
		return syscall.ENODEV
	}
	used, ok := s.tree.claim(n)
	if !ok {
		s.log.Warn("an open file of a device cannot be opened again (through /proc/self/fd, or a bind mount of the file): open the device by name, and bind-mount its directory", "device", n.device.name, "tid", tid)
		return syscall.EBUSY
	}
	o := &open{server: s, node: n, nonblock: in.Flags&syscall.O_NONBLOCK != 0}
	o.caller.Store(in.Uid)
	errno := o.start(tid, used)
	if errno != 0 {
		s.tree.disclaim(n)
		return errno
	}
	out.Fh = o.handle
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	if o.id != 0 {
		out.OpenFlags |= fuse.FOPEN_PASSTHROUGH
		out.BackingID = o.id
	}
	return 0
}

// start gathers what the broker wants to know about a client. Whatever it has made it takes back
// on error.
func (o *open) start(tid busd.ThreadID, used bool) syscall.Errno {
	s := o.server
	id, err := clientmem.Identify(tid)
	if err != nil {
		s.log.Warn("who opens a device cannot be found out", "device", o.node.device.name, "tid", tid, "err", err)
		return syscall.EPERM
	}
	o.pid = id.PID
	switch s.Mode() {
	case Passthrough:
		o.backing, o.id, err = s.wire.newPassthrough()
	default:
		o.backing, err = s.wire.newStore(o.node.id)
		if err == nil && used { // what the last one received is nobody else's business
			o.backing.show.discard(0, fileSize)
		}
	}
	if err != nil {
		s.log.Error("no memory for a client", "pid", id.PID, "err", err)
		return syscall.ENOMEM
	}
	o.watcher.wire = s.wire
	o.files = clientmem.NewFiles(nil)
	if s.opts.Inject {
		o.files = clientmem.NewFiles(o)
	}
	var errno syscall.Errno
	priorities, lending, nice := clientmem.NewPriorities(tid)
	if !clientmem.MayLend() {
		s.cannotLend.Do(func() {
			s.log.Debug("callers' nice values are lent to few or none: no CAP_SYS_NICE outside of user namespaces")
		})
	}
	o.process, errno = o.node.device.ctx.Open(busd.Client{
		Identity: id,
		Memory:   clientmem.NewMemory(id.PID, s.mount.file(o.node.id), o.backing.view),
		Files:    o.files,
		Watcher:  &o.watcher,

		Priorities: priorities,
		Lending:    lending,
		Nice:       nice,
	})
	if errno != 0 {
		o.drop()
		return errno
	}
	s.opens.add(o)
	s.tree.publish(o)
	return 0
}

// changedUser looks who the opener is now, when an ioctl comes with another uid than the one before
// it. A process that was handed the descriptor changes nothing.
func (o *open) changedUser(tid busd.ThreadID, uid uint32) {
	o.caller.Store(uid)
	if euid, err := clientmem.EUID(tid, o.pid); err == nil {
		o.process.SetEUID(euid)
	}
}

// release is the last close. It may come without a RELEASE, at the end of the mount.
func (o *open) release() {
	o.threads.close(o)
	o.process.Release()
	o.drop()
	o.server.tree.disclaim(o.node)
}

// drop gives back what the edge holds for an open.
func (o *open) drop() {
	if o.id != 0 {
		o.server.wire.closeBacking(o.id)
	}
	o.files.Close()
	o.backing.release()
}

// release ends the open of that handle.
func (s *Server) release(handle uint64) {
	if o := s.opens.remove(handle); o != nil {
		o.release()
		return
	}
	s.tree.drop(handle)
}

// opens is the table of open devices. A handle is a place in it, in the lower half, and in the
// upper half a number that makes it unique; 0 is never one.
type opens struct {
	table atomic.Pointer[[]atomic.Pointer[open]] // read without a lock, changed with mu

	mu   sync.Mutex
	free []uint32 // guarded by mu
	next uint32   // places beyond are unused; guarded by mu
	last uint32   // upper half of the last handle; guarded by mu
}

// get finds an open by its handle.
func (t *opens) get(handle uint64) *open {
	table := t.table.Load()
	if table == nil {
		return nil
	}
	place := uint32(handle)
	if uint64(place) >= uint64(len(*table)) {
		return nil
	}
	o := (*table)[place].Load()
	if o == nil || o.handle != handle {
		return nil
	}
	return o
}

func (t *opens) add(o *open) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	var place uint32
	if n := len(t.free); n > 0 {
		place = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		place = t.next
		t.next++
	}
	table := t.table.Load()
	if table == nil || int(place) >= len(*table) {
		bigger := make([]atomic.Pointer[open], max(64, 2*int(place)))
		if table != nil {
			for i := range *table {
				bigger[i].Store((*table)[i].Load())
			}
		}
		table = &bigger
		t.table.Store(table)
	}
	t.last++
	o.handle = uint64(t.last|1<<31)<<32 | uint64(place)
	(*table)[place].Store(o)
	return o.handle
}

// remove takes an open out; nil if it is not there (any longer).
func (t *opens) remove(handle uint64) *open {
	t.mu.Lock()
	defer t.mu.Unlock()
	o := t.get(handle)
	if o == nil {
		return nil
	}
	place := uint32(handle)
	(*t.table.Load())[place].Store(nil)
	t.free = append(t.free, place)
	return o
}

// each removes every open and hands it to f.
func (t *opens) each(f func(*open)) {
	table := t.table.Load()
	if table == nil {
		return
	}
	for i := range *table {
		if o := (*table)[i].Load(); o != nil && t.remove(o.handle) != nil {
			f(o)
		}
	}
}
