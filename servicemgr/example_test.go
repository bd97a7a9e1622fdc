package servicemgr_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// A program that offers a service under a name.
func ExampleClient_Add() {
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	clock := bus.Export(binder.ServiceFunc(func(_ context.Context, _ ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
		if err := data.EnforceInterface("com.example.IClock"); err != nil {
			return err
		}
		reply.WriteNoException()
		reply.WriteInt64(time.Now().Unix())
		return nil
	}), binder.WithDescriptor("com.example.IClock"))
	if err := servicemgr.NewClient(bus).Add(context.Background(), "clock", clock, servicemgr.AddOptions{}); err != nil {
		log.Fatal(err)
	}
	<-bus.Done()
}

// A program that waits for the service, at most five seconds.
func ExampleClient_Wait() {
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	clock, err := servicemgr.NewClient(bus).Wait(ctx, "clock")
	if err != nil {
		log.Fatal(err)
	}
	name, err := clock.Descriptor(ctx)
	fmt.Println(name, err)
}
