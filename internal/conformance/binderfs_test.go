package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// binderfs is the directory of the device under test.
func binderfs(t *testing.T) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(device)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	if _, err := os.Stat(filepath.Join(dir, "binder-control")); err != nil {
		t.Skipf("%s is no binderfs: %v", dir, err)
	}
	return dir
}

func TestAddAndRemoveADevice(t *testing.T) {
	dir := binderfs(t)
	ctl := filepath.Join(dir, "binder-control")
	const name = "fresh"
	path := filepath.Join(dir, name)
	b, err := control(ctl, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(path) })
	var d ioctl.BinderfsDevice
	d.Decode(b)
	if d.NameString() != name {
		t.Errorf("name %q came back", d.NameString())
	}
	if isKernel(t) {
		var st unix.Stat_t
		if err := unix.Stat(path, &st); err != nil {
			t.Fatal(err)
		}
		if unix.Major(st.Rdev) != d.Major || unix.Minor(st.Rdev) != d.Minor {
			t.Errorf("device %d:%d, told %d:%d", unix.Major(st.Rdev), unix.Minor(st.Rdev), d.Major, d.Minor)
		}
	}
	if _, err := control(ctl, name); err != unix.EEXIST {
		t.Errorf("the same again: %v, want EEXIST", err)
	}
	// An open device outlives its name.
	bus := &bus{t: t, path: path, dir: dir, own: true}
	mgr := bus.manager()
	c := bus.open().thread()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after unlink: %v", err)
	}
	c.ask([]command{c.call(0, oneway(1, "still"))}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("still")
	// The name is free; who takes it begins afresh.
	if _, err := control(ctl, name); err != nil {
		t.Fatal(err)
	}
	c2 := bus.open().thread()
	c2.ask([]command{c2.call(0, msg(1, ""))}, noop, "DEAD_REPLY")
}

func TestBadDeviceNames(t *testing.T) {
	dir := binderfs(t)
	ctl := filepath.Join(dir, "binder-control")
	for _, tc := range []struct {
		name string
		want error
	}{
		{"", unix.EACCES},
		{".", unix.EACCES},
		{"..", unix.EACCES},
		{"a/b", unix.EACCES},
		{"binder", unix.EEXIST},
		{"binder-control", unix.EEXIST},
		{"features", unix.EEXIST},
		{"binder_logs", unix.EEXIST},
		{strings.Repeat("x", 255), nil},
		{strings.Repeat("y", 256), nil}, // the last byte is cut off
	} {
		_, err := control(ctl, tc.name)
		if err != tc.want {
			t.Errorf("%.20q (%d): %v, want %v", tc.name, len(tc.name), err, tc.want)
		}
		if err == nil {
			if e := os.Remove(filepath.Join(dir, tc.name[:min(len(tc.name), 255)])); e != nil {
				t.Error(e)
			}
		}
	}
}

func TestControlKnowsOneIoctl(t *testing.T) {
	dir := binderfs(t)
	fd, err := unix.Open(filepath.Join(dir, "binder-control"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, req := range []ioctl.Request{ioctl.BINDER_VERSION, ioctl.BINDER_SET_MAX_THREADS, 0xc0046263} {
		if _, err := unix.IoctlGetInt(fd, uint(req)); err != unix.EINVAL {
			t.Errorf("%v: %v, want EINVAL", req, err)
		}
	}
}

func TestWhatCannotBeRemoved(t *testing.T) {
	dir := binderfs(t)
	if err := unix.Unlink(filepath.Join(dir, "binder-control")); err != unix.EPERM {
		t.Errorf("unlink binder-control: %v, want EPERM", err)
	}
	if err := unix.Rename(filepath.Join(dir, "binder-control"), filepath.Join(dir, "x")); err != unix.EPERM {
		t.Errorf("rename binder-control: %v, want EPERM", err)
	}
	if err := unix.Rmdir(filepath.Join(dir, "features")); err != unix.EPERM {
		t.Errorf("rmdir features: %v, want EPERM", err)
	}
	if err := unix.Mkdir(filepath.Join(dir, "new"), 0o755); err != unix.EPERM {
		t.Errorf("mkdir: %v, want EPERM", err)
	}
	if fd, err := unix.Open(filepath.Join(dir, "new"), unix.O_CREAT|unix.O_RDWR|unix.O_CLOEXEC, 0o644); err != unix.EACCES {
		t.Errorf("create: %d, %v, want EACCES", fd, err)
	}
}

func TestFeatures(t *testing.T) {
	dir := filepath.Join(binderfs(t), "features")
	for _, f := range []string{"oneway_spam_detection", "extended_error", "freeze_notification"} {
		b, err := os.ReadFile(filepath.Join(dir, f))
		if err != nil || string(b) != "1\n" {
			t.Errorf("%s: %q, %v, want 1", f, b, err)
		}
	}
	es, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		i, err := e.Info()
		if err != nil || i.Mode() != 0o444 {
			t.Errorf("%s: %v %v, want a file of mode 0444", e.Name(), i.Mode(), err)
		}
	}
}

func TestLogs(t *testing.T) {
	dir := filepath.Join(binderfs(t), "binder_logs")
	b := newBus(t)
	mgr, c := b.manager(), b.open().looper()
	c.send(c.call(0, msg(1, "pending")))
	mgr.got(noop, "TRANSACTION")
	for name, want := range map[string]string{
		"stats": "binder stats:\n", "state": "binder state:\n", "transactions": "binder transactions:\n",
	} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(b), want) {
			t.Errorf("%s: %v %.60q", name, err, b)
		}
	}
	for _, p := range []*process{mgr.p, c.p} {
		if !knows(t, b, p.PID) {
			t.Errorf("no trace of process %d", p.PID)
		}
	}
}

func TestModes(t *testing.T) {
	dir := binderfs(t)
	for name, want := range map[string]os.FileMode{
		"binder_logs": os.ModeDir | 0o755, "features": os.ModeDir | 0o755,
	} {
		i, err := os.Stat(filepath.Join(dir, name))
		if err != nil || i.Mode() != want {
			t.Errorf("%s: %v %v, want %v", name, i.Mode(), err, want)
		}
	}
	i, err := os.Stat(filepath.Join(dir, "binder"))
	if err != nil {
		t.Fatal(err)
	}
	want := pick(t, os.ModeDevice|os.ModeCharDevice, os.FileMode(0))
	if i.Mode()&os.ModeType != want {
		t.Errorf("binder: %v", i.Mode())
	}
}
