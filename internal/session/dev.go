package session

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Names below /dev that belong to the bus. A kernel's own binder, where there is one, is hidden.
const (
	MountPoint = "/dev/binderfs"
	Device     = MountPoint + "/binder"
)

// devices stand in /dev as links into the mount: a bind mount of the file would be a second open
// of the same node, which FUSE cannot tell apart.
var devices = []string{"binder", "hwbinder", "vndbinder"}

// Enter makes the namespace that Isolate began private and gives it a /dev with an empty
// directory for the bus and links to its devices. The machine's own /dev stays as it is.
func Enter() error {
	// What the machine mounts later still shows here; what we mount never shows there.
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make the mount namespace private: %w", err)
	}
	return coverDev("/dev")
}

// coverDev puts a tmpfs over dev that shows all that dev showed, and the bus's names.
func coverDev(dev string) error {
	// The descriptor goes on showing the tree below the tmpfs.
	old, err := os.OpenFile(dev, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer old.Close()
	below := fmt.Sprintf("/proc/self/fd/%d", old.Fd())
	entries, err := os.ReadDir(below)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dev, "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=0755,size=1m"); err != nil {
		return fmt.Errorf("mount a private %s: %w", dev, err)
	}
	for _, entry := range entries {
		if ours(entry.Name()) {
			continue
		}
		if err := show(entry, filepath.Join(below, entry.Name()), filepath.Join(dev, entry.Name())); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dev, "binderfs"), 0o755); err != nil {
		return err
	}
	for _, name := range devices {
		if err := os.Symlink("binderfs/"+name, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	return nil
}

func ours(name string) bool {
	return name == "binderfs" || slices.Contains(devices, name)
}

// show makes one entry of the old /dev appear in the new one.
func show(entry fs.DirEntry, from, to string) error {
	switch {
	case entry.Type()&fs.ModeSymlink != 0:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		return os.Symlink(target, to)
	case entry.IsDir():
		if err := os.Mkdir(to, 0o755); err != nil {
			return err
		}
	default:
		file, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		file.Close()
	}
	err := unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
		// Unplugged meanwhile, or marked unbindable: the command does without.
		return os.Remove(to)
	}
	if err != nil {
		return fmt.Errorf("show %s in the private /dev: %w", to, err)
	}
	return nil
}
