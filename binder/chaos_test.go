package binder_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/internal/session"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
	"golang.org/x/sys/unix"
)

const (
	chaosEnv    = "FUSEBINDER_TEST_CHAOS" // the role: "manager", or a worker's name
	chaosDevice = "FUSEBINDER_TEST_CHAOS_DEVICE"

	chaosPatience = 60 * time.Second // for what takes milliseconds; machines that test are busy
)

// TestEverybodyIsKilled kills the broker, the service manager and their clients, at random moments,
// for a while. Whoever is left hears of it by errors that a program can tell apart, and goes on with
// the next broker; and in the end nothing is left.
func TestEverybodyIsKilled(t *testing.T) {
	if os.Getenv("BINDER_DEVICE") != "" {
		t.Skip("it kills a broker, so it needs one of its own")
	}
	if err := session.Check(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	const crowd, kills = 8, 60
	c := &chaos{t: t, dir: filepath.Join(t.TempDir(), "bus"), busd: buildBusd(t)}
	device := filepath.Join(c.dir, "binder")
	t.Cleanup(func() { _ = unix.Unmount(c.dir, unix.MNT_DETACH) }) // of a test that has failed

	broker := c.serve()
	manager := c.join("manager")
	var crew []*chaosProcess
	for range crowd {
		crew = append(crew, c.join(c.name()))
	}
	survivor, err := binder.Open(device, binder.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	c.lively(manager, crew)

	for n := range kills {
		switch who := rand.IntN(kills); {
		case n%20 == 10:
			broker.kill()
			broker = c.serve() // at the same place, which it clears by itself
		case who < kills/6:
			manager.kill()
			manager = c.join("manager")
		default:
			i := who % crowd
			crew[i].kill()
			crew[i] = c.join(c.name())
		}
		time.Sleep(time.Duration(rand.IntN(10000)) * time.Microsecond) // another moment each time
	}
	c.lively(manager, crew)

	// Who was there from the beginning has been told of the first broker's end.
	select {
	case <-survivor.Done():
	case <-time.After(chaosPatience):
		t.Error("the survivor has not noticed")
	}
	var gone *binder.DeviceError
	if err := survivor.Err(); !errors.As(err, &gone) || !errors.Is(err, binder.ErrBusGone) {
		t.Errorf("the survivor's bus: %v", err)
	}
	if err := survivor.ContextManager().Ping(t.Context()); !errors.Is(err, binder.ErrBusGone) {
		t.Errorf("the survivor's call: %v", err)
	}
	survivor.Close()
	again, err := binder.Open(device, binder.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.ContextManager().Ping(t.Context()); err != nil {
		t.Errorf("the survivor's next call: %v", err)
	}
	again.Close()

	for _, p := range append(crew, manager) {
		p.kill()
	}
	broker.stop()
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(mounts), c.dir) {
		t.Errorf("%s is still mounted", c.dir)
	}
}

var quiet = slog.New(slog.DiscardHandler)

// buildBusd answers a busd to test with: BINDER_BUSD, or one built from this tree.
func buildBusd(t *testing.T) string {
	if named := os.Getenv("BINDER_BUSD"); named != "" {
		return named
	}
	path := filepath.Join(t.TempDir(), "busd")
	if out, err := exec.Command("go", "build", "-o", path, "github.com/fusebinder/fusebinder/cmd/busd").CombinedOutput(); err != nil {
		t.Fatalf("build busd: %v\n%s", err, out)
	}
	return path
}

// chaos is the stage.
type chaos struct {
	t         *testing.T
	dir, busd string
	names     int
}

func (c *chaos) name() string {
	c.names++
	return fmt.Sprint("worker", c.names)
}

// A chaosProcess ends at the latest with the test.
type chaosProcess struct {
	t        *testing.T
	name     string
	cmd      *exec.Cmd
	ended    chan error
	progress atomic.Int64 // lines it has written
}

func (c *chaos) start(name string, cmd *exec.Cmd) *chaosProcess {
	c.t.Helper()
	p := &chaosProcess{t: c.t, name: name, cmd: cmd, ended: make(chan error, 1)}
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil { // closed by our end, however we end
		c.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			p.progress.Add(1)
		}
		p.ended <- cmd.Wait()
	}()
	c.t.Cleanup(func() { cmd.Process.Kill() })
	return p
}

// serve starts a broker.
func (c *chaos) serve() *chaosProcess {
	c.t.Helper()
	mode := []string{"auto", "store"}[rand.IntN(2)]
	// It says that it is ready on its standard output.
	p := c.start("busd", exec.Command(c.busd, "serve", "--mode", mode, "--log-level", "error", "--lifeline-fd", "0", "--ready-fd", "1", c.dir))
	p.await("ready", 1)
	return p
}

// join starts the service manager or a worker.
func (c *chaos) join(role string) *chaosProcess {
	c.t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), chaosEnv+"="+role, chaosDevice+"="+filepath.Join(c.dir, "binder"), "GORACE=atexit_sleep_ms=0")
	return c.start(role, cmd)
}

// lively waits until all have done something more.
func (c *chaos) lively(manager *chaosProcess, crew []*chaosProcess) {
	c.t.Helper()
	manager.await("serving", 1)
	for _, p := range crew {
		p.await("making calls", p.progress.Load()+1)
	}
}

func (p *chaosProcess) await(what string, progress int64) {
	p.t.Helper()
	for deadline := time.Now().Add(chaosPatience); p.progress.Load() < progress; time.Sleep(time.Millisecond) {
		select {
		case err := <-p.ended:
			p.t.Fatalf("%s ended by itself: %v", p.name, err)
		default:
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%s is not %s", p.name, what)
		}
	}
}

