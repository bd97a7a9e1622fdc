package conformance

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// BenchmarkStrangers measures a call between two C programs over the device, and beside it, in the
// same run, the same bytes over a unix socket; each pair runs on one CPU. It reports the medians
// and their ratio, which is what counts: absolute times are the machine's.
func BenchmarkStrangers(b *testing.B) {
	for _, size := range []int{0, 64, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprintf("%dB", size), func(b *testing.B) {
			bus := newBus(b)
			n := fmt.Sprint(max(b.N, 100))
			sock := pingpong(b, "unix", n, fmt.Sprint(max(size, 1)))
			b.ResetTimer()
			call := pingpong(b, "binder", bus.path, n, fmt.Sprint(size))
			b.StopTimer()
			b.ReportMetric(float64(call)/1e3, "µs-binder")
			b.ReportMetric(float64(sock)/1e3, "µs-socket")
			b.ReportMetric(float64(call)/float64(sock), "ratio")
		})
	}
}

// pingpong runs the C program and returns its median, in nanoseconds.
func pingpong(b *testing.B, args ...string) (median int64) {
	b.Helper()
	cmd := exec.Command(stranger(b, "pingpong"), args...)
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("pingpong %s: %v", strings.Join(args, " "), err)
	}
	var p99 int64
	if _, err := fmt.Sscan(string(out), &median, &p99); err != nil {
		b.Fatalf("pingpong told %q: %v", out, err)
	}
	return median
}
