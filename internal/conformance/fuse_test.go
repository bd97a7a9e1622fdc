package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// The tests of this file, like those of limits_test.go, pin what FUSE cannot show or carry, which
// docs/abi.md lists: what a client gets of each driver.

// Unmap takes the receive mapping away.
func (a *Actor) Unmap(id int, _ *int) error {
	o := a.open(id)
	o.mu.Lock()
	defer o.mu.Unlock()
	m := o.area
	o.area = nil
	return unix.Munmap(m)
}

// Scribble makes the start of the receive mapping writable and writes there.
func (a *Actor) Scribble(args PutArgs, errno *syscall.Errno) error {
	m := a.open(args.Open).area
	if err := unix.Mprotect(m, unix.PROT_READ|unix.PROT_WRITE); err != nil {
		*errno = err.(syscall.Errno)
		return nil
	}
	copy(m, args.Bytes)
	return nil
}

// ForkReply tells what a forked child could do.
type ForkReply struct {
	Read syscall.Errno // of reading the mapping
	Map  syscall.Errno // of mapping the device
}

// Fork forks, and lets the child try the receive mapping and the device.
func (a *Actor) Fork(id int, reply *ForkReply) error {
	o := a.open(id)
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return err
	}
	defer unix.Close(pipe[0])
	defer unix.Close(pipe[1])
	fd, at := uintptr(o.fd.Load()), uintptr(address(o.area))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// The child has this thread alone, so it makes nothing but system calls.
	pid, _, errno := syscall.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if errno != 0 {
		return errno
	}
	if pid == 0 {
		_, _, e1 := syscall.RawSyscall(unix.SYS_WRITE, uintptr(pipe[1]), at, 1)
		_, _, e2 := syscall.RawSyscall6(unix.SYS_MMAP, 0, 4096, unix.PROT_READ, unix.MAP_PRIVATE, fd, 0)
		_, _, _ = syscall.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(e1)<<4^uintptr(e2), 0, 0)
	}
	var status unix.WaitStatus
	for {
		_, err := unix.Wait4(int(pid), &status, 0, nil)
		if err == nil {
			break
		}
		if err != unix.EINTR {
			return err
		}
	}
	if !status.Exited() {
		return fmt.Errorf("the child ended with %v", status)
	}
	for _, e1 := range []syscall.Errno{0, unix.EFAULT} {
		for _, e2 := range []syscall.Errno{0, unix.EINVAL} {
			if byte(e1<<4^e2) == byte(status.ExitStatus()) {
				*reply = ForkReply{e1, e2}
				return nil
			}
		}
	}
	return fmt.Errorf("the child ended with status %#x", status.ExitStatus())
}

// A forked child has no business with its parent's receive buffer. The driver keeps the mapping from
// it and lets it make none.
func TestForkedChild(t *testing.T) {
	if runtime.GOARCH == "386" {
		t.Skip("mmap has other arguments there")
	}
	b := newBus(t)
	mgr, s := b.manager(), b.spawn()
	st, c := s.looper(), b.open().thread()
	h := publish(mgr, st, c, node{0x10, 1})
	c.ask([]command{c.call(h, oneway(1, "secret"))}, noop, complete)
	var r ForkReply
	s.do("Actor.Fork", s.ID, &r)
	if want := pick(t, ForkReply{unix.EFAULT, unix.EINVAL}, ForkReply{}); r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	// The parent goes on.
	await(t, "the transaction comes", func() bool {
		es, _ := events(st.try(readSize).Read) // the child's end let a read return empty-handed
		return len(es) == 2 && s.parcelOf(es[1]).text("secret") != nil
	})
}

// A process that was handed the descriptor cannot map it; the opener's mapping is what counts.
func TestMappingByAnother(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn(noMap)
	c := p.thread()
	c.send(c.call(0, oneway(1, "").fd(p.FD)))
	fd := mgr.got(noop, "TRANSACTION").file(0).FD
	adopted := b.tryOpenIn(besideHost(t), noSocket, func(a *OpenArgs) { a.Adopt = fd })
	if want := pick(t, unix.EINVAL, unix.Errno(0)); adopted.Errno != want {
		t.Errorf("mmap: %v, want %v", adopted.Errno, want)
	}
}

// Who takes its mapping away is dead to the driver's senders. On busd nobody notices.
func TestUnmappedLater(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().thread()
	h := publish(mgr, s, c, node{0x10, 1})
	s.p.do("Actor.Unmap", s.p.ID, new(int))
	// The driver notices when it needs a page that is not there yet.
	c.ask([]command{c.call(h, oneway(1, string(make([]byte, 256<<10))))}, noop, pick(t, "DEAD_REPLY", complete))
	if isKernel(t) {
		c.wantError(ioctl.BR_DEAD_REPLY, unix.ESRCH)
		return
	}
	s.expect(noop, "TRANSACTION")
}

