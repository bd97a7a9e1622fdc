package devicefs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

func addressOf(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }

// awaitLog waits until the server has said something in its log.
func (m *served) awaitLog(text string) {
	m.t.Helper()
	await(m.t, text, func() (bool, string) {
		log := m.errors.String()
		return strings.Contains(log, text), log
	})
}

// park enters a BINDER_WRITE_READ that waits, and answers what became of it.
func park(f *openFile, arg *order) (tid int, result <-chan syscall.Errno) {
	return thread(func() syscall.Errno { return f.do(ioctl.BINDER_WRITE_READ, arg) })
}

func (m *served) awaitParked(n int) {
	m.t.Helper()
	await(m.t, "parked ioctls", func() (bool, string) {
		c := m.count()
		return c.Requests == n, fmt.Sprintf("%+v, want %d", c, n)
	})
}

// outcome waits for a result.
func outcome(t *testing.T, result <-chan syscall.Errno) syscall.Errno {
	t.Helper()
	select {
	case errno := <-result:
		return errno
	case <-time.After(patience):
		t.Fatal("the ioctl does not return")
		return 0
	}
}

// A signal ends a parked ioctl with EINTR, and what was consumed comes along.
func TestIntegrationInterrupt(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(0)
		defer f.close()
		for range 20 {
			var arg order
			tid, result := park(f, &arg)
			m.awaitParked(1)
			if err := unix.Tgkill(os.Getpid(), tid, unix.SIGURG); err != nil {
				t.Fatal(err)
			}
			if errno := outcome(t, result); errno != syscall.EINTR || arg.Off != 77 {
				t.Fatalf("%v, %d consumed; want EINTR, 77", errno, arg.Off)
			}
		}
	})
}

