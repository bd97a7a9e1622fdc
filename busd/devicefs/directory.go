package devicefs

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"slices"
	"strconv"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fuse"

	"github.com/fusebinder/fusebinder/busd"
)

// This file is the fixed part of the tree: what binderfs has beside its devices.

// Logs is what the broker tells about itself in binder_logs.
type Logs interface {
	WriteStats(io.Writer)
	WriteState(io.Writer)
	WriteTransactions(io.Writer)
	WriteTransactionLog(io.Writer)
	WriteFailedTransactionLog(io.Writer)
	// WriteProc writes about all opens of one process; false: it has none.
	WriteProc(w io.Writer, pid busd.ProcessID) bool
	ProcIDs() []busd.ProcessID
}

// Node numbers. The fixed ones are small; a file of binder_logs/proc has its pid added to its
// base; devices come after all of them.
const (
	rootNode    = fuse.FUSE_ROOT_ID
	controlNode = 2
	fixedNodes  = 16 // directories and files, in the order of fixed
	procNodes   = 1 << 31
	deviceNodes = 1 << 32
)

// An item is a directory or a file of the fixed part.
type item struct {
	parent uint64
	name   string
	dir    bool
	dirs   uint32 // how many directories are in it

	// content is what reading the file gives, for directories nil. It is taken at open.
	content func() ([]byte, bool)
}

// fixed is the fixed part: the item at i is node fixedNodes+i.
func (t *tree) fixedItems(features []string, logs Logs) {
	t.features = t.add(rootNode, "features", nil)
	for _, f := range features {
		t.add(t.features, f, func() ([]byte, bool) { return []byte("1\n"), true })
	}
	if logs == nil {
		logs = noLogs{}
	}
	t.source = logs
	if t.server.opts.NoStats {
		return
	}
	t.logs = t.add(rootNode, "binder_logs", nil)
	t.add(t.logs, "state", written(logs.WriteState))
	t.add(t.logs, "stats", written(logs.WriteStats))
	t.add(t.logs, "transactions", written(logs.WriteTransactions))
	t.add(t.logs, "transaction_log", written(logs.WriteTransactionLog))
	t.add(t.logs, "failed_transaction_log", written(logs.WriteFailedTransactionLog))
	t.procs = t.add(t.logs, "proc", nil)
	t.fixed[t.logs-fixedNodes].dirs = 1
}

func (t *tree) add(parent uint64, name string, content func() ([]byte, bool)) uint64 {
	t.fixed = append(t.fixed, item{parent: parent, name: name, dir: content == nil, content: content})
	return fixedNodes + uint64(len(t.fixed)-1)
}

// written makes a content of a function that writes it.
func written(write func(io.Writer)) func() ([]byte, bool) {
	return func() ([]byte, bool) {
		var b bytes.Buffer
		write(&b)
		return b.Bytes(), true
	}
}

type noLogs struct{}

func (noLogs) WriteStats(io.Writer)                     {}
func (noLogs) WriteState(io.Writer)                     {}
func (noLogs) WriteTransactions(io.Writer)              {}
func (noLogs) WriteTransactionLog(io.Writer)            {}
func (noLogs) WriteFailedTransactionLog(io.Writer)      {}
func (noLogs) WriteProc(io.Writer, busd.ProcessID) bool { return false }
func (noLogs) ProcIDs() []busd.ProcessID                { return nil }

// item finds a fixed item, or the file of a process in binder_logs/proc.
func (t *tree) item(id uint64) (item, bool) {
	switch {
	case id == rootNode:
		return item{dir: true, dirs: t.rootDirs()}, true
	case id == controlNode:
		return item{parent: rootNode, name: controlName}, true
	case id >= fixedNodes && id < fixedNodes+uint64(len(t.fixed)):
		return t.fixed[id-fixedNodes], true
	case id >= procNodes && id < deviceNodes:
		pid := busd.ProcessID(id - procNodes)
		return item{parent: t.procs, name: strconv.Itoa(int(pid)), content: func() ([]byte, bool) {
			var b bytes.Buffer
			ok := t.source.WriteProc(&b, pid)
			return b.Bytes(), ok
		}}, true
	}
	return item{}, false
}

// find looks for a name in a directory of the fixed part.
func (t *tree) find(parent uint64, name string) (uint64, syscall.Errno) {
	for i, x := range t.fixed {
		if x.parent == parent && x.name == name {
			return fixedNodes + uint64(i), 0
		}
	}
	if parent == t.procs && parent != 0 {
		pid, err := strconv.ParseUint(name, 10, 31)
		if err == nil && strconv.FormatUint(pid, 10) == name && slices.Contains(t.source.ProcIDs(), busd.ProcessID(pid)) {
			return procNodes + pid, 0
		}
	}
	return 0, syscall.ENOENT
}

// rootDirs is how many directories are in the root.
func (t *tree) rootDirs() (n uint32) {
	for _, x := range t.fixed {
		if x.dir && x.parent == rootNode {
			n++
		}
	}
	return n
}

// list is what READDIR tells about a directory: what was made last comes first, as on binderfs.
// Devices have no inode number of their own before they are looked up; their minor serves.
func (t *tree) list(id uint64) []fuse.DirEntry {
	l := []fuse.DirEntry{{Name: ".", Ino: id, Mode: syscall.S_IFDIR}, {Name: "..", Ino: rootNode, Mode: syscall.S_IFDIR}}
	add := func(name string, ino uint64, dir bool) {
		mode := uint32(syscall.S_IFREG)
		if dir {
			mode = syscall.S_IFDIR
		}
		l = append(l, fuse.DirEntry{Name: name, Ino: ino, Mode: mode})
	}
	var devices []fuse.DirEntry
	if id == rootNode {
		t.mu.Lock()
		names := slices.SortedFunc(maps.Keys(t.devices), func(a, b string) int {
			return cmp.Compare(t.devices[b].made, t.devices[a].made)
		})
		for _, name := range names {
			d := t.devices[name]
			e := fuse.DirEntry{Name: name, Ino: deviceNodes - 1 - uint64(d.minor), Mode: syscall.S_IFREG}
			if d.made > uint64(len(t.server.opts.Devices)) {
				l = append(l, e)
			} else {
				devices = append(devices, e) // those that were there before features
			}
		}
		t.mu.Unlock()
	}
	if id == t.procs && id != 0 {
		for _, pid := range t.source.ProcIDs() {
			add(strconv.Itoa(int(pid)), procNodes+uint64(pid), false)
		}
	}
	for i, x := range slices.Backward(t.fixed) {
		if x.parent == id {
			add(x.name, fixedNodes+uint64(i), x.dir)
		}
	}
	if id == rootNode {
		l = append(l, devices...)
		add(controlName, controlNode, false)
	}
	return l
}
