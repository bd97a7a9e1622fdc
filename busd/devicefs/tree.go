package devicefs

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/fusebinder/fusebinder/ioctl"
)

// tree is the file system as go-fuse calls it: names, attributes, and the opening and reading of
// files.
type tree struct {
	fuse.RawFileSystem // answers ENOSYS to everything else
	server             *Server
	born               time.Time

	// The fixed part does not change after newTree.
	fixed                 []item
	features, logs, procs uint64
	source                Logs

	mu        sync.Mutex
	devices   map[string]*device  // guarded by mu
	nodes     map[uint64]*node    // of devices; guarded by mu
	snapshots map[uint64]snapshot // open files and directories; guarded by mu
	lastNode  uint64              // guarded by mu
	minors    map[uint32]bool     // in use; guarded by mu
	made      uint64              // devices ever; guarded by mu
	lastFile  uint64              // guarded by mu

	changed map[uint64]*attributes // of the fixed part; guarded by mu
}

// A snapshot is what an open file or directory showed when it was opened.
type snapshot struct {
	content []byte
	entries []fuse.DirEntry
	control bool
}

// attrValid is how long the kernel may believe in attributes, which only SETATTR changes.
const attrValid = time.Hour

func newTree(s *Server) (*tree, error) {
	t := &tree{
		RawFileSystem: fuse.NewDefaultRawFileSystem(),
		server:        s,
		born:          time.Now(),
		devices:       map[string]*device{},
		nodes:         map[uint64]*node{},
		snapshots:     map[uint64]snapshot{},
		lastNode:      deviceNodes,
		minors:        map[uint32]bool{0: true}, // of binder-control, on binderfs
		changed:       map[uint64]*attributes{},
	}
	logs, _ := any(s.bus).(Logs)
	t.fixedItems(s.opts.Features, logs)
	for _, name := range s.opts.Devices {
		if _, errno := t.addDevice(name); errno != 0 {
			return nil, fmt.Errorf("make the device %q: %w", name, errno)
		}
	}
	t.setOwners()
	return t, nil
}

// setOwners gives the files of the fixed part their modes and owner. Nobody may write where the owner
// does not exist in the mount's user namespace.
func (t *tree) setOwners() {
	own := func(id uint64, mode uint32) {
		a := newAttributes(mode, uint32(os.Getuid()), uint32(os.Getgid()))
		t.changed[id] = &a
	}
	own(rootNode, 0755)
	own(controlNode, 0600)
	for i, x := range t.fixed {
		mode := uint32(0444)
		if x.dir {
			mode = 0755
		}
		own(fixedNodes+uint64(i), mode)
	}
}

// forget drops a node that the kernel does not know any longer, n times looked up.
func (t *tree) Forget(id, n uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x := t.nodes[id]
	if x == nil {
		return
	}
	x.lookups -= min(n, x.lookups)
	if x.lookups == 0 {
		delete(t.nodes, id)
	}
}

// claim makes the caller the one who has a node open. used tells that it had been open before.
func (t *tree) claim(n *node) (used, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n.claimed {
		return false, false
	}
	used = n.used
	n.claimed, n.used = true, true
	n.device.opens++
	return used, true
}

func (t *tree) disclaim(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n.claimed, n.open = false, nil
	n.device.opens--
	t.freeMinor(n.device)
}

// publish makes an open device known by its inode number.
func (t *tree) publish(o *open) {
	t.mu.Lock()
	defer t.mu.Unlock()
	o.node.open = o
}

// opened answers who has a node open.
func (t *tree) opened(id uint64) *open {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.nodes[id]; n != nil {
		return n.open
	}
	return nil
}

