package clientmem

import (
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// Priorities is the nice values of a client's threads. It implements busd.Priorities.
//
// The driver sets a thread's nice value as if the thread did so itself. So it is the client's rights
// that count; and then the broker needs its own.
type Priorities struct {
	// initial says that the client lives in the machine's first user namespace. Capabilities in
	// another give nobody the right to change nice values.
	initial bool
}

// NewPriorities looks at a client, through one of its threads: whether its threads' nice values can
// be changed, and what that thread's is.
func NewPriorities(tid busd.ThreadID) (*Priorities, busd.Lending, int8) {
	p := &Priorities{initial: initialUsers(procFile(tid, "ns/user"))}
	n, _ := p.Nice(tid)
	switch limit := niceLimit(tid); {
	case p.capable(tid) && MayLend():
		return p, busd.LendFreely, n
	case limit > 0:
		return p, busd.LendLimited, n
	}
	return p, busd.LendNone, n
}

// MayLend tells whether the broker may change any thread's nice value.
var MayLend = sync.OnceValue(func() bool {
	return capableOf(0, unix.CAP_SYS_NICE) && initialUsers("/proc/self/ns/user")
})

// Nice is a thread's nice value.
func (p *Priorities) Nice(tid busd.ThreadID) (int8, bool) {
	if tid <= 0 {
		return 0, false
	}
	// Not through package unix, whose way tells the scheduler: this takes no longer than that.
	n, _, errno := syscall.RawSyscall(unix.SYS_GETPRIORITY, unix.PRIO_PROCESS, uintptr(tid), 0)
	if errno != 0 {
		return 0, false
	}
	return int8(20 - int(n)), true // as the kernel tells it
}

// SetNice gives a thread a nice value, or the lowest that RLIMIT_NICE allows it.
func (p *Priorities) SetNice(tid busd.ThreadID, nice int8) {
	if tid <= 0 { // one that we cannot see; to the kernel, 0 would be ourselves
		return
	}
	limit := niceLimit(tid) // 20 minus the lowest nice value
	if 20-int(nice) > limit && !p.capable(tid) {
		if nice = int8(20 - limit); nice > maxNice {
			return
		}
	}
	if !MayLend() {
		// We could take what we may not give back.
		if now, ok := p.Nice(tid); !ok || 20-min(int(nice), int(now)) > limit {
			return
		}
	}
	_, _, _ = syscall.RawSyscall(unix.SYS_SETPRIORITY, unix.PRIO_PROCESS, uintptr(tid), uintptr(nice))
}

const maxNice = 19

// capable tells whether a thread may set any nice value.
func (p *Priorities) capable(tid busd.ThreadID) bool {
	return p.initial && capableOf(int(tid), unix.CAP_SYS_NICE)
}

// niceLimit is a thread's RLIMIT_NICE, at most 40.
func niceLimit(tid busd.ThreadID) int {
	var r unix.Rlimit
	if err := unix.Prlimit(int(tid), unix.RLIMIT_NICE, nil, &r); err == nil {
		return int(min(r.Cur, 40))
	}
	// Another user's takes CAP_SYS_RESOURCE. The file is for everybody, and slower.
	n, errno := limitOf(tid, "Max nice priority")
	if errno != 0 {
		return 0
	}
	return min(n, 40)
}

// capableOf tells whether a thread has a capability of the lower 32, in its user namespace. 0 is the
// calling thread.
func capableOf(tid int, capability uint) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3, Pid: int32(tid)}
	var data [2]unix.CapUserData
	_, _, errno := syscall.RawSyscall(unix.SYS_CAPGET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data)), 0)
	return errno == 0 && data[0].Effective>>capability&1 != 0
}

// initialUsers tells whether a file is the machine's first user namespace. A kernel without such
// namespaces has only that.
func initialUsers(file string) bool {
	name, err := os.Readlink(file)
	if err != nil {
		return os.IsNotExist(err)
	}
	return name == "user:[4026531837]" // PROC_USER_INIT_INO
}
