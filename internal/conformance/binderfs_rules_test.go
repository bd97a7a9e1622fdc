package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// A fileSystem is a binderfs of a test's own, at a directory.
type fileSystem struct {
	t   *testing.T
	dir string
}

// tryMount mounts a binderfs of its own: of the driver under test, or a busd.
func tryMount(t *testing.T, options string) (*fileSystem, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs to mount for all, as root")
	}
	f := &fileSystem{t, t.TempDir()}
	if err := os.Chmod(filepath.Dir(filepath.Dir(f.dir)), 0o755); err != nil { // other users come here too
		t.Fatal(err)
	}
	for d := f.dir; d != filepath.Dir(filepath.Dir(filepath.Dir(f.dir))); d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if isKernel(t) {
		if err := unix.Mount("binder", f.dir, "binder", 0, options); err != nil {
			return nil, err
		}
		t.Cleanup(func() {
			if err := unix.Unmount(f.dir, 0); err != nil {
				t.Errorf("unmount: %v", err)
				unix.Unmount(f.dir, unix.MNT_DETACH)
			}
		})
		return f, nil
	}
	busd := os.Getenv("BINDER_BUSD")
	if busd == "" {
		t.Skip("needs a busd that this package can start")
	}
	cmd := exec.Command(busd, "serve", "--mode", os.Getenv("BINDER_RECEIVE_MODE"), "--log-level", logLevel(), "-o", options, f.dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		unix.Unmount(f.dir, unix.MNT_DETACH)
	})
	var err error
	await(t, "busd has mounted", func() bool {
		select {
		case <-ended:
			close(ended)
			err = fmt.Errorf("%s", stderr.String())
			return true
		default:
		}
		var st unix.Statfs_t
		return unix.Statfs(f.at("binder-control"), &st) == nil && st.Type == unix.FUSE_SUPER_MAGIC
	})
	return f, err
}

func mountOwn(t *testing.T, options string) *fileSystem {
	t.Helper()
	f, err := tryMount(t, options)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fileSystem) at(name string) string { return f.dir + "/" + name }

// add makes a device and returns its numbers.
func (f *fileSystem) add(name string) (major, minor uint32, err error) {
	b, err := control(f.at("binder-control"), name)
	var d ioctl.BinderfsDevice
	d.Decode(b)
	return d.Major, d.Minor, err
}

func (f *fileSystem) device(name string) *bus {
	return &bus{t: f.t, path: f.at(name), dir: f.dir, own: true}
}

// names lists a directory as it is told, without the dots.
func (f *fileSystem) names(dir string) []string {
	f.t.Helper()
	d, err := os.Open(f.at(dir))
	if err != nil {
		f.t.Fatal(err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		f.t.Fatal(err)
	}
	return names
}

// A rule is what comes of an operation: on the driver, and on busd if that differs.
type rule struct {
	what string
	err  error
	want error
	busd error // errSame: as on the driver
}

var errSame = fmt.Errorf("as on the driver")

func check(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		want := r.want
		if r.busd != errSame && !isKernel(t) {
			want = r.busd
		}
		if r.err != want {
			t.Errorf("%s: %v, want %v", r.what, r.err, want)
		}
	}
}

