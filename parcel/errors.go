package parcel

import (
	"errors"
	"fmt"
)

// ErrReleased is the cause when a parcel is used after Release.
var ErrReleased = errors.New("the parcel was released")

// An Error says what could not be read or written, and where. Its cause is a StatusT, which is
// what libbinder would have returned, or ErrReleased, or the error of a Binder, a Resolver or a
// FileSource.
type Error struct {
	Op     string // what was being done: "read int32", "write strong binder"
	Offset int    // bytes from the start of the parcel's data
	Detail string // what was wrong, in words; may be empty
	Err    error
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return fmt.Sprintf("parcel: %s at offset %d: %v", e.Op, e.Offset, e.Err)
	}
	return fmt.Sprintf("parcel: %s at offset %d: %s: %v", e.Op, e.Offset, e.Detail, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// StatusT is libbinder's status_t (utils/Errors.h): 0, a negative errno, or one of Binder's own.
// It travels alone in a reply that carries TF_STATUS_CODE.
type StatusT int32

// Android's names for statuses. Those above UNKNOWN_ERROR are negative errnos.
const (
	OK                  StatusT = 0
	UNKNOWN_ERROR       StatusT = -1 << 31
	BAD_TYPE            StatusT = UNKNOWN_ERROR + 1
	FAILED_TRANSACTION  StatusT = UNKNOWN_ERROR + 2
	FDS_NOT_ALLOWED     StatusT = UNKNOWN_ERROR + 7
	UNEXPECTED_NULL     StatusT = UNKNOWN_ERROR + 8
	PERMISSION_DENIED   StatusT = -1   // -EPERM
	NAME_NOT_FOUND      StatusT = -2   // -ENOENT
	WOULD_BLOCK         StatusT = -11  // -EWOULDBLOCK
	NO_MEMORY           StatusT = -12  // -ENOMEM
	ALREADY_EXISTS      StatusT = -17  // -EEXIST
	NO_INIT             StatusT = -19  // -ENODEV
	BAD_VALUE           StatusT = -22  // -EINVAL
	DEAD_OBJECT         StatusT = -32  // -EPIPE
	INVALID_OPERATION   StatusT = -38  // -ENOSYS
	NOT_ENOUGH_DATA     StatusT = -61  // -ENODATA
	UNKNOWN_TRANSACTION StatusT = -74  // -EBADMSG
	BAD_INDEX           StatusT = -75  // -EOVERFLOW
	TIMED_OUT           StatusT = -110 // -ETIMEDOUT
)

var statusNames = map[StatusT]string{
	OK:                  "OK",
	UNKNOWN_ERROR:       "UNKNOWN_ERROR",
	BAD_TYPE:            "BAD_TYPE",
	FAILED_TRANSACTION:  "FAILED_TRANSACTION",
	FDS_NOT_ALLOWED:     "FDS_NOT_ALLOWED",
	UNEXPECTED_NULL:     "UNEXPECTED_NULL",
	PERMISSION_DENIED:   "PERMISSION_DENIED",
	NAME_NOT_FOUND:      "NAME_NOT_FOUND",
	WOULD_BLOCK:         "WOULD_BLOCK",
	NO_MEMORY:           "NO_MEMORY",
	ALREADY_EXISTS:      "ALREADY_EXISTS",
	NO_INIT:             "NO_INIT",
	BAD_VALUE:           "BAD_VALUE",
	DEAD_OBJECT:         "DEAD_OBJECT",
	INVALID_OPERATION:   "INVALID_OPERATION",
	NOT_ENOUGH_DATA:     "NOT_ENOUGH_DATA",
	UNKNOWN_TRANSACTION: "UNKNOWN_TRANSACTION",
	BAD_INDEX:           "BAD_INDEX",
	TIMED_OUT:           "TIMED_OUT",
}

// String is Android's name for s, or its number.
func (s StatusT) String() string {
	if name, ok := statusNames[s]; ok {
		return name
	}
	return fmt.Sprintf("status_t(%d)", int32(s))
}

// Error makes a StatusT the cause of other errors, so that errors.Is(err, parcel.BAD_VALUE) works.
func (s StatusT) Error() string { return s.String() }

// StatusOf is the status_t that says err to a libbinder peer: OK for nil, the StatusT inside err
// if there is one, else UNKNOWN_ERROR.
func StatusOf(err error) StatusT {
	if err == nil {
		return OK
	}
	var s StatusT
	if errors.As(err, &s) {
		return s
	}
	return UNKNOWN_ERROR
}
