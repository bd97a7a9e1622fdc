package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// ownBusd serves a bus for one test, which may do to the broker what it likes.
func ownBusd(t *testing.T, dir string) (*bus, *exec.Cmd) {
	t.Helper()
	busd := os.Getenv("BINDER_BUSD")
	if busd == "" || os.Geteuid() != 0 || isKernel(t) {
		t.Skip("needs a busd that this package started, as root")
	}
	cmd := exec.Command(busd, "serve", "--mode", os.Getenv("BINDER_RECEIVE_MODE"), "--log-level", logLevel(), dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	await(t, "busd has mounted", func() bool { return mounted(dir) })
	return &bus{t: t, path: filepath.Join(dir, "binder"), dir: dir, own: true}, cmd
}

func TestBrokerEnds(t *testing.T) {
	// Whoever waits in the device is told, whatever becomes of the broker; nobody is left behind
	// that cannot be killed, and the next busd serves the same directory.
	for _, tc := range []struct {
		name         string
		signal       syscall.Signal
		parked, next syscall.Errno
	}{
		{"SIGTERM", unix.SIGTERM, unix.ECONNREFUSED, unix.ECONNABORTED},
		{"SIGKILL", unix.SIGKILL, unix.ECONNABORTED, unix.ECONNABORTED},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "conformance-broker-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				unix.Unmount(dir, unix.MNT_DETACH)
				os.Remove(dir)
			})
			b, busd := ownBusd(t, dir)
			mgr, c := b.spawn().looper(), b.spawn().looper()
			mgr.becomeExt(node{1, 1}, 0)
			caller := c.p.thread()
			c.park()
			caller.park(caller.call(0, msg(1, "a")))
			mgr.got(noop, "TRANSACTION")
			busd.Process.Signal(tc.signal)
			for _, th := range []*thread{c, caller} {
				if r := th.finish(); r.Errno != tc.parked {
					t.Errorf("a parked call: %v, want %v", r.Errno, tc.parked)
				}
			}
			busd.Wait()
			if r := c.try(readSize); r.Errno != tc.next && r.Errno != unix.ENOTCONN {
				t.Errorf("the next call: %v, want %v", r.Errno, tc.next)
			}
			c.p.kill()
			mgr.p.kill()

			b, _ = ownBusd(t, dir)
			th := b.spawn().thread()
			th.ask([]command{th.call(0, msg(1, ""))}, noop, "DEAD_REPLY")
		})
	}
}