// Signals in a storm: each ioctl returns, whenever its interrupt comes.
func TestIntegrationInterruptStorm(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(0)
		defer f.close()
		stop := make(chan bool)
		tid, result := thread(func() syscall.Errno {
			for {
				select {
				case <-stop:
					return 0
				default:
				}
				var arg order
				if errno := f.do(ioctl.BINDER_WRITE_READ, &arg); errno != syscall.EINTR && errno != syscall.EAGAIN {
					return errno
				}
			}
		})
		for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
			unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
		}
		close(stop)
		for {
			unix.Tgkill(os.Getpid(), tid, unix.SIGURG)
			select {
			case errno := <-result:
				if errno != 0 {
					t.Error(errno)
				}
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
}

// The kernel's request timeout would end the whole mount; the ioctl ends before.
func TestIntegrationRequestTimeout(t *testing.T) {
	m := serve(t, setup{Fake: true, Mode: Store, Timeout: time.Second}, nil)
	f := m.open(0)
	defer f.close()
	_, result := park(f, &order{})
	begun := time.Now()
	if errno := outcome(t, result); errno != syscall.EINTR {
		t.Errorf("%v, want EINTR", errno)
	}
	if d := time.Since(begun); d >= time.Second {
		t.Errorf("ended after %v, too late", d)
	}
}

// parkedMain is a client with many parked ioctls that waits to be killed.
func parkedMain() {
	fd, err := unix.Open(os.Getenv("DEVICE"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	die(err)
	f := &openFile{fd: fd}
	for range 20 {
		thread(func() syscall.Errno { return f.do(ioctl.BINDER_WRITE_READ, &order{}) })
	}
	fmt.Println("parked")
	select {}
}

func (m *served) client(role string) *program {
	m.t.Helper()
	return start(m.t, role, func(c *exec.Cmd) { c.Env = append(c.Env, "DEVICE="+m.dir+"/binder") })
}

// A killed client goes away at once, with all that the broker held for it.
func TestIntegrationKillClient(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		for range 3 {
			p := m.client("parked")
			p.hear()
			m.awaitParked(20)
			p.kill()
			m.checkEmpty()
		}
	})
}

// A thread that ends is reported, though it never says so.
func TestIntegrationThreadGone(t *testing.T) {
	t.Run("pidfd", func(t *testing.T) { threadGone(t, setup{Fake: true}) })
	t.Run("proc", func(t *testing.T) { threadGone(t, setup{Fake: true, NoFDs: true}) })
}

func threadGone(t *testing.T, up setup) {
	m := serve(t, up, nil)
	f := m.open(0)
	defer f.close()
	for range 5 {
		_, result := thread(func() syscall.Errno { return f.do(ioctl.BINDER_VERSION, &order{}) })
		if errno := outcome(t, result); errno != 0 {
			t.Fatal(errno)
		}
	}
	await(t, "five threads to be gone", func() (bool, string) {
		o := m.must(f, requestCount, order{})
		return o.N >= 5, fmt.Sprintf("%+v", o)
	})
	if o := m.must(f, requestCount, order{}); o.Done != 0 {
		t.Errorf("%d releases of an open file", o.Done)
	}
}

// dup shares the open; each close is a flush, the last one a release.
func TestIntegrationFlushAndRelease(t *testing.T) {
	m := serve(t, setup{Fake: true}, nil)
	f, g := m.open(0), m.open(0)
	defer f.close()
	two, err := unix.Dup(g.fd)
	if err != nil {
		t.Fatal(err)
	}
	g.close()
	if o := m.must(f, requestCount, order{}); o.Value != 1 || o.Done != 0 {
		t.Errorf("%d flushes, %d releases; want 1, 0", o.Value, o.Done)
	}
	unix.Close(two)
	await(t, "the release", func() (bool, string) {
		o := m.must(f, requestCount, order{})
		return o.Value == 2 && o.Done == 1, fmt.Sprintf("%+v", o)
	})
}

// Close of the server: parked ioctls are refused, the directory is empty again.
func TestIntegrationClose(t *testing.T) {
	m := serve(t, setup{}, nil) // the real broker
	f := m.open(1 << 20)
	buffer, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(buffer)
	var arg order
	wr := ioctl.WriteRead{ReadSize: 256, ReadBuffer: ioctl.Address(addressOf(buffer))}
	wr.Encode((*[ioctl.SizeofWriteRead]byte)(unsafe.Pointer(&arg))[:])
	_, result := thread(func() syscall.Errno {
		f.do(ioctl.BINDER_VERSION, &order{}) // the first ioctl of a thread never waits
		return f.do(ioctl.BINDER_WRITE_READ, &arg)
	})
	m.awaitParked(1)
	m.say("close")
	if errno := outcome(t, result); errno != syscall.ECONNREFUSED {
		t.Errorf("%v, want ECONNREFUSED", errno)
	}
	f.close()
	if answer := m.hear(); answer != "closed <nil>" {
		t.Errorf("the server says %q", answer)
	}
	if list, err := os.ReadDir(m.dir); err != nil || len(list) != 0 {
		t.Errorf("left in the directory: %v, %v", list, err)
	}
}

// Clients that stay are cut off, and so are copies of the mount in other namespaces.
func TestIntegrationCloseWithClients(t *testing.T) {
	for _, raw := range []bool{false, true} {
		m := serve(t, setup{Fake: true, Raw: raw}, nil)
		f := m.open(4096)
		m.must(f, requestFill, order{N: 4096, Value: 'a'})
		_, result := park(f, &order{}) // the fake broker leaves it parked
		m.awaitParked(1)
		m.close()
		if errno := outcome(t, result); errno != syscall.ECONNABORTED {
			t.Errorf("%v, want ECONNABORTED", errno)
		}
		if errno := f.do(ioctl.BINDER_VERSION, &order{}); errno != syscall.ENOTCONN {
			t.Errorf("afterwards: %v, want ENOTCONN", errno)
		}
		f.close()
	}
}

// A server that is killed takes nobody along, and its successor clears up.
func TestIntegrationKillServer(t *testing.T) {
	for _, mode := range []Mode{Auto, Store} {
		m := serve(t, setup{Fake: true, Mode: mode}, nil)
		f := m.open(1 << 20)
		_, result := park(f, &order{})
		m.awaitParked(1)
		m.kill()
		if errno := outcome(t, result); errno != syscall.ECONNABORTED {
			t.Errorf("%v, want ECONNABORTED", errno)
		}
		if errno := f.do(ioctl.BINDER_VERSION, &order{}); errno != syscall.ENOTCONN && errno != syscall.ECONNABORTED {
			t.Errorf("afterwards: %v", errno)
		}
		if _, err := os.Stat(m.dir); !strings.Contains(fmt.Sprint(err), "not connected") {
			t.Errorf("the directory: %v", err)
		}
		n := serve(t, setup{Dir: m.dir}, nil)
		list, err := os.ReadDir(n.dir)
		if err != nil || len(list) == 0 {
			t.Errorf("the successor: %v, %v", list, err)
		}
		f.close()
		n.close()
	}
}

// What Mount refuses, and how it says so.
func TestIntegrationMountPoint(t *testing.T) {
	needMount(t)
	busy := serve(t, setup{}, nil)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, dir, want string }{
		{"busy", busy.dir, "fuse.busd is mounted there already"},
		{"not there", filepath.Join(t.TempDir(), "nothing"), "no such directory; make it first"},
		{"a file", file, "not a directory"},
	} {
		p := start(t, "server", nil)
		p.say(fmt.Sprintf(`{"Dir": %q}`, tc.dir))
		if answer := p.hear(); !strings.HasPrefix(answer, "error ") || !strings.Contains(answer, tc.want) {
			t.Errorf("%s: %q", tc.name, answer)
		}
	}
	link := filepath.Join(t.TempDir(), "link")
	dir := mountPoint(t)
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	m := serve(t, setup{Dir: link}, nil)
	if _, err := os.Stat(dir + "/binder"); err != nil {
		t.Error(err)
	}
	m.close()
}

