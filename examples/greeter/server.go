package main

import (
	"context"
	"fmt"
	"os"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// greeter is the object that this program gives away.
type greeter struct {
	bus  *binder.Bus
	left chan struct{}
}

func serve(ctx context.Context, bus *binder.Bus) error {
	g := &greeter{bus: bus, left: make(chan struct{}, 1)}
	object := bus.Export(g, binder.WithDescriptor(greeterName))
	if err := servicemgr.NewClient(bus).Add(ctx, "greeter", object, servicemgr.AddOptions{}); err != nil {
		return err
	}
	select {
	case <-g.left:
		return nil
	case <-bus.Done():
		return bus.Err()
	}
}

// OnTransact carries out one call, on a thread of the pool.
func (g *greeter) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface(greeterName); err != nil {
		return err
	}
	reply.WriteNoException()
	switch code {
	case greet:
		listener, err := binder.ReadBinder(data)
		if err != nil {
			return err
		}
		if listener == nil {
			return parcel.Exceptionf(parcel.EX_NULL_POINTER, "greet needs a listener")
		}
		// With the ctx of the call that is being served, this one comes to the thread that waits
		// for us over there.
		return call(ctx, g.bus, listener, listenerName, hear, 0, func(p *parcel.Parcel) {
			p.WriteString16(fmt.Sprintf("hello, user %d", binder.CallerFrom(ctx).EUID))
		}, nil)
	case letter:
		read, write, err := os.Pipe()
		if err != nil {
			return err
		}
		defer read.Close()
		defer write.Close()
		fmt.Fprint(write, "dear reader")
		reply.WriteParcelFileDescriptor(int(read.Fd())) // the parcel takes a duplicate
		return reply.Err()
	case leave:
		select {
		case g.left <- struct{}{}:
		default: // said before
		}
		return nil
	}
	return binder.ErrUnknownTransaction
}
