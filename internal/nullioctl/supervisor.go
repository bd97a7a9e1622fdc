package nullioctl

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A Bus carries out the ioctls that the kernel did not let through.
type Bus interface {
	// NullIoctl carries out request, which came with a NULL argument from thread tid, on the
	// open whose file has the given inode number. known is false where no open has it.
	NullIoctl(inode uint64, tid int32, request ioctl.Request) (errno syscall.Errno, known bool)
}

// A Device is a file system's number (st_dev) as statx tells it.
type Device struct {
	Major, Minor uint32
}

// Serve answers the calls that arrive on a listener made by Install, until the last process under
// the filter has ended. Calls on files that do not lie on device go on as if there were no filter.
func Serve(listener *os.File, device Device, bus Bus) error {
	defer listener.Close()
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	var serveErr error
	err = raw.Control(func(fd uintptr) { serveErr = serve(int(fd), device, bus) })
	return errors.Join(err, serveErr)
}

func serve(fd int, device Device, bus Bus) error {
	for {
		poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err == unix.EINTR {
			continue
		} else if err != nil {
			return fmt.Errorf("wait for a seccomp notification: %w", err)
		}
		if poll[0].Revents&unix.POLLIN == 0 {
			return nil // POLLHUP: nobody is left under the filter
		}
		n, err := receive(fd)
		if err == unix.ENOENT || err == unix.EINTR {
			continue // the caller was killed or left the call before we looked
		}
		if err != nil {
			return fmt.Errorf("receive a seccomp notification: %w", err)
		}
		if err := send(fd, answer(fd, n, device, bus)); err != nil && err != unix.ENOENT {
			return fmt.Errorf("answer a seccomp notification: %w", err)
		}
	}
}

// answer carries out one call.
func answer(fd int, n *notification, device Device, bus Bus) *response {
	goOn := &response{ID: n.ID, Flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	inode, ok := inodeOn(device, n.TID, int32(n.Data.Args[0]))
	if !ok || !valid(fd, n.ID) {
		// The number may belong to another process by now; the kernel drops the answer then.
		return goOn
	}
	errno, known := bus.NullIoctl(inode, n.TID, ioctl.Request(n.Data.Args[1]))
	if !known {
		return goOn
	}
	return &response{ID: n.ID, Error: -int32(errno)}
}

// inodeOn tells the inode number of a client's descriptor if it lies on device.
//
// The broker must neither open nor hold a file of its own mount, nor make the kernel ask it about
// one: a request of its own that it never answers would keep it from dying. So this looks through
// the link in /proc and asks for nothing but what the kernel has at hand.
func inodeOn(device Device, tid, fd int32) (inode uint64, ok bool) {
	var st unix.Statx_t
	path := fmt.Sprintf("/proc/%d/fd/%d", tid, fd)
	if err := unix.Statx(unix.AT_FDCWD, path, unix.AT_STATX_DONT_SYNC, 0, &st); err != nil {
		return 0, false
	}
	return st.Ino, device == Device{st.Dev_major, st.Dev_minor}
}

// notification is struct seccomp_notif, <linux/seccomp.h>.
type notification struct {
	ID    uint64
	TID   int32 // __u32 pid: the thread's number in our pid namespace
	Flags uint32
	Data  struct { // struct seccomp_data
		Number             int32
		Arch               uint32
		InstructionPointer uint64
		Args               [6]uint64
	}
}

// response is struct seccomp_notif_resp, <linux/seccomp.h>.
type response struct {
	ID    uint64
	Value int64
	Error int32 // negative errno
	Flags uint32
}

func receive(fd int) (*notification, error) {
	// A newer kernel may have a longer struct; it writes at most this much.
	var room struct {
		notification
		_ [1024]byte
	}
	if err := control(fd, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&room)); err != nil {
		return nil, err
	}
	return &room.notification, nil
}

func send(fd int, r *response) error {
	var room struct {
		response
		_ [1024]byte
	}
	room.response = *r
	return control(fd, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&room))
}

// valid tells whether the notification's caller still waits for the answer.
func valid(fd int, id uint64) bool {
	return control(fd, unix.SECCOMP_IOCTL_NOTIF_ID_VALID, unsafe.Pointer(&id)) == nil
}

func control(fd int, request uint, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
