package nullioctl

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

// Offsets in struct seccomp_data, <linux/seccomp.h>. Arguments are 64 bits wide, low half first.
const (
	offsetNumber   = 0
	offsetArch     = 4
	offsetRequest  = 16 + 1*8
	offsetArgument = 16 + 2*8
)

// program is the filter: notify for the two requests with a NULL argument, allow the rest.
func program() []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	equal := func(k uint32, then, otherwise uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jt: then, Jf: otherwise, K: k}
	}
	answer := func(k uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k}
	}
	return []unix.SockFilter{
		/* 0 */ load(offsetArch),
		/* 1 */ equal(nativeArch, 0, 2), // else 4
		/* 2 */ load(offsetNumber),
		/* 3 */ equal(unix.SYS_IOCTL, 3, 10), // 7, else allow
		/* 4 */ equal(compatArch, 0, 9), // else allow
		/* 5 */ load(offsetNumber),
		/* 6 */ equal(compatIoctl, 0, 7), // else allow
		/* 7 */ load(offsetRequest),
		/* 8 */ equal(uint32(ioctl.BINDER_THREAD_EXIT), 1, 0),
		/* 9 */ equal(uint32(ioctl.BINDER_SET_CONTEXT_MGR), 0, 4), // else allow
		/* 10 */ load(offsetArgument),
		/* 11 */ equal(0, 0, 2), // else allow
		/* 12 */ load(offsetArgument + 4),
		/* 13 */ equal(0, 1, 0), // 15, else allow
		/* 14 */ answer(unix.SECCOMP_RET_ALLOW),
		/* 15 */ answer(unix.SECCOMP_RET_USER_NOTIF),
	}
}

// waitKillableRecv keeps a call that the supervisor has begun from being interrupted and begun
// again (SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19).
const waitKillableRecv = 1 << 5

// Install puts the filter on the calling thread and returns the listener for Serve. The caller
// has locked the thread and is about to exec: the filter goes along, to the program and to all
// its descendants.
//
// It needs CAP_SYS_ADMIN in the thread's user namespace. It does not set no_new_privs, which
// would also change what set-user-id programs below it can do.
func Install() (*os.File, error) {
	filter := program()
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	const listener = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	fd, err := setFilter(listener|waitKillableRecv, &prog)
	if err == unix.EINVAL {
		fd, err = setFilter(listener, &prog)
	}
	runtime.KeepAlive(filter)
	if err != nil {
		return nil, fmt.Errorf("install the seccomp filter for ioctls without an argument: %w", err)
	}
	return os.NewFile(fd, "seccomp listener"), nil
}

func setFilter(flags uintptr, prog *unix.SockFprog) (uintptr, error) {
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(prog)))
	if errno != 0 {
		return 0, errno
	}
	return fd, nil
}
