// Command init is the first process on the oracle's kernel: it mounts what programs expect, runs
// the one program that /plan names, tells its exit status and turns the machine off.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	status, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
	}
	fmt.Fprintf(os.Stderr, "\nORACLE-EXIT %d\n", status)
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	time.Sleep(time.Minute) // the first process must not end before the machine
}

func run() (status int, err error) {
	const failed = 125
	if err := mounts(); err != nil {
		return failed, err
	}
	if err := output(); err != nil {
		return failed, err
	}
	text, err := os.ReadFile("/plan")
	if err != nil {
		return failed, err
	}
	var plan struct {
		Path      string
		Args, Env []string
		Dir       string
	}
	if err := json.Unmarshal(text, &plan); err != nil {
		return failed, err
	}
	cmd := exec.Command(plan.Path, plan.Args...)
	cmd.Dir = "/tmp"
	if plan.Dir != "" {
		if err := unix.Mount("none", "/host", "hostfs", 0, plan.Dir); err != nil {
			return failed, fmt.Errorf("mount %s of the host: %w", plan.Dir, err)
		}
		cmd.Dir = "/host"
	}
	cmd.Env = append([]string{
		"PATH=/bin", "HOME=/root", "TMPDIR=/tmp", "BINDER_DEVICE=/dev/binderfs/binder",
	}, plan.Env...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode(), nil
	case err != nil:
		return failed, err
	}
	return 0, nil
}

func mounts() error {
	for _, m := range []struct {
		kind, dir, data string
		mode            os.FileMode
	}{
		{"proc", "/proc", "", 0o755},
		{"sysfs", "/sys", "", 0o755},
		{"devtmpfs", "/dev", "", 0o755},
		{"devpts", "/dev/pts", "", 0o755},
		{"tmpfs", "/dev/shm", "mode=1777", 0o1777},
		{"tmpfs", "/tmp", "mode=1777", 0o1777},
		{"tmpfs", "/run", "", 0o755},
		{"binder", "/dev/binderfs", "stats=global", 0o755},
	} {
		if err := os.MkdirAll(m.dir, m.mode); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.data); err != nil && err != unix.EBUSY {
			return fmt.Errorf("mount %s at %s: %w", m.kind, m.dir, err)
		}
	}
	devices, _ := filepath.Glob("/dev/binderfs/*binder")
	for _, d := range devices {
		if err := os.Chmod(d, 0o666); err != nil {
			return err
		}
		_ = os.Symlink(d, filepath.Join("/dev", filepath.Base(d)))
	}
	_ = os.Symlink("/proc/self/fd", "/dev/fd")
	return loopback()
}

// loopback brings the loopback device up, which tests of sockets like to use.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring up the loopback device: %w", err)
	}
	defer unix.Close(s)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, request)
}

// output makes the second serial line, which is a pipe of the host, standard output and error.
func output() error {
	line, err := unix.Open("/dev/ttyS1", unix.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return fmt.Errorf("open the serial line: %w", err)
	}
	if t, err := unix.IoctlGetTermios(line, unix.TCGETS); err == nil {
		t.Oflag &^= unix.OPOST
		t.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
		_ = unix.IoctlSetTermios(line, unix.TCSETS, t)
	}
	return errors.Join(unix.Dup3(line, 1, 0), unix.Dup3(line, 2, 0))
}
