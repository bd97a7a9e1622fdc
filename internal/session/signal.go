package session

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// forwarded are the signals that whoever started the session may mean for the command.
var forwarded = []os.Signal{
	unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM,
	unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT,
}

// Signals collects the signals that this process gets, from Catch on, for another process.
type Signals struct{ ch chan os.Signal }

// Catch begins to collect; a process calls it before it starts the one the signals are for, so
// that none is lost. Signals that were ignored when this process began stay ignored.
func Catch() *Signals {
	s := &Signals{ch: make(chan os.Signal, 16)}
	for _, sig := range forwarded {
		if !signal.Ignored(sig) {
			signal.Notify(s.ch, sig)
		}
	}
	return s
}

// Forward passes the signals on until stop is called.
//
// Both processes stay in the process group they were started in, so that a shell's job control
// and the terminal treat them as one job: what the terminal sends to the whole group has reached
// the other by itself and is not passed on a second time.
func (s *Signals) Forward(to *os.Process) (stop func()) {
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-s.ch:
				if !fromTerminal(sig) {
					_ = to.Signal(sig) // fails when it has ended, which its parent sees
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(s.ch)
		close(done)
	}
}

// fromTerminal tells whether a signal that this process got is one that the terminal has sent to
// the whole foreground group. A signal sent by hand to this process alone cannot be told apart
// while the group is in the foreground; SIGTERM and the rest always can.
func fromTerminal(s os.Signal) bool {
	if s != unix.SIGINT && s != unix.SIGQUIT && s != unix.SIGWINCH {
		return false
	}
	tty, err := unix.Open("/dev/tty", unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false // no controlling terminal
	}
	defer unix.Close(tty)
	foreground, err := unix.IoctlGetInt(tty, unix.TIOCGPGRP)
	return err == nil && foreground == unix.Getpgrp()
}

// ExitStatus is what a shell would tell of an ended process: its status, or 128 and the number of
// the signal that ended it.
func ExitStatus(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}