// An open file of a device cannot be opened again: it would be the same receive area.
func TestIntegrationSecondOpen(t *testing.T) {
	eachMode(t, setup{Fake: true}, func(t *testing.T, m *served) {
		f := m.open(4096)
		defer f.close()
		again := fmt.Sprintf("/proc/self/fd/%d", f.fd)
		if fd, err := unix.Open(again, unix.O_RDWR|unix.O_CLOEXEC, 0); err != unix.EBUSY {
			t.Errorf("%d, %v; want EBUSY", fd, err)
		}
		m.awaitLog("cannot be opened again")

		// A bind mount of the file is the same inode for ever. One after the other may use it, and
		// sees nothing of the one before.
		bind := filepath.Join(t.TempDir(), "file")
		os.WriteFile(bind, nil, 0o600)
		if err := unix.Mount(m.dir+"/binder", bind, "", unix.MS_BIND, ""); err != nil {
			t.Fatal(err)
		}
		defer unix.Unmount(bind, unix.MNT_DETACH)
		for i := range 3 {
			var fd int
			await(t, "the file to be free", func() (bool, string) {
				var err error
				fd, err = unix.Open(bind, unix.O_RDWR|unix.O_CLOEXEC, 0)
				return err == nil, fmt.Sprint(err)
			})
			mem, err := unix.Mmap(fd, 0, 64<<10, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_NORESERVE)
			if err != nil {
				t.Fatal(err)
			}
			g := &openFile{fd, mem}
			g.full(t, fmt.Sprintf("opened for the %d. time", i+1), 0, 64<<10, 0)
			m.must(g, requestFill, order{N: 64 << 10, Value: 'p'})
			g.full(t, "filled", 0, 64<<10, 'p')
			g.close()
		}
	})
}

// A client that our pid namespace does not show cannot be served.
func TestIntegrationOpenFromOutside(t *testing.T) {
	m := serve(t, setup{}, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID} })
	if _, err := unix.Open(m.dir+"/binder", unix.O_RDWR|unix.O_CLOEXEC, 0); err != unix.EPERM {
		t.Errorf("%v, want EPERM", err)
	}
	m.awaitLog("pid namespace")
}

// Everything again, without privilege: in a user and mount namespace of its own.
func TestIntegrationRootless(t *testing.T) {
	needMount(t)
	if inUserNamespace() {
		t.Skip("that is where we are")
	}
	c := exec.Command("/proc/self/exe", "-test.run=^TestIntegration", "-test.v", "-test.timeout=90s")
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "\n--- PASS"); n < 10 {
		t.Errorf("only %d tests ran\n%s", n, out)
	}
	skipped := slices.Collect(func(yield func(string) bool) {
		for l := range strings.Lines(string(out)) {
			if strings.HasPrefix(l, "--- SKIP") && !yield(strings.Fields(l)[2]) {
				return
			}
		}
	})
	if d := cmp.Diff([]string{"TestIntegrationRootless"}, skipped); d != "" {
		t.Errorf("skipped tests (-want +got):\n%s", d)
	}
}