func open(path string, flags int) error {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func TestWhatBinderfsShows(t *testing.T) {
	f := mountOwn(t, "stats=global")
	for _, name := range []string{"a", "b"} {
		if _, _, err := f.add(name); err != nil {
			t.Fatal(err)
		}
	}
	for dir, want := range map[string][]string{
		".":           {"b", "a", "binder_logs", "features", "vndbinder", "hwbinder", "binder", "binder-control"},
		"features":    {"freeze_notification", "extended_error", "oneway_spam_detection"},
		"binder_logs": {"proc", "failed_transaction_log", "transaction_log", "transactions", "stats", "state"},
	} {
		if d := cmp.Diff(want, f.names(dir)); d != "" {
			t.Errorf("%s, the newest first (-want +got):\n%s", dir, d)
		}
	}
	type shown struct {
		mode     uint32
		nlink    uint64
		uid, gid uint32
		size     int64
	}
	device := pick(t, shown{unix.S_IFCHR | 0o600, 1, 0, 0, 0}, shown{unix.S_IFREG | 0o666, 1, 0, 0, 4 << 20})
	for name, want := range map[string]shown{
		".":                       {unix.S_IFDIR | 0o755, 4, 0, 0, 0},
		"binder-control":          {pick[uint32](t, unix.S_IFCHR, unix.S_IFREG) | 0o600, 1, 0, 0, 0},
		"binder":                  device,
		"a":                       device,
		"features":                {unix.S_IFDIR | 0o755, 2, 0, 0, 0},
		"features/extended_error": {unix.S_IFREG | 0o444, 1, 0, 0, 0},
		"binder_logs":             {unix.S_IFDIR | 0o755, 3, 0, 0, 0},
		"binder_logs/proc":        {unix.S_IFDIR | 0o755, 2, 0, 0, 0},
		"binder_logs/state":       {unix.S_IFREG | 0o444, 1, 0, 0, 0},
	} {
		var st unix.Stat_t
		if err := unix.Stat(f.at(name), &st); err != nil {
			t.Fatal(err)
		}
		if got := (shown{st.Mode, uint64(st.Nlink), st.Uid, st.Gid, st.Size}); got != want {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(f.dir, &fs); err != nil {
		t.Fatal(err)
	}
	if want := pick[int64](t, unix.BINDERFS_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC); int64(fs.Type) != want || fs.Namelen != 255 || fs.Bsize != 4096 || fs.Blocks != 0 || fs.Files != 0 {
		t.Errorf("statfs: %+v", fs)
	}
	p := f.device("a").spawn()
	if d := cmp.Diff([]string{fmt.Sprint(p.PID)}, f.names("binder_logs/proc")); d != "" {
		t.Errorf("proc (-want +got):\n%s", d)
	}
}

func TestFilesOfBinderfs(t *testing.T) {
	f := mountOwn(t, "stats=global")
	// What can be opened, and how.
	var rules []rule
	for _, name := range []string{"binder-control", "binder", "features/extended_error", "binder_logs/stats"} {
		at := f.at(name)
		rules = append(rules,
			rule{name + " read-only", open(at, unix.O_RDONLY), nil, errSame},
			rule{name + " write-only", open(at, unix.O_WRONLY), nil, errSame},
			rule{name + " O_TRUNC", open(at, unix.O_RDWR|unix.O_TRUNC), nil, errSame},
			rule{name + " O_APPEND", open(at, unix.O_RDWR|unix.O_APPEND), nil, errSame},
			rule{name + " O_CREAT", open(at, unix.O_RDWR|unix.O_CREAT), nil, errSame},
			rule{name + " O_CREAT|O_EXCL", open(at, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL), unix.EEXIST, errSame},
			rule{name + " O_PATH", open(at, unix.O_PATH), nil, errSame},
			rule{name + " O_DIRECT", open(at, unix.O_DIRECT), unix.EINVAL, errSame},
			rule{name + " as a directory", open(at, unix.O_DIRECTORY), unix.ENOTDIR, errSame},
			rule{name + " rmdir", unix.Rmdir(at), unix.ENOTDIR, errSame},
		)
	}
	for _, name := range []string{".", "features", "binder_logs"} {
		rules = append(rules,
			rule{name + " for writing", open(f.at(name), unix.O_RDWR), unix.EISDIR, errSame},
			rule{name + " O_TMPFILE", open(f.at(name), unix.O_RDWR|unix.O_TMPFILE), unix.EOPNOTSUPP, errSame},
		)
	}
	check(t, rules)

	// What can be done with an open one.
	for _, tc := range []struct {
		name                                                              string
		read, pread, write, pwrite, seek, seekEnd, truncate, fsync, ioctl error // of the driver
		busd                                                              map[string]error
	}{
		{"binder-control", unix.EINVAL, unix.ESPIPE, unix.EINVAL, unix.ESPIPE, unix.ESPIPE, unix.ESPIPE, unix.EINVAL, unix.EINVAL, unix.EINVAL,
			map[string]error{}},
		{"binder", unix.EINVAL, unix.EINVAL, unix.EINVAL, unix.EINVAL, unix.ESPIPE, unix.ESPIPE, unix.EINVAL, unix.EINVAL, unix.EINVAL,
			map[string]error{"seek": nil, "seek to the end": nil}},
		{"features/extended_error", nil, nil, unix.EINVAL, unix.ESPIPE, nil, unix.EINVAL, nil, unix.EINVAL, unix.ENOTTY,
			map[string]error{"pwrite": unix.EINVAL, "seek to the end": nil}},
		{"binder_logs/state", nil, nil, unix.EINVAL, unix.ESPIPE, nil, unix.EINVAL, nil, unix.EINVAL, unix.ENOTTY,
			map[string]error{"pwrite": unix.EINVAL, "seek to the end": nil}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			fd, err := unix.Open(f.at(tc.name), unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			b := make([]byte, 4096)
			result := func(_ any, err error) error { return err }
			rules := []rule{
				{"read", result(unix.Read(fd, b)), tc.read, errSame},
				{"pread", result(unix.Pread(fd, b, 0)), tc.pread, errSame},
				{"write", result(unix.Write(fd, b)), tc.write, errSame},
				{"pwrite", result(unix.Pwrite(fd, b, 0)), tc.pwrite, errSame},
				{"seek", result(unix.Seek(fd, 1, 0)), tc.seek, errSame},
				{"seek to the end", result(unix.Seek(fd, 0, 2)), tc.seekEnd, errSame},
				{"ftruncate", unix.Ftruncate(fd, 0), tc.truncate, errSame},
				{"fsync", unix.Fsync(fd), tc.fsync, errSame},
				{"TCGETS", result(unix.IoctlGetInt(fd, unix.TCGETS)), tc.ioctl, errSame},
			}
			for i := range rules {
				if err, differs := tc.busd[rules[i].what]; differs {
					rules[i].busd = err
				}
			}
			check(t, rules)
		})
	}
}

func TestNothingIsMadeInBinderfs(t *testing.T) {
	f := mountOwn(t, "stats=global")
	for _, dir := range []string{".", "features", "binder_logs", "binder_logs/proc"} {
		in := func(name string) string { return f.at(dir + "/" + name) }
		rules := []rule{
			{"mkdir", unix.Mkdir(in("new"), 0o755), unix.EPERM, errSame},
			{"create", open(in("new"), unix.O_RDWR|unix.O_CREAT), unix.EACCES, errSame},
			{"symlink", unix.Symlink("x", in("new")), unix.EPERM, errSame},
			{"link", unix.Link(f.at("binder"), in("new")), unix.EPERM, errSame},
			{"mknod of a file", unix.Mknod(in("new"), unix.S_IFREG|0o600, 0), unix.EACCES, errSame},
			{"mknod of a pipe", unix.Mknod(in("new"), unix.S_IFIFO|0o600, 0), unix.EPERM, errSame},
			{"mknod of a device", unix.Mknod(in("new"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))), unix.EPERM, errSame},
			{"rmdir of nothing", unix.Rmdir(in("none")), unix.ENOENT, errSame},
			{"unlink of nothing", unix.Unlink(in("none")), unix.ENOENT, errSame},
			{"stat of a long name", unix.Access(in(strings.Repeat("x", 256)), unix.F_OK), unix.ENAMETOOLONG, errSame},
			{"rename of nothing", unix.Rename(in("none"), in("x")), unix.ENOENT, errSame},
			{"link elsewhere", unix.Link(f.at("binder"), t.TempDir()+"/x"), unix.EXDEV, errSame},
		}
		for i := range rules {
			rules[i].what = dir + ": " + rules[i].what
		}
		check(t, rules)
	}
	check(t, []rule{
		{"mkdir of what is there", unix.Mkdir(f.at("binder"), 0o755), unix.EEXIST, errSame},
		{"mknod of what is there", unix.Mknod(f.at("binder"), unix.S_IFCHR, 0), unix.EEXIST, errSame},
		{"unlink binder-control", unix.Unlink(f.at("binder-control")), unix.EPERM, errSame},
		{"unlink features", unix.Unlink(f.at("features")), unix.EISDIR, errSame},
		{"unlink a feature", unix.Unlink(f.at("features/extended_error")), unix.EPERM, errSame},
		{"unlink a log", unix.Unlink(f.at("binder_logs/state")), unix.EPERM, errSame},
		{"rmdir features", unix.Rmdir(f.at("features")), unix.EPERM, errSame},
		{"rmdir proc", unix.Rmdir(f.at("binder_logs/proc")), unix.EPERM, errSame},
		{"unlink a device", unix.Unlink(f.at("binder")), nil, errSame},
		{"unlink it again", unix.Unlink(f.at("binder")), unix.ENOENT, errSame},
	})
}

func TestRename(t *testing.T) {
	f := mountOwn(t, "stats=global")
	for _, name := range []string{"a", "b", "c"} {
		if _, _, err := f.add(name); err != nil {
			t.Fatal(err)
		}
	}
	mv := func(from, to string, flags uint) error {
		return unix.Renameat2(unix.AT_FDCWD, f.at(from), unix.AT_FDCWD, f.at(to), flags)
	}
	p := f.device("a").spawn()
	th := p.looper()
	th.becomeExt(node{1, 2}, 0)
	check(t, []rule{
		{"binder-control", mv("binder-control", "x", 0), unix.EPERM, errSame},
		{"over binder-control", mv("a", "binder-control", 0), unix.EPERM, errSame},
		{"to itself", mv("a", "a", 0), nil, errSame},
		{"over a directory", mv("a", "features", 0), unix.EISDIR, errSame},
		{"a directory over it", mv("features", "a", 0), unix.ENOTDIR, errSame},
		{"a log", mv("binder_logs/state", "x", 0), unix.EPERM, errSame},
		{"a feature", mv("features/extended_error", "features/x", 0), unix.EPERM, errSame},
		{"out", unix.Rename(f.at("a"), t.TempDir()+"/a"), unix.EXDEV, errSame},
		{"to a name too long", mv("a", strings.Repeat("x", 256), 0), unix.ENAMETOOLONG, errSame},
		{"to a free name", mv("a", "new", 0), nil, errSame},
		{"no longer there", mv("a", "new", 0), unix.ENOENT, errSame},
		{"over another", mv("b", "new", unix.RENAME_NOREPLACE), unix.EEXIST, errSame},
		{"exchange", mv("b", "new", unix.RENAME_EXCHANGE), nil, errSame},
		{"exchange with nothing", mv("b", "none", unix.RENAME_EXCHANGE), unix.ENOENT, errSame},
		{"whiteout", mv("b", "none", unix.RENAME_WHITEOUT), unix.EINVAL, errSame},
		// binderfs lets directories go, and devices go into them; there is no use in that.
		{"a directory", mv("features", "x", 0), nil, unix.EPERM},
		{"a directory back", mv("x", "features", 0), nil, unix.ENOENT},
		{"into a directory", mv("c", "features/c", 0), nil, unix.EPERM},
	})
	// What was "a" is "b" now: still the same device, which the logs call as it was made.
	client := f.device("b").open().thread()
	client.ask([]command{client.call(0, oneway(1, "found"))}, noop, complete)
	th.got(noop, "TRANSACTION").text("found")
	state, err := os.ReadFile(f.at(fmt.Sprintf("binder_logs/proc/%d", p.PID)))
	if err != nil || !strings.Contains(string(state), fmt.Sprintf("proc %d\ncontext a\n", p.PID)) {
		t.Errorf("the renamed device: %v %s", err, state)
	}
	check(t, []rule{
		{"over another that is open", mv("new", "b", 0), nil, errSame},
	})
	other := f.device("b").open().thread()
	other.ask([]command{other.call(0, msg(1, ""))}, noop, "DEAD_REPLY")
	client.ask([]command{client.call(0, oneway(1, "still"))}, noop, complete)
	for name, want := range map[string]error{"a": nil, "b": unix.EEXIST, "new": nil} {
		if _, _, err := f.add(name); err != want {
			t.Errorf("add %s: %v, want %v", name, err, want)
		}
	}
}

func TestAttributesOfBinderfs(t *testing.T) {
	f := mountOwn(t, "stats=global")
	for _, name := range []string{"binder", "binder-control", "features/freeze_notification", "features", "binder_logs", "binder_logs/state", "."} {
		at := f.at(name)
		isDevice := strings.HasPrefix(name, "binder") && !strings.HasPrefix(name, "binder_logs")
		isDir := slices.Contains([]string{".", "features", "binder_logs"}, name)
		truncate := error(nil)
		busdTruncate := errSame
		switch {
		case isDevice:
			truncate, busdTruncate = unix.EINVAL, nil
		case isDir:
			truncate = unix.EISDIR
		}
		setxattr, getxattr, other := error(unix.EOPNOTSUPP), error(unix.EOPNOTSUPP), errSame
		if isDevice { // the kernel's answer for what is no file
			setxattr, getxattr, other = unix.EPERM, unix.ENODATA, unix.EOPNOTSUPP
		}
		b := make([]byte, 16)
		n, err := unix.Listxattr(at, b)
		if n != 0 || err != nil {
			t.Errorf("%s: listxattr: %d, %v", name, n, err)
		}
		_, getErr := unix.Getxattr(at, "user.x", b)
		check(t, []rule{
			{name + " chmod", unix.Chmod(at, 0o640), nil, errSame},
			{name + " chown", unix.Chown(at, 12, 34), nil, errSame},
			{name + " utimes", unix.Utimes(at, []unix.Timeval{{Sec: 1000}, {Sec: 2000}}), nil, errSame},
			{name + " truncate", unix.Truncate(at, 100), truncate, busdTruncate},
			{name + " setxattr", unix.Setxattr(at, "user.x", b, 0), setxattr, other},
			{name + " getxattr", getErr, getxattr, other},
		})
		var st unix.Stat_t
		if err := unix.Stat(at, &st); err != nil {
			t.Fatal(err)
		}
		if st.Mode&0o7777 != 0o640 || st.Uid != 12 || st.Gid != 34 || st.Atim.Sec != 1000 {
			t.Errorf("%s: mode %o, owner %d:%d, read at %d", name, st.Mode, st.Uid, st.Gid, st.Atim.Sec)
		}
	}
}

func TestAccessByOthers(t *testing.T) {
	f := mountOwn(t, "stats=global")
	h, err := startHost(asUser(4711))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.kill(t) })
	try := func(name string) error {
		p := (&bus{t: t, path: f.at(name), dir: f.dir, own: true}).tryOpenIn(h, noMap, noSocket)
		if p.Errno != 0 {
			return p.Errno
		}
		return nil
	}
	chmod := func(name string, mode uint32) {
		if err := unix.Chmod(f.at(name), mode); err != nil {
			t.Fatal(err)
		}
	}
	chmod("binder", 0o600)
	check(t, []rule{
		{"0600", try("binder"), unix.EACCES, errSame},
		{"binder-control", try("binder-control"), unix.EACCES, errSame},
		{"a feature for writing", try("features/extended_error"), unix.EACCES, errSame},
	})
	chmod("binder", 0o606)
	check(t, []rule{{"0606", try("binder"), nil, errSame}})
	chmod("binder", 0o660)
	check(t, []rule{{"0660", try("binder"), unix.EACCES, errSame}})
	if err := unix.Chown(f.at("binder"), -1, 4711); err != nil {
		t.Fatal(err)
	}
	check(t, []rule{{"0660 of its group", try("binder"), nil, errSame}})
	chmod("binder", 0o666)
	chmod(".", 0o700)
	check(t, []rule{{"in a directory of 0700", try("binder"), unix.EACCES, errSame}})
	chmod(".", 0o755)
	check(t, []rule{{"in a directory of 0755", try("binder"), nil, errSame}})
}

