package clientmem

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// maxPerMessage is how many descriptors one message carries (SCM_MAX_FD).
const maxPerMessage = 253

// An Injector changes the descriptors of a client that has not handed over a socket, through a
// thread of it that is in an ioctl. See Hold for how it can be done.
type Injector interface {
	// Inject puts files into the client and answers the numbers they got there. On error none
	// stays.
	Inject(tid busd.ThreadID, files []int, fds []uint32) syscall.Errno

	// Withdraw has the thread close descriptors, if it can.
	Withdraw(tid busd.ThreadID, fds []uint32)
}

// Files is one client's descriptor table. It implements busd.Files.
type Files struct {
	injector Injector // nil: a client without a socket gets no descriptors

	mu     sync.Mutex
	socket int // -1 until the client has given one; guarded by mu
}

// NewFiles makes the descriptor table of a client. injector may be nil.
func NewFiles(injector Injector) *Files { return &Files{injector: injector, socket: -1} }

// Close gives back the client's socket.
func (f *Files) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
}

// drop needs mu.
func (f *Files) drop() {
	if f.socket >= 0 {
		unix.Close(f.socket)
		f.socket = -1
	}
}

// A file is a descriptor that the broker holds for a moment.
type file int

func (f file) Close() { unix.Close(int(f)) }

// Take duplicates descriptor fd of the thread's process: EBADF if it has none of that number.
func (f *Files) Take(tid busd.ThreadID, fd uint32) (busd.File, syscall.Errno) {
	n, errno := take(tid, int(int32(fd)))
	if errno != 0 {
		return nil, errno
	}
	return file(n), 0
}

func take(tid busd.ThreadID, fd int) (int, syscall.Errno) {
	if fd < 0 {
		return -1, syscall.EBADF
	}
	p, errno := anyFD(tid)
	if errno != 0 {
		return -1, errno
	}
	defer unix.Close(p)
	n, err := unix.PidfdGetfd(p, fd, 0) // close-on-exec by itself
	if err != nil {
		return -1, err.(syscall.Errno)
	}
	return n, 0
}

// Give hands files to the client on its descriptor socket and sets fds to their indexes. Without
// a socket it has the injector install them; without that the answer is EPERM. EAGAIN says that
// the client has not emptied its socket.
//
// Several messages are needed for more than 253 files. A later one that fails leaves the earlier
// ones in the socket: the client drops an incomplete set when the next one begins.
func (f *Files) Give(tid busd.ThreadID, buffer ioctl.Address, files []busd.File, fds []uint32) (installed bool, errno syscall.Errno) {
	numbers := make([]int, len(files))
	for i, x := range files {
		numbers[i] = int(x.(file))
	}
	f.mu.Lock()
	if f.socket < 0 {
		f.mu.Unlock()
		if f.injector == nil {
			return false, syscall.EPERM
		}
		return true, f.injector.Inject(tid, numbers, fds)
	}
	defer f.mu.Unlock()
	m := ioctl.DescriptorMessage{Buffer: buffer, Total: uint32(len(files))}
	for len(numbers) > 0 {
		n := min(len(numbers), maxPerMessage)
		if errno := f.send(m, numbers[:n]); errno != 0 {
			return false, errno
		}
		m.First += uint32(n)
		numbers = numbers[n:]
	}
	for i := range files {
		fds[i] = uint32(i)
	}
	return false, 0
}

// Withdraw has the injector close what it has installed.
func (f *Files) Withdraw(tid busd.ThreadID, fds []uint32) {
	if f.injector != nil {
		f.injector.Withdraw(tid, fds)
	}
}

// send needs mu.
func (f *Files) send(m ioctl.DescriptorMessage, files []int) syscall.Errno {
	var b [ioctl.SizeofDescriptorMessage]byte
	m.Encode(b[:])
	for {
		err := unix.Sendmsg(f.socket, b[:], unix.UnixRights(files...), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch err {
		case nil:
			return 0
		case unix.EINTR:
			continue
		case unix.EPIPE, unix.ECONNRESET, unix.ENOTCONN: // the client closed its end
			f.drop()
			return syscall.EPERM
		}
		return err.(syscall.Errno)
	}
}

// SetSocket makes the socket that the client knows as fd the way of Give; -1 takes it back. It
// must be a SOCK_SEQPACKET unix socket, else EINVAL.
func (f *Files) SetSocket(tid busd.ThreadID, fd int32) syscall.Errno {
	if fd == -1 {
		f.Close()
		return 0
	}
	n, errno := take(tid, int(fd))
	if errno != 0 {
		return errno
	}
	if domain, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_UNIX {
		unix.Close(n)
		return syscall.EINVAL
	}
	if kind, err := unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_TYPE); err != nil || kind != unix.SOCK_SEQPACKET {
		unix.Close(n)
		return syscall.EINVAL
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.drop()
	f.socket = n
	return 0
}
