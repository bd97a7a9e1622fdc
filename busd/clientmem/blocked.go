package clientmem

import (
	"bytes"
	"os"
	"strconv"
	"syscall"

	"github.com/fusebinder/fusebinder/busd"
)

// blockedIn is the system call that a thread waits in, and its arguments. EAGAIN: it does not
// wait.
func blockedIn(tid busd.ThreadID) (number int, args [6]uint64, errno syscall.Errno) {
	b, err := os.ReadFile(procFile(tid, "syscall"))
	if err != nil {
		return 0, args, errnoOf(err)
	}
	return parseBlocked(b)
}

// parseBlocked reads "NUMBER ARGUMENT*6 SP PC", the number decimal, the rest hexadecimal.
func parseBlocked(b []byte) (number int, args [6]uint64, errno syscall.Errno) {
	fields := bytes.Fields(b)
	if len(fields) < 1+len(args) {
		return 0, args, syscall.EAGAIN // "running"
	}
	number, err := strconv.Atoi(string(fields[0]))
	for i := range args {
		if err == nil {
			args[i], err = strconv.ParseUint(string(fields[1+i]), 0, 64)
		}
	}
	if err != nil {
		return 0, args, syscall.EAGAIN
	}
	return number, args, 0
}

// filtered tells whether a thread has seccomp filters that must be put to sleep first: more than
// the broker's own and extra others.
func filtered(tid busd.ThreadID, extra int) (bool, syscall.Errno) {
	theirs, err := os.ReadFile(procFile(tid, "status"))
	if err != nil {
		return false, errnoOf(err)
	}
	ours, err := os.ReadFile("/proc/thread-self/status")
	if err != nil {
		return false, errnoOf(err)
	}
	return statusField(theirs, "Seccomp_filters", 10) > statusField(ours, "Seccomp_filters", 10)+uint64(extra), 0
}

// tracedByUs tells whether a thread is traced by a thread of this process.
func tracedByUs(tid busd.ThreadID) bool {
	b, err := os.ReadFile(procFile(tid, "status"))
	if err != nil {
		return false
	}
	tracer := statusField(b, "TracerPid", 10) // the thread's number
	_, err = os.Stat("/proc/self/task/" + strconv.FormatUint(tracer, 10))
	return tracer != 0 && err == nil
}

// signalled tells whether a signal that a thread handles waits for it, behind a mask that is about
// to be restored.
func signalled(tid busd.ThreadID, mask uint64) bool {
	b, err := os.ReadFile(procFile(tid, "status"))
	if err != nil {
		return true
	}
	pending := statusField(b, "SigPnd", 16) | statusField(b, "ShdPnd", 16)
	return pending&statusField(b, "SigCgt", 16)&^mask != 0
}

// Dying tells whether a thread has been killed, or is gone: it will not return to user space.
func Dying(tid busd.ThreadID) bool {
	b, err := os.ReadFile(procFile(tid, "status"))
	if err != nil {
		return true
	}
	return statusField(b, "SigPnd", 16)>>(syscall.SIGKILL-1)&1 != 0
}

// statusField is a number in /proc/PID/status, 0 where there is none.
func statusField(status []byte, name string, base int) uint64 {
	for line := range bytes.Lines(status) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(key) == name {
			v, _ := strconv.ParseUint(string(bytes.TrimSpace(value)), base, 64)
			return v
		}
	}
	return 0
}
