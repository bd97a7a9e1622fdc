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
		if path, err = exec.LookPath(argv[0]); err != nil && !errors.Is(err, exec.ErrDot) {
			if errors.Is(err, fs.ErrPermission) {
				return exitStatus{statusNotExecutable, err}
			}
			return exitStatus{statusNotFound, err}
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
	err := unix.Exec(path, argv, os.Environ())
	if errors.Is(err, fs.ErrNotExist) {
		return exitStatus{statusNotFound, fmt.Errorf("%s: %w", argv[0], err)}
	}
	return exitStatus{statusNotExecutable, fmt.Errorf("%s: %w", argv[0], err)}
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