// kill kills p, which must not have ended before and must not stay: a process that waits for an
// answer that cannot come (state D) does.
func (p *chaosProcess) kill() {
	p.t.Helper()
	p.cmd.Process.Kill()
	if state := p.end(); state == nil || state.Sys().(interface{ Signal() unix.Signal }).Signal() != unix.SIGKILL {
		p.t.Errorf("%s had ended by itself: %v", p.name, state)
	}
}

// stop ends p, the broker, as is usual.
func (p *chaosProcess) stop() {
	p.t.Helper()
	p.cmd.Process.Signal(unix.SIGTERM)
	if state := p.end(); !state.Success() {
		p.t.Errorf("%s: %v", p.name, state)
	}
}

func (p *chaosProcess) end() *os.ProcessState {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(chaosPatience):
		stack, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stack", p.cmd.Process.Pid))
		p.t.Fatalf("%s does not end:\n%s", p.name, stack)
	}
	return p.cmd.ProcessState
}

func init() {
	role := os.Getenv(chaosEnv)
	if role == "" {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	device := os.Getenv(chaosDevice)
	var err error
	if role == "manager" {
		err = chaosManager(device)
	} else {
		err = chaosWorker(device, role)
	}
	fmt.Fprintf(os.Stderr, "chaos: %s: %v\n", role, err)
	os.Exit(1)
}

// openSoon opens the device as soon as there is one.
func openSoon(device string) (*binder.Bus, error) {
	for deadline := time.Now().Add(chaosPatience); ; time.Sleep(time.Millisecond) {
		bus, err := binder.Open(device, binder.Options{Logger: quiet})
		if err == nil || time.Now().After(deadline) {
			return bus, err
		}
	}
}

// chaosManager is the service manager of one broker after the other.
func chaosManager(device string) error {
	for {
		bus, err := openSoon(device)
		if err != nil {
			return err
		}
		for deadline := time.Now().Add(chaosPatience); ; time.Sleep(time.Millisecond) {
			_, err = servicemgr.Serve(bus, servicemgr.ServerOptions{})
			if err == nil || !errors.Is(err, unix.EBUSY) { // the one before is not forgotten yet
				break
			}
			if time.Now().After(deadline) {
				return err
			}
		}
		if err == nil {
			fmt.Println("serving")
			<-bus.Done()
		}
		bus.Close()
	}
}

// chaosWorker offers an object, and calls those of others, on one broker after the other.
func chaosWorker(device, name string) error {
	for {
		bus, err := openSoon(device)
		if err != nil {
			return err
		}
		err = work(bus, name)
		bus.Close()
		if !errors.Is(err, binder.ErrBusGone) {
			return err
		}
	}
}

const (
	chaosEcho     = binder.FIRST_CALL_TRANSACTION + iota
	chaosCallBack // the object that it carries, with chaosEcho
)

// work returns when the bus is gone, or what it could not understand.
func work(bus *binder.Bus, name string) error {
	manager := servicemgr.NewClient(bus)
	own := bus.Export(binder.ServiceFunc(func(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
		switch code {
		case chaosEcho:
			reply.WriteRaw(data.ReadRaw(data.Remaining()))
		case chaosCallBack:
			back, err := binder.ReadBinder(data)
			if err != nil {
				return err
			}
			return call(ctx, bus, back, chaosEcho, 0, func(p *parcel.Parcel) { p.WriteInt32(1) })
		default:
			return binder.ErrUnknownTransaction
		}
		return nil
	}))
	for {
		err := once(bus, manager, name, own)
		var status parcel.Status
		switch {
		case err == nil:
			fmt.Println("made some calls")
		case errors.Is(err, binder.ErrDeadObject), errors.Is(err, binder.ErrFailedTransaction), errors.Is(err, servicemgr.ErrNotFound):
			// Somebody was killed.
			time.Sleep(time.Millisecond)
		case errors.As(err, &status): // the manager could not link to our death, or the like
			return fmt.Errorf("an exception: %w", err)
		default:
			return err // also the end of the bus
		}
	}
}

// once makes a few calls.
func once(bus *binder.Bus, manager *servicemgr.Client, name string, own *binder.Object) error {
	ctx, cancel := context.WithTimeout(context.Background(), chaosPatience)
	defer cancel()
	if err := manager.Add(ctx, name, own, servicemgr.AddOptions{}); err != nil {
		return err
	}
	names, err := manager.List(ctx, 0)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !strings.HasPrefix(name, "worker") })
	if len(names) == 0 { // another manager has come
		return servicemgr.ErrNotFound
	}
	for range 5 {
		other, err := manager.Check(ctx, names[rand.IntN(len(names))])
		if err != nil {
			return err
		}
		size := rand.IntN(8 << 10)
		raw := func(p *parcel.Parcel) { p.WriteRaw(make([]byte, size)) }
		switch rand.IntN(4) {
		case 0:
			err = call(ctx, bus, other, chaosCallBack, 0, func(p *parcel.Parcel) { p.WriteStrongBinder(own) })
		case 1:
			err = call(ctx, bus, other, chaosEcho, ioctl.TF_ONE_WAY, raw)
		case 2:
			err = call(context.Background(), bus, other, chaosEcho, 0, raw) // on this very thread
		default:
			if err = other.LinkToDeath(binder.DeathFunc(func(binder.Binder) {})); err == nil || errors.Is(err, parcel.INVALID_OPERATION) {
				err = call(ctx, bus, other, chaosEcho, 0, raw)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func call(ctx context.Context, bus *binder.Bus, o binder.Binder, code ioctl.Code, flags ioctl.Flags, write func(*parcel.Parcel)) error {
	data := bus.NewParcel()
	defer data.Release()
	write(data)
	reply, err := o.Transact(ctx, code, data, flags)
	if err == nil && reply != nil {
		reply.Release()
	}
	return err
}
