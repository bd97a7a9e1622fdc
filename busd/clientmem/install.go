//go:build amd64 || arm64

package clientmem

import (
	"encoding/binary"
	"syscall"

	"golang.org/x/sys/unix"
)

// install has the thread make a socket that talks to itself. The broker takes a duplicate of it,
// sends the files, and has the thread receive them. It works whatever network and mount
// namespaces the client lives in.
//
// The thread moves its socket to place first, above the numbers that the files get. (To let them
// land anywhere and move them would close duplicates of them, and thereby drop what locks the
// client has on the same files.)
func (h *Hold) install(files []int, numbers []uint32, place int) (errno syscall.Errno) {
	low, errno := h.call(unix.SYS_SOCKET, unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return errno
	}
	theirs, moved := h.call(unix.SYS_FCNTL, uint64(low), unix.F_DUPFD_CLOEXEC, uint64(place))
	if _, errno := h.call(unix.SYS_CLOSE, uint64(low)); errno != 0 {
		return errno
	}
	if moved != 0 {
		if moved == syscall.EINVAL { // the limit has been lowered meanwhile
			moved = syscall.EMFILE
		}
		return moved
	}
	got := 0
	defer func() {
		_, _ = h.call(unix.SYS_CLOSE, uint64(theirs))
		if h.dead {
			errno = syscall.ESRCH
		}
		if errno != 0 {
			for _, fd := range numbers[:got] {
				_, _ = h.call(unix.SYS_CLOSE, uint64(fd))
			}
		}
	}()
	ours, err := unix.PidfdGetfd(h.fd, theirs, 0)
	if err != nil {
		return err.(syscall.Errno)
	}
	defer unix.Close(ours)
	if errno := talkToSelf(ours); errno != 0 {
		return errno
	}

	perMessage := min((h.waiting.Room-minScratch)/4+1, maxPerMessage)
	scratch := make([]byte, minScratch+4*(min(perMessage, len(files))-1))
	if errno := h.peek(h.waiting.Scratch, scratch); errno != 0 {
		return errno
	}
	defer func() { _ = h.poke(h.waiting.Scratch, scratch) }()
	for got < len(files) {
		n := min(len(files)-got, perMessage)
		if err := unix.Sendmsg(ours, nil, unix.UnixRights(files[got:got+n]...), nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err != nil {
			return err.(syscall.Errno)
		}
		k, errno := h.receive(theirs, n, numbers[got:])
		got += k
		if errno != 0 {
			return errno
		}
	}
	return 0
}

// receive has the thread receive a message with n files. Fewer arrive where the table is full.
func (h *Hold) receive(socket, n int, numbers []uint32) (int, syscall.Errno) {
	le := binary.LittleEndian
	// struct msghdr: name, namelen, iov, iovlen, control, controllen, flags; the message is empty
	b := make([]byte, minScratch+4*(n-1))
	le.PutUint64(b[32:], uint64(h.waiting.Scratch+sizeofMsghdr))
	le.PutUint64(b[40:], uint64(len(b)-sizeofMsghdr))
	if errno := h.poke(h.waiting.Scratch, b); errno != 0 {
		return 0, errno
	}
	if _, errno := h.call(unix.SYS_RECVMSG, uint64(socket), uint64(h.waiting.Scratch), unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT); errno != 0 {
		return 0, errno
	}
	if errno := h.peek(h.waiting.Scratch, b); errno != 0 {
		return 0, errno
	}
	control := b[sizeofMsghdr:]
	length := le.Uint64(control)
	if le.Uint64(b[40:]) == 0 || length < sizeofCmsghdr || length > uint64(len(control)) ||
		le.Uint32(control[8:]) != unix.SOL_SOCKET || le.Uint32(control[12:]) != unix.SCM_RIGHTS {
		return 0, syscall.EMFILE // not one could be installed
	}
	got := 0
	for control = control[sizeofCmsghdr:length]; len(control) >= 4; control = control[4:] {
		numbers[got] = le.Uint32(control)
		got++
	}
	if got < n {
		return got, syscall.EMFILE
	}
	return got, 0
}

// talkToSelf connects a datagram socket to itself. Its name is in the client's network namespace,
// where anybody may send to it until it is connected; what came until then is thrown away.
func talkToSelf(fd int) syscall.Errno {
	if err := unix.Bind(fd, &unix.SockaddrUnix{}); err != nil { // any name
		return err.(syscall.Errno)
	}
	name, err := unix.Getsockname(fd)
	if err == nil {
		err = unix.Connect(fd, name)
	}
	if err != nil {
		return err.(syscall.Errno)
	}
	var b [1]byte
	for {
		_, _, err := unix.Recvfrom(fd, b[:], unix.MSG_DONTWAIT)
		switch err {
		case nil, unix.EINTR:
		case unix.EAGAIN:
			return 0
		default:
			return err.(syscall.Errno)
		}
	}
}
