package difftest

import (
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// firstFile is the lowest number of the actors' own descriptors, above all others.
const firstFile = 900

// makeFilesOf gives an actor descriptors of files of its own.
func (m *Machine) makeFilesOf(p int) error {
	a := m.actors[p]
	s := a.steward
	for i := range a.files {
		s.used = 0
		fd, errno := s.call(unix.SYS_MEMFD_CREATE, s.text(fmt.Sprint("file", i)), unix.MFD_CLOEXEC)
		if errno != 0 {
			return errno
		}
		// The same number everywhere: programs also send the numbers as plain bytes.
		a.files[i] = firstFile + i
		if _, errno := s.call(unix.SYS_DUP3, fd, uintptr(a.files[i]), unix.O_CLOEXEC); errno != 0 {
			return errno
		}
		s.call(unix.SYS_CLOSE, fd)
		inode, ok := a.inode(a.files[i])
		if !ok {
			return fmt.Errorf("descriptor %d of actor %d is not open", fd, p)
		}
		m.inodes[inode] = p*files + i
	}
	return nil
}

// inode is the number of the file that the actor's descriptor is of.
func (a *actor) inode(fd int) (uint64, bool) {
	var st unix.Stat_t
	if unix.Stat(fmt.Sprintf("/proc/%d/fd/%d", a.pid, fd), &st) != nil {
		return 0, false
	}
	return st.Ino, true
}

// offerSocket asks to receive descriptors over a socket, where the driver knows how.
func (p *proc) offerSocket() {
	s := p.clerk
	s.used = 0
	pair, arg := s.take(8), s.take(4)
	if _, errno := s.call(unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0, uintptr(addressOf(pair))); errno != 0 {
		return
	}
	ours, theirs := le.Uint32(pair), le.Uint32(pair[4:])
	le.PutUint32(arg, theirs)
	_, errno := s.call(unix.SYS_IOCTL, uintptr(p.fd), uintptr(ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET), uintptr(addressOf(arg)))
	s.call(unix.SYS_CLOSE, uintptr(theirs))
	if errno != 0 {
		s.call(unix.SYS_CLOSE, uintptr(ours))
		return
	}
	p.socket = int(ours)
}

// receiveFiles takes what came over the socket with a transaction; nil where there is no socket.
func (p *proc) receiveFiles(buffer uint64) []int {
	if p.socket < 0 {
		return nil
	}
	s := p.steward
	for {
		s.used = 0
		b := s.take(ioctl.SizeofDescriptorMessage)
		oob := s.take(unix.CmsgSpace(4 * ioctl.MaxDescriptors))
		vec, msg := s.take(16), s.take(unix.SizeofMsghdr)
		le.PutUint64(vec, addressOf(b))
		le.PutUint64(vec[8:], uint64(len(b)))
		le.PutUint64(msg[16:], addressOf(vec)) // struct msghdr: iov, iovlen, control, controllen
		le.PutUint64(msg[24:], 1)
		le.PutUint64(msg[32:], addressOf(oob))
		le.PutUint64(msg[40:], uint64(len(oob)))
		n, errno := s.call(unix.SYS_RECVMSG, uintptr(p.socket), uintptr(addressOf(msg)), unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		if errno != 0 || int(n) != len(b) {
			break
		}
		var m ioctl.DescriptorMessage
		m.Decode(b)
		controls, _ := unix.ParseSocketControlMessage(oob[:le.Uint64(msg[40:])])
		for i := range controls {
			fds, _ := unix.ParseUnixRights(&controls[i])
			p.messages[uint64(m.Buffer)] = append(p.messages[uint64(m.Buffer)], fds...)
		}
	}
	got := p.messages[buffer]
	delete(p.messages, buffer)
	p.arrays = append(p.arrays, got...)
	if got == nil {
		got = []int{}
	}
	return got
}

// file tells which file a received descriptor is of. One that is ours alone is closed.
func (p *proc) file(m *Machine, fd uint32, index []int, ours bool) string {
	n := int(int32(fd))
	if index != nil {
		if n < 0 || n >= len(index) {
			return fmt.Sprintf("index-%d", n)
		}
		n = index[n]
	}
	inode, open := p.inode(n)
	if !open {
		return "none"
	}
	f, ok := m.inodes[inode]
	if !ok {
		return "another"
	}
	switch {
	case index != nil:
	case ours:
		p.steward.call(unix.SYS_CLOSE, uintptr(n))
	default:
		// The driver closes an array's when the buffer is freed: we must not, before.
		p.arrays = append(p.arrays, n)
	}
	return fmt.Sprint(f)
}

// closeFiles closes what is left of received descriptors.
func (p *proc) closeFiles(m *Machine) {
	for _, fd := range p.arrays {
		inode, open := p.inode(fd)
		if !open {
			continue
		}
		if k, ok := m.inodes[inode]; ok && fd != p.files[k%files] {
			p.steward.call(unix.SYS_CLOSE, uintptr(fd))
		}
	}
	if p.socket >= 0 {
		p.steward.call(unix.SYS_CLOSE, uintptr(p.socket))
	}
}
