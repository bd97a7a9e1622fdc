package devicefs

import (
	"syscall"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// Device is the mount's device number, as stat(2) and /proc/PID/maps tell it.
func (s *Server) Device() (major, minor uint32) { return s.mount.major, s.mount.minor }

// NullIoctl carries out an ioctl whose argument is NULL, which FUSE cannot bring: somebody else
// saw thread tid try it on the device file with the given inode number. known is false where no
// open file has it.
func (s *Server) NullIoctl(inode uint64, tid int32, request ioctl.Request) (errno syscall.Errno, known bool) {
	o := s.tree.opened(inode)
	if o == nil {
		return 0, false
	}
	thread := busd.ThreadID(tid)
	o.threads.see(o, thread)
	answer := make(replies, 1)
	// On a goroutine of its own: after its reply the broker may go on with other clients' work.
	s.aside.Go(func() {
		o.process.Ioctl(&busd.Call{
			Thread:      thread,
			Request:     request,
			Arg:         make([]byte, request.Size()),
			Nonblock:    true,
			Interrupted: true,
			Replier:     answer,
		})
	})
	return syscall.Errno(-<-answer), true
}

// replies is a busd.Replier that hands the result on.
type replies chan int32

func (r replies) Reply(_ *busd.Call, result int32) { r <- result }
