package conformance

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
)

// strangersBuilt is the directory that strangers made, if it did.
var strangersBuilt string

func removeStrangers() { os.RemoveAll(strangersBuilt) }

// strangers is where the C programs of testdata are, compiled. They include the system's header
// and know nothing of this project.
var strangers = sync.OnceValues(func() (string, error) {
	if dir := os.Getenv("CONFORMANCE_STRANGERS"); dir != "" {
		return dir, nil // built before, for machines without a compiler
	}
	dir, err := os.MkdirTemp("", "strangers-")
	if err != nil {
		return "", err
	}
	strangersBuilt = dir
	for _, name := range []string{"server", "client", "fdsend", "fdpass", "pingpong"} {
		cc := exec.Command("cc", "-O2", "-Wall", "-Wextra", "-pthread", "-Wno-unused-function", "-o", filepath.Join(dir, name), filepath.Join("testdata", name+".c"))
		if out, err := cc.CombinedOutput(); err != nil {
			return "", &strangerError{name, string(out), err}
		}
	}
	return dir, nil
})

type strangerError struct {
	name, output string
	err          error
}

func (e *strangerError) Error() string {
	return "compile testdata/" + e.name + ".c: " + e.err.Error() + "\n" + e.output
}
func (e *strangerError) Unwrap() error { return e.err }

// stranger is the path of a C program.
func stranger(t testing.TB, name string) string {
	t.Helper()
	if _, err := exec.LookPath("cc"); err != nil && os.Getenv("CONFORMANCE_STRANGERS") == "" && os.Getenv("CI") == "" {
		t.Skip("no C compiler: cc is not installed")
	}
	dir, err := strangers()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, name)
}

// run starts a C program that must end well within the test's patience.
func run(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, stranger(t, name), args...)
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

func stderr(cmd *exec.Cmd) string { return cmd.Stderr.(*bytes.Buffer).String() }

func TestStrangers(t *testing.T) {
	// A C server and a C client try on each other: calls, oneway, objects, callbacks, deaths.
	b := newBus(t)
	server := run(t, "server", b.path)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		server.Wait()
		t.Fatalf("the server said %q, %v\n%s", line, err, stderr(server))
	}
	client := run(t, "client", b.path)
	got, err := client.Output()
	if err != nil {
		t.Errorf("client: %v\n%s%s", err, got, stderr(client))
	}
	want := []string{"echo", "big echo", "add", "oneway", "callback", "object", "released", "death of a client", "death of the server", "dead reply"}
	if d := cmp.Diff(want, strings.Split(strings.TrimSpace(string(got)), "\n")); d != "" {
		t.Errorf("the client told (-want +got):\n%s", d)
	}
	if err := server.Wait(); err != nil {
		t.Errorf("server: %v\n%s", err, stderr(server))
	}
}

func TestStrangerSendsADescriptor(t *testing.T) {
	// A C client sends the end of a pipe to a server that was written in Go.
	b := newBus(t)
	s := b.open().looper()
	s.becomeExt(node{1, 1}, 0x7f|ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	client := run(t, "fdsend", b.path, "through the pipe")
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	// Starting a program closes its inherited copy of the device: that flush may let the first
	// read return empty-handed.
	var es []event
	for len(es) < 2 {
		var err error
		if es, err = events(s.try(readSize).Read); err != nil {
			t.Fatal(err)
		}
	}
	q := s.p.parcelOf(es[1])
	fd := q.file(0).FD
	s.ask([]command{s.reply(msg(0, "")), q.free()}, noop, complete)
	if err := client.Wait(); err != nil {
		t.Fatalf("client: %v\n%s", err, stderr(client))
	}
	f := os.NewFile(uintptr(dup(t, fd)), "received")
	defer f.Close()
	buf := make([]byte, 100)
	n, err := f.Read(buf)
	if err != nil || string(buf[:n]) != "through the pipe" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
}

func TestStrangerServesGo(t *testing.T) {
	b := newBus(t)
	server := run(t, "server", b.path)
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	bufio.NewReader(out).ReadString('\n')
	c := b.open().looper()
	const echo, quit = 1, 8
	c.start(readSize, c.call(0, msg(echo, "from Go")))
	c.send(c.got(noop, complete, "REPLY").text("from Go").free())
	c.send(acquire(0), requestDeath(0, 0x5e))
	c.ask([]command{c.call(0, oneway(quit, ""))}, noop, complete)
	c.expect(noop, "DEAD_BINDER 0x5e")
	if err := server.Wait(); err != nil {
		t.Errorf("server: %v\n%s", err, stderr(server))
	}
}
