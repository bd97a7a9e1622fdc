package conformance

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long anything that must happen may take before a test gives up.
const patience = 20 * time.Second

// device is the binder device under test.
var device string

func TestMain(m *testing.M) {
	switch os.Getenv(actorEnv) {
	case "":
	case "namespace": // canMount asks only whether this process could be started
		if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			fmt.Fprintln(os.Stderr, "conformance: mount:", err)
			os.Exit(1)
		}
		os.Exit(0)
	case "chaos":
		chaosMain()
	default:
		actorMain()
	}
	flag.Parse()
	device = os.Getenv("BINDER_DEVICE")
	if device != "" {
		status := m.Run()
		removeStrangers()
		endBeside()
		os.Exit(status)
	}
	os.Exit(withBusd(m))
}

// isKernel says whether the device is the kernel's own driver.
func isKernel(t testing.TB) bool {
	t.Helper()
	var fs unix.Statfs_t
	if err := unix.Statfs(device, &fs); err != nil {
		t.Fatal(err)
	}
	return fs.Type == unix.BINDERFS_SUPER_MAGIC
}

// onlyKernel skips a test of something that FUSE cannot carry; reason says what that is.
func onlyKernel(t testing.TB, reason string) {
	t.Helper()
	if !isKernel(t) {
		t.Skipf("a known limit of FUSE: %s", reason)
	}
}

// pick returns the answer of the driver under test where the two differ.
func pick[T any](t testing.TB, kernel, busd T) T {
	t.Helper()
	if isKernel(t) {
		return kernel
	}
	return busd
}
