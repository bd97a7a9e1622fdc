package devicefs

import (
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// store is the receive mode in which the client's pages lie in the page cache of its file. What
// the broker has written to its own copy, the master, it then stores there (FUSE_NOTIFY_STORE).
// A page that the kernel does not have (any longer) it asks for with READ, which is answered from
// the master.
//
// Order matters: master first, then the cache. And a store waits for a READ of the same page that
// nobody has answered yet; if the only reader waits so, the watchdog wakes a spare one.
type store struct {
	wire wire
	node uint64
	mem  []byte

	mu    sync.Mutex
	known [fileSize / 4096 / 64]uint64 // pages that were stored whole; guarded by mu
}

func (w wire) newStore(node uint64) (*backing, error) {
	mem, err := unix.Mmap(-1, 0, fileSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("map memory for a client: %w", err)
	}
	return newBacking(mem, &store{wire: w, node: node, mem: mem}), nil
}

// publish stores [off, off+n). A page that the cache does not know is stored whole: the kernel
// would read a partial one from us at the first touch.
func (s *store) publish(off, n int) {
	if n <= 0 {
		return
	}
	end := off + n
	s.mu.Lock()
	if first := off / pageSize; !s.knows(first) {
		off = first * pageSize
	}
	if last := (end - 1) / pageSize; !s.knows(last) {
		end = (last + 1) * pageSize
	}
	s.mu.Unlock()

	// struct fuse_notify_store_out: u64 nodeid, u64 offset, u32 size, u32 padding
	var m [sizeofOutHeader + sizeofStoreOut]byte
	putOutHeader(m[:], len(m)+end-off, notifyStore, 0)
	le.PutUint64(m[16:], s.node)
	le.PutUint64(m[24:], uint64(off))
	le.PutUint32(m[32:], uint32(end-off))
	if s.wire.notify(m[:], s.mem[off:end]) != 0 {
		s.invalidate(off, end-off) // out of memory, say: the client reads it from us when it looks
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for p := (off + pageSize - 1) / pageSize; p < end/pageSize; p++ {
		s.known[p/64] |= 1 << (p % 64)
	}
}

// knows needs mu.
func (s *store) knows(page int) bool { return s.known[page/64]>>(page%64)&1 != 0 }

// discard drops whole pages here and there.
func (s *store) discard(off, n int) {
	s.mu.Lock()
	for p := off / pageSize; p < (off+n)/pageSize; p++ {
		s.known[p/64] &^= 1 << (p % 64)
	}
	s.mu.Unlock()
	unix.Madvise(s.mem[off:off+n], unix.MADV_DONTNEED)
	s.invalidate(off, n)
}

// invalidate drops pages of the client's file.
func (s *store) invalidate(off, n int) syscall.Errno {
	// struct fuse_notify_inval_inode_out: u64 ino, s64 off, s64 len
	var m [sizeofOutHeader + 24]byte
	putOutHeader(m[:], len(m), notifyInvalid, 0)
	le.PutUint64(m[16:], s.node)
	le.PutUint64(m[24:], uint64(off))
	le.PutUint64(m[32:], uint64(n))
	return s.wire.notify(m[:], nil)
}
