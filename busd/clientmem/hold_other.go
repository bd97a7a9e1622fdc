//go:build !amd64 && !arm64

package clientmem

import (
	"syscall"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// A Hold is control over a client's thread; on this machine nobody has it.
type Hold struct{}

// Waiting says how a thread waits.
type Waiting struct {
	Thread   busd.ThreadID
	Request  ioctl.Request
	Argument ioctl.Address
	Scratch  ioctl.Address
	Room     int
	Filters  int
}

// Spacious is for a Hold, of which there is none.
func (*Waiting) Spacious() bool { return true }

// Grasp answers EOPNOTSUPP.
func Grasp(Waiting, <-chan struct{}) (*Hold, syscall.Errno) { return nil, syscall.EOPNOTSUPP }

// Arrest is for a Hold, of which there is none.
func (*Hold) Arrest() syscall.Errno { return syscall.EOPNOTSUPP }

// Install is for a Hold, of which there is none.
func (*Hold) Install([]int, []uint32, Place) syscall.Errno { return syscall.EOPNOTSUPP }

// Close is for a Hold, of which there is none.
func (*Hold) Close([]uint32) syscall.Errno { return syscall.EOPNOTSUPP }

// Return is for a Hold, of which there is none.
func (*Hold) Return(int32, []byte) {}

// Restart is for a Hold, of which there is none.
func (*Hold) Restart([]byte) {}
