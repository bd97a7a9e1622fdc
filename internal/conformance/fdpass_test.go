package conformance

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// startFDServer starts the C server that takes and gives descriptors.
func startFDServer(t *testing.T, b *bus) *exec.Cmd {
	t.Helper()
	return startFDServerAs(t, b, "server", nil)
}

func startFDServerAs(t *testing.T, b *bus, mode string, as *syscall.SysProcAttr) *exec.Cmd {
	t.Helper()
	server := run(t, "fdpass", mode, b.path)
	server.SysProcAttr = as
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Process.Kill(); server.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("the server said %q, %v\n%s", line, err, stderr(server))
	}
	return server
}

// tells runs a C program and compares what it tells.
func tells(t *testing.T, want []string, args ...string) {
	t.Helper()
	c := run(t, "fdpass", args...)
	got, err := c.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", args[0], err, stderr(c))
	}
	if d := cmp.Diff(want, strings.Split(strings.TrimSpace(string(got)), "\n")); d != "" {
		t.Errorf("%s told (-want +got):\n%s", args[0], d)
	}
}

func TestStrangersPassDescriptors(t *testing.T) {
	// In a call and in its reply, close-on-exec, under the lowest free numbers.
	b := newBus(t)
	server := startFDServer(t, b)
	tells(t, []string{
		"pass 0: 0", "pass 1: 0", "pass 2: 0", "pass 16: 0",
		"left open here 0: 0", "left open there 0: 0",
	}, "client", b.path)
	noTracer(t, server.Process.Pid)
}

func TestStrangerHasNoRoomForDescriptors(t *testing.T) {
	// The caller hears of it, the receiver goes on waiting. There is room to the last place.
	b := newBus(t)
	startFDServer(t, b)
	tells(t, []string{
		"room for 3, pass 2: 0", "room for 3, pass 3: 0", "room for 3, pass 4: -1",
		"woken 0: 0", "still, pass 2: 0",
	}, "full", b.path, "0")
}

func TestStrangerHasNoRoomAtItsHardLimit(t *testing.T) {
	b := newBus(t)
	startFDServer(t, b)
	tells(t, []string{"room for 3, pass 2: 0", "room for 3, pass 4: -1", "woken 0: 0", "still, pass 2: 0"}, "full", b.path, "1")
}

func TestStrangerInNamespacesPassesDescriptors(t *testing.T) {
	b := newBus(t)
	as := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWPID}
	if uid := os.Geteuid(); uid != 0 {
		as.Cloneflags |= unix.CLONE_NEWUSER
		as.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
	}
	startFDServerAs(t, b, "server", as)
	tells(t, []string{"pass 1: 0", "pass 0: 0"}, "one", b.path)
}

func TestTracedStranger(t *testing.T) {
	// A thread has one tracer. If somebody else is, busd cannot be: the call fails, as if the table
	// were full, and the thread notices nothing.
	b := newBus(t)
	server := startFDServer(t, b)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(server.Process.Pid), 0, 0, 0, 0); errno != 0 {
		t.Skipf("ptrace: %v", errno)
	}
	tells(t, []string{pick(t, "pass 1: 0", "pass 1: -1"), "pass 0: 0"}, "one", b.path)
}

func TestSealedStranger(t *testing.T) {
	// A seccomp filter may forbid what busd makes the thread do. Root has it suspended; without
	// that the call fails, and above all nobody is killed.
	b := newBus(t)
	startFDServerAs(t, b, "sealed", nil)
	want := "pass 1: 0"
	if !isKernel(t) && !maySuspendSeccomp(t) {
		want = "pass 1: -1"
	}
	tells(t, []string{want, "pass 0: 0"}, "one", b.path)
}

// maySuspendSeccomp tells whether busd may, started by this process: as root, outside of any user
// namespace and without a filter of its own.
func maySuspendSeccomp(t *testing.T) bool {
	t.Helper()
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	return os.Geteuid() == 0 && strings.Join(strings.Fields(string(users)), " ") == "0 0 4294967295" &&
		strings.Contains(string(status), "Seccomp:\t0\n")
}

func TestStressOfPassedDescriptors(t *testing.T) {
	// Signals, kills and execs in the middle: steady clients notice nothing, and nothing is left.
	b := newBus(t)
	base := settledStats(t, b)
	descriptors := busdDescriptors()
	seconds := "4"
	if testing.Short() {
		seconds = "1"
	}
	c := run(t, "fdpass", "stress", b.path, seconds)
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, stderr(c))
	}
	t.Log(strings.TrimSpace(stderr(c)))
	var left map[string]int
	await(t, "all is as before", func() bool { left = stats(t, b); return cmp.Equal(base, left) })
	if descriptors > 0 {
		await(t, fmt.Sprintf("busd's descriptors are back at %d", descriptors), func() bool { return busdDescriptors() <= descriptors })
	}
}

// noTracer looks whether a process is traced.
func noTracer(t *testing.T, pid int) {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if os.IsNotExist(err) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); !strings.Contains(s, "TracerPid:\t0\n") {
		t.Errorf("process %d is traced", pid)
	}
}
