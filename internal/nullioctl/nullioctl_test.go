package nullioctl

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

// The test binary plays two parts besides the test's: the launcher, which puts the filter on
// itself and execs, and the client, which issues the ioctls.
const roleVariable = "NULLIOCTL_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "launcher":
		fmt.Fprintln(os.Stderr, launcher())
		os.Exit(1)
	case "client":
		client()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func launcher() error {
	runtime.LockOSThread()
	// An unprivileged test may install a filter only so.
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	listener, err := Install()
	if err != nil {
		return err
	}
	if err := Send(os.NewFile(3, "socket"), listener); err != nil {
		return err
	}
	os.Setenv(roleVariable, "client")
	return unix.Exec("/proc/self/exe", os.Args, os.Environ())
}

// client opens each argument FILE=REQUEST[=ARGUMENT] and tells what the ioctl answered.
func client() {
	for _, arg := range os.Args[1:] {
		part := strings.Split(arg, "=")
		fd, err := unix.Open(part[0], unix.O_RDWR|unix.O_CLOEXEC, 0)
		if err != nil {
			fmt.Println(err)
			continue
		}
		request := map[string]ioctl.Request{"exit": ioctl.BINDER_THREAD_EXIT, "manager": ioctl.BINDER_SET_CONTEXT_MGR, "threads": ioctl.BINDER_SET_MAX_THREADS}[part[1]]
		if len(part) > 2 {
			err = unix.IoctlSetPointerInt(fd, uint(request), 0)
		} else {
			err = unix.IoctlSetInt(fd, uint(request), 0)
		}
		fmt.Println(part[1:], err)
	}
}

// fakeBus knows one open.
type fakeBus struct {
	inode   uint64
	answers map[ioctl.Request]syscall.Errno

	mu    sync.Mutex
	heard []ioctl.Request
	tids  []int32
}

func (b *fakeBus) NullIoctl(inode uint64, tid int32, request ioctl.Request) (syscall.Errno, bool) {
	if inode != b.inode {
		return 0, false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.heard = append(b.heard, request)
	b.tids = append(b.tids, tid)
	return b.answers[request], true
}

func TestNullArgumentsReachTheBus(t *testing.T) {
	dir := t.TempDir()
	device, other := filepath.Join(dir, "device"), filepath.Join(dir, "other")
	for _, path := range []string{device, other} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, device, 0, 0, &st); err != nil {
		t.Fatal(err)
	}
	bus := &fakeBus{inode: st.Ino, answers: map[ioctl.Request]syscall.Errno{ioctl.BINDER_SET_CONTEXT_MGR: syscall.EBUSY}}

	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "ours"), os.NewFile(uintptr(pair[1]), "theirs")
	defer ours.Close()
	cmd := exec.Command("/proc/self/exe",
		device+"=exit", device+"=manager", device+"=exit=pointer", device+"=threads",
		other+"=exit", "/dev/null=manager")
	cmd.Env = append(os.Environ(), roleVariable+"=launcher")
	cmd.ExtraFiles = []*os.File{theirs}
	out := new(strings.Builder)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	timer := time.AfterFunc(20*time.Second, func() { cmd.Process.Kill() })
	defer timer.Stop()

	listener, err := Receive(ours)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- Serve(listener, Device{st.Dev_major, st.Dev_minor}, bus) }()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-served:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the supervisor did not end with its last client")
	}

	want := "[exit] <nil>\n" + // the mend
		"[manager] device or resource busy\n" + // the bus's answer is the caller's
		"[exit pointer] inappropriate ioctl for device\n" + // an argument goes to the file
		"[threads] inappropriate ioctl for device\n" + // so do other requests
		"[exit] inappropriate ioctl for device\n" + // and other files of the same file system
		"[manager] inappropriate ioctl for device\n" // and other file systems
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]ioctl.Request{ioctl.BINDER_THREAD_EXIT, ioctl.BINDER_SET_CONTEXT_MGR}, bus.heard); diff != "" {
		t.Errorf("requests heard (-want +got):\n%s", diff)
	}
	for _, tid := range bus.tids {
		if int(tid) < cmd.Process.Pid {
			t.Errorf("thread %d cannot be one of process %d", tid, cmd.Process.Pid)
		}
	}
}

func TestReceiveFromAClosedSocket(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours := os.NewFile(uintptr(pair[0]), "ours")
	defer ours.Close()
	unix.Close(pair[1])
	if _, err := Receive(ours); !errors.Is(err, os.ErrClosed) {
		t.Errorf("got %v, want os.ErrClosed", err)
	}
}
