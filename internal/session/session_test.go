package session

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// The test binary also plays the processes of a session: "outside" becomes an ordinary user's
// `busd run`, "session" is first in the new namespaces and becomes the command.
const roleVariable = "SESSION_TEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "outside":
		os.Exit(outside())
	case "session":
		err = inside()
	case "forward":
		err = forward()
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(125)
}

func outside() int {
	os.Setenv(roleVariable, "session")
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	Isolate(cmd.SysProcAttr)
	if err := cmd.Start(); err != nil {
		fmt.Println("cannot start:", Explain(err))
		return 125
	}
	cmd.Wait()
	return ExitStatus(cmd.ProcessState)
}

func inside() error {
	if err := Enter(); err != nil {
		return Explain(err)
	}
	os.Unsetenv(roleVariable)
	runtime.LockOSThread()
	if err := DropCapabilities(); err != nil {
		return err
	}
	return unix.Exec("/bin/sh", []string{"sh", "-c", os.Args[1]}, os.Environ())
}

func forward() error {
	cmd := exec.Command("/bin/sh", "-c", os.Args[1])
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	signals := Catch()
	if err := cmd.Start(); err != nil {
		return err
	}
	stop := signals.Forward(cmd.Process)
	cmd.Wait()
	stop()
	os.Exit(ExitStatus(cmd.ProcessState))
	return nil
}

// asRole starts the test binary in a role; it is killed with the test.
func asRole(t *testing.T, role, script string, as *syscall.Credential) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "/proc/self/exe", script)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	return cmd
}

// users are the accounts a session is tried as: whoever runs the test, and where that is root, an
// ordinary user too.
func users() map[string]*syscall.Credential {
	if !Privileged() || os.Geteuid() != 0 {
		return map[string]*syscall.Credential{"user": nil}
	}
	return map[string]*syscall.Credential{"root": nil, "user": {Uid: 12345, Gid: 23456}}
}

func TestCommandSeesTheBusInDev(t *testing.T) {
	before := listDev(t)
	for name, credential := range users() {
		t.Run(name, func(t *testing.T) {
			cmd := asRole(t, "outside", `cd /dev
				for i in binder hwbinder vndbinder; do readlink $i; done
				test -d binderfs && echo directory
				test -c null && echo x >null && echo null
				test -c zero && head -c 3 zero | wc -c
				test -e fd/1 && echo fd
				ls | sort | tr '\n' ' ' >&2
				exit 7`, credential)
			entries := new(strings.Builder)
			cmd.Stderr = entries
			out, err := cmd.Output()
			if cmd.ProcessState.ExitCode() != 7 {
				t.Fatalf("the command's status is lost: %v\n%s%s", err, out, entries)
			}
			want := "binderfs/binder\nbinderfs/hwbinder\nbinderfs/vndbinder\ndirectory\nnull\n3\nfd\n"
			if diff := cmp.Diff(want, string(out)); diff != "" {
				t.Errorf("/dev inside (-want +got):\n%s", diff)
			}
			for _, entry := range before {
				if !strings.Contains(" "+entries.String(), " "+entry+" ") {
					t.Errorf("/dev/%s is missing inside", entry)
				}
			}
		})
	}
	if diff := cmp.Diff(before, listDev(t)); diff != "" {
		t.Errorf("the machine's /dev has changed (-before +after):\n%s", diff)
	}
}

func listDev(t *testing.T) (names []string) {
	entries, err := os.ReadDir("/dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestCommandKeepsItsUserAndGainsNothing(t *testing.T) {
	for name, credential := range users() {
		t.Run(name, func(t *testing.T) {
			const script = `id -u; id -g; grep -E '^(Cap(Inh|Prm|Eff|Amb)|NoNewPrivs)' /proc/self/status`
			direct := asRole(t, "", script, credential)
			direct.Path, direct.Args = "/bin/sh", []string{"sh", "-c", script}
			want, err := direct.Output()
			if err != nil {
				t.Fatal(err)
			}
			got, err := asRole(t, "outside", script, credential).Output()
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("user and capabilities (-outside +inside):\n%s", diff)
			}
		})
	}
}

func TestSignalsReachTheCommand(t *testing.T) {
	for _, s := range []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGWINCH} {
		t.Run(s.String(), func(t *testing.T) {
			if signal.Ignored(s) {
				t.Skipf("%v is ignored where this test was started, so it is in the command", s)
			}
			cmd := asRole(t, "forward", fmt.Sprintf("trap 'exit 9' %d; echo ready; n=0; while [ $n -lt 400 ]; do n=$((n+1)); sleep 0.05; done", int(s)), nil)
			// No terminal: the group of a test in a terminal may be in the foreground.
			cmd.SysProcAttr.Setsid = true
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(s); err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, out)
			cmd.Wait()
			if got := ExitStatus(cmd.ProcessState); got != 9 {
				t.Errorf("the command ended with %d, want 9 from its trap", got)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	for script, want := range map[string]int{
		"exit 0": 0, "exit 3": 3, "kill -TERM $$": 143, "kill -KILL $$": 137,
	} {
		cmd := exec.Command("/bin/sh", "-c", script)
		cmd.Run()
		if got := ExitStatus(cmd.ProcessState); got != want {
			t.Errorf("%s: got %d, want %d", script, got, want)
		}
	}
}
