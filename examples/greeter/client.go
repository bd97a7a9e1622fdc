package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// visit finds the greeter and does with it what there is to do.
func visit(ctx context.Context, bus *binder.Bus) error {
	greeter, err := servicemgr.NewClient(bus).Wait(ctx, "greeter")
	if err != nil {
		return err
	}

	// An object of ours goes along and is called while we wait.
	listener := bus.Export(binder.ServiceFunc(onHear), binder.WithDescriptor(listenerName))
	if err := call(ctx, bus, greeter, greeterName, greet, 0, func(p *parcel.Parcel) { p.WriteStrongBinder(listener) }, nil); err != nil {
		return fmt.Errorf("greet: %w", err)
	}

	// A file descriptor comes back.
	var file *os.File
	if err := call(ctx, bus, greeter, greeterName, letter, 0, nil, func(p *parcel.Parcel) {
		file = os.NewFile(uintptr(p.ReadParcelFileDescriptor()), "letter")
	}); err != nil {
		return fmt.Errorf("letter: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	fmt.Printf("read: %s\n", text)

	// The greeter's process ends, and we are told.
	died := make(chan struct{})
	if err := greeter.LinkToDeath(binder.DeathFunc(func(binder.Binder) { close(died) })); err != nil {
		return err
	}
	if err := call(ctx, bus, greeter, greeterName, leave, ioctl.TF_ONE_WAY, nil, nil); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	select {
	case <-died:
		fmt.Println("the greeter is dead:", greeter.Ping(ctx))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// onHear is the listener.
func onHear(_ context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface(listenerName); err != nil {
		return err
	}
	if code != hear {
		return binder.ErrUnknownTransaction
	}
	fmt.Printf("heard: %s\n", data.ReadString16())
	reply.WriteNoException()
	return data.Err()
}