func TestMaxDevices(t *testing.T) {
	f := mountOwn(t, "max=5,stats=global")
	add := func(name string) error { _, _, err := f.add(name); return err }
	check(t, []rule{{"the fourth", add("a"), nil, errSame}, {"the fifth", add("b"), nil, errSame}})
	p := f.device("b").spawn(noMap)
	check(t, []rule{
		{"the sixth", add("c"), unix.ENOSPC, errSame},
		{"one that is there", add("a"), unix.ENOSPC, errSame},
		{"one without a name", add(""), unix.ENOSPC, errSame},
		{"unlink", unix.Unlink(f.at("binder")), nil, errSame},
		{"in its place", add("binder"), nil, errSame},
		{"unlink one that is open", unix.Unlink(f.at("b")), nil, errSame},
		{"while it is open", add("c"), unix.ENOSPC, errSame},
	})
	p.kill()
	await(t, "there is room for another", func() bool { return add("c") == nil })
	if _, err := tryMount(t, "max=2"); err == nil {
		t.Error("mounted for fewer devices than there are to begin with")
	} else if isKernel(t) && err != unix.ENOSPC {
		t.Error(err)
	} else if !isKernel(t) && !strings.Contains(err.Error(), unix.ENOSPC.Error()) {
		t.Error(err)
	}
}

