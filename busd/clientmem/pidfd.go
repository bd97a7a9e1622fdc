package clientmem

import (
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// noThreadFD is set once the kernel has refused PIDFD_THREAD (before Linux 6.9).
var noThreadFD atomic.Bool

// ThreadFD opens a pidfd of a single thread: it becomes readable when that thread ends. EINVAL
// says that the kernel has no such thing.
func ThreadFD(tid busd.ThreadID) (int, syscall.Errno) {
	if noThreadFD.Load() {
		return -1, syscall.EINVAL
	}
	fd, err := unix.PidfdOpen(int(tid), unix.PIDFD_THREAD)
	if err != nil {
		errno := err.(syscall.Errno)
		if errno == syscall.EINVAL && tid > 0 {
			noThreadFD.Store(true)
		}
		return -1, errno
	}
	return fd, 0
}

// anyFD opens a pidfd of a thread, or where the kernel has none, of its process.
func anyFD(tid busd.ThreadID) (int, syscall.Errno) {
	fd, errno := ThreadFD(tid)
	if errno != syscall.EINVAL {
		return fd, errno
	}
	s, err := readStatus(tid)
	if err != nil {
		return -1, syscall.ESRCH
	}
	fd, err = unix.PidfdOpen(int(s.tgid), 0)
	if err != nil {
		return -1, err.(syscall.Errno)
	}
	return fd, 0
}
