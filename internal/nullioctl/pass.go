package nullioctl

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Send gives the listener to the process at the other end of a unix socket.
func Send(socket *os.File, listener *os.File) error {
	rights := unix.UnixRights(int(listener.Fd()))
	if err := unix.Sendmsg(int(socket.Fd()), []byte{0}, rights, nil, unix.MSG_NOSIGNAL); err != nil {
		return fmt.Errorf("hand the seccomp listener over: %w", err)
	}
	return nil
}

// Receive takes the listener that Send sent. The error wraps os.ErrClosed where the
// other end closed without sending one.
func Receive(socket *os.File) (*os.File, error) {
	data, rights := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	for {
		n, nrights, _, _, err := unix.Recvmsg(int(socket.Fd()), data, rights, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("receive the seccomp listener: %w", err)
		}
		if n == 0 {
			return nil, fmt.Errorf("receive the seccomp listener: %w", os.ErrClosed)
		}
		messages, err := unix.ParseSocketControlMessage(rights[:nrights])
		if err != nil || len(messages) == 0 {
			return nil, fmt.Errorf("receive the seccomp listener: no descriptor in the message")
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil || len(fds) == 0 {
			return nil, fmt.Errorf("receive the seccomp listener: no descriptor in the message")
		}
		return os.NewFile(uintptr(fds[0]), "seccomp listener"), nil
	}
}
