package servicemgr_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/fusebinder/fusebinder/internal/session"
)

// runTests runs the tests on the device that BINDER_DEVICE names, or else all of them again on a bus
// of their own, where that can be.
func runTests(m *testing.M) int {
	if os.Getenv("BINDER_DEVICE") != "" {
		return m.Run()
	}
	if err := session.Check(); err != nil {
		fmt.Fprintln(os.Stderr, "tests that need a bus are skipped: no BINDER_DEVICE, and no file system can be mounted here:", err)
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "servicemgr-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	busd := os.Getenv("BINDER_BUSD")
	if busd == "" {
		busd = filepath.Join(dir, "busd")
		if out, err := exec.Command("go", "build", "-o", busd, "github.com/fusebinder/fusebinder/cmd/busd").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build busd: %v\n%s", err, out)
			return 1
		}
	}
	again := exec.Command(busd, append([]string{"run", "--no-servicemanager", "--", os.Args[0]}, os.Args[1:]...)...)
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = again.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return again.ProcessState.ExitCode()
}
