package binder

import (
	"context"
	"encoding/binary"
	"runtime"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"golang.org/x/sys/unix"
)

// A call goes out on one of three threads:
//
//   - on the thread that carries out a call at the moment, when ctx says so: the driver then knows
//     the chain, and a call that comes back to this process lands on the waiting thread;
//   - on the caller's own thread, when nothing can end its wait: no hand-over, no allocation;
//   - on a calling thread (callThread), when ctx can end: the caller leaves, the thread waits on.
//
// Oneway calls do not wait for anybody, so they never need a calling thread.

// request is one call on its way out.
type request struct {
	ref   *reference
	code  ioctl.Code
	flags ioctl.Flags
	data  []byte
	table []byte
}

// transact sends a call and waits for its reply.
func (b *Bus) transact(ctx context.Context, ref *reference, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, error) {
	r := request{ref: ref, code: code, flags: flags | ioctl.TF_ACCEPT_FDS}
	if data != nil {
		if err := data.Err(); err != nil {
			return nil, err
		}
		r.data, r.table = data.Data(), data.Offsets()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !ref.uses.enter() {
		return nil, ErrClosed
	}
	defer ref.uses.leave()
	var tr ioctl.TransactionData
	var err error
	nested := running(ctx).chain()
	done := ctx.Done()
	switch {
	case nested.carries(b):
		tr, err = nested.thread.nested(ctx, &r)
	case r.oneway() || done == nil || done == b.done:
		tr, err = b.callHere(ctx, &r)
	default:
		tr, err = b.callAway(ctx, &r)
	}
	runtime.KeepAlive(data)
	if err != nil || r.oneway() {
		return nil, err
	}
	return b.reply(&tr)
}

func (r *request) oneway() bool { return r.flags&ioctl.TF_ONE_WAY != 0 }

// carries tells whether the calling goroutine is the one that carries c out, on its locked thread.
// A goroutine that has only been given the context is on another thread.
func (c *callContext) carries(b *Bus) bool {
	return c != nil && c.bus == b && !c.over.Load() && unix.Gettid() == c.tid && !c.thread.abandoned
}

// reply makes a parcel of a reply, or an error of one that is a status.
func (b *Bus) reply(tr *ioctl.TransactionData) (*parcel.Parcel, error) {
	buf, err := b.receive(tr, false)
	if err != nil {
		return nil, err
	}
	if tr.Flags&ioctl.TF_STATUS_CODE == 0 {
		return buf.parcel(), nil
	}
	status := parcel.UNKNOWN_ERROR
	if d := buf.held.data; len(d) >= 4 {
		status = parcel.StatusT(binary.LittleEndian.Uint32(d))
	}
	buf.free()
	if status == parcel.OK {
		return b.NewParcel(), nil
	}
	return nil, &StatusError{Status: status}
}

// callHere makes a call on the calling goroutine's thread.
func (b *Bus) callHere(ctx context.Context, r *request) (tr ioctl.TransactionData, err error) {
	if b.stuck.holds(unix.Gettid) {
		// The goroutine carries out a call, says so by no context, and its thread waits for a reply
		// that nobody wants. So the call needs another thread.
		return b.callAway(ctx, r)
	}
	if !r.oneway() {
		if err := b.slots.take(ctx, b); err != nil {
			return tr, err
		}
		defer b.slots.give()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if !b.gate.enter() {
		return tr, ErrClosed
	}
	t := b.thread()
	t.inside = true
	returned := false
	defer func() {
		if !returned { // a call that was served meanwhile has ended the goroutine
			_ = b.dev.ThreadExit()
		}
		if t.inside {
			b.gate.leave()
		}
		b.recycle(t)
	}()
	tr, err = t.call(r)
	returned = true
	return tr, err
}

// nested makes a call on the thread of the call that is being carried out. When ctx ends, the wait
// is broken off, and the reply awaited before the call that is being carried out is answered.
func (t *thread) nested(ctx context.Context, r *request) (tr ioctl.TransactionData, err error) {
	if !t.bus.gate.enter() {
		return tr, ErrClosed
	}
	t.inside = true
	defer func() {
		if t.inside {
			t.inside = false
			t.bus.gate.leave()
		}
	}()
	if done := ctx.Done(); done == nil || done == t.bus.done || r.oneway() {
		return t.call(r)
	}
	t.pins = t.bus.nodes.pinAll(r.data, r.table)
	stop := t.breakOff(ctx)
	tr, err = t.call(r)
	stop()
	if err == errInterrupted {
		err = ctx.Err()
		if t.sent {
			t.abandoned = true
			t.bus.stuck.add(t.tid)
			return tr, err
		}
		t.out = t.out[:len(t.out)-4-ioctl.SizeofTransactionData]
	}
	t.bus.nodes.unpinAll(t.pins)
	t.pins = nil
	return tr, err
}

// call sends one call and waits for its reply, or for the driver's having taken it if it is oneway.
// Calls that come meanwhile, because this one has led to them, are carried out.
func (t *thread) call(r *request) (ioctl.TransactionData, error) {
	t.begin(r)
	tr, err := t.wait(r)
	runtime.KeepAlive(r)
	return tr, err
}

// begin puts a call into t.out. What it points to must stay until it has been sent.
func (t *thread) begin(r *request) {
	t.out = t.bus.pending.take(t.out)
	t.out = ioctl.AppendTransaction(t.out, ioctl.BC_TRANSACTION, &ioctl.TransactionData{
		Target:      uint64(r.ref.handle),
		Code:        r.code,
		Flags:       r.flags,
		DataSize:    uint64(len(r.data)),
		OffsetsSize: uint64(len(r.table)),
		Buffer:      ioctl.AddressOf(r.data),
		Offsets:     ioctl.AddressOf(r.table),
	})
	t.sent = false
}

// wait handles what the driver returns until the call has ended.
func (t *thread) wait(r *request) (tr ioctl.TransactionData, err error) {
	for {
		ret, arg, err := t.next()
		if err != nil {
			return tr, err
		}
		if t.handle(ret, arg) {
			continue
		}
		switch ret {
		case ioctl.BR_TRANSACTION_COMPLETE, ioctl.BR_ONEWAY_SPAM_SUSPECT, ioctl.BR_TRANSACTION_PENDING_FROZEN:
			if t.confirmed() || !r.oneway() {
				continue
			}
			if ret == ioctl.BR_ONEWAY_SPAM_SUSPECT {
				t.bus.suspect(r)
			}
		case ioctl.BR_REPLY:
			tr.Decode(arg)
		case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY, ioctl.BR_FROZEN_REPLY, ioctl.BR_ERROR:
			err = t.failure(r, ret)
		default:
			t.bus.log.Warn("the driver returned what this program does not know", "return", ret)
			continue
		}
		for len(t.replies) > 0 { // their confirmations must not meet the thread's next call
			ret, arg, next := t.next()
			if next != nil {
				return tr, next
			}
			if !t.handle(ret, arg) && ret == ioctl.BR_TRANSACTION_COMPLETE {
				t.confirmed()
			}
		}
		t.settle()
		return tr, err
	}
}

// failure is the error of a call, with the driver's reason if it tells.
func (t *thread) failure(r *request, ret ioctl.Return) error {
	e := &CallError{Handle: r.ref.handle, Code: r.code, Return: ret}
	if why, err := t.bus.dev.ExtendedError(); err == nil && why.Command == ret && why.Param < 0 {
		e.ID, e.Errno = why.ID, errnoOf(why.Param)
	}
	return e
}
