package ioctl

import (
	"fmt"
	"runtime"
	"syscall"
)

// Transfer writes the commands in write and reads what the driver returns into read; either may be
// empty. It answers how many bytes of write the driver has taken and how many bytes of read it
// filled. Signals do not end it: after EINTR it goes on behind what was consumed, so that nothing is
// sent twice, and returns what was read if anything was.
//
// wrote can be less than len(write) without an error: a driver that has an error to report to this
// thread takes no more commands until the thread has read it. Read, handle what is read, then send
// write[wrote:].
//
// With an error (a bare errno such as EAGAIN, EINVAL, EFAULT, ECONNREFUSED, or os.ErrClosed) wrote
// and nread are valid too: write[wrote:] was not carried out.
//
// Transfer allocates nothing. It keeps write and read alive and on the heap; memory to which the
// commands in write point is the caller's to keep (see AddressOf).
func (d *Device) Transfer(write, read []byte) (wrote, nread int, err error) {
	wr := WriteRead{
		WriteSize:   uint64(len(write)),
		WriteBuffer: AddressOf(write),
		ReadSize:    uint64(len(read)),
		ReadBuffer:  AddressOf(read),
	}
	for again := true; again; {
		again, err = wr.after(d.WriteRead(&wr))
	}
	wrote = int(min(wr.WriteConsumed, uint64(len(write))))
	nread = int(min(wr.ReadConsumed, uint64(len(read))))
	runtime.KeepAlive(write)
	runtime.KeepAlive(read)
	return wrote, nread, err
}

// after says what to do when a call with wr answered err: go on with wr as it is now, or return err.
func (wr *WriteRead) after(err error) (again bool, _ error) {
	if err != syscall.EINTR {
		return false, err
	}
	done := wr.ReadConsumed > 0 || wr.ReadSize == 0 && wr.WriteConsumed >= wr.WriteSize
	return !done, nil
}

// A ShortWrite says that the driver stopped before the end of the commands, without refusing any:
// an error for this thread has to be read first. Rest is what is still to be sent.
type ShortWrite struct {
	Rest []byte
}

func (e *ShortWrite) Error() string {
	return fmt.Sprintf("the driver has left %d bytes of commands: read first, then send them", len(e.Rest))
}

// Exchange is Transfer for callers whose commands the driver takes as a whole: if it does not, the
// error is a *ShortWrite that holds the rest. nread is valid with every error.
func (d *Device) Exchange(write, read []byte) (nread int, err error) {
	wrote, nread, err := d.Transfer(write, read)
	if err == nil && wrote < len(write) {
		err = &ShortWrite{Rest: write[wrote:]}
	}
	return nread, err
}
