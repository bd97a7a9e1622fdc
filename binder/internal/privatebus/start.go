package privatebus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/fusebinder/fusebinder/internal/session"
)

const (
	roleEnv = "FUSEBINDER_PRIVATEBUS"      // which program this is
	dirEnv  = "FUSEBINDER_PRIVATEBUS_DIR"  // where a broker mounts
	modeEnv = "FUSEBINDER_PRIVATEBUS_MODE" // and how: auto, passthrough, store

	busdEnv = "BINDER_BUSD" // for people: the busd to use instead of this program
)

// readyFD is where a Part says that it is ready: the first of exec.Cmd.ExtraFiles.
const readyFD = 3

// patience is how long a process may take to start or to end. Machines that test are busy.
const patience = 30 * time.Second

// A Bus is a running broker.
type Bus struct {
	part *Part
	dir  string
}

// ErrImpossible is in the errors of Start where this machine cannot have a private bus, whatever the
// program does. The text says what is missing.
var ErrImpossible = errors.New("no private Binder bus here")

// Start starts a broker that serves dir, an empty directory, in a mount namespace of its own: the
// program that BINDER_BUSD names, a busd, or this one.
func Start(dir string) (*Bus, error) {
	if failed := failedToEnter; failed != nil {
		return nil, fmt.Errorf("%w: %w", ErrImpossible, failed)
	}
	if err := session.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImpossible, err)
	}
	role := "broker"
	if os.Getenv(busdEnv) != "" {
		role = "busd"
	}
	cmd := Self(role)
	cmd.Env = append(cmd.Env, dirEnv+"="+dir)
	session.Isolate(cmd.SysProcAttr)
	part, err := StartPart(cmd)
	if err != nil {
		if part == nil || errors.Is(err, errMount) {
			return nil, fmt.Errorf("%w: %w", ErrImpossible, session.Explain(err))
		}
		return nil, err
	}
	return &Bus{part: part, dir: filepath.Join("/proc", fmt.Sprint(part.cmd.Process.Pid), "root", dir)}, nil
}

// Dir is where the tests find the devices.
func (b *Bus) Dir() string { return b.dir }

// Kill ends the broker as a crash would.
func (b *Bus) Kill() { _ = b.part.cmd.Process.Kill() }

// Stop ends the broker. The error tells what it had to complain about.
func (b *Bus) Stop() error { return b.part.Stop() }

// Self is this program, to be run again in another role.
func Self(role string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{filepath.Base(os.Args[0]) + " (" + role + ")"}
	// A program built with -race sleeps for a second before it exits, unless told otherwise.
	cmd.Env = append(os.Environ(), roleEnv+"="+role, "GORACE=atexit_sleep_ms=0 "+os.Getenv("GORACE"))
	cmd.SysProcAttr = newAttr()
	return cmd
}

// A Part is a process that says when it is ready and ends when its standard input does.
type Part struct {
	cmd      *exec.Cmd
	lifeline io.Closer
	said     *said
	ended    chan struct{}
	err      error
}

// StartPart starts cmd and waits until it is ready. If it is not nil with an error, it started and
// then complained.
func StartPart(cmd *exec.Cmd) (*Part, error) {
	p := &Part{cmd: cmd, said: &said{}, ended: make(chan struct{})}
	cmd.Stderr = p.said
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	p.lifeline = in
	readyRead, readyWrite, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer readyRead.Close()
	cmd.ExtraFiles = []*os.File{readyWrite}
	err = cmd.Start()
	readyWrite.Close()
	if err != nil {
		return nil, err
	}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	_ = readyRead.SetReadDeadline(time.Now().Add(patience))
	word, _ := io.ReadAll(readyRead)
	switch string(word) {
	case "ready", "\n": // the latter is busd's
		return p, nil
	case "mount":
		err = errMount
	default:
		err = fmt.Errorf("%s did not start", cmd.Args[0])
	}
	_ = p.Stop()
	return p, fmt.Errorf("%w: %s", err, p.said)
}

// errMount says that a broker could not mount.
var errMount = errors.New("cannot mount")

// Stop ends the process.
func (p *Part) Stop() error {
	p.lifeline.Close()
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end by itself: %s", p.cmd.Args[0], p.said)
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w: %s", p.cmd.Args[0], p.err, p.said)
	}
	return nil
}

// Said is what the process wrote to its standard error.
func (p *Part) Said() string { return p.said.String() }

type said struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buf.String()
}
