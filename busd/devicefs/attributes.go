package devicefs

import (
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// attributes are what chmod, chown, utimes and truncate change of a file: as long as the mount lasts,
// as on binderfs. They are guarded by tree.mu.
type attributes struct {
	mode, uid, gid      uint32 // mode without the type
	size                uint64
	atime, mtime, ctime time.Time
}

func newAttributes(mode, uid, gid uint32) attributes {
	now := time.Now()
	return attributes{mode: mode, uid: uid, gid: gid, atime: now, mtime: now, ctime: now}
}

// show fills in what stat(2) shows, but for the file's type.
func (a *attributes) show(out *fuse.Attr) {
	out.Mode = a.mode
	out.Uid, out.Gid = a.uid, a.gid
	out.Size = a.size
	out.SetTimes(&a.atime, &a.mtime, &a.ctime)
}

// set changes what is to be changed. Who may do so, the kernel has made sure (default_permissions).
func (a *attributes) set(in *fuse.SetAttrIn) {
	if v, ok := in.GetMode(); ok {
		a.mode = v & 07777
	}
	if v, ok := in.GetUID(); ok {
		a.uid = v
	}
	if v, ok := in.GetGID(); ok {
		a.gid = v
	}
	if v, ok := in.GetSize(); ok {
		a.size = v
	}
	if v, ok := in.GetATime(); ok {
		a.atime = v
	}
	if v, ok := in.GetMTime(); ok {
		a.mtime = v
	}
	a.ctime = time.Now()
}

// attributesOf finds the attributes of a node, nil for one that has none to change: the file of a
// process in binder_logs. It needs mu.
func (t *tree) attributesOf(id uint64) *attributes {
	if n := t.nodes[id]; n != nil {
		return &n.device.attributes
	}
	return t.changed[id]
}

// attributes fills in what stat(2) shows of a node. It needs mu.
func (t *tree) attributes(id uint64, out *fuse.Attr) bool {
	*out = fuse.Attr{Ino: id, Nlink: 1, Blksize: 4096}
	if n := t.nodes[id]; n != nil {
		n.device.show(out)
		out.Mode |= syscall.S_IFREG
		out.Size = fileSize
		return true
	}
	x, ok := t.item(id)
	if !ok {
		return false
	}
	if a := t.changed[id]; a != nil {
		a.show(out)
	} else {
		out.Mode = 0444
		out.SetTimes(&t.born, &t.born, &t.born)
	}
	if x.dir {
		out.Mode |= syscall.S_IFDIR
		out.Nlink = 2 + x.dirs
	} else {
		out.Mode |= syscall.S_IFREG
	}
	return true
}

func (t *tree) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.attributes(in.NodeId, &out.Attr) {
		return fuse.ENOENT
	}
	if in.NodeId != rootNode { // which shall tell at once when the broker has died
		out.SetTimeout(attrValid)
	}
	return fuse.OK
}

// SetAttr changes mode, owner and times; those of a device belong to its name. A device has no size
// to change. (truncate(2) looks like an open with O_TRUNC, which is allowed, and goes nowhere.)
func (t *tree) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.attributesOf(in.NodeId)
	if a == nil {
		return fuse.EPERM
	}
	_, resize := in.GetSize()
	_, opened := in.GetFh()
	if device := in.NodeId == controlNode || t.nodes[in.NodeId] != nil; device && resize {
		if opened {
			return fuse.EINVAL
		}
		in.Size = 0
	}
	a.set(in)
	t.attributes(in.NodeId, &out.Attr)
	out.SetTimeout(attrValid)
	return fuse.OK
}
