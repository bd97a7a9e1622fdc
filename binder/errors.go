package binder

import (
	"errors"
	"fmt"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// What a call can end with, for errors.Is. The errors themselves are of the types below and say
// more.
var (
	// ErrDeadObject: the process that owns the object is gone, or was while it had the call.
	ErrDeadObject = errors.New("the object's process is dead")

	// ErrFailedTransaction: the driver refused the call or its reply (too large, not a handle of
	// ours, a descriptor not allowed). A *CallError tells the driver's reason where it has one.
	ErrFailedTransaction = errors.New("the transaction failed")

	// ErrFrozen: the object's process is frozen and takes no synchronous calls.
	ErrFrozen = errors.New("the object's process is frozen")

	// ErrUnknownTransaction: the object does not know the code. A Service returns it for codes that
	// are not its own.
	ErrUnknownTransaction = errors.New("unknown transaction code")

	// ErrClosed: the bus, or the proxy, has been closed by this program.
	ErrClosed = errors.New("closed")

	// ErrBusy: Options.CallThreads calls were under way until the context of this one ended.
	ErrBusy = errors.New("too many calls under way")

	// ErrBusGone: the device stopped answering: its broker has ended, or crashed.
	ErrBusGone = errors.New("the bus is gone")
)

// A FeatureError says that the driver does not have something. errors.Is finds errors.ErrUnsupported.
type FeatureError struct {
	Path    string // of the device
	Feature string // as binderfs names it in its directory features, such as "freeze_notification"
}

func (e *FeatureError) Error() string {
	return fmt.Sprintf("%s: the driver has no %s", e.Path, e.Feature)
}

// Unwrap makes errors.Is find errors.ErrUnsupported.
func (e *FeatureError) Unwrap() error { return errors.ErrUnsupported }

// A CallError is a call that the driver answered with an error instead of a reply.
type CallError struct {
	Handle ioctl.Handle
	Code   ioctl.Code
	Return ioctl.Return  // BR_DEAD_REPLY, BR_FAILED_REPLY, BR_FROZEN_REPLY or BR_ERROR
	Errno  syscall.Errno // the driver's reason (BINDER_GET_EXTENDED_ERROR); 0 if it gave none
	ID     uint32        // the failed transaction's number in the driver's logs; 0 if it gave none
}

func (e *CallError) Error() string {
	s := fmt.Sprintf("call %s of handle %d: %v (%v", codeName(e.Code), e.Handle, e.kind(), e.Return)
	// That the dead cannot be called is EINVAL to the driver, which says nothing to people.
	if e.Errno != 0 && e.Return != ioctl.BR_DEAD_REPLY {
		s += ": " + e.Errno.Error()
	}
	return s + ")"
}

func (e *CallError) kind() error {
	switch e.Return {
	case ioctl.BR_DEAD_REPLY:
		return ErrDeadObject
	case ioctl.BR_FROZEN_REPLY:
		return ErrFrozen
	}
	return ErrFailedTransaction
}

// Unwrap makes errors.Is find the kind of failure and the driver's errno.
func (e *CallError) Unwrap() []error {
	if e.Errno == 0 {
		return []error{e.kind()}
	}
	return []error{e.kind(), e.Errno}
}

// A StatusError is a call that the object answered with a status instead of values
// (TF_STATUS_CODE). A Service that returns one sends its Status.
type StatusError struct {
	Status parcel.StatusT // negative
}

func (e *StatusError) Error() string { return "the object answered " + e.Status.String() }

// Unwrap makes errors.Is find the status, what it means to this package, and the errno it is.
func (e *StatusError) Unwrap() []error {
	found := []error{e.Status}
	switch e.Status {
	case parcel.DEAD_OBJECT:
		found = append(found, ErrDeadObject)
	case parcel.FAILED_TRANSACTION:
		found = append(found, ErrFailedTransaction)
	case parcel.UNKNOWN_TRANSACTION:
		found = append(found, ErrUnknownTransaction)
	}
	if e.Status < 0 && e.Status > -4096 {
		found = append(found, syscall.Errno(-e.Status))
	}
	return found
}

// A BusyError is a call that never began, because Options.CallThreads others were under way until
// its context ended.
type BusyError struct {
	Limit int   // Options.CallThreads
	Cause error // what ended the wait: context.DeadlineExceeded, context.Canceled
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%v (%d; Options.CallThreads): %v", ErrBusy, e.Limit, e.Cause)
}

// Unwrap makes errors.Is find ErrBusy and the cause.
func (e *BusyError) Unwrap() []error { return []error{ErrBusy, e.Cause} }

// A DeviceError is the device failing as a file.
type DeviceError struct {
	Path string
	Err  error // a syscall.Errno
}

func (e *DeviceError) Error() string { return fmt.Sprintf("%s: %v: %v", e.Path, ErrBusGone, e.Err) }

// Unwrap makes errors.Is find ErrBusGone and the errno.
func (e *DeviceError) Unwrap() []error { return []error{ErrBusGone, e.Err} }

// statusOf is the status that tells err to the other side.
func statusOf(err error) parcel.StatusT {
	var status *StatusError
	var code parcel.StatusT
	var errno syscall.Errno
	switch {
	case err == nil:
		return parcel.OK
	case errors.As(err, &status):
		return status.Status
	case errors.As(err, &code):
		return code
	case errors.Is(err, ErrUnknownTransaction):
		return parcel.UNKNOWN_TRANSACTION
	case errors.Is(err, ErrDeadObject):
		return parcel.DEAD_OBJECT
	case errors.As(err, &errno) && errno != 0:
		return -parcel.StatusT(errno)
	case errors.Is(err, ErrFailedTransaction), errors.Is(err, ErrFrozen):
		return parcel.FAILED_TRANSACTION
	}
	return parcel.UNKNOWN_ERROR
}
