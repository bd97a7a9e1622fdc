package conformance

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// modes are the ways in which busd's clients see their receive buffers; the suite runs in each.
var modes = []string{"passthrough", "store"}

// withBusd runs this test binary again on a busd of its own, once for each receive mode that the
// user may have (or the one BINDER_RECEIVE_MODE names), and returns the exit status.
func withBusd(*testing.M) int {
	if err := canMount(); err != nil {
		fmt.Fprintln(os.Stderr, "conformance: nothing was tested: no BINDER_DEVICE, and no file system can be mounted here:", err)
		return 0 // where it can be, what follows fails rather than skips
	}
	dir, err := os.MkdirTemp("", "conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // tests open devices as other users too
		fmt.Fprintln(os.Stderr, "conformance:", err)
		return 1
	}
	busd := os.Getenv("BINDER_BUSD")
	if busd == "" {
		busd = filepath.Join(dir, "busd")
		if out, err := exec.Command("go", "build", "-o", busd, "github.com/fusebinder/fusebinder/cmd/busd").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "conformance: build busd: %v\n%s", err, out)
			return 1
		}
	}
	want := modes
	if m := os.Getenv("BINDER_RECEIVE_MODE"); m != "" {
		want = []string{m}
	} else if os.Geteuid() != 0 {
		want = []string{"store"}
	}
	status := 0
	for _, mode := range want {
		if err := runOn(busd, mode, filepath.Join(dir, mode)); err != nil {
			fmt.Fprintf(os.Stderr, "conformance: receive mode %s: %v\n", mode, err)
			status = 1
		}
	}
	return status
}

// canMount says why nothing can be mounted on this machine, nil if something can.
func canMount() error {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	f.Close()
	if os.Geteuid() == 0 {
		// Root without the right to mount (a container) shows only when it tries.
		cmd := exec.Command("/proc/self/exe", "-test.run=^$")
		cmd.Env = append(os.Environ(), actorEnv+"=namespace")
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
		return cmd.Run()
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^$")
	cmd.Env = append(os.Environ(), actorEnv+"=namespace")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	return cmd.Run()
}

// runOn serves a bus at dir in a receive mode and runs the tests there.
func runOn(busd, mode, dir string) error {
	fmt.Fprintf(os.Stderr, "conformance: on busd, receive mode %s\n", mode)
	self, err := os.Executable()
	if err != nil {
		return err
	}
	tests := exec.Command(self, os.Args[1:]...)
	tests.Stdin, tests.Stdout, tests.Stderr = os.Stdin, os.Stdout, os.Stderr
	tests.Env = append(os.Environ(), "BINDER_RECEIVE_MODE="+mode, "BINDER_BUSD="+busd)
	if os.Geteuid() != 0 {
		tests.Args = append([]string{busd, "run", "--mode", mode, "--", self}, os.Args[1:]...)
		tests.Path = busd
		tests.Env = append(tests.Env, "CONFORMANCE_BUSD_RUN=1")
		return tests.Run()
	}
	tests.Env = append(tests.Env, "BINDER_DEVICE="+filepath.Join(dir, "binder"))
	// The death signal is tied to the thread that starts the process.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	serve := exec.Command(busd, "serve", "--mode", mode, "--log-level", logLevel(), dir)
	serve.Stderr = os.Stderr
	serve.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	if err := serve.Start(); err != nil {
		return err
	}
	tests.Env = append(tests.Env, fmt.Sprintf("CONFORMANCE_BUSD_PID=%d", serve.Process.Pid))
	ended := make(chan error, 1)
	go func() { ended <- serve.Wait() }()
	for deadline := time.Now().Add(patience); !mounted(dir); time.Sleep(5 * time.Millisecond) {
		select {
		case err := <-ended:
			return fmt.Errorf("busd serve ended: %w", err)
		default:
		}
		if time.Now().After(deadline) {
			serve.Process.Kill()
			return fmt.Errorf("busd did not mount %s within %v", dir, patience)
		}
	}
	err = tests.Run()
	select {
	case e := <-ended:
		return errors.Join(err, fmt.Errorf("busd ended during the tests: %v", e))
	default:
	}
	serve.Process.Signal(syscall.SIGTERM)
	select {
	case e := <-ended:
		err = errors.Join(err, e)
	case <-time.After(patience):
		serve.Process.Kill()
		<-ended
		err = errors.Join(err, fmt.Errorf("busd did not end on SIGTERM within %v", patience))
	}
	if mounted(dir) {
		unix.Unmount(dir, unix.MNT_DETACH)
		err = errors.Join(err, fmt.Errorf("busd left its mount at %s", dir))
	}
	return err
}

func logLevel() string {
	if l := os.Getenv("BUSD_LOG_LEVEL"); l != "" {
		return l
	}
	return "warn"
}

func mounted(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(filepath.Join(dir, "binder"), &fs) == nil && fs.Type == unix.FUSE_SUPER_MAGIC
}
