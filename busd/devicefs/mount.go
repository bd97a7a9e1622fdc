package devicefs

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd/clientmem"
)

// mountID is the device number of a mounted file system, as /proc/PID/maps shows it.
type mountID struct{ major, minor uint32 }

func (m mountID) file(inode uint64) clientmem.Mapping {
	return clientmem.Mapping{Major: m.major, Minor: m.minor, Inode: inode}
}

// mount mounts an empty FUSE file system at dir, whose INIT is still to be answered.
func mount(dir string, opts Options) (string, wire, mountID, error) {
	fail := func(err error) (string, wire, mountID, error) { return "", -1, mountID{}, err }
	dir, err := vacate(dir)
	if err != nil {
		return fail(err)
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	switch err {
	case nil:
	case unix.ENOENT, unix.ENODEV, unix.ENXIO:
		return fail(fmt.Errorf("open /dev/fuse: %w: load the kernel's fuse module (modprobe fuse), or give the container the device", err))
	default:
		return fail(fmt.Errorf("open /dev/fuse: %w: allow this user or container to use it", err))
	}
	data := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%d,default_permissions,max_read=%d",
		fd, os.Getuid(), os.Getgid(), maxRead)
	if !opts.Private {
		data += ",allow_other"
	}
	err = unix.Mount(opts.FSName, dir, "fuse.busd", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC|unix.MS_NOATIME, data)
	switch err {
	case nil:
	case unix.EPERM:
		unix.Close(fd)
		return fail(fmt.Errorf("mount %s: %w: root (CAP_SYS_ADMIN) is needed, or a user and mount namespace of one's own", dir, err))
	default:
		unix.Close(fd)
		return fail(fmt.Errorf("mount %s: %w", dir, err))
	}
	id, _, err := mounted(dir)
	if err == nil && id == (mountID{}) {
		err = errors.New("the mount is not in /proc/self/mountinfo")
	}
	if err != nil {
		unix.Unmount(dir, unix.MNT_DETACH)
		unix.Close(fd)
		return fail(fmt.Errorf("mount %s: %w", dir, err))
	}
	return dir, wire(fd), id, nil
}

// vacate makes sure that nothing is mounted at dir, taking away what a crashed broker left
// there. It answers dir without symbolic links.
func vacate(dir string) (string, error) {
	dir, err := resolve(dir)
	if err != nil {
		return "", err
	}
	for range 100 { // mounts can lie on top of each other
		id, kind, err := mounted(dir)
		if err != nil {
			return "", err
		}
		err = probe(dir)
		switch {
		case errors.Is(err, unix.ENOTCONN):
			if err := unix.Unmount(dir, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
				return "", fmt.Errorf("%s: the mount of a broker that is gone cannot be cleared: %w", dir, err)
			}
		case err != nil && id != (mountID{}):
			return "", fmt.Errorf("%s: %s is mounted there and does not work: %w; unmount it (umount -l %[1]s)", dir, kind, err)
		case err != nil:
			return "", err
		case id != (mountID{}):
			return "", fmt.Errorf("%s: %s is mounted there already; stop what uses it, or choose another directory", dir, kind)
		default:
			return dir, nil
		}
	}
	return "", fmt.Errorf("%s: too many dead mounts lie there; unmount them (umount -l %[1]s)", dir)
}

// resolve takes symbolic links out of a directory's name. The directory itself may be the mount
// point of a broker that is gone, which answers nothing.
func resolve(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, unix.ENOTCONN) {
		real, err = filepath.EvalSymlinks(filepath.Dir(dir))
		real = filepath.Join(real, filepath.Base(dir))
	}
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("%s: no such directory; make it first (mkdir -p %[1]s)", dir)
	}
	return real, err
}

// probeWait is how long a mount point may take to answer.
const probeWait = 3 * time.Second

// probe tells whether dir is a directory that answers.
func probe(dir string) error {
	result := make(chan error, 1)
	go func() { // for ever in the way of a broker that hangs, so not ours to wait for
		var st unix.Stat_t
		var fs unix.Statfs_t
		err := unix.Statfs(dir, &fs) // stat alone may be answered from what the kernel remembers
		if err == nil {
			err = unix.Stat(dir, &st)
		}
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			err = fmt.Errorf("%s: %w", dir, unix.ENOTDIR)
		} else if err != nil {
			err = fmt.Errorf("stat %s: %w", dir, err)
		}
		result <- err
	}()
	select {
	case err := <-result:
		return err
	case <-time.After(probeWait):
		return errors.New("it does not answer")
	}
}

// mounted answers the topmost file system mounted at dir and its type, or zeros.
func mounted(dir string) (mountID, string, error) {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return mountID{}, "", err
	}
	defer f.Close()
	return findMount(f, dir)
}

// findMount looks for dir in the text of a mountinfo file, whose lines are
//
//	36 35 98:0 /root /mnt/point rw,noatime master:1 - ext3 /dev/root rw
func findMount(r io.Reader, dir string) (id mountID, kind string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		left, right, _ := bytes.Cut(lines.Bytes(), []byte(" - "))
		f := bytes.Fields(left)
		if len(f) < 6 || unescape(string(f[4])) != dir {
			continue
		}
		major, minor, _ := strings.Cut(string(f[2]), ":")
		a, err1 := strconv.ParseUint(major, 10, 32)
		b, err2 := strconv.ParseUint(minor, 10, 32)
		if err1 != nil || err2 != nil {
			continue
		}
		k, _, _ := bytes.Cut(right, []byte(" "))
		id, kind = mountID{uint32(a), uint32(b)}, string(k) // later lines lie on top
	}
	return id, kind, lines.Err()
}

// unescape undoes the octal escapes of mountinfo (space, tab, newline, backslash).
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(v))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
