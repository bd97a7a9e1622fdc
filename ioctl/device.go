package ioctl

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
)

// DefaultMapSize is the receive buffer's size in bytes when none is asked for: 1 MiB less two
// pages of 4 KiB, as Android's libbinder has it.
const DefaultMapSize = 1<<20 - 2*4096

// ErrOutside says that an address range does not lie inside the device's mapping.
var ErrOutside = errors.New("buffer lies outside the device's mapping")

// Options says how to open a device. The zero value is good.
type Options struct {
	// MapSize is the size of the receive buffer in bytes; 0 means DefaultMapSize. The driver uses
	// at most 4 MiB of it, and half of it at most for oneway calls.
	MapSize int

	// Nonblock opens with O_NONBLOCK: a read that finds nothing answers EAGAIN.
	Nonblock bool
}

// A Device is one open of a binder device: what the driver calls a process. Its methods may be
// called by several threads at the same time. The driver knows the calling operating system
// thread, so a goroutine that has a transaction under way must hold its thread
// (runtime.LockOSThread).
type Device struct {
	path    string
	fd      int
	version int32
	mapping []byte  // the receive buffer, read-only
	base    Address // where mapping is

	unmapped atomic.Bool // by Close

	// state counts the calls that use fd; the bit closed is set by Shut. While calls are under
	// way the number fd stays taken, so that none of them can reach a file opened later.
	state atomic.Int64
}

// Bits of Device.state.
const (
	closed = 1 << 62 // by Shut: no new calls
	freed  = 1 << 61 // by the last to leave: the number fd has been given back
)

// Open opens the binder device at path, read and write, checks that it speaks ProtocolVersion, and
// maps a receive buffer of mapSize bytes (0 means DefaultMapSize).
func Open(path string, mapSize int) (*Device, error) {
	return OpenWith(path, Options{MapSize: mapSize})
}

// OpenWith is Open with options.
func OpenWith(path string, opts Options) (*Device, error) {
	size := opts.MapSize
	if size == 0 {
		size = DefaultMapSize
	}
	flags := syscall.O_RDWR
	if opts.Nonblock {
		flags |= syscall.O_NONBLOCK
	}
	fd, err := openFile(path, flags)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	d := &Device{path: path, fd: fd}
	var version int32
	if err := control(d, BINDER_VERSION, &version); err != nil {
		closeFile(fd)
		if errors.Is(err, syscall.ENOTTY) || errors.Is(err, syscall.EINVAL) {
			return nil, fmt.Errorf("open %s: not a binder device: %w", path, err)
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if version != ProtocolVersion {
		closeFile(fd)
		return nil, fmt.Errorf("open %s: the driver speaks binder protocol %d, this program %d: %w",
			path, version, ProtocolVersion, syscall.EPROTO)
	}
	d.version = version
	d.mapping, err = mapFile(fd, size)
	if err != nil {
		closeFile(fd)
		return nil, fmt.Errorf("open %s: map a receive buffer of %d bytes: %w", path, size, err)
	}
	d.base = AddressOf(d.mapping)
	return d, nil
}

// enter begins the use of d.fd, unless d is closed.
func (d *Device) enter() bool {
	if d.state.Add(1)&closed == 0 {
		return true
	}
	d.leave()
	return false
}

// leave ends the use of d.fd and says whether d is still open. The last user of a closed device
// gives the descriptor's number back.
func (d *Device) leave() bool {
	n := d.state.Add(-1)
	if n == closed && d.state.CompareAndSwap(closed, closed|freed) {
		closeFile(d.fd)
	}
	return n&closed == 0
}

// Close closes the device and unmaps the receive buffer: to the driver the process is dead.
// Threads waiting in a read return, and every call from now on answers os.ErrClosed. What Bytes
// returned must not be touched any more. The second Close answers os.ErrClosed.
func (d *Device) Close() error {
	if err := d.Shut(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	if d.unmapped.Swap(true) {
		return fmt.Errorf("close %s: %w", d.path, os.ErrClosed)
	}
	if err := unmapFile(d.mapping); err != nil {
		return fmt.Errorf("close %s: unmap the receive buffer: %w", d.path, err)
	}
	return nil
}

// Path is the path the device was opened with.
func (d *Device) Path() string { return d.path }

// FD is the device's descriptor, for poll(2). It is valid until Close.
func (d *Device) FD() int { return d.fd }

// Version is the protocol version the driver answered when the device was opened.
func (d *Device) Version() int32 { return d.version }

// WriteRead does one BINDER_WRITE_READ. The driver carries out the commands in wr's write buffer
// from WriteConsumed on, then, if ReadSize is greater than ReadConsumed, waits for something to
// return. On return the two consumed counts say how far it got, also on error.
//
// A signal ends the wait with EINTR; what was consumed stays consumed, so the same wr can be
// passed again. Errors are bare errnos, or os.ErrClosed. WriteRead allocates nothing; the buffers
// that wr names must be on the heap and alive (see AddressOf). Most callers want Exchange.
func (d *Device) WriteRead(wr *WriteRead) error {
	if !d.enter() {
		return os.ErrClosed
	}
	errno := ioctl(d.fd, BINDER_WRITE_READ, wr)
	if !d.leave() {
		return os.ErrClosed
	}
	if errno != 0 {
		return errno
	}
	return nil
}

// control does one ioctl other than BINDER_WRITE_READ, again after a signal: these either have
// happened or answer EINTR.
func control[T any](d *Device, r Request, arg *T) error {
	for {
		if !d.enter() {
			return &os.SyscallError{Syscall: r.String(), Err: os.ErrClosed}
		}
		errno := ioctl(d.fd, r, arg)
		if !d.leave() {
			return &os.SyscallError{Syscall: r.String(), Err: os.ErrClosed}
		}
		switch errno {
		case 0:
			return nil
		case syscall.EINTR:
			continue
		}
		return &os.SyscallError{Syscall: r.String(), Err: errno}
	}
}
