package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/internal/nullioctl"
	"github.com/fusebinder/fusebinder/internal/session"
)

// Statuses of a command that could not be run, as env(1) and its kin give them.
const (
	statusFailed        = 125 // we failed
	statusNotExecutable = 126
	statusNotFound      = 127
)

// newLaunch is the part that becomes the command: it gives up what the session needed and the
// command must not have, puts the filter on itself, and execs.
func newLaunch() *cobra.Command {
	var listener int
	var asSelf bool
	cmd := &cobra.Command{
		Use:         "launch COMMAND [ARGUMENT...]",
		Hidden:      true,
		Annotations: map[string]string{"speaks for": "busd run"},
		Args:        cobra.MinimumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return launch(args, listener, asSelf)
		},
	}
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().IntVar(&listener, "listener-socket", -1, "where to send the seccomp listener")
	cmd.Flags().BoolVar(&asSelf, "self", false, "the command is a part of busd")
	return cmd
}

func launch(argv []string, socket int, asSelf bool) error {
	// The filter and the capabilities are the thread's; exec ends the others.
	runtime.LockOSThread()
	path := "/proc/self/exe"
	if asSelf {
		argv = append([]string{"busd"}, argv...)
	} else {
		var err error
		if path, err = findProgram(argv[0]); err != nil {
			return err
		}
	}
	if socket >= 0 {
		unix.CloseOnExec(socket)
		if err := filter(socket); err != nil {
			fmt.Fprintf(os.Stderr, "busd run: ioctls with a NULL argument will fail: %v\n", err)
		}
	}
	if err := session.DropCapabilities(); err != nil {
		return exitStatus{statusFailed, fmt.Errorf("drop capabilities: %w", err)}
	}
	return notRun(argv[0], unix.Exec(path, argv, os.Environ()))
}

// findProgram looks a command up like a shell.
func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil && !errors.Is(err, exec.ErrDot) {
		return "", notRun(name, err)
	}
	return path, nil
}

func notRun(name string, err error) error {
	status := exitStatus{code: statusNotExecutable}
	var lookup *exec.Error
	if errors.As(err, &lookup) {
		err = lookup.Err
	}
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		err = errors.New("not found")
		status.code = statusNotFound
	}
	status.err = fmt.Errorf("%s: %w", name, err)
	return status
}

func filter(fd int) error {
	socket := os.NewFile(uintptr(fd), "listener socket")
	defer socket.Close()
	listener, err := nullioctl.Install()
	if err != nil {
		return err
	}
	defer listener.Close()
	return nullioctl.Send(socket, listener)
}
