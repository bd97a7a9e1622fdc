package bindertest_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/binder/bindertest"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

var greeter = binder.ServiceFunc(func(_ context.Context, _ ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	reply.WriteString16("hello, " + data.ReadString16())
	return data.Err()
})

// Many tests, each with a bus of its own, at the same time: the same name means another service on each.
func TestEachTestHasItsOwnBus(t *testing.T) {
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			bus := bindertest.New(t)
			server, client := bus.Open(), bus.Open()
			manager := servicemgr.NewClient(server)
			if err := manager.Add(ctx, "greeter", server.Export(greeter), servicemgr.AddOptions{}); err != nil {
				t.Fatal(err)
			}
			found, err := servicemgr.NewClient(client).Wait(ctx, "greeter")
			if err != nil {
				t.Fatal(err)
			}
			data := client.NewParcel()
			defer data.Release()
			data.WriteString16(t.Name())
			reply, err := found.Transact(ctx, 1, data, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Release()
			if got, want := reply.ReadString16(), "hello, "+t.Name(); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

func TestTheOtherDevices(t *testing.T) {
	bus := bindertest.New(t, bindertest.WithoutServiceManager())
	if err := bus.Open().ContextManager().Ping(t.Context()); !errors.Is(err, binder.ErrDeadObject) {
		t.Error(err)
	}
	hw, err := binder.Open(bus.Dir()+"/hwbinder", binder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hw.Close()
}

// When the broker crashes, whoever is on the bus is told: calls fail, the dead are mourned.
func TestTheBrokerCrashes(t *testing.T) {
	bus := bindertest.New(t)
	client := bus.Open()
	died := make(chan binder.Binder, 1)
	if err := client.ContextManager().LinkToDeath(binder.DeathFunc(func(who binder.Binder) { died <- who })); err != nil {
		t.Fatal(err)
	}
	bus.Crash()
	select {
	case <-client.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the crash was not noticed")
	}
	if err := client.Err(); !errors.Is(err, binder.ErrBusGone) {
		t.Error(err)
	}
	<-died
	if err := client.ContextManager().Ping(context.Background()); !errors.Is(err, binder.ErrBusGone) {
		t.Error(err)
	}
}

// The broker is the program that BINDER_BUSD names, if it does.
func TestAnotherBroker(t *testing.T) {
	busd := os.Getenv("BINDER_BUSD")
	if busd == "" {
		busd = filepath.Join(t.TempDir(), "busd")
		if out, err := exec.Command("go", "build", "-o", busd, "github.com/fusebinder/fusebinder/cmd/busd").CombinedOutput(); err != nil {
			t.Fatalf("build busd: %v\n%s", err, out)
		}
		t.Setenv("BINDER_BUSD", busd)
	}
	bus := bindertest.New(t)
	if err := bus.Open().ContextManager().Ping(t.Context()); err != nil {
		t.Error(err)
	}
	// DIR is /proc/PID/root/..., as the broker's process sees it.
	broker := strings.SplitN(bus.Dir(), "/root/", 2)[0]
	got, err := os.Readlink(broker + "/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got != busd {
		t.Errorf("the broker is %s, want %s", got, busd)
	}
	var mounts []byte
	if mounts, err = os.ReadFile("/proc/self/mounts"); err != nil {
		t.Fatal(err)
	}
	if _, dir, _ := strings.Cut(bus.Dir(), "/root/"); strings.Contains(string(mounts), dir) {
		t.Error("the mount shows outside of the broker's namespace")
	}
}
