// Package clientmem reaches into a client's process: its memory, its descriptors, and what the
// system knows about it. Everything here is a system call on somebody else's process, so
// everything here may block for as long as that process likes (its memory may lie on a file
// system that never answers): call it where waiting harms nobody else.
package clientmem

import (
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// maxStuck is how many threads of ours may be inside one client's memory at the same time. A
// client whose memory works has them out in microseconds; only one whose memory blocks piles
// them up, and it must not take every reader that the broker has.
const maxStuck = 4

// Memory is one client's address space. It implements busd.Memory.
type Memory struct {
	owner   busd.ProcessID // the process that may map the receive area: the opener
	mapping Mapping
	view    func(ioctl.Address, int) busd.Area

	area atomic.Pointer[placed]
	busy atomic.Int32
}

// placed is where the client has mapped its receive area.
type placed struct{ start, end ioctl.Address }

// A Mapping names a file as /proc/PID/maps shows it.
type Mapping struct {
	Major, Minor uint32 // device number of the file system
	Inode        uint64
}

// NewMemory makes the memory of the process owner. view opens the receive area once the client
// has mapped it, each time anew: it gets the address and the length in bytes, at most MaxArea, and
// answers nil when the memory is gone already.
func NewMemory(owner busd.ProcessID, m Mapping, view func(ioctl.Address, int) busd.Area) *Memory {
	return &Memory{owner: owner, mapping: m, view: view}
}

// Read fills dst from the client's memory at from. It answers how many bytes it read, and EFAULT
// where that is less than asked; ESRCH when the thread is gone.
func (m *Memory) Read(tid busd.ThreadID, dst []byte, from ioctl.Address) (int, syscall.Errno) {
	if len(dst) == 0 {
		return 0, 0
	}
	if p := m.area.Load(); p != nil && p.overlaps(from, len(dst)) {
		return m.readAcross(p, tid, dst, from)
	}
	return m.transfer(unix.SYS_PROCESS_VM_READV, tid, dst, from)
}

// ReadBoth is two Reads in one visit. Where one of them touches the receive area, the second is
// left out.
func (m *Memory) ReadBoth(tid busd.ThreadID, dst []byte, from ioctl.Address, dst2 []byte, from2 ioctl.Address) (int, int) {
	p := m.area.Load()
	if len(dst) == 0 || len(dst2) == 0 || p != nil && (p.overlaps(from, len(dst)) || p.overlaps(from2, len(dst2))) {
		n, _ := m.Read(tid, dst, from)
		return n, 0
	}
	if m.busy.Add(1) > maxStuck {
		m.busy.Add(-1)
		return 0, 0
	}
	local := [2]unix.Iovec{{Base: &dst[0]}, {Base: &dst2[0]}}
	local[0].SetLen(len(dst))
	local[1].SetLen(len(dst2))
	remote := [2]unix.RemoteIovec{{Base: uintptr(from), Len: len(dst)}, {Base: uintptr(from2), Len: len(dst2)}}
	n, _, errno := syscall.Syscall6(unix.SYS_PROCESS_VM_READV, uintptr(tid),
		uintptr(unsafe.Pointer(&local)), 2, uintptr(unsafe.Pointer(&remote)), 2, 0)
	m.busy.Add(-1)
	if errno != 0 {
		return 0, 0
	}
	return min(int(n), len(dst)), max(int(n)-len(dst), 0)
}

// Write stores src in the client's memory at to; otherwise like Read. The receive area is not
// writable, as with the driver.
func (m *Memory) Write(tid busd.ThreadID, src []byte, to ioctl.Address) (int, syscall.Errno) {
	if len(src) == 0 {
		return 0, 0
	}
	if p := m.area.Load(); p != nil && p.overlaps(to, len(src)) {
		if to >= p.start {
			return 0, syscall.EFAULT
		}
		n, errno := m.transfer(unix.SYS_PROCESS_VM_WRITEV, tid, src[:p.start-to], to)
		if errno == 0 {
			errno = syscall.EFAULT
		}
		return n, errno
	}
	return m.transfer(unix.SYS_PROCESS_VM_WRITEV, tid, src, to)
}

// overlaps tells whether [at, at+n) touches the receive area.
func (p *placed) overlaps(at ioctl.Address, n int) bool {
	return at < p.end && (at >= p.start || p.start-at < ioctl.Address(n))
}

// readAcross reads a range that touches our own mapping. That part comes from the buffer: a page
// fault on our own file would wait for ourselves.
func (m *Memory) readAcross(p *placed, tid busd.ThreadID, dst []byte, from ioctl.Address) (int, syscall.Errno) {
	n := 0
	if from < p.start {
		k, errno := m.transfer(unix.SYS_PROCESS_VM_READV, tid, dst[:p.start-from], from)
		if errno != 0 {
			return k, errno
		}
		n = k
	}
	area := m.open(p)
	if area == nil {
		return n, syscall.EFAULT
	}
	n += copy(dst[n:], area.Bytes()[from+ioctl.Address(n)-p.start:])
	area.Close()
	if n == len(dst) {
		return n, 0
	}
	k, errno := m.transfer(unix.SYS_PROCESS_VM_READV, tid, dst[n:], p.end)
	return n + k, errno
}

// transfer is process_vm_readv or process_vm_writev with one piece on either side. It uses
// Syscall, never RawSyscall: a blocked transfer must not keep the collector waiting.
func (m *Memory) transfer(trap uintptr, tid busd.ThreadID, local []byte, remote ioctl.Address) (int, syscall.Errno) {
	if m.busy.Add(1) > maxStuck {
		m.busy.Add(-1)
		return 0, syscall.EFAULT
	}
	l := unix.Iovec{Base: &local[0]}
	l.SetLen(len(local))
	r := unix.RemoteIovec{Base: uintptr(remote), Len: len(local)}
	n, _, errno := syscall.Syscall6(trap, uintptr(tid),
		uintptr(unsafe.Pointer(&l)), 1, uintptr(unsafe.Pointer(&r)), 1, 0)
	m.busy.Add(-1)
	if errno != 0 {
		return 0, errno
	}
	if int(n) < len(local) {
		return int(n), syscall.EFAULT
	}
	return int(n), 0
}

// Map finds the receive area in the client, or answers nil before it is mapped. Each area that it
// answers is to be closed.
func (m *Memory) Map(busd.ThreadID) busd.Area {
	if p := m.area.Load(); p != nil {
		return m.open(p)
	}
	start, end, err := find(m.owner, m.mapping)
	if err != nil || start == end {
		return nil
	}
	end = min(end, start+MaxArea)
	m.area.CompareAndSwap(nil, &placed{start: ioctl.Address(start), end: ioctl.Address(end)})
	return m.open(m.area.Load())
}

func (m *Memory) open(p *placed) busd.Area { return m.view(p.start, int(p.end-p.start)) }

// MaxArea is the largest receive area in bytes; a longer mapping is served up to here.
const MaxArea = 4 << 20
