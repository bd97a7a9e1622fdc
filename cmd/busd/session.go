package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/internal/session"
)

// startWait is how long the broker and the service manager may take to begin, stopWait how long
// to end.
const (
	startWait = 20 * time.Second
	stopWait  = 5 * time.Second
)

// newSession is the first process in the namespaces of a private bus. It starts the broker and
// the service manager, neither of which the terminal's signals reach, and then the command, which
// it leaves in the terminal's job.
func newSession() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:         "session COMMAND [ARGUMENT...]",
		Hidden:      true,
		Annotations: map[string]string{"speaks for": "busd run"},
		Args:        cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return runSession(&o, args)
		},
	}
	o.register(cmd)
	cmd.Flags().BoolVar(&o.asSelf, "self", false, "the command is a part of busd")
	return cmd
}

// lifelineFD is the descriptor on which a part sees the end of the process that started it.
const lifelineFD = 3

func runSession(o *runOptions, argv []string) (err error) {
	signals := session.Catch()
	lifeline := inherited(lifelineFD, "lifeline")
	if err := session.Enter(); err != nil {
		return exitStatus{statusFailed, session.Explain(err)}
	}

	ours, theirs, err := socketpair()
	if err != nil {
		return exitStatus{statusFailed, err}
	}
	broker := startPart(self("serve", "--mode="+o.mode.String(), "--log-level="+o.logLevel,
		"--lifeline-fd=3", "--ready-fd=4", "--listener-fd=5", session.MountPoint), theirs)
	theirs.Close()
	defer broker.stop()
	if err := broker.waitReady(); err != nil {
		return exitStatus{statusFailed, fmt.Errorf("the broker did not start: %w", err)}
	}
	if !o.noManager {
		manager := startPart(self("launch", "--self", "--", "servicemanager", "--lifeline-fd=3", "--ready-fd=4", session.Device))
		defer manager.stop()
		if err := manager.waitReady(); err != nil {
			return exitStatus{statusFailed, fmt.Errorf("the service manager did not start: %w", err)}
		}
	}

	args := []string{"launch"}
	if o.asSelf {
		args = append(args, "--self")
	}
	var extra []*os.File
	if !o.noSeccomp {
		args, extra = append(args, "--listener-socket=3"), []*os.File{ours}
	}
	command := self(append(append(args, "--"), argv...)...)
	command.Env = append(os.Environ(), "BINDER_DEVICE="+session.Device)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.ExtraFiles = extra
	if err := command.Start(); err != nil {
		return exitStatus{statusFailed, err}
	}
	ours.Close()
	go func() {
		awaitEnd(lifeline)
		_ = command.Process.Kill()
	}()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-broker.done:
			fmt.Fprintf(os.Stderr, "busd run: the broker has ended before the command: %v\n", broker.err)
		case <-ended:
		}
	}()
	stop := signals.Forward(command.Process)
	defer stop()
	var failed *exec.ExitError
	if err := command.Wait(); err != nil && !errors.As(err, &failed) {
		return exitStatus{statusFailed, err}
	}
	if status := session.ExitStatus(command.ProcessState); status != 0 {
		return exitStatus{code: status}
	}
	return nil
}

// A part is a process of busd that serves in the background until its lifeline is cut.
type part struct {
	cmd      *exec.Cmd
	lifeline *os.File
	ready    *os.File
	done     chan struct{}
	err      error // why it ended; read after done
}

// startPart starts a process with descriptor 3 as its lifeline, 4 to tell that it is ready, and
// others from 5 on. Its errors go to standard error; the terminal's signals do not reach it.
func startPart(cmd *exec.Cmd, extra ...*os.File) *part {
	p := &part{cmd: cmd, done: make(chan struct{})}
	err := func() error {
		lifelineEnd, lifeline, err := os.Pipe()
		if err != nil {
			return err
		}
		defer lifelineEnd.Close()
		ready, readyEnd, err := os.Pipe()
		if err != nil {
			lifeline.Close()
			return err
		}
		defer readyEnd.Close()
		p.lifeline, p.ready = lifeline, ready
		cmd.Stderr = os.Stderr
		cmd.ExtraFiles = append([]*os.File{lifelineEnd, readyEnd}, extra...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		return cmd.Start()
	}()
	if err != nil {
		p.err = err
		close(p.done)
		return p
	}
	go func() {
		p.err = cmd.Wait()
		if p.err == nil {
			p.err = errors.New("it has ended")
		}
		close(p.done)
	}()
	return p
}

// waitReady waits until the part says that it serves.
func (p *part) waitReady() error {
	if p.ready == nil {
		return p.err
	}
	defer p.ready.Close()
	if err := p.ready.SetReadDeadline(time.Now().Add(startWait)); err != nil {
		return err
	}
	_, err := io.ReadFull(p.ready, make([]byte, 1))
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("it was not ready after %v", startWait)
	default: // it closed the pipe unready
		select {
		case <-p.done:
			return p.err
		case <-time.After(stopWait):
			return err
		}
	}
}

// stop ends the part, by force if it takes too long.
func (p *part) stop() {
	if p.lifeline == nil {
		return
	}
	p.lifeline.Close()
	select {
	case <-p.done:
	case <-time.After(stopWait):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// awaitEnd returns when the other end of a lifeline is gone.
func awaitEnd(lifeline *os.File) {
	_, _ = lifeline.Read(make([]byte, 1))
}

// inherited is a descriptor that whoever started this process meant for it alone.
func inherited(fd int, name string) *os.File {
	if fd < 0 {
		return nil
	}
	unix.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), name)
}

// tellReady says on the descriptor of a part's parent that it serves.
func tellReady(ready *os.File) error {
	if ready == nil {
		return nil
	}
	defer ready.Close()
	_, err := ready.WriteString("\n")
	return err
}

func socketpair() (a, b *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket"), nil
}

// without is an environment without one variable.
func without(env []string, name string) []string {
	kept := make([]string, 0, len(env))
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			kept = append(kept, e)
		}
	}
	return kept
}
