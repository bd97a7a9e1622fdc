package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// The demonstration's two interfaces, written by hand. Each call begins with the interface's
// name, each reply with the exception (none).
const (
	greeterInterface = "fusebinder.demo.IGreeter"
	greeterGreet     = binder.FIRST_CALL_TRANSACTION + iota - 1 // String greet(String who)
	greeterCallMe                                               // void callMe(IListener listener)
	greeterLetter                                               // ParcelFileDescriptor letter()
	greeterNote                                                 // oneway void note(int n)
	greeterNotes                                                // int[] notes()
	greeterEcho                                                 // byte[] echo(byte[] b)
)

const (
	listenerInterface = "fusebinder.demo.IListener"
	listenerTell      = binder.FIRST_CALL_TRANSACTION // void tell(String what)
)

// A greeter is the object that the actor registers.
type greeter struct {
	bus *binder.Bus

	mu    sync.Mutex
	notes []int32 // guarded by mu
}

// InterfaceDescriptor names the interface.
func (g *greeter) InterfaceDescriptor() string { return greeterInterface }

// OnTransact carries out one call.
func (g *greeter) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface(greeterInterface); err != nil {
		return err
	}
	reply.WriteNoException()
	switch code {
	case greeterGreet:
		caller := binder.CallerFrom(ctx)
		reply.WriteString16(fmt.Sprintf("hello %s, your pid is %d and your uid %d", data.ReadString16(), caller.PID, caller.EUID))
	case greeterCallMe:
		listener, err := binder.ReadBinder(data)
		if err != nil {
			return err
		}
		return tell(ctx, g.bus, listener, fmt.Sprintf("here is pid %d", os.Getpid()))
	case greeterLetter:
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		defer read.Close()
		defer write.Close()
		fmt.Fprintf(write, "a pipe filled by pid %d", os.Getpid())
		reply.WriteParcelFileDescriptor(int(read.Fd()))
	case greeterNote:
		g.mu.Lock()
		g.notes = append(g.notes, data.ReadInt32())
		g.mu.Unlock()
	case greeterNotes:
		g.mu.Lock()
		reply.WriteInt32Array(g.notes)
		g.mu.Unlock()
	case greeterEcho:
		reply.WriteByteArray(data.ReadByteView())
	default:
		return binder.ErrUnknownTransaction
	}
	return data.Err()
}

// tell calls a listener.
func tell(ctx context.Context, bus *binder.Bus, listener binder.Binder, what string) error {
	reply, err := call(ctx, bus, listener, listenerInterface, listenerTell, func(p *parcel.Parcel) { p.WriteString16(what) })
	if err != nil {
		return err
	}
	reply.Release()
	return nil
}

// call makes one call of an interface; the reply is read past its exception.
func call(ctx context.Context, bus *binder.Bus, on binder.Binder, descriptor string, code ioctl.Code, write func(*parcel.Parcel)) (*parcel.Parcel, error) {
	data := bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken(descriptor)
	if write != nil {
		write(data)
	}
	reply, err := on.Transact(ctx, code, data, 0)
	if err != nil {
		return nil, err
	}
	if status := reply.ReadStatus(); !status.OK() {
		reply.Release()
		return nil, status
	}
	return reply, nil
}

// A listener is the object that the stage passes along.
type listener func(ctx context.Context, what string)

// InterfaceDescriptor names the interface.
func (l listener) InterfaceDescriptor() string { return listenerInterface }

// OnTransact carries out one call.
func (l listener) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface(listenerInterface); err != nil {
		return err
	}
	if code != listenerTell {
		return binder.ErrUnknownTransaction
	}
	what := data.ReadString16()
	if err := data.Err(); err != nil {
		return err
	}
	l(ctx, what)
	reply.WriteNoException()
	return nil
}