// A client that writes to its own receive buffer harms itself alone.
func TestScribbling(t *testing.T) {
	b := newBus(t)
	mgr, s, c := b.manager(), b.spawn().looper(), b.open().looper()
	h := publish(mgr, s, c, node{0x10, 1})
	c.ask([]command{c.call(h, oneway(1, "").binder(node{0xc1, 1}))}, noop, "INCREFS 0xc1/0x1", "ACQUIRE 0xc1/0x1", complete)
	q := s.got(noop, "TRANSACTION")
	var errno syscall.Errno
	s.p.do("Actor.Scribble", PutArgs{s.p.ID, bytes.Repeat([]byte{0xff}, 24)}, &errno)
	if want := pick(t, unix.EACCES, unix.Errno(0)); errno != want {
		t.Fatalf("mprotect: %v, want %v", errno, want)
	}
	if errno == 0 {
		if got := s.p.get(q.Buffer, 8); !bytes.Equal(got, bytes.Repeat([]byte{0xff}, 8)) {
			t.Errorf("it reads %x of its own scribbling", got)
		}
	}
	// What the buffer holds was not forgotten.
	c.send(incRefsDone(node{0xc1, 1}), acquireDone(node{0xc1, 1}))
	s.send(q.free())
	c.expect(noop, "RELEASE 0xc1/0x1", "DECREFS 0xc1/0x1")
}

// A device refuses what can be done with a file.
func TestFileOperations(t *testing.T) {
	p := newBus(t).open()
	b := make([]byte, 16)
	for _, tc := range []struct {
		name         string
		f            func() error
		kernel, busd error
	}{
		{"read", func() error { _, err := unix.Read(p.FD, b); return err }, unix.EINVAL, unix.EINVAL},
		{"pread", func() error { _, err := unix.Pread(p.FD, b, 0); return err }, unix.EINVAL, unix.EINVAL},
		{"write", func() error { _, err := unix.Write(p.FD, b); return err }, unix.EINVAL, unix.EINVAL},
		{"pwrite", func() error { _, err := unix.Pwrite(p.FD, b, 0); return err }, unix.EINVAL, unix.EINVAL},
		{"lseek", func() error { _, err := unix.Seek(p.FD, 0, unix.SEEK_END); return err }, unix.ESPIPE, nil},
		{"ftruncate", func() error { return unix.Ftruncate(p.FD, 0) }, unix.EINVAL, unix.EINVAL},
		{"fallocate", func() error { return unix.Fallocate(p.FD, 0, 0, 1) }, unix.ENODEV, unix.EOPNOTSUPP},
		{"fsync", func() error { return unix.Fsync(p.FD) }, unix.EINVAL, unix.EINVAL},
	} {
		if err, want := tc.f(), pick(t, tc.kernel, tc.busd); err != want {
			t.Errorf("%s: %v, want %v", tc.name, err, want)
		}
	}
}

// inMountNamespace runs f in a mount namespace of a thread that ends with it.
func inMountNamespace(t *testing.T, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Skipf("no mount namespace here: %v", err)
	}
}

// A bind mount of the device file is one inode for all: one open at a time on busd.
func TestBindMountedFile(t *testing.T) {
	b := newBus(t)
	file := filepath.Join(t.TempDir(), "binder")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() (int, error) { return unix.Open(file, unix.O_RDWR|unix.O_CLOEXEC, 0) }
	inMountNamespace(t, func() {
		if err := unix.Mount(b.path, file, "", unix.MS_BIND, ""); err != nil {
			t.Error(err)
			return
		}
		defer unix.Unmount(file, unix.MNT_DETACH)
		first, err := open()
		if err != nil {
			t.Errorf("first open: %v", err)
			return
		}
		second, err := open()
		if want := pick[error](t, nil, unix.EBUSY); err != want {
			t.Errorf("second open: %v, want %v", err, want)
		}
		if err == nil {
			unix.Close(second)
		}
		unix.Close(first)
		// One after the other is fine, a moment later.
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if again, err := open(); err == nil {
				unix.Close(again)
				return
			} else if time.Now().After(deadline) {
				t.Errorf("after the close: %v", err)
				return
			}
		}
	})
}

// Work of one thread is nothing to another that polls the same open, though it may be woken for it.
func TestPollOfAnotherThreadsWork(t *testing.T) {
	b := newBus(t)
	b.manager()
	p := b.open()
	for _, epoll := range []bool{false, true} {
		c, other := p.thread(), p.thread()
		done := make(chan PollReply, 1)
		go func() {
			var r PollReply
			p.host.Call("Actor.Poll", PollArgs{other.args(), 100 * time.Millisecond, epoll}, &r)
			done <- r
		}()
		for range 5 {
			c.ask([]command{c.call(0, oneway(1, ""))}, noop, complete)
		}
		if r := <-done; r.Events != 0 || r.Err != "" {
			t.Errorf("epoll %v: %#x %s, want nothing", epoll, r.Events, r.Err)
		}
	}
}

