package conformance

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// startFDServer starts the C server that takes and gives descriptors.
func startFDServer(t *testing.T, b *bus) *exec.Cmd {
	t.Helper()
	server := run(t, "fdpass", "server", b.path)
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
