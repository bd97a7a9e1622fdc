package clientmem

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// A Place is where a thread's descriptor table has room for one descriptor more than it is about
// to get: a place for the socket they come through, above those that they will take. So they get
// the lowest free numbers, as the driver gives them.
type Place struct {
	number int
	beyond bool // the table is full but for what it gets: number is its limit
}

// Room looks for n free places, and one more, in the table of descriptors of the thread. It
// answers EMFILE where there are not even n.
func Room(tid busd.ThreadID, n int) (Place, syscall.Errno) {
	limit, errno := descriptorLimit(tid)
	if errno != 0 {
		return Place{}, errno
	}
	used, errno := descriptorsOf(tid)
	if errno != 0 {
		return Place{}, errno
	}
	number, ok := freePlace(used, limit, n)
	if !ok {
		return Place{}, syscall.EMFILE
	}
	return Place{number: number, beyond: number == limit}, 0
}

// freePlace is the lowest free number above n other free ones. Those n are below limit, or the
// answer is false; the one above them may be limit itself.
func freePlace(used []int, limit, n int) (int, bool) {
	slices.Sort(used)
	at := 0 // numbers below at are used, or among the n
	for _, fd := range used {
		if free := fd - at; free > n {
			break
		} else if fd >= at {
			n -= free
			at = fd + 1
		}
	}
	return at + n, at+n <= limit
}

// descriptorsOf lists the numbers in a thread's table of descriptors.
func descriptorsOf(tid busd.ThreadID) ([]int, syscall.Errno) {
	d, err := os.Open(procFile(tid, "fd"))
	if err != nil {
		return nil, errnoOf(err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, errnoOf(err)
	}
	used := make([]int, 0, len(names)+1)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil {
			used = append(used, fd)
		}
	}
	return used, 0
}

// descriptorLimit is a thread's RLIMIT_NOFILE.
func descriptorLimit(tid busd.ThreadID) (int, syscall.Errno) {
	return limitOf(tid, "Max open files")
}

// limitOf is the soft limit of a thread that has a name in /proc.
func limitOf(tid busd.ThreadID, name string) (int, syscall.Errno) {
	b, err := os.ReadFile(procFile(tid, "limits"))
	if err != nil {
		return 0, errnoOf(err)
	}
	_, rest, _ := bytes.Cut(b, []byte(name))
	fields := bytes.Fields(rest)
	if len(fields) == 0 {
		return 0, syscall.EIO
	}
	if string(fields[0]) == "unlimited" {
		return math.MaxInt, 0
	}
	limit, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return 0, syscall.EIO
	}
	return limit, 0
}

// widen raises a process's limit of descriptors by one and answers how to undo that. It may raise
// the soft limit up to the hard one, and beyond only with CAP_SYS_RESOURCE.
func widen(tid busd.ThreadID) (undo func(), errno syscall.Errno) {
	var old unix.Rlimit
	if err := unix.Prlimit(int(tid), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return nil, syscall.EMFILE
	}
	wider := unix.Rlimit{Cur: old.Cur + 1, Max: max(old.Max, old.Cur+1)}
	if err := unix.Prlimit(int(tid), unix.RLIMIT_NOFILE, &wider, nil); err != nil {
		return nil, syscall.EMFILE
	}
	return func() {
		var now unix.Rlimit
		if unix.Prlimit(int(tid), unix.RLIMIT_NOFILE, nil, &now) == nil && now == wider {
			_ = unix.Prlimit(int(tid), unix.RLIMIT_NOFILE, &old, nil)
		}
	}, 0
}

func procFile(tid busd.ThreadID, name string) string {
	return "/proc/" + strconv.Itoa(int(tid)) + "/" + name
}

// errnoOf is what an error of a file in /proc means: that the thread is gone, mostly.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ESRCH
	case errors.As(err, &errno):
		return errno
	}
	return syscall.EIO
}
