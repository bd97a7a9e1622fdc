package servicemgr_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// patience is how long anything that must happen may take before a test gives up.
const patience = 20 * time.Second

// actorEnv makes the test binary another process of the story: see actor.
const actorEnv = "SERVICEMGR_TEST_ACTOR"

func TestMain(m *testing.M) {
	if role := os.Getenv(actorEnv); role != "" {
		if err := actor(role); err != nil {
			fmt.Fprintln(os.Stderr, role+":", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

// actor is a process that registers the echo service NAME ("NAME") or is the service manager
// ("manager LEVEL"; "guarded manager LEVEL" with guard), says so with a line, and stays until its
// standard input ends.
func actor(role string) error {
	kind, level, isManager := strings.Cut(role, "manager ")
	var opts binder.Options
	if isManager {
		opts.APILevel, _ = strconv.Atoi(level)
	}
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case !isManager:
		err = servicemgr.NewClient(bus).Add(ctx, role, bus.Export(echo{}), servicemgr.AddOptions{})
	case kind == "guarded ":
		err = serveOn(ctx, bus, servicemgr.ServerOptions{Access: guard{}})
	default:
		err = serveOn(ctx, bus, servicemgr.ServerOptions{})
	}
	if err != nil {
		return err
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// serveOn is Serve, as soon as the driver has forgotten the manager before.
func serveOn(ctx context.Context, bus *binder.Bus, opts servicemgr.ServerOptions) error {
	for {
		_, err := servicemgr.Serve(bus, opts)
		if !errors.Is(err, syscall.EBUSY) || ctx.Err() != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

// start starts an actor and waits until it is ready.
func start(t *testing.T, role string) *exec.Cmd {
	t.Helper()
	cmd, err := launch(t, role)
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}

// launch is start for any goroutine.
func launch(t *testing.T, role string) (*exec.Cmd, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), actorEnv+"="+role)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t.Cleanup(func() {
		in.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	line := make([]byte, 6)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != "ready\n" {
		return nil, fmt.Errorf("%s said %q: %w", role, line, err)
	}
	return cmd, nil
}

// device is the device under test.
func device(t *testing.T) string {
	t.Helper()
	path := os.Getenv("BINDER_DEVICE")
	if path == "" {
		t.Skip("BINDER_DEVICE names no binder device without a service manager")
	}
	return path
}

// open opens the device once more: to the driver each is a process.
func open(t *testing.T, opts binder.Options) *binder.Bus {
	t.Helper()
	bus, err := binder.Open(device(t), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	return bus
}

// within is a context that ends when patience does.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// serve starts a service manager. It has to be another process: the driver takes no calls to oneself,
// and goes by the pid.
func serve(t *testing.T, level int) *exec.Cmd {
	t.Helper()
	device(t)
	return start(t, fmt.Sprint("manager ", level))
}

// client makes a client with a bus of its own.
func client(t *testing.T) (*servicemgr.Client, *binder.Bus) {
	t.Helper()
	bus := open(t, binder.Options{})
	return servicemgr.NewClient(bus), bus
}

// await asks again and again until the answer is yes.
func await(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for ctx := within(t); !yes(); time.Sleep(time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("never happened: %s", what)
		}
	}
}

// echo answers with the string it was sent. Its object tells when nobody else has it any more.
type echo struct{ unreferenced chan struct{} }

func (e echo) OnTransact(_ context.Context, _ ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if err := data.EnforceInterface("test.IEcho"); err != nil {
		return err
	}
	s := data.ReadString16()
	reply.WriteNoException()
	reply.WriteString16(s)
	return data.Err()
}

func (e echo) OnUnreferenced() {
	if e.unreferenced != nil {
		e.unreferenced <- struct{}{}
	}
}

// say calls an echo service.
func say(t *testing.T, bus *binder.Bus, service binder.Binder, text string) {
	t.Helper()
	if err := tryToSay(t, bus, service, text); err != nil {
		t.Fatal(err)
	}
}

// tryToSay is say for any goroutine.
func tryToSay(t *testing.T, bus *binder.Bus, service binder.Binder, text string) error {
	data := bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken("test.IEcho")
	data.WriteString16(text)
	reply, err := service.Transact(within(t), binder.FIRST_CALL_TRANSACTION, data, 0)
	if err != nil {
		return err
	}
	defer reply.Release()
	if s := reply.ReadStatus(); !s.OK() {
		return s
	}
	if got := reply.ReadString16(); got != text {
		return fmt.Errorf("the echo of %q is %q: %w", text, got, reply.Err())
	}
	return nil
}

func add(t *testing.T, c *servicemgr.Client, name string, service binder.Binder) {
	t.Helper()
	if err := c.Add(within(t), name, service, servicemgr.AddOptions{}); err != nil {
		t.Fatal(err)
	}
}

// listed are the services there are.
func listed(t *testing.T, c *servicemgr.Client) string {
	t.Helper()
	all, err := c.List(within(t), 0)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}