func (t *tree) Lookup(_ <-chan struct{}, h *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	if len(name) > ioctl.BINDERFS_MAX_NAME {
		return fuse.Status(syscall.ENAMETOOLONG) // FUSE itself allows more
	}
	if h.NodeId == rootNode {
		t.mu.Lock()
		if d := t.devices[name]; d != nil {
			t.lastNode++
			t.nodes[t.lastNode] = &node{id: t.lastNode, device: d, lookups: 1}
			out.NodeId = t.lastNode
			t.attributes(out.NodeId, &out.Attr)
			t.mu.Unlock()
			out.SetAttrTimeout(attrValid)
			return fuse.OK // entry timeout 0: the next one looks up again
		}
		t.mu.Unlock()
		if name == controlName {
			out.NodeId = controlNode
		}
	}
	if out.NodeId == 0 {
		id, errno := t.find(h.NodeId, name)
		if errno != 0 {
			return fuse.Status(errno)
		}
		out.NodeId = id
	}
	t.mu.Lock()
	t.attributes(out.NodeId, &out.Attr)
	t.mu.Unlock()
	out.SetAttrTimeout(attrValid)
	if out.NodeId < procNodes {
		out.SetEntryTimeout(attrValid)
	}
	return fuse.OK
}

// keep remembers a snapshot and answers the handle of the open file.
func (t *tree) keep(s snapshot) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastFile++ // below every handle of an open device: those have the highest bit set
	t.snapshots[t.lastFile] = s
	return t.lastFile
}

func (t *tree) snapshot(handle uint64) (snapshot, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s, ok := t.snapshots[handle]
	return s, ok
}

func (t *tree) drop(handle uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.snapshots, handle)
}

func (t *tree) Open(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	t.mu.Lock()
	n := t.nodes[in.NodeId]
	t.mu.Unlock()
	if in.Flags&syscall.O_DIRECT != 0 {
		return fuse.EINVAL
	}
	if n != nil {
		return fuse.Status(t.server.openDevice(n, in, out))
	}
	out.OpenFlags = fuse.FOPEN_DIRECT_IO
	if in.NodeId == controlNode {
		out.OpenFlags |= fuse.FOPEN_NONSEEKABLE
		out.Fh = t.keep(snapshot{control: true})
		return fuse.OK
	}
	x, ok := t.item(in.NodeId)
	if !ok || x.dir {
		return fuse.ENOENT
	}
	content, ok := x.content()
	if !ok {
		return fuse.ENOENT
	}
	out.Fh = t.keep(snapshot{content: content})
	return fuse.OK
}

// Read answers from the snapshot or, for a device, what its client has received: in Store mode
// the kernel reads pages that it does not have. A device has no read(2), which is the one that names
// an owner of locks.
func (t *tree) Read(_ <-chan struct{}, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	content := []byte(nil)
	if o := t.server.opens.get(in.Fh); o != nil {
		if t.server.Mode() != Store || in.ReadFlags&fuse.READ_LOCKOWNER != 0 {
			return nil, fuse.EINVAL
		}
		return t.readArea(o, in, buf)
	}
	s, ok := t.snapshot(in.Fh)
	if !ok || s.control {
		return nil, fuse.EINVAL
	}
	content = s.content
	off := min(in.Offset, uint64(len(content)))
	end := min(off+uint64(in.Size), uint64(len(content)))
	return fuse.ReadResultData(content[off:end]), fuse.OK
}

// readArea copies, for the memory may go away as soon as we return.
func (t *tree) readArea(o *open, in *fuse.ReadIn, buf []byte) (fuse.ReadResult, fuse.Status) {
	a := o.backing.view(0, fileSize)
	if a == nil {
		return nil, fuse.EIO
	}
	defer a.Close()
	off := min(in.Offset, fileSize)
	end := min(off+uint64(in.Size), fileSize)
	n := copy(buf, a.Bytes()[off:end])
	return fuse.ReadResultData(buf[:n]), fuse.OK
}

func (t *tree) Write(<-chan struct{}, *fuse.WriteIn, []byte) (uint32, fuse.Status) {
	return 0, fuse.EINVAL
}

func (t *tree) Writev(<-chan struct{}, *fuse.WriteIn, [][]byte) (uint32, fuse.Status) {
	return 0, fuse.EINVAL
}

