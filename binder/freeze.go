package binder

import (
	"errors"
	"fmt"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// Freeze freezes the process pid, as far as calls go, on all its devices: calls to it answer ErrFrozen.
// Calls that it is carrying out may take up to wait to end, counted in milliseconds; if they do not,
// nothing is frozen and the error is EAGAIN. EINVAL: no such process is on the bus.
//
// The process itself runs on, and oneway calls still come to it: whoever is about to stop it (with
// the cgroup freezer) freezes it here first, so that nobody waits for its answers.
//
// The pid is as the driver knows it: the machine's, or that of busd's pid namespace. Anybody who may
// open the device may freeze.
func (b *Bus) Freeze(pid int, wait time.Duration) error {
	return b.setFrozen("freeze", pid, ioctl.FreezeInfo{Enable: 1, TimeoutMS: milliseconds(wait)})
}

// Thaw ends Freeze.
func (b *Bus) Thaw(pid int) error { return b.setFrozen("thaw", pid, ioctl.FreezeInfo{}) }

// milliseconds rounds up, so that little is not nothing.
func milliseconds(d time.Duration) uint32 {
	ms := (d + time.Millisecond - 1) / time.Millisecond
	return uint32(min(max(ms, 0), math.MaxInt32))
}

func (b *Bus) setFrozen(what string, pid int, info ioctl.FreezeInfo) error {
	if pid <= 0 || pid > math.MaxInt32 {
		return fmt.Errorf("%s process %d on %s: %w", what, pid, b.path, syscall.EINVAL)
	}
	info.PID = uint32(pid)
	return b.freezing(what, pid, b.dev.Freeze(info))
}

// Frozen is what has happened to a process since it was frozen.
type Frozen struct {
	Called  bool // somebody made a call to it, and was answered ErrFrozen
	Pending bool // it has calls, oneway or not, that it has yet to read or to answer
	Oneway  bool // somebody made a oneway call to it
}

// FrozenInfo tells what has happened to the process pid since it was frozen. EINVAL as in Freeze.
func (b *Bus) FrozenInfo(pid int) (Frozen, error) {
	s, err := b.dev.FrozenInfo(uint32(pid))
	if err != nil {
		return Frozen{}, b.freezing("ask about frozen", pid, err)
	}
	return Frozen{Called: s.SyncRecv&1 != 0, Pending: s.SyncRecv&2 != 0, Oneway: s.AsyncRecv != 0}, nil
}

func (b *Bus) freezing(what string, pid int, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed):
		return ErrClosed
	case errors.Is(err, syscall.EAGAIN):
		return fmt.Errorf("%s process %d on %s: it has calls under way: %w", what, pid, b.path, syscall.EAGAIN)
	case errors.Is(err, syscall.EINVAL):
		return fmt.Errorf("%s process %d on %s: it is not on this bus: %w", what, pid, b.path, syscall.EINVAL)
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return &DeviceError{Path: b.path, Err: errno}
	}
	return err
}
