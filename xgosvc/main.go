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

type svc struct{}

func (svc) InterfaceDescriptor() string { return "test@1.0" }
func (svc) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface("test@1.0"); err != nil {
		return err
	}
	s := data.ReadString16()
	fmt.Println("go service:", code, s, "from", binder.CallerFrom(ctx).PID != 0)
	reply.WriteString16("go:" + s)
	return reply.Err()
}
func main() {
	lv := 34
	fmt.Sscan(os.Getenv("L"), &lv)
	bus, err := binder.Open("/dev/binder", binder.Options{APILevel: lv})
	if err != nil {
		panic(err)
	}
	if err := servicemgr.NewClient(bus).Add(context.Background(), "go.test", bus.Export(svc{}), servicemgr.AddOptions{}); err != nil {
		panic(err)
	}
	select {}
}
