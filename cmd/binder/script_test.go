package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/internal/session"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// The scripts in testdata run binder, which is this test binary under another name, below busd,
// and:
//
//	testservice NAME READY  registers a service, makes the file READY, and serves until its input
//	                        ends
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"binder": main,
		"testservice": func() {
			if err := serveTest(os.Args[1], os.Args[2]); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		},
	})
}

func TestIntegrationScripts(t *testing.T) {
	if err := session.Check(); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	programs := t.TempDir()
	build(t, programs, "servicemgr")
	if named := os.Getenv("BINDER_BUSD"); named == "" {
		build(t, programs, "busd")
	} else if err := os.Symlink(named, filepath.Join(programs, "busd")); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Deadline:            time.Now().Add(2 * time.Minute),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PATH", programs+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}

// build builds a command of this tree.
func build(t *testing.T, dir, command string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", "build", "-o", dir, "github.com/fusebinder/fusebinder/cmd/"+command).CombinedOutput()
	if err != nil {
		t.Fatalf("build %s: %v\n%s", command, err, out)
	}
}

// A testService answers the methods that the scripts call.
type testService struct{ bus *binder.Bus }

func (s *testService) InterfaceDescriptor() string { return "fusebinder.test.ITest" }

func (s *testService) OnTransact(_ context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	if code == 7 { // without a token: what came, as it came
		reply.WriteRaw(data.ReadRaw(data.Remaining()))
		return data.Err()
	}
	if err := data.EnforceInterface(s.InterfaceDescriptor()); err != nil {
		return err
	}
	reply.WriteNoException()
	switch code {
	case 1: // String greet(String)
		reply.WriteString16("hello " + data.ReadString16())
	case 2: // one of each
		fmt.Fprintf(os.Stderr, "%d %d %g %g %t %s %s %v\n", data.ReadInt32(), data.ReadInt64(), data.ReadFloat32(),
			data.ReadFloat64(), data.ReadBool(), data.ReadString16(), data.ReadString8(), data.ReadNullableStrongBinder())
	case 3: // String read(FileDescriptor)
		file := data.ReadFile("argument")
		if file == nil {
			return data.Err()
		}
		defer file.Close()
		text, err := io.ReadAll(file)
		if err != nil {
			return err
		}
		reply.WriteString16(string(text))
	case 4: // IBinder self()
		reply.WriteStrongBinder(s.bus.Export(s))
	case 5:
		return parcel.ServiceSpecific(42, "no luck")
	case 6: // a call that never ends by itself
		<-s.bus.Done()
	case 8: // int
		reply.WriteInt32(-5)
	case 9: // long
		reply.WriteInt64(1 << 40)
	case 10: // void
	default:
		return binder.ErrUnknownTransaction
	}
	return data.Err()
}

func (s *testService) Dump(_ context.Context, out *os.File, args []string) error {
	_, err := fmt.Fprintf(out, "a test service, asked %q\n", args)
	return err
}

func serveTest(name, ready string) error {
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{})
	if err != nil {
		return err
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := servicemgr.NewClient(bus).Add(ctx, name, bus.Export(&testService{bus}), servicemgr.AddOptions{}); err != nil {
		return err
	}
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return errors.New("the script took too long")
	}
}
