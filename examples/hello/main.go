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

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: hello serve | hello NAME")
	}
	bus, err := binder.Open("/dev/binder", binder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	if os.Args[1] == "serve" {
		if err := serve(context.Background(), bus); err != nil {
			log.Fatal(err)
		}
		<-bus.Done() // until the bus ends, or a signal
		return
	}
	answer, err := call(context.Background(), bus, os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer)
}

const (
	descriptor = "org.example.IHello"
	greet      = binder.FIRST_CALL_TRANSACTION // String greet(String who)
)

// serve gives the bus an object named "hello".
func serve(ctx context.Context, bus *binder.Bus) error {
	hello := binder.ServiceFunc(func(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
		if err := data.EnforceInterface(descriptor); err != nil {
			return err
		}
		if code != greet {
			return binder.ErrUnknownTransaction
		}
		reply.WriteNoException()
		reply.WriteString16(fmt.Sprintf("hello %s, from process %d", data.ReadString16(), os.Getpid()))
		return data.Err()
	})
	object := bus.Export(hello, binder.WithDescriptor(descriptor))
	return servicemgr.NewClient(bus).Add(ctx, "hello", object, servicemgr.AddOptions{})
}

// call finds the object, waiting until it is there, and calls it.
func call(ctx context.Context, bus *binder.Bus, who string) (string, error) {
	hello, err := servicemgr.NewClient(bus).Wait(ctx, "hello")
	if err != nil {
		return "", err
	}
	data := bus.NewParcel()
	data.WriteInterfaceToken(descriptor)
	data.WriteString16(who)
	reply, err := hello.Transact(ctx, greet, data, 0)
	if err != nil {
		return "", err
	}
	defer reply.Release()
	if err := reply.ReadStatus().Err(); err != nil {
		return "", err
	}
	return reply.ReadString16(), reply.Err()
}
