package parcel

import (
	"fmt"
	"strconv"
)

// Exception is the code with which a reply begins: what went wrong in the callee
// (android::binder::Status, android.os.Parcel).
type Exception int32

// Exceptions, as Status.h names them.
const (
	EX_NONE                  Exception = 0
	EX_SECURITY              Exception = -1
	EX_BAD_PARCELABLE        Exception = -2
	EX_ILLEGAL_ARGUMENT      Exception = -3
	EX_NULL_POINTER          Exception = -4
	EX_ILLEGAL_STATE         Exception = -5
	EX_NETWORK_MAIN_THREAD   Exception = -6
	EX_UNSUPPORTED_OPERATION Exception = -7
	EX_SERVICE_SPECIFIC      Exception = -8
	EX_PARCELABLE            Exception = -9

	// EX_HAS_NOTED_APPOPS_REPLY_HEADER and EX_HAS_REPLY_HEADER come from Java alone: a header
	// stands before the result. The second has a size and is skipped; the first has none and, as
	// in libbinder of Android 14, ends the reading.
	EX_HAS_NOTED_APPOPS_REPLY_HEADER Exception = -127
	EX_HAS_REPLY_HEADER              Exception = -128

	// EX_TRANSACTION_FAILED never travels: the driver or libbinder failed the call.
	EX_TRANSACTION_FAILED Exception = -129
)

var exceptionNames = map[Exception]string{
	EX_NONE:                          "EX_NONE",
	EX_SECURITY:                      "EX_SECURITY",
	EX_BAD_PARCELABLE:                "EX_BAD_PARCELABLE",
	EX_ILLEGAL_ARGUMENT:              "EX_ILLEGAL_ARGUMENT",
	EX_NULL_POINTER:                  "EX_NULL_POINTER",
	EX_ILLEGAL_STATE:                 "EX_ILLEGAL_STATE",
	EX_NETWORK_MAIN_THREAD:           "EX_NETWORK_MAIN_THREAD",
	EX_UNSUPPORTED_OPERATION:         "EX_UNSUPPORTED_OPERATION",
	EX_SERVICE_SPECIFIC:              "EX_SERVICE_SPECIFIC",
	EX_PARCELABLE:                    "EX_PARCELABLE",
	EX_HAS_NOTED_APPOPS_REPLY_HEADER: "EX_HAS_NOTED_APPOPS_REPLY_HEADER",
	EX_HAS_REPLY_HEADER:              "EX_HAS_REPLY_HEADER",
	EX_TRANSACTION_FAILED:            "EX_TRANSACTION_FAILED",
}

// String is Android's name for e, or its number.
func (e Exception) String() string {
	if name, ok := exceptionNames[e]; ok {
		return name
	}
	return strconv.Itoa(int(e))
}

// A Status is how a call ended: android::binder::Status. The zero Status is success. A Status that
// is not success is an error; use Err to get at it, for errors.As to find.
type Status struct {
	Exception Exception
	Code      int32 // with EX_SERVICE_SPECIFIC the service's own; with EX_TRANSACTION_FAILED a StatusT
	Message   string
}

// Exceptionf is the Status of exception e with a message.
func Exceptionf(e Exception, format string, args ...any) Status {
	return Status{Exception: e, Message: fmt.Sprintf(format, args...)}
}

// ServiceSpecific is the Status of an error that the service numbers itself.
func ServiceSpecific(code int32, message string) Status {
	return Status{Exception: EX_SERVICE_SPECIFIC, Code: code, Message: message}
}

// OK says that the call succeeded.
func (s Status) OK() bool { return s.Exception == EX_NONE }

// Err is s as an error, nil for success.
func (s Status) Err() error {
	if s.OK() {
		return nil
	}
	return s
}

func (s Status) Error() string {
	text := s.Exception.String()
	switch s.Exception {
	case EX_SERVICE_SPECIFIC:
		text += " " + strconv.Itoa(int(s.Code))
	case EX_TRANSACTION_FAILED:
		text += " " + StatusT(s.Code).String()
	}
	if s.Message != "" {
		text += ": " + s.Message
	}
	return text
}

// Unwrap is the StatusT of EX_TRANSACTION_FAILED, else nil.
func (s Status) Unwrap() error {
	if s.Exception == EX_TRANSACTION_FAILED {
		return StatusT(s.Code)
	}
	return nil
}

// WriteNoException begins the reply of a call that succeeded.
func (p *Parcel) WriteNoException() { p.WriteInt32(int32(EX_NONE)) }

// WriteStatus begins a reply as Status::writeToParcel does:
//
//	int32    exception; EX_NONE ends it here
//	String16 message
//	int32    0, the size of the remote stack trace     from API level 28
//	int32    code                                      EX_SERVICE_SPECIFIC only
//	int32    0, the size of the parcelable             EX_PARCELABLE only
//
// EX_TRANSACTION_FAILED is not written but returned, as the StatusT in s.Code: the reply is then
// that number alone, sent with TF_STATUS_CODE.
func (p *Parcel) WriteStatus(s Status) error {
	switch s.Exception {
	case EX_TRANSACTION_FAILED:
		return StatusT(s.Code)
	case EX_NONE:
		p.WriteNoException()
		return p.err
	}
	p.WriteInt32(int32(s.Exception))
	p.WriteString16(s.Message)
	if p.level() >= levelStackTrace {
		p.WriteInt32(0)
	}
	switch s.Exception {
	case EX_SERVICE_SPECIFIC:
		p.WriteInt32(s.Code)
	case EX_PARCELABLE:
		p.WriteInt32(0)
	}
	return p.err
}

// ReadStatus reads the beginning of a reply as Status::readFromParcel does: headers that Java
// sends are skipped, and so are stack traces and the parcelable of EX_PARCELABLE. When the reply
// itself is broken the Status is EX_TRANSACTION_FAILED, and Err says where.
func (p *Parcel) ReadStatus() Status {
	s := Status{Exception: Exception(p.ReadInt32())}
	if s.Exception == EX_HAS_NOTED_APPOPS_REPLY_HEADER {
		p.fail("read status", p.pos-4, "a header of app ops stands there, whose size Android 14 does not tell", UNKNOWN_ERROR)
	}
	if s.Exception == EX_HAS_REPLY_HEADER {
		p.skipSized("read reply header")
		s.Exception = EX_NONE
	}
	if s.Exception != EX_NONE {
		p.readException(&s)
	}
	if p.err != nil {
		return Status{Exception: EX_TRANSACTION_FAILED, Code: int32(StatusOf(p.err)), Message: p.err.Error()}
	}
	return s
}

func (p *Parcel) readException(s *Status) {
	if message := p.ReadNullableString16(); message != nil {
		s.Message = *message
	}
	if p.level() >= levelStackTrace {
		p.skipSized("read remote stack trace")
	}
	switch s.Exception {
	case EX_SERVICE_SPECIFIC:
		s.Code = p.ReadInt32()
	case EX_PARCELABLE:
		p.skipSized("read exception parcelable")
	}
}

// skipSized skips something that begins with its size: an int32 that counts itself, or 0 for
// nothing at all.
func (p *Parcel) skipSized(op string) {
	start := p.pos
	size := int(p.ReadInt32())
	if p.err != nil || size == 0 {
		return
	}
	if size < 4 || size > len(p.data)-start {
		p.fail(op, start, fmt.Sprintf("its size is %d, but %d bytes are left", size, len(p.data)-start), UNKNOWN_ERROR)
		return
	}
	p.pos = start + size
}
