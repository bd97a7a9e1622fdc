package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkStrangers measures a call between two C programs over the device, and beside it, in the
// same run, the same bytes over a unix socket; each pair runs on one CPU, and so does busd if this
// package started it. It reports the medians and their ratio, which is what counts: absolute times
// are the machine's.
func BenchmarkStrangers(b *testing.B) {
	pinBusd(b)
	for _, size := range []int{0, 64, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			bus := newBus(b)
			n := fmt.Sprint(max(b.N, 100))
			sock, _, _ := pingpong(b, "unix", n, fmt.Sprint(max(size, 1)))
			b.ResetTimer()
			call, p99, worst := pingpong(b, "binder", bus.path, n, fmt.Sprint(size))
			b.StopTimer()
			b.ReportMetric(float64(call)/1e3, "µs-binder")
			b.ReportMetric(float64(p99)/1e3, "µs-p99")
			b.ReportMetric(float64(worst)/1e3, "µs-worst")
			b.ReportMetric(float64(sock)/1e3, "µs-socket")
			b.ReportMetric(float64(call)/float64(sock), "ratio")
		})
	}
}

// pinBusd keeps busd on the CPU of the C programs, the first that is allowed, until the end of b.
func pinBusd(b *testing.B) {
	b.Helper()
	if busdPID() == 0 {
		return
	}
	var all, one unix.CPUSet
	if err := unix.SchedGetaffinity(busdPID(), &all); err != nil {
		b.Fatal(err)
	}
	cpu := 0
	for !all.IsSet(cpu) {
		cpu++
	}
	one.Set(cpu)
	pin := func(set *unix.CPUSet) {
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", busdPID()))
		if err != nil {
			b.Fatal(err)
		}
		for _, th := range threads {
			tid, _ := strconv.Atoi(th.Name())
			unix.SchedSetaffinity(tid, set) // one that has ended meanwhile does not matter
		}
	}
	pin(&one)
	b.Cleanup(func() { pin(&all) })
}

// pingpong runs the C program and returns what it measured, in nanoseconds.
func pingpong(b *testing.B, args ...string) (median, p99, worst int64) {
	b.Helper()
	cmd := exec.Command(stranger(b, "pingpong"), args...)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("pingpong %s: %v", strings.Join(args, " "), err)
	}
	if _, err := fmt.Sscan(string(out), &median, &p99, &worst); err != nil {
		b.Fatalf("pingpong told %q: %v", out, err)
	}
	return median, p99, worst
}
