package conformance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// This file is the actor's hand with file descriptors. On the kernel's driver a received
// descriptor's number stands in the parcel; busd sends it over the socket that the client gave it,
// and the parcel holds its index there.

// offerSocket hands the broker one end of a socket pair, if it is a broker that takes it.
func (o *opened) offerSocket() error {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fds[1])
	// On an OS thread that ends: to the driver, this ioctl makes a thread known.
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- unix.IoctlSetPointerInt(int(o.fd.Load()), uint(ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET), fds[1])
	}()
	if err := <-done; err != nil {
		unix.Close(fds[0])
		if errors.Is(err, unix.EINVAL) {
			return nil // the kernel's driver
		}
		return err
	}
	o.socket = fds[0]
	o.received = make(map[ioctl.Address][]int)
	return nil
}

// descriptor turns what stands in a parcel into a descriptor number.
func (o *opened) descriptor(buffer ioctl.Address, n uint32) (int, error) {
	if o.socket < 0 {
		return int(n), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		if fds := o.received[buffer]; int(n) < len(fds) && fds[n] >= 0 {
			return fds[n], nil
		}
		msg, oob := make([]byte, ioctl.SizeofDescriptorMessage), make([]byte, 4096)
		size, oobn, _, _, err := unix.Recvmsg(o.socket, msg, oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err != nil {
			return -1, fmt.Errorf("descriptor %d of the buffer at %#x did not come: %w", n, uint64(buffer), err)
		}
		if size != len(msg) {
			return -1, fmt.Errorf("a descriptor message of %d bytes", size)
		}
		var m ioctl.DescriptorMessage
		m.Decode(msg)
		cs, err := unix.ParseSocketControlMessage(oob[:oobn])
		if err != nil || len(cs) != 1 {
			return -1, fmt.Errorf("%d control messages: %v", len(cs), err)
		}
		fds, err := unix.ParseUnixRights(&cs[0])
		if err != nil {
			return -1, err
		}
		if m.First == 0 {
			o.received[m.Buffer] = nil
		}
		o.received[m.Buffer] = append(o.received[m.Buffer], fds...)
	}
}

// NewFile makes a file with the content and tells its descriptor.
func (a *Actor) NewFile(content string, fd *int) error {
	var err error
	*fd, err = unix.MemfdCreate("conformance", unix.MFD_CLOEXEC)
	if errors.Is(err, unix.ENOSYS) {
		*fd, err = unix.Open(os.TempDir(), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	}
	if err == nil {
		_, err = unix.Write(*fd, []byte(content))
	}
	return err
}

// FileArgs names a received descriptor.
type FileArgs struct {
	Open   int
	Buffer ioctl.Address
	Number uint32
}

// FileReply tells what it is.
type FileReply struct {
	FD        int
	Content   string
	CloseExec bool
	Inode     uint64
}

// File looks at a received descriptor and leaves it open.
func (a *Actor) File(args FileArgs, reply *FileReply) error {
	fd, err := a.open(args.Open).descriptor(args.Buffer, args.Number)
	if err != nil {
		return err
	}
	reply.FD = fd
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	reply.Inode = st.Ino
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	if err != nil {
		return err
	}
	reply.CloseExec = flags&unix.FD_CLOEXEC != 0
	b := make([]byte, 1024)
	n, err := unix.Pread(fd, b, 0)
	if err != nil && err != io.EOF && !errors.Is(err, unix.ESPIPE) && !errors.Is(err, unix.EINVAL) {
		return err
	}
	if n > 0 {
		reply.Content = string(b[:n])
	}
	return nil
}

// CloseFD closes a descriptor.
func (a *Actor) CloseFD(fd int, _ *int) error { return unix.Close(fd) }

// IsOpen tells whether the actor has a descriptor of that number.
func (a *Actor) IsOpen(fd int, open *bool) error {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	*open = err == nil
	return nil
}

// CountFDs counts the actor's descriptors.
func (a *Actor) CountFDs(_ int, n *int) error {
	es, err := os.ReadDir("/proc/self/fd")
	*n = len(es)
	return err
}

// LimitFDs sets how many descriptors the actor's process may have.
func (a *Actor) LimitFDs(n uint64, old *uint64) error {
	var r syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &r); err != nil {
		return err
	}
	*old = r.Cur
	r.Cur = n
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &r)
}
