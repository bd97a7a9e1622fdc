// Package bindertest gives a test a Binder bus of its own, with a service manager:
//
//	func TestMyService(t *testing.T) {
//		bus := bindertest.New(t)
//		server, client := bus.Open(), bus.Open()
//		...
//	}
//
// Nothing has to be installed, and the machine needs no Binder driver. Each New is a new bus that
// nobody else sees, so tests may run in parallel and many times over; it ends with its test. The
// broker and the service manager are the test binary, run again as processes of their own: the
// package does that before main, so a TestMain has nothing to do for it. To test with another
// broker, name a busd binary in the environment: BINDER_BUSD=/usr/bin/busd go test ./...
//
// A bus needs Linux 6.9 or later with FUSE, and the right to mount: root has it, an ordinary user
// has it in a user namespace. For an ordinary user, therefore, the whole test binary is run again
// in a user namespace, in which the user keeps the own number. Where neither is possible New skips
// the test and says what is missing; where CI is set to true it fails instead, so that tests
// that never run are noticed.
package bindertest

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/binder/internal/privatebus"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// A Bus is a private bus. It has three devices, as Android has: binder, where the service manager is,
// hwbinder and vndbinder.
type Bus struct {
	t    testing.TB
	dir  string
	kill func()
}

// An Option changes what New makes.
type Option func(*options)

type options struct{ bare bool }

// WithoutServiceManager leaves the context manager's place free.
func WithoutServiceManager() Option { return func(o *options) { o.bare = true } }

// New makes a bus that lasts as long as the test.
func New(t testing.TB, opts ...Option) *Bus {
	t.Helper()
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	broker, err := privatebus.Start(t.TempDir())
	if errors.Is(err, privatebus.ErrImpossible) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	b := &Bus{t: t, dir: broker.Dir(), kill: broker.Kill}
	killed := false
	b.kill = func() { killed = true; broker.Kill() }
	t.Cleanup(func() {
		if err := broker.Stop(); err != nil && !killed {
			t.Error(err)
		}
	})
	if o.bare {
		return b
	}
	cmd := privatebus.Self(managerRole)
	cmd.Env = append(cmd.Env, deviceEnv+"="+b.Device())
	manager, err := privatebus.StartPart(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := manager.Stop(); err != nil && !killed {
			t.Error(err)
		}
	})
	return b
}

// Dir is the directory of the bus's devices, laid out like binderfs.
func (b *Bus) Dir() string { return b.dir }

// Device is the path of the device binder.
func (b *Bus) Device() string { return filepath.Join(b.dir, "binder") }

// Env is the environment for another process of the test: this process's, and BINDER_DEVICE.
func (b *Bus) Env() []string { return append(os.Environ(), "BINDER_DEVICE="+b.Device()) }

// Open opens the device binder, until the test ends. To the bus each Open is another process.
func (b *Bus) Open(opts ...binder.Options) *binder.Bus {
	b.t.Helper()
	var o binder.Options
	if len(opts) > 0 {
		o = opts[0]
	}
	bus, err := binder.Open(b.Device(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() {
		if err := bus.Close(); err != nil && !errors.Is(err, binder.ErrClosed) {
			b.t.Error(err)
		}
	})
	return bus
}

// Crash ends the broker at once, as if it had been killed, to see what a program makes of it.
func (b *Bus) Crash() { b.kill() }

const (
	managerRole = "service manager"
	deviceEnv   = "FUSEBINDER_BINDERTEST_DEVICE"
)

func init() {
	if privatebus.Role() == managerRole {
		manage()
	}
}

// manage is the service manager's process.
func manage() {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	bus, err := binder.Open(os.Getenv(deviceEnv), binder.Options{Logger: log})
	privatebus.Fail(err)
	_, err = servicemgr.Serve(bus, servicemgr.ServerOptions{})
	privatebus.Fail(err)
	privatebus.Ready()
	privatebus.WaitForEnd()
	_ = bus.Close()
	os.Exit(0)
}
