package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// patience is how long anything that must happen may take before a test gives up.
const patience = 20 * time.Second

// asCommand makes the test binary the command.
const asCommand = "SERVICEMGR_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
	}
	os.Exit(runTests(m))
}

// start starts the command and returns once it has said that it is ready, or has ended.
func start(t *testing.T) (cmd *exec.Cmd, said *bytes.Buffer, ready bool) {
	t.Helper()
	if os.Getenv("BINDER_DEVICE") == "" {
		t.Skip("BINDER_DEVICE names no binder device without a service manager")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	said = new(bytes.Buffer)
	cmd = exec.Command(os.Args[0], "--ready-fd", "3")
	cmd.Env = append(os.Environ(), asCommand+"=1")
	cmd.ExtraFiles = []*os.File{w}
	cmd.Stderr = said
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	r.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return cmd, said, string(got) == "\n"
}

// begin is start, as soon as the driver has forgotten the manager before.
func begin(t *testing.T) *exec.Cmd {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		cmd, said, ready := start(t)
		if ready {
			return cmd
		}
		if cmd.Wait(); time.Now().After(deadline) {
			t.Fatalf("never ready: %s", said)
		}
	}
}

func TestReadyAndStopped(t *testing.T) {
	cmd := begin(t)
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if names, err := servicemgr.NewClient(bus).List(ctx, 0); err != nil || strings.Join(names, " ") != "manager" {
		t.Errorf("services are %q, %v", names, err)
	}
	died := make(chan struct{})
	if err := bus.ContextManager().LinkToDeath(binder.DeathFunc(func(binder.Binder) { close(died) })); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-died:
	case <-ctx.Done():
		t.Error("nobody told of the manager's end")
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
}

func TestThereIsOne(t *testing.T) {
	begin(t)
	cmd, said, ready := start(t)
	err := cmd.Wait()
	var exit *exec.ExitError
	if ready || !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("ready %v, %v", ready, err)
	}
	want := "servicemgr: " + os.Getenv("BINDER_DEVICE") + " has a service manager already; there is one for each device, so stop that one first or use another device\n"
	if said.String() != want {
		t.Errorf("said %q, want %q", said, want)
	}
}
