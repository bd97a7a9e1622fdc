// Command hello offers a service, and calls it from another process.
//
//	busd run -- sh -c 'hello serve & hello world'
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

const (
	descriptor = "org.example.IHello"
	greet      = binder.FIRST_CALL_TRANSACTION // String greet(String who)
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: hello serve | hello NAME")
	}
	bus, err := binder.Open("/dev/binder", binder.Options{})
	check(err)
	defer bus.Close()
	if os.Args[1] == "serve" {
		serve(bus)
	} else {
		call(bus, os.Args[1])
	}
}

func serve(bus *binder.Bus) {
	hello := func(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
		if err := data.EnforceInterface(descriptor); err != nil {
			return err
		}
		if code != greet {
			return binder.ErrUnknownTransaction
		}
		reply.WriteNoException()
		reply.WriteString16(fmt.Sprintf("hello %s, from process %d", data.ReadString16(), os.Getpid()))
		return data.Err()
	}
	object := bus.Export(binder.ServiceFunc(hello), binder.WithDescriptor(descriptor))
	check(servicemgr.NewClient(bus).Add(context.Background(), "hello", object, servicemgr.AddOptions{}))
	<-bus.Done()
}

func call(bus *binder.Bus, who string) {
	ctx := context.Background()
	hello, err := servicemgr.NewClient(bus).Wait(ctx, "hello")
	check(err)
	data := bus.NewParcel()
	data.WriteInterfaceToken(descriptor)
	data.WriteString16(who)
	reply, err := hello.Transact(ctx, greet, data, 0)
	check(err)
	check(reply.ReadStatus().Err())
	fmt.Println(reply.ReadString16())
	check(reply.Err())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
