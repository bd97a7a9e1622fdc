package binder

import (
	"errors"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A thread is one operating system thread's conversation with the driver: the commands to send and
// the returns to read. To the driver a thread is its tid, so the goroutine that has a conversation
// under way is locked to its thread. Threads that are not in a call chain have no state there, and
// their thread objects are used again.
type thread struct {
	bus    *Bus
	inside bool // holds bus.gate

	out    []byte             // commands to send, complete ones
	in     []byte             // what the driver returned
	reader ioctl.ReturnReader // over in
	wr     ioctl.WriteRead

	// replies were sent, or are in out, and the driver has not confirmed them yet. Their memory,
	// and the objects they name, have to stay until then.
	replies []*parcel.Parcel

	tid       int         // once it has served a call, 0 before
	sent      bool        // all of out has been taken since a call began
	pins      []*node     // objects in the nested call
	abandoned bool        // a nested call's reply is still to come, and nobody waits for it
	interrupt atomic.Bool // the wait under way is to end
}

// readSize is room for what the driver returns at once. It stops when less than a BR_TRANSACTION
// with a security context fits.
const readSize = 512

// thread is a thread object to be used on the calling thread.
func (b *Bus) thread() *thread {
	if t, ok := b.threads.Get().(*thread); ok {
		return t
	}
	return &thread{bus: b, in: make([]byte, readSize), out: make([]byte, 0, readSize)}
}

// recycle takes back a thread object whose conversation is over.
func (b *Bus) recycle(t *thread) {
	if len(t.out) > 0 || len(t.replies) > 0 || t.abandoned {
		return
	}
	t.tid = 0
	b.threads.Put(t)
}

// errInterrupted ends a wait whose caller does not want to wait any longer.
var errInterrupted = errors.New("interrupted")

// exchange sends what is to be sent and, with read, waits for something to be returned.
func (t *thread) exchange(read bool) error {
	wr := &t.wr
	*wr = ioctl.WriteRead{WriteSize: uint64(len(t.out)), WriteBuffer: ioctl.AddressOf(t.out)}
	if read {
		wr.ReadSize, wr.ReadBuffer = uint64(len(t.in)), ioctl.AddressOf(t.in)
	}
	var err error
	for {
		beforeDriver()
		err = t.bus.dev.WriteRead(wr)
		afterDriver()
		if err != syscall.EINTR {
			break
		}
		if wr.ReadConsumed > 0 {
			err = nil
			break
		}
		if read && t.interrupt.Load() {
			err = errInterrupted
			break
		}
	}
	t.out = append(t.out[:0], t.out[min(wr.WriteConsumed, wr.WriteSize):]...)
	t.sent = t.sent || len(t.out) == 0
	t.reader = ioctl.NewReturnReader(t.in[:min(wr.ReadConsumed, uint64(len(t.in)))])
	if err == nil || err == errInterrupted {
		return err
	}
	if t.bus.gate.closed() || errors.Is(err, os.ErrClosed) {
		return ErrClosed
	}
	t.out = t.out[:0] // or they would fail for ever
	return &DeviceError{Path: t.bus.path, Err: err}
}

// send sends commands that have no answer.
func (t *thread) send() error {
	if len(t.out) == 0 {
		return nil
	}
	err := t.exchange(false)
	for err == nil && len(t.out) > 0 {
		// The driver takes nothing before this thread has read an error.
		if err = t.exchange(true); err == nil {
			t.settle()
		}
	}
	return err
}

// command sends commands and returns when the driver has carried them out.
func (b *Bus) command(add func(out []byte) []byte) error {
	if !b.gate.enter() {
		return ErrClosed
	}
	defer b.gate.leave()
	t := b.thread()
	defer b.recycle(t)
	t.out = add(b.pending.take(t.out))
	return t.send()
}

// attempt sends commands that the driver may refuse, with EINVAL, so apart from all others.
func (b *Bus) attempt(add func(out []byte) []byte) error {
	if !b.gate.enter() {
		return ErrClosed
	}
	defer b.gate.leave()
	t := b.thread()
	defer b.recycle(t)
	t.out = add(t.out)
	return t.send()
}

// next is the next thing that the driver returned. It waits for it, if need be.
func (t *thread) next() (ioctl.Return, []byte, error) {
	for {
		if ret, arg, ok := t.reader.Next(); ok {
			return ret, arg, nil
		}
		if err := t.reader.Err(); err != nil {
			return 0, nil, &DeviceError{Path: t.bus.path, Err: err}
		}
		if t.bus.gate.closed() {
			return 0, nil, ErrClosed
		}
		if err := t.exchange(true); err != nil {
			return 0, nil, err
		}
	}
}

// settle handles what is left of the last read at the end of a call, and leaves the commands that
// follow from it to others.
func (t *thread) settle() {
	for {
		ret, arg, ok := t.reader.Next()
		if !ok {
			break
		}
		if !t.handle(ret, arg) && ret == ioctl.BR_TRANSACTION_COMPLETE {
			t.confirmed()
		}
	}
	if len(t.out) > 0 && len(t.replies) == 0 {
		t.bus.pending.putAll(t.out)
		t.out = t.out[:0]
	}
}

// confirmed lets go of the oldest reply, which the driver has taken.
func (t *thread) confirmed() bool {
	if len(t.replies) == 0 {
		return false
	}
	t.replies[0].Release()
	n := copy(t.replies, t.replies[1:])
	t.replies[n] = nil
	t.replies = t.replies[:n]
	return true
}

// handle carries out a return that has nothing to do with a call this thread has made; false for
// those that have.
func (t *thread) handle(ret ioctl.Return, arg []byte) bool {
	switch ret {
	case ioctl.BR_NOOP, ioctl.BR_OK, ioctl.BR_FINISHED, ioctl.BR_CLEAR_FREEZE_NOTIFICATION_DONE:
	case ioctl.BR_TRANSACTION:
		var tr ioctl.TransactionDataSecctx
		tr.TransactionData.Decode(arg)
		t.serve(&tr)
	case ioctl.BR_TRANSACTION_SEC_CTX:
		var tr ioctl.TransactionDataSecctx
		tr.Decode(arg)
		t.serve(&tr)
	case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE, ioctl.BR_RELEASE, ioctl.BR_DECREFS:
		t.count(ret, arg)
	case ioctl.BR_SPAWN_LOOPER:
		go t.bus.looper(ioctl.BC_REGISTER_LOOPER)
	case ioctl.BR_DEAD_BINDER:
		cookie := ioctl.DecodeCookie(arg)
		t.out = ioctl.AppendCookie(t.out, ioctl.BC_DEAD_BINDER_DONE, cookie)
		if p := t.bus.subscriptions.remove(cookie); p != nil {
			p.died(cookie)
		}
	case ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE:
	case ioctl.BR_FROZEN_BINDER:
		var info ioctl.FrozenStateInfo
		info.Decode(arg)
		t.out = ioctl.AppendCookie(t.out, ioctl.BC_FREEZE_NOTIFICATION_DONE, info.Cookie)
		if p := t.bus.freezes.find(info.Cookie); p != nil {
			p.frozenChanged(info.Cookie, info.IsFrozen != 0)
		}
	default:
		return false
	}
	return true
}

// count carries out a change in what others hold of an object of ours.
func (t *thread) count(ret ioctl.Return, arg []byte) {
	var n ioctl.PtrCookie
	n.Decode(arg)
	alone := t.bus.nodes.count(ret, n.Pointer)
	switch ret {
	case ioctl.BR_INCREFS:
		t.out = ioctl.AppendPtrCookie(t.out, ioctl.BC_INCREFS_DONE, n)
	case ioctl.BR_ACQUIRE:
		t.out = ioctl.AppendPtrCookie(t.out, ioctl.BC_ACQUIRE_DONE, n)
	}
	if alone != nil {
		go t.bus.alone(alone)
	}
}

func (b *Bus) alone(s Unreferencer) {
	defer func() {
		if v := recover(); v != nil {
			b.logPanic("OnUnreferenced", v)
		}
	}()
	s.OnUnreferenced()
}
