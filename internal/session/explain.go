package session

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// A machine is where Explain and Check look for causes; tests have one of their own.
type machine struct {
	root string
	open func(path string) error // tries to open a device for reading and writing
}

var here = machine{root: "/", open: func(path string) error {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}}

// Check tells in one sentence what of this machine's set-up forbids a session, and how to grant
// it; nil where nothing is known to.
func Check() error { return here.check(Privileged()) }

// Explain makes the failure to start a process in the namespaces of Isolate, or to mount in them,
// into one sentence that says how to grant what is missing.
func Explain(err error) error { return here.explain(err, Privileged()) }

func (m machine) check(privileged bool) error {
	switch err := m.open("/dev/fuse"); {
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return errors.New("there is no /dev/fuse: load the kernel's module (modprobe fuse), or give the container the device (--device /dev/fuse)")
	case errors.Is(err, unix.EACCES):
		return errors.New("/dev/fuse may not be opened by this user: grant it with chmod 666 /dev/fuse as root")
	case errors.Is(err, unix.EPERM):
		return errors.New("/dev/fuse may not be opened in this container: give it the device (--device /dev/fuse)")
	case err != nil:
		return fmt.Errorf("open /dev/fuse: %w", err)
	}
	if privileged {
		return nil
	}
	if m.sysctl("user/max_user_namespaces") == "0" {
		return errors.New("user namespaces are forbidden here: grant them with sysctl user.max_user_namespaces=10000 as root, or run as root")
	}
	if m.sysctl("kernel/unprivileged_userns_clone") == "0" {
		return errors.New("user namespaces are forbidden to ordinary users here: grant them with sysctl kernel.unprivileged_userns_clone=1 as root, or run as root")
	}
	return nil
}

func (m machine) explain(err error, privileged bool) error {
	if !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES) && !errors.Is(err, unix.ENOSPC) && !errors.Is(err, unix.EUSERS) {
		return err
	}
	if known := m.check(privileged); known != nil {
		return known
	}
	switch {
	case privileged:
		return fmt.Errorf("mounting is forbidden here (%w): a container needs --cap-add SYS_ADMIN and a security profile that lets it mount", err)
	case m.sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return fmt.Errorf("AppArmor forbids ordinary users to mount in their own namespaces (%w): grant it with sysctl kernel.apparmor_restrict_unprivileged_userns=0 as root, or with a profile for busd that allows userns", err)
	case errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		return fmt.Errorf("there are too many user namespaces (%w): raise sysctl user.max_user_namespaces as root, or run as root", err)
	default:
		return fmt.Errorf("user and mount namespaces are forbidden here (%w): a container needs a seccomp and security profile that allows unshare and mount, or --cap-add SYS_ADMIN and root", err)
	}
}

// sysctl reads one setting; "" where the kernel has none of that name.
func (m machine) sysctl(name string) string {
	text, err := os.ReadFile(filepath.Join(m.root, "proc/sys", name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
