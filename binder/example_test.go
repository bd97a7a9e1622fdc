package binder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/binder/bindertest"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
	"github.com/google/go-cmp/cmp"
)

// A greeter has one method and an interface name.
type greeter struct{}

const greet = binder.FIRST_CALL_TRANSACTION

func (greeter) InterfaceDescriptor() string { return "com.example.IGreeter" }

func (greeter) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error {
	if code != greet {
		return binder.ErrUnknownTransaction
	}
	if err := data.EnforceInterface("com.example.IGreeter"); err != nil {
		return err
	}
	reply.WriteNoException()
	reply.WriteString16("hello, " + data.ReadString16())
	return data.Err()
}

func callGreeter(ctx context.Context, o binder.Binder, name string) (string, error) {
	data := parcel.New()
	defer data.Release()
	data.WriteInterfaceToken("com.example.IGreeter")
	data.WriteString16(name)
	reply, err := o.Transact(ctx, greet, data, 0)
	if err != nil {
		return "", err
	}
	defer reply.Release()
	if err := reply.ReadStatus().Err(); err != nil {
		return "", err
	}
	return reply.ReadString16(), reply.Err()
}

// A program offers a service under a name. Another finds it there, and calls it.
func Example() {
	ctx := context.Background()
	device := os.Getenv("BINDER_DEVICE") // such as /dev/binder

	// Here both are one program, which opens the device twice.
	server, err := binder.Open(device, binder.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	err = servicemgr.NewClient(server).Add(ctx, "greeter", server.Export(greeter{}), servicemgr.AddOptions{})
	fmt.Println("added:", err)

	client, err := binder.Open(device, binder.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	found, err := servicemgr.NewClient(client).Wait(ctx, "greeter")
	if err != nil {
		fmt.Println(err)
		return
	}
	name, err := found.Descriptor(ctx)
	fmt.Println(name, err)
	text, err := callGreeter(ctx, found, "world")
	fmt.Println(text, err)

	// Prints:
	// added: <nil>
	// com.example.IGreeter <nil>
	// hello, world <nil>
}

// A program that depends on another's object asks to be told when it dies.
func ExampleBinder_linkToDeath() {
	ctx := context.Background()
	device := os.Getenv("BINDER_DEVICE")
	server, _ := binder.Open(device, binder.Options{})
	_ = servicemgr.NewClient(server).Add(ctx, "mortal", server.Export(greeter{}), servicemgr.AddOptions{})

	client, _ := binder.Open(device, binder.Options{})
	defer client.Close()
	found, _ := servicemgr.NewClient(client).Wait(ctx, "mortal")
	gone := make(chan struct{})
	err := found.LinkToDeath(binder.DeathFunc(func(who binder.Binder) { close(gone) }))
	fmt.Println("linked:", err)
	server.Close()
	if err == nil {
		<-gone
	}
	fmt.Println("dead:", errors.Is(found.Ping(ctx), binder.ErrDeadObject))

	// Prints:
	// linked: <nil>
	// dead: true
}

// TestExamples runs the examples where there is a device, and holds what they print against what they
// say. (Go's own way cannot skip them where there is none.)
func TestExamples(t *testing.T) {
	for name, c := range map[string]struct {
		run  func()
		want string
	}{
		"Example":                   {Example, "added: <nil>\ncom.example.IGreeter <nil>\nhello, world <nil>\n"},
		"ExampleBinder_linkToDeath": {ExampleBinder_linkToDeath, "linked: <nil>\ndead: true\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BINDER_DEVICE", bindertest.New(t).Device())
			if diff := cmp.Diff(c.want, printed(t, c.run)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func printed(t *testing.T, run func()) string {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout := os.Stdout
	os.Stdout = w
	defer func() { os.Stdout = stdout }()
	run()
	w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
