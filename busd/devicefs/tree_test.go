package devicefs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

// names lists all that is in a mount.
func (m *served) names() (names []string) {
	m.t.Helper()
	err := filepath.WalkDir(m.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != m.dir {
			name := strings.TrimPrefix(path, m.dir+"/")
			if d.IsDir() {
				name += "/"
			}
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return names
}

func TestIntegrationTree(t *testing.T) {
	m := serve(t, setup{}, nil)
	want := []string{
		"binder", "binder-control",
		"binder_logs/", "binder_logs/failed_transaction_log", "binder_logs/proc/", "binder_logs/state", "binder_logs/stats",
		"binder_logs/transaction_log", "binder_logs/transactions",
		"features/", "features/extended_error", "features/freeze_notification", "features/oneway_spam_detection",
		"hwbinder", "vndbinder",
	}
	if d := cmp.Diff(want, m.names()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if b, err := os.ReadFile(m.dir + "/features/extended_error"); string(b) != "1\n" || err != nil {
		t.Errorf("features/extended_error: %q, %v", b, err)
	}
	for _, tc := range []struct {
		name string
		mode fs.FileMode
	}{
		{"", fs.ModeDir | 0755}, {"binder", 0666}, {"binder-control", 0600},
		{"features", fs.ModeDir | 0755}, {"features/extended_error", 0444}, {"binder_logs/stats", 0444},
	} {
		st, err := os.Stat(m.dir + "/" + tc.name)
		if err != nil || st.Mode() != tc.mode {
			t.Errorf("%q: %v, %v; want %v", tc.name, st.Mode(), err, tc.mode)
		}
	}
	for _, name := range []string{"nothing", "features/nothing", "binder_logs/proc/1", "binder_logs/proc/x", "binder_logs/proc/01"} {
		if _, err := os.Stat(m.dir + "/" + name); !os.IsNotExist(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var statfs unix.Statfs_t
	if err := unix.Statfs(m.dir, &statfs); err != nil {
		t.Error(err)
	}
	m.checkEmpty()
	m.close()
}

// The log of a process is there while it has a device open.
func TestIntegrationProcLog(t *testing.T) {
	m := serve(t, setup{}, nil)
	pid := itoa(os.Getpid())
	f := m.open(4096)
	b, err := os.ReadFile(m.dir + "/binder_logs/proc/" + pid)
	if err != nil || !strings.Contains(string(b), "proc "+pid) {
		t.Errorf("%q, %v", b, err)
	}
	list, err := os.ReadDir(m.dir + "/binder_logs/proc")
	if err != nil || len(list) != 1 || list[0].Name() != pid {
		t.Errorf("binder_logs/proc has %v, %v", list, err)
	}
	for _, name := range []string{"stats", "state", "transactions"} {
		if b, err := os.ReadFile(m.dir + "/binder_logs/" + name); err != nil || len(b) == 0 {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	// What was open stays readable, also in pieces.
	log, err := os.Open(m.dir + "/binder_logs/proc/" + pid)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	f.close()
	m.awaitNoOpens()
	piece := make([]byte, 7)
	if n, err := log.ReadAt(piece, 5); n != 7 || err != nil || string(piece) != string(b[5:12]) {
		t.Errorf("%q, %v; want %q", piece[:n], err, b[5:12])
	}
	if _, err := os.Stat(m.dir + "/binder_logs/proc/" + pid); !os.IsNotExist(err) {
		t.Errorf("after the close: %v", err)
	}
}

func (m *served) awaitNoOpens() {
	m.t.Helper()
	await(m.t, "the last close", func() (bool, string) {
		c := m.count()
		return c.Opens == 0, itoa(c.Opens)
	})
}

func itoa(n int) string { return strings.TrimSpace(string(appendInt(nil, n))) }

func appendInt(b []byte, n int) []byte {
	if n >= 10 {
		b = appendInt(b, n/10)
	}
	return append(b, byte('0'+n%10))
}

// add makes a device through binder-control.
func (m *served) add(name string) (ioctl.BinderfsDevice, syscall.Errno) {
	m.t.Helper()
	control, err := unix.Open(m.dir+"/binder-control", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	defer unix.Close(control)
	var d ioctl.BinderfsDevice
	copy(d.Name[:], name)
	arg := make([]byte, ioctl.SizeofDevice)
	d.Encode(arg)
	_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(control), uintptr(ioctl.BINDER_CTL_ADD), uintptr(unsafe.Pointer(&arg[0])))
	d.Decode(arg)
	return d, errno
}

func TestIntegrationControl(t *testing.T) {
	m := serve(t, setup{Devices: []string{"binder"}}, nil)
	long := strings.Repeat("n", ioctl.BINDERFS_MAX_NAME)
	for _, tc := range []struct {
		name  string
		errno syscall.Errno
	}{
		{"mine", 0}, {"mine", syscall.EEXIST}, {"binder", syscall.EEXIST},
		{"binder-control", syscall.EEXIST}, {"features", syscall.EEXIST}, {"binder_logs", syscall.EEXIST},
		{"", syscall.EACCES}, {".", syscall.EACCES}, {"..", syscall.EACCES}, {"a/b", syscall.EACCES},
		{long, 0}, {long, syscall.EEXIST}, {"stats", 0},
	} {
		d, errno := m.add(tc.name)
		if errno != tc.errno {
			t.Errorf("%.20q: %v, want %v", tc.name, errno, tc.errno)
		}
		if errno == 0 && (d.NameString() != tc.name || d.Major == 0 || d.Minor == 0) {
			t.Errorf("%.20q: the answer is %.20q %d:%d", tc.name, d.NameString(), d.Major, d.Minor)
		}
	}
	f := m.openOnly("mine")
	var version [4]byte
	ask := func() syscall.Errno {
		_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(f.fd), uintptr(ioctl.BINDER_VERSION), uintptr(unsafe.Pointer(&version)))
		return errno
	}
	if errno := ask(); errno != 0 || version[0] != ioctl.ProtocolVersion {
		t.Errorf("version %v, %v", version, errno)
	}
	for _, tc := range []struct {
		name  string
		errno syscall.Errno
	}{
		{"mine", 0}, {"mine", syscall.ENOENT}, {"binder-control", syscall.EPERM}, {"features", syscall.EISDIR},
		{"features/extended_error", syscall.EPERM}, {"binder", 0},
	} {
		if err := unix.Unlink(m.dir + "/" + tc.name); err != errnoErr(tc.errno) {
			t.Errorf("unlink %s: %v, want %v", tc.name, err, tc.errno)
		}
	}
	if errno := ask(); errno != 0 {
		t.Errorf("an open device after unlink: %v", errno)
	}
	if _, errno := m.add("mine"); errno != 0 {
		t.Errorf("the name again: %v", errno)
	}
	for name, err := range map[string]error{
		"mkdir":   unix.Mkdir(m.dir+"/d", 0o700),
		"mknod":   unix.Mknod(m.dir+"/n", unix.S_IFIFO, 0),
		"symlink": unix.Symlink("x", m.dir+"/s"),
		"rmdir":   unix.Rmdir(m.dir + "/features"),
		"rename":  unix.Rename(m.dir+"/features/extended_error", m.dir+"/yours"),
		"link":    unix.Link(m.dir+"/mine", m.dir+"/l"),
	} {
		if err != unix.EPERM {
			t.Errorf("%s: %v, want EPERM", name, err)
		}
	}
	if _, err := unix.Open(m.dir+"/new", unix.O_RDWR|unix.O_CREAT|unix.O_CLOEXEC, 0o600); err != unix.EACCES {
		t.Errorf("create a file: %v, want EACCES", err)
	}
	f.close()
	m.checkEmpty()
	m.close()
}

func errnoErr(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

// Mode and owner belong to the name, and outlive the inode of a lookup.
func TestIntegrationAttributes(t *testing.T) {
	m := serve(t, setup{}, nil)
	if err := os.Chmod(m.dir+"/binder", 0o640); err != nil {
		t.Fatal(err)
	}
	m.openOnly("binder").close()
	if st, err := os.Stat(m.dir + "/binder"); err != nil || st.Mode() != 0o640 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if err := os.Chmod(m.dir+"/features", 0o711); err != nil {
		t.Error(err)
	}
	if st, err := os.Stat(m.dir + "/features"); err != nil || st.Mode() != os.ModeDir|0o711 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
}

// ioctls that are not for us get the driver's answers.
func TestIntegrationStrangeIoctls(t *testing.T) {
	m := serve(t, setup{}, nil)
	f := m.open(4096)
	defer f.close()
	big := make([]byte, 16<<10)
	ask := func(fd int, request uintptr) syscall.Errno {
		_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&big[0])))
		return errno
	}
	for _, request := range []uintptr{unix.TCGETS, 3<<30 | 16383<<16 | 'b'<<8 | 1, 1<<30 | 300<<16 | 'z'<<8, 2<<30 | 264<<16 | 'b'<<8 | 200} {
		if errno := ask(f.fd, request); errno != syscall.EINVAL {
			t.Errorf("request %#x: %v, want EINVAL", request, errno)
		}
	}
	feature := m.openFeature()
	if errno := ask(feature, uintptr(ioctl.BINDER_VERSION)); errno != syscall.ENOTTY {
		t.Errorf("an ioctl of a feature: %v, want ENOTTY", errno)
	}
	unix.Close(feature)
	control, err := unix.Open(m.dir+"/binder-control", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if errno := ask(control, uintptr(ioctl.BINDER_VERSION)); errno != syscall.EINVAL {
		t.Errorf("another ioctl of binder-control: %v, want EINVAL", errno)
	}
	unix.Close(control)
}

func (m *served) openFeature() int {
	m.t.Helper()
	fd, err := unix.Open(m.dir+"/features/extended_error", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	return fd
}
