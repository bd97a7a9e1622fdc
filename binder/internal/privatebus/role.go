package privatebus

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/busd/devicefs"
	"github.com/fusebinder/fusebinder/internal/session"
	"golang.org/x/sys/unix"
)

// The parts that this package knows begin here, before any other code of the program that matters.
func init() {
	switch role := os.Getenv(roleEnv); {
	case role == "broker":
		broker()
	case role == "busd":
		Fail(busd(os.Getenv(busdEnv)))
	case role == "" && testing.Testing() && !session.Privileged():
		enter()
	}
}

// Role is what this process was started as by Self; "" or "tests" for the tests themselves.
func Role() string { return os.Getenv(roleEnv) }

func newAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// broker serves until its standard input ends.
func broker() {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	dir := os.Getenv(dirEnv)
	opts := devicefs.Options{Logger: log, RawReader: true, DeviceUID: uint32(os.Geteuid()), DeviceGID: uint32(os.Getegid())}
	if mode := os.Getenv(modeEnv); mode != "" {
		Fail(opts.Mode.Set(mode))
	}
	Fail(private())
	server, err := devicefs.Mount(dir, opts)
	if err != nil {
		say("mount")
		Fail(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	select {
	case <-server.Ready():
	case err := <-served:
		Fail(errors.Join(errors.New("the mount ended before it was ready"), err))
	}
	Ready()
	go func() {
		WaitForEnd()
		if err := server.Close(); err != nil {
			log.Warn(err.Error())
		}
		os.Exit(0)
	}()
	Fail(<-served)
	os.Exit(0)
}

// busd becomes the busd at path, which serves until its standard input ends.
func busd(path string) error {
	if err := private(); err != nil {
		return err
	}
	args := []string{path, "serve", "--log-level", "warn", "--lifeline-fd", "0", "--ready-fd", strconv.Itoa(readyFD)}
	if mode := os.Getenv(modeEnv); mode != "" {
		args = append(args, "--mode", mode)
	}
	err := unix.Exec(path, append(args, os.Getenv(dirEnv)), os.Environ())
	return fmt.Errorf("%s=%s: %w", busdEnv, path, err)
}

// private makes a new mount namespace one of its own: what is mounted there does not show outside.
func private() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mount namespace private: %w", err)
	}
	return nil
}

// Ready tells the process that started this Part.
func Ready() { say("ready") }

func say(word string) {
	_, _ = unix.Write(readyFD, []byte(word))
	_ = unix.Close(readyFD)
}

// Fail ends a Part that cannot go on, if err is not nil.
func Fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// failedToEnter is why the user namespace could not be had.
var failedToEnter error

// enter runs the tests again in namespaces in which they may mount, and ends as they do.
func enter() {
	if failedToEnter = session.Check(); failedToEnter != nil {
		return
	}
	signals := session.Catch()
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), roleEnv+"=tests")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = newAttr()
	session.Isolate(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		signal.Reset()
		failedToEnter = session.Explain(err)
		return
	}
	stop := signals.Forward(cmd.Process)
	_ = cmd.Wait()
	stop()
	os.Exit(session.ExitStatus(cmd.ProcessState))
}

// WaitForEnd returns when the process that started this Part has called Stop, or is dead.
func WaitForEnd() { _, _ = io.Copy(io.Discard, os.Stdin) }