// A freezer is a kind of control group that can be frozen.
type freezer struct {
	name           string
	roots          []string // where it may be mounted
	control        string   // the file that freezes, and the words for it
	frozen, thawed string
	state, is      string // the file that tells, and what it says of the frozen
}

var freezers = []freezer{
	{"first version", []string{"/sys/fs/cgroup/freezer"}, "freezer.state", "FROZEN", "THAWED", "freezer.state", "FROZEN"},
	{"second version", []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}, "cgroup.freeze", "1", "0", "cgroup.events", "frozen 1"},
}

// take puts a process into a group of its own, which it leaves with the test.
func (f *freezer) take(t *testing.T, pid int) (freeze func(bool)) {
	t.Helper()
	for _, root := range f.roots {
		dir := filepath.Join(root, fmt.Sprintf("fusebinder-%d", pid))
		if _, err := os.Stat(filepath.Join(root, "cgroup.procs")); err != nil || os.Mkdir(dir, 0o755) != nil {
			continue
		}
		control := filepath.Join(dir, f.control)
		t.Cleanup(func() {
			if _, err := os.Stat(control); err == nil {
				os.WriteFile(control, []byte(f.thawed), 0)
			}
			os.WriteFile(filepath.Join(root, "cgroup.procs"), fmt.Append(nil, pid), 0)
			await(t, "the group is empty", func() bool { return os.Remove(dir) == nil })
		})
		if _, err := os.Stat(control); err != nil {
			continue // it cannot be frozen
		}
		if os.WriteFile(filepath.Join(dir, "cgroup.procs"), fmt.Append(nil, pid), 0) != nil {
			continue
		}
		return func(on bool) {
			t.Helper()
			word := f.thawed
			if on {
				word = f.frozen
			}
			if err := os.WriteFile(control, []byte(word), 0); err != nil {
				t.Fatal(err)
			}
			await(t, "the group is "+word, func() bool {
				b, _ := os.ReadFile(filepath.Join(dir, f.state))
				return strings.Contains(string(b), f.is) == on
			})
		}
	}
	t.Skip("no such control group here")
	panic("unreachable")
}

// A process that is frozen by a control group leaves its read with EINTR on busd. On the driver it does so
// with the second version; in the first, as in a suspended machine, its wait goes on. (So says its source: the
// oracle's kernel has no control groups.)
func TestFrozenByTheSystem(t *testing.T) {
	for _, f := range freezers {
		t.Run(f.name, func(t *testing.T) {
			b := newBus(t)
			mgr := b.manager()
			p := b.spawn()
			s, c := p.looper(), b.open().thread()
			h := publish(mgr, s, c, node{0x10, 1})
			freeze := f.take(t, p.PID)
			done := make(chan RawReply, 1)
			buf := p.put(make([]byte, 256))
			go func() {
				var r RawReply
				if err := p.host.Call("Actor.Raw", RawArgs{s.args(), ioctl.WriteRead{ReadSize: 256, ReadBuffer: buf}}, &r); err != nil {
					r.Errno = unix.EPIPE
				}
				done <- r
			}()
			await(t, "the thread sleeps in its ioctl", func() bool { return sleeps(p.PID, s.TID) })
			freeze(true)
			c.ask([]command{c.call(h, oneway(1, "while frozen"))}, noop, complete)
			freeze(false)
			want := unix.EINTR
			if isKernel(t) && f.name == "first version" {
				want = 0
			}
			select {
			case r := <-done:
				if r.Errno != want {
					t.Errorf("%v, want %v", r.Errno, want)
				}
			case <-time.After(patience):
				t.Fatal("the read did not end")
			}
			if want == unix.EINTR {
				s.got(noop, "TRANSACTION").text("while frozen")
			}
		})
	}
}

// Whoever may not open the device is told so, by its mode and owner as of any file.
func TestDevicePermissions(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	h, err := startHost(asUser(4242))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.kill(t) })
	for _, tc := range []struct {
		mode os.FileMode
		uid  int
		want unix.Errno
	}{{0o600, 0, unix.EACCES}, {0o606, 0, 0}, {0o600, 4242, 0}, {0o660, 0, unix.EACCES}} {
		if err := os.Chown(b.path, tc.uid, 0); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(b.path, tc.mode); err != nil {
			t.Fatal(err)
		}
		if p := b.tryOpenIn(h); p.Errno != tc.want {
			t.Errorf("mode %o, owner %d: %v, want %v", tc.mode, tc.uid, p.Errno, tc.want)
		}
	}
}
