package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/internal/session"
)

// openTerminal makes a pseudo terminal.
func openTerminal(t *testing.T) (keyboard, screen *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo terminals here: %v", err)
	}
	t.Cleanup(func() { master.Close() })
	conn, err := master.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var number int
	if cerr := conn.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the pseudo terminal cannot be opened: %v", err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// onTerminal starts a program as a terminal's only job.
func onTerminal(t *testing.T, args ...string) (cmd *exec.Cmd, keyboard *os.File, lines *bufio.Scanner) {
	t.Helper()
	keyboard, screen := openTerminal(t)
	cmd = self(args...)
	cmd.Env = append(os.Environ(), marker)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = screen, screen, screen
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	screen.Close()
	if err := keyboard.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Log(err) // then the test's own deadline must do
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd, keyboard, bufio.NewScanner(keyboard)
}

// until reads the screen up to a line with the text, and fails if it does not come.
func until(t *testing.T, lines *bufio.Scanner, text string) {
	t.Helper()
	for lines.Scan() {
		t.Logf("screen: %s", lines.Text())
		if strings.Contains(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("%q did not come: %v", text, lines.Err())
}

// countInterrupts tells of each interrupt until a line is typed, and then how many there were. A
// signal that comes while the same one is pending is lost, so it must be quick to take them.
func countInterrupts() {
	interrupts := make(chan os.Signal, 10)
	signal.Notify(interrupts, os.Interrupt)
	typed := make(chan struct{})
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		// Nothing tells that a signal will not come. The test passes without this pause, too; it
		// gives a superfluous signal the time to be seen.
		time.Sleep(100 * time.Millisecond)
		close(typed)
	}()
	fmt.Println("ready")
	for n := 0; ; {
		select {
		case <-interrupts:
			n++
			fmt.Println("INT")
		case <-typed:
			_, err := os.Stat("/dev/binderfs/binder")
			fmt.Printf("interrupted %d times, the bus is there: %t\n", n, err == nil)
			os.Exit(4)
		}
	}
}

// The interrupt key reaches the command once, from the terminal itself, and ends nothing else.
func TestIntegrationInterruptKey(t *testing.T) {
	if err := session.Check(); err != nil {
		t.Skipf("nothing can be mounted here: %v", err)
	}
	cmd, keyboard, lines := onTerminal(t, "run", "--no-servicemanager", "--", "countinterrupts")
	until(t, lines, "ready")
	const etx = "\x03" // the interrupt key
	if _, err := keyboard.WriteString(etx); err != nil {
		t.Fatal(err)
	}
	until(t, lines, "INT")
	if _, err := keyboard.WriteString("\n"); err != nil {
		t.Fatal(err)
	}
	until(t, lines, "interrupted 1 times, the bus is there: true")
	cmd.Wait()
	if got := session.ExitStatus(cmd.ProcessState); got != 4 {
		t.Errorf("status %d, want the command's 4", got)
	}
}
