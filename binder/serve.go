package binder

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"runtime/debug"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"golang.org/x/sys/unix"
)

// serve carries out a call that the driver has returned. The reply waits in t.out for the next
// exchange.
func (t *thread) serve(tr *ioctl.TransactionDataSecctx) {
	b := t.bus
	rest := bytes.Clone(t.reader.Rest()) // a nested call reads into the same buffer
	oneway := tr.Flags&ioctl.TF_ONE_WAY != 0
	flags := tr.Flags & ioctl.TF_CLEAR_BUF

	var reply *parcel.Parcel
	status := parcel.FAILED_TRANSACTION
	if buf, err := b.receive(&tr.TransactionData, true); err == nil {
		reply, status = t.run(buf, tr)
	} else {
		b.log.Error("cannot read a call", "error", err)
	}
	if t.abandoned {
		t.await() // the driver takes no reply before
	}
	t.reader = ioctl.NewReturnReader(rest)

	if oneway {
		t.out = ioctl.AppendFreeBuffer(t.out, tr.Buffer)
		return
	}
	if status != parcel.OK {
		reply = b.NewParcel()
		reply.WriteInt32(int32(status))
		flags |= ioctl.TF_STATUS_CODE
	}
	data, table := reply.Data(), reply.Offsets()
	t.out = ioctl.AppendTransaction(t.out, ioctl.BC_REPLY, &ioctl.TransactionData{
		Flags:       flags,
		DataSize:    uint64(len(data)),
		OffsetsSize: uint64(len(table)),
		Buffer:      ioctl.AddressOf(data),
		Offsets:     ioctl.AddressOf(table),
	})
	t.out = ioctl.AppendFreeBuffer(t.out, tr.Buffer)
	t.replies = append(t.replies, reply)
}

// run calls the object that a received call is for. The runtime's gate is left meanwhile, so that
// closing the bus does not wait for it.
func (t *thread) run(buf *buffer, tr *ioctl.TransactionDataSecctx) (*parcel.Parcel, parcel.StatusT) {
	b := t.bus
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if t.tid == 0 {
		t.tid = unix.Gettid()
	}
	ctx := &callContext{bus: b, thread: t, tid: t.tid, caller: Caller{
		PID:             int(tr.SenderPID),
		EUID:            tr.SenderEUID,
		SecurityContext: b.label(tr.Secctx),
	}}
	data := buf.parcel()
	t.inside = false
	b.gate.leave()
	returned := false
	defer func() {
		t.inside = b.gate.enter()
		ctx.over.Store(true)
		buf.held.serve = returned // else the goroutine ends, and nobody would free it
		data.Release()
	}()

	o := b.nodes.find(tr.Pointer())
	if tr.Pointer() == 0 {
		o = b.manager.Load()
	}
	var reply *parcel.Parcel
	status := parcel.DEAD_OBJECT
	if o != nil {
		reply, status = o.answer(ctx, tr.Code, data, tr.Flags)
	}
	returned = true
	return reply, status
}

// label reads the security context that goes with a call.
func (b *Bus) label(at ioctl.Address) string {
	if at == 0 {
		return ""
	}
	base, size := b.dev.Mapping()
	n := min(uint64(base)+size-uint64(at), 4096)
	text, err := b.dev.Bytes(at, n)
	if err != nil {
		return ""
	}
	text, _, _ = bytes.Cut(text, []byte{0})
	return string(text)
}

// answer calls the object and turns what comes of it into a reply, values or an exception, or into a
// status. A oneway call has no reply.
func (o *Object) answer(ctx context.Context, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, parcel.StatusT) {
	reply := o.bus.NewParcel()
	err := o.dispatch(ctx, code, data, reply, flags)
	if err == nil {
		err = reply.Err()
	}
	oneway := flags&ioctl.TF_ONE_WAY != 0
	if err == nil && !oneway {
		return reply, parcel.OK
	}
	reply.Release()
	if err == nil {
		return nil, parcel.OK
	}
	if oneway {
		o.bus.log.Warn("a oneway call failed", "code", codeName(code), "interface", o.descriptor, "error", err)
		return nil, parcel.OK
	}
	var exception parcel.Status
	if errors.As(err, &exception) {
		reply = o.bus.NewParcel()
		if reply.WriteStatus(exception) == nil && reply.Err() == nil {
			return reply, parcel.OK
		}
		reply.Release()
	}
	status := statusOf(err)
	if status == parcel.UNKNOWN_ERROR {
		o.bus.log.Warn("a call failed", "code", codeName(code), "interface", o.descriptor, "error", err)
	}
	return nil, status
}

// dispatch calls the service, or answers the codes that every object knows.
func (o *Object) dispatch(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) (err error) {
	defer func() {
		if v := recover(); v != nil {
			o.bus.logPanic("OnTransact", v)
			err = parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "the service panicked")
		}
	}()
	if code > LAST_CALL_TRANSACTION {
		known, err := o.common(ctx, code, data, reply)
		if known {
			return err
		}
	}
	return o.service.OnTransact(ctx, code, data, reply, flags)
}

func (b *Bus) logPanic(where string, v any) {
	b.log.Error("panic in "+where, "panic", v, "stack", string(debug.Stack()))
}
