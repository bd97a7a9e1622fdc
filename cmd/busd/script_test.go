package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/internal/session"
	"github.com/fusebinder/fusebinder/ioctl"
)

// The scripts in testdata run busd, which is this test binary under another name, and:
//
//	asuser COMMAND [ARGUMENT...]  as an ordinary user, with a /dev/fuse that may be opened
//	nullioctl DEVICE              try the ioctls with a NULL argument, and say what they answered
//	countinterrupts               count the signals of the interrupt key
//	await FILE                    wait until the file is there
func TestMain(m *testing.M) {
	testscript.Main(leakCheck{m}, map[string]func(){
		"busd":            main,
		"asuser":          func() { fail(asUser(os.Args[1:])) },
		"nullioctl":       func() { fail(nullIoctls(os.Args[1])) },
		"countinterrupts": countInterrupts,
	})
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func TestIntegrationScripts(t *testing.T) {
	if err := session.Check(); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	// The ordinary user of the scripts, too, shall find the programs.
	busd, err := exec.LookPath("busd")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{filepath.Dir(busd), filepath.Dir(filepath.Dir(busd))} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Deadline:            time.Now().Add(2 * time.Minute),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Vars = append(env.Vars, marker)
			return nil
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "privileged":
				return session.Privileged(), nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"await": await,
		},
	})
}

func await(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := os.Stat(ts.MkAbs(args[0]))
		if err == nil {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s does not come: %v", args[0], err)
		}
	}
}

// asUser becomes an ordinary user, if this one is not, and runs busd or another program.
func asUser(argv []string) error {
	path := "/proc/self/exe"
	if argv[0] != "busd" {
		path = "/bin/sh"
		argv = append([]string{"sh", "-c", `exec "$@"`, "sh"}, argv...)
	}
	if os.Geteuid() == 0 {
		runtime.LockOSThread()
		if err := openableFuse(); err != nil {
			return err
		}
		const id = 12345
		for _, call := range [][4]uintptr{
			{unix.SYS_SETGROUPS, 0, 0, 0},
			{unix.SYS_SETRESGID, id, id, id},
			{unix.SYS_SETRESUID, id, id, id},
		} {
			if _, _, errno := unix.RawSyscall(call[0], call[1], call[2], call[3]); errno != 0 {
				return errno
			}
		}
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	return unix.Exec(path, argv, os.Environ())
}

// openableFuse gives this thread, in a mount namespace of its own, a /dev/fuse for everybody.
func openableFuse() error {
	dir, err := os.MkdirTemp("", "fuse")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	return errors.Join(
		unix.Unshare(unix.CLONE_NEWNS),
		unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""),
		unix.Mount("tmpfs", dir, "tmpfs", 0, ""),
		unix.Mknod(filepath.Join(dir, "fuse"), unix.S_IFCHR|0o666, int(unix.Mkdev(10, 229))),
		unix.Chmod(filepath.Join(dir, "fuse"), 0o666),
		unix.Mount(filepath.Join(dir, "fuse"), "/dev/fuse", "", unix.MS_BIND, ""),
		unix.Unmount(dir, unix.MNT_DETACH),
	)
}

func nullIoctls(device string) error {
	first, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	second, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	fmt.Println("manager:", unix.IoctlSetInt(first, uint(ioctl.BINDER_SET_CONTEXT_MGR), 0))
	fmt.Println("again:", unix.IoctlSetInt(first, uint(ioctl.BINDER_SET_CONTEXT_MGR), 0))
	fmt.Println("another:", unix.IoctlSetInt(second, uint(ioctl.BINDER_SET_CONTEXT_MGR), 0))
	fmt.Println("exit:", unix.IoctlSetInt(first, uint(ioctl.BINDER_THREAD_EXIT), 0))
	return nil
}

// leakCheck fails a run of the tests that leaves mounts or processes behind.
type leakCheck struct{ m *testing.M }

func (l leakCheck) Run() int {
	status := l.m.Run()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for {
		left := slices.Concat(mounts(), processes())
		if len(left) == 0 {
			return status
		}
		select {
		case <-ctx.Done():
			fmt.Fprintf(os.Stderr, "left behind:\n%s\n", strings.Join(left, "\n"))
			return 1
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// mounts lists the mounts below the directories of tests.
func mounts() (left []string) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return []string{err.Error()}
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.Contains(lines.Text(), " fuse.busd ") && strings.Contains(lines.Text(), "go-test-script") {
			left = append(left, lines.Text())
		}
	}
	return left
}

// marker is in the environment of all that the scripts start.
var marker = fmt.Sprintf("BUSD_TEST_RUN=%d", os.Getpid())

// processes lists the processes that the scripts have started.
func processes() (left []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, err := os.ReadFile(file)
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), marker) {
			words, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			left = append(left, filepath.Dir(file)+" "+strings.ReplaceAll(string(words), "\x00", " "))
		}
	}
	return left
}
