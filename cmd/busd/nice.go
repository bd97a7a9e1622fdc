package main

import (
	"log/slog"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"
)

// A niceness is the nice value of all threads of this process, and what it was before.
type niceness struct{ before, now int }

// changeNice adds to the nice value of this process. Threads that come later inherit it, and so would
// other processes: see forOthers.
func changeNice(by int) (niceness, error) {
	before, err := unix.Getpriority(unix.PRIO_PROCESS, 0)
	before = 20 - before // as the kernel tells it
	n := min(max(before+by, -20), 19)
	if err != nil || n == before {
		return niceness{before, before}, err
	}
	for again := true; again; { // a thread may begin while we look
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return niceness{before, before}, err
		}
		for _, t := range threads {
			tid, err := strconv.Atoi(t.Name())
			if err != nil {
				continue
			}
			if now, err := unix.Getpriority(unix.PRIO_PROCESS, tid); err != nil || 20-now == n {
				continue
			}
			if err := unix.Setpriority(unix.PRIO_PROCESS, tid, n); err == nil {
				again = true
			} else if err != unix.ESRCH {
				return niceness{before, before}, err
			}
		}
	}
	return niceness{before, n}, nil
}

// forOthers starts a process that is to have the nice value from before: start forks in this thread.
func (n niceness) forOthers(start func()) {
	if n.now != n.before {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), n.before) == nil {
			defer unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), n.now)
		}
	}
	start()
}

// hurry adds to the broker's nice value, if it may.
func hurry(by int, log *slog.Logger) niceness {
	is, err := changeNice(by)
	if err != nil {
		log.Warn("the nice value stays as it is: --nice takes CAP_SYS_NICE", "nice", is.now, "err", err)
	}
	return is
}