func TestNumbersOfDevices(t *testing.T) {
	f := mountOwn(t, "stats=global")
	major, first, err := f.add("a")
	if err != nil {
		t.Fatal(err)
	}
	number := func(name string) uint32 {
		t.Helper()
		m, n, err := f.add(name)
		if err != nil || m != major {
			t.Errorf("%s: %d:%d, %v; want major %d", name, m, n, err, major)
		}
		return n - first
	}
	remove := func(name string) {
		t.Helper()
		if err := unix.Unlink(f.at(name)); err != nil {
			t.Fatal(err)
		}
	}
	got := []uint32{number("b"), number("c")}
	remove("b")
	got = append(got, number("d")) // the lowest that is free
	p := f.device("c").spawn(noMap)
	remove("c")
	got = append(got, number("e")) // c is open
	p.kill()
	// The driver counts over all mounts, where others come and go.
	if isKernel(t) {
		slices.Sort(got)
		if living := slices.Compact(got); len(living) < 3 || got[0] == 0 {
			t.Errorf("minors, counted from the first: %d", got)
		}
		return
	}
	if d := cmp.Diff([]uint32{1, 2, 1, 3}, got); d != "" {
		t.Errorf("minors, counted from the first (-want +got):\n%s", d)
	}
}

func TestStrangeNames(t *testing.T) {
	f := mountOwn(t, "stats=global")
	for _, name := range []string{" ", "é", "\xff", "a\nb", "features2", "...", "-rf"} {
		if _, _, err := f.add(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if !slices.Contains(f.names("."), name) {
			t.Errorf("%q is not listed", name)
		}
	}
	b, err := control(f.at("binder-control"), "cut\x00off")
	if err != nil || string(b[:7]) != "cut\x00off" {
		t.Errorf("%q %v", b[:8], err)
	}
	if !slices.Contains(f.names("."), "cut") {
		t.Error("a name ends with its NUL")
	}
}

func TestSeveralMounts(t *testing.T) {
	one, two := mountOwn(t, "stats=global"), mountOwn(t, pick(t, "max=10", "max=10,stats=none"))
	if _, err := os.Stat(two.at("binder_logs")); !os.IsNotExist(err) {
		t.Errorf("binder_logs without stats=global: %v", err)
	}
	check(t, []rule{
		{"statistics that nobody wants", func() error { _, _, err := two.add("binder_logs"); return err }(), nil, errSame},
		{"a name that the other has", func() error { _, _, err := one.add("x"); return err }(), nil, errSame},
		{"and this one", func() error { _, _, err := two.add("x"); return err }(), nil, errSame},
	})
	manager := one.device("x").spawn().looper()
	manager.becomeExt(node{}, 0)
	for _, tc := range []struct {
		fs   *fileSystem
		want []string
	}{{one, []string{noop, complete}}, {two, []string{noop, "DEAD_REPLY"}}} {
		th := tc.fs.device("x").open().thread()
		th.ask([]command{th.call(0, oneway(1, ""))}, tc.want...)
	}
	// The driver's logs are one for all mounts.
	p := two.device("x").spawn(noMap)
	_, err := os.Stat(one.at(fmt.Sprintf("binder_logs/proc/%d", p.PID)))
	state, _ := os.ReadFile(one.at("binder_logs/state"))
	told := strings.Contains(string(state), fmt.Sprintf("\nproc %d\n", p.PID))
	if want := pick(t, true, false); told != want {
		t.Errorf("the other mount's process is told of: %v (%v), want %v", told, err, want)
	}
}
