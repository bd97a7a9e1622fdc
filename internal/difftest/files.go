package difftest

import (
	"fmt"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// offerSocket asks to receive descriptors over a socket, where the driver knows how.
func (p *proc) offerSocket() {
	s, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return
	}
	n := int32(s[1])
	_, _, errno := unix.RawSyscall(unix.SYS_IOCTL, uintptr(p.fd), uintptr(ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET), uintptr(unsafe.Pointer(&n)))
	_ = unix.Close(s[1])
	if errno != 0 {
		_ = unix.Close(s[0])
		return
	}
	p.socket = s[0]
}

// receiveFiles takes what came over the socket with a transaction; nil where there is no socket.
func (p *proc) receiveFiles(buffer uint64) []int {
	if p.socket < 0 {
		return nil
	}
	for {
		var b [ioctl.SizeofDescriptorMessage]byte
		oob := make([]byte, unix.CmsgSpace(4*ioctl.MaxDescriptors))
		n, oobn, _, _, err := unix.Recvmsg(p.socket, b[:], oob, unix.MSG_CMSG_CLOEXEC|unix.MSG_DONTWAIT)
		if err != nil || n != len(b) {
			break
		}
		var m ioctl.DescriptorMessage
		m.Decode(b[:])
		controls, _ := unix.ParseSocketControlMessage(oob[:oobn])
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
	var st unix.Stat_t
	if err := unix.Fstat(n, &st); err != nil {
		return fmt.Sprint("not-open ", err)
	}
	f, ok := m.inodes[st.Ino]
	if index == nil && ok {
		if ours {
			_ = unix.Close(n)
		} else {
			// The driver closes an array's when the buffer is freed: so must not we, before.
			p.arrays = append(p.arrays, n)
		}
	}
	if !ok {
		return "another"
	}
	return fmt.Sprint(f)
}

// closeFiles closes what is left of received descriptors.
func (p *proc) closeFiles(m *Machine) {
	for _, fd := range p.arrays {
		var st unix.Stat_t
		if unix.Fstat(fd, &st) != nil {
			continue
		}
		k, ok := m.inodes[st.Ino]
		if ok && fd != m.files[k] {
			_ = unix.Close(fd)
		}
	}
	if p.socket >= 0 {
		_ = unix.Close(p.socket)
	}
}
