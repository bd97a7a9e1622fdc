package ioctl

import (
	"encoding/binary"
	"fmt"
)

// A CommandReader takes a stream of commands apart. It never looks beyond the stream's end and
// accepts any input. The zero value is an empty stream; copies are independent.
type CommandReader struct{ stream }

// NewCommandReader reads commands from b, which it does not change.
func NewCommandReader(b []byte) CommandReader { return CommandReader{stream{data: b}} }

// Next returns the next command and its argument: exactly cmd.Size() bytes of the stream itself.
// ok is false at the end of the stream, and where it breaks off (see Err).
//
// A command this package does not know is returned all the same, as the number says how long its
// argument is; whoever does not know it either has to stop there.
func (r *CommandReader) Next() (cmd Command, arg []byte, ok bool) {
	n, arg, ok := r.next()
	return Command(n), arg, ok
}

// A ReturnReader takes a stream of returns apart, as a CommandReader does with commands.
type ReturnReader struct{ stream }

// NewReturnReader reads returns from b, which it does not change.
func NewReturnReader(b []byte) ReturnReader { return ReturnReader{stream{data: b}} }

// Next returns the next return and its argument: exactly ret.Size() bytes of the stream itself. ok is
// false at the end of the stream, and where it breaks off (see Err). Unknown returns are returned
// too: they can be skipped.
func (r *ReturnReader) Next() (ret Return, arg []byte, ok bool) {
	n, arg, ok := r.next()
	return Return(n), arg, ok
}

// stream is a sequence of 32-bit numbers, each followed by as many bytes as it says.
type stream struct {
	data []byte
	off  int
}

func (s *stream) next() (n Number, arg []byte, ok bool) {
	rest := s.data[s.off:]
	if len(rest) < 4 {
		return 0, nil, false
	}
	n = Number(binary.LittleEndian.Uint32(rest))
	end := 4 + n.Size()
	if end > len(rest) {
		return 0, nil, false
	}
	s.off += end
	return n, rest[4:end:end], true
}

// Offset is how many bytes Next has passed.
func (s *stream) Offset() int { return s.off }

// Rest is what Next has not passed yet.
func (s *stream) Rest() []byte { return s.data[s.off:] }

// Err is, once Next has said false, nil at the end of the stream and a *TruncatedError where it
// ends inside a number or an argument.
func (s *stream) Err() error {
	rest := s.data[s.off:]
	if len(rest) == 0 {
		return nil
	}
	e := &TruncatedError{Offset: s.off, Have: len(rest), Need: 4}
	if len(rest) >= 4 {
		e.Number = Number(binary.LittleEndian.Uint32(rest))
		e.Need += e.Number.Size()
		if e.Have >= e.Need {
			return nil // Next has not been called yet
		}
	}
	return e
}

// A TruncatedError tells where a stream breaks off.
type TruncatedError struct {
	Offset int    // where the last item begins, in bytes
	Number Number // the item's number, 0 if even that is cut
	Have   int    // bytes there are of the item, number included
	Need   int    // bytes there should be
}

func (e *TruncatedError) Error() string {
	if e.Number == 0 {
		return fmt.Sprintf("command stream breaks off at byte %d: %d bytes of a number", e.Offset, e.Have)
	}
	return fmt.Sprintf("command stream breaks off at byte %d: %s has %d bytes and needs %d",
		e.Offset, e.Number, e.Have, e.Need)
}

// DecodeHandle reads the argument of BC_INCREFS, BC_ACQUIRE, BC_RELEASE or BC_DECREFS.
func DecodeHandle(arg []byte) Handle { return Handle(binary.LittleEndian.Uint32(arg)) }

// DecodeAddress reads the argument of BC_FREE_BUFFER.
func DecodeAddress(arg []byte) Address { return Address(binary.LittleEndian.Uint64(arg)) }

// DecodeCookie reads the argument of BC_DEAD_BINDER_DONE, BC_FREEZE_NOTIFICATION_DONE,
// BR_DEAD_BINDER, BR_CLEAR_DEATH_NOTIFICATION_DONE or BR_CLEAR_FREEZE_NOTIFICATION_DONE.
func DecodeCookie(arg []byte) Cookie { return Cookie(binary.LittleEndian.Uint64(arg)) }

// DecodeError reads the argument of BR_ERROR: a negative errno.
func DecodeError(arg []byte) int32 { return int32(binary.LittleEndian.Uint32(arg)) }