func (t *tree) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, out *fuse.OpenOut) fuse.Status {
	x, ok := t.item(in.NodeId)
	if !ok || !x.dir {
		return fuse.ENOENT
	}
	out.Fh = t.keep(snapshot{entries: t.list(in.NodeId)})
	return fuse.OK
}

func (t *tree) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	s, ok := t.snapshot(in.Fh)
	if !ok {
		return fuse.EBADF
	}
	for i := in.Offset; i < uint64(len(s.entries)); i++ {
		e := s.entries[i]
		e.Off = i + 1
		if !out.AddDirEntry(e) {
			break
		}
	}
	return fuse.OK
}

func (t *tree) ReleaseDir(in *fuse.ReleaseIn) { t.drop(in.Fh) }

func (t *tree) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	return fuse.OK
}

// Unlink removes a device. What has it open goes on with it.
func (t *tree) Unlink(_ <-chan struct{}, h *fuse.InHeader, name string) fuse.Status {
	if h.NodeId != rootNode {
		return fuse.EPERM
	}
	return fuse.Status(t.removeDevice(name))
}

// Rename gives a device another name, over another device's if need be. binder-control stays, and so
// do directories and what is in them (which binderfs would let go). What is in the logs, and
// BINDER_CTL_ADD's answer, goes by the name that a device was made with.
func (t *tree) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	if in.Flags&^(renameNoReplace|renameExchange) != 0 {
		return fuse.EINVAL
	}
	if in.NodeId != rootNode || in.Newdir != rootNode {
		return fuse.EPERM
	}
	t.mu.Lock()
	d, other := t.devices[from], t.devices[to]
	switch {
	case d == nil, other == nil && t.taken(to):
		t.mu.Unlock()
		return fuse.EPERM
	case d == other:
		t.mu.Unlock()
		return fuse.OK
	case in.Flags&renameExchange != 0:
		if other == nil {
			t.mu.Unlock()
			return fuse.ENOENT
		}
		t.devices[from] = other
		other = nil
	default:
		delete(t.devices, from)
	}
	t.devices[to] = d
	t.mu.Unlock()
	if other != nil {
		t.unlinked(other)
	}
	return fuse.OK
}

// Flags of renameat2(2).
const (
	renameNoReplace = 1 << iota
	renameExchange
)

// taken tells whether something of the fixed part has that name in the root.
func (t *tree) taken(name string) bool {
	_, errno := t.find(rootNode, name)
	return errno == 0 || name == controlName
}

// Nothing can be made by mkdir(2) and its like. For regular files, binderfs says so in another way.

func (t *tree) Create(<-chan struct{}, *fuse.CreateIn, string, *fuse.CreateOut) fuse.Status {
	return fuse.EACCES
}

func (t *tree) Mknod(_ <-chan struct{}, in *fuse.MknodIn, _ string, _ *fuse.EntryOut) fuse.Status {
	if in.Mode&syscall.S_IFMT == syscall.S_IFREG {
		return fuse.EACCES
	}
	return fuse.EPERM
}

func (t *tree) Mkdir(<-chan struct{}, *fuse.MkdirIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (t *tree) Rmdir(<-chan struct{}, *fuse.InHeader, string) fuse.Status { return fuse.EPERM }

func (t *tree) Symlink(<-chan struct{}, *fuse.InHeader, string, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

func (t *tree) Link(<-chan struct{}, *fuse.LinkIn, string, *fuse.EntryOut) fuse.Status {
	return fuse.EPERM
}

// No file has anything to bring to a disk, and binderfs says so.
func (t *tree) Fsync(<-chan struct{}, *fuse.FsyncIn) fuse.Status { return fuse.EINVAL }

// ListXAttr finds no extended attributes.
func (t *tree) ListXAttr(<-chan struct{}, *fuse.InHeader, []byte) (uint32, fuse.Status) {
	return 0, fuse.OK
}
