// Package nullioctl mends the two ioctls that a FUSE device cannot carry.
//
// Binder clients end a thread with ioctl(fd, BINDER_THREAD_EXIT, NULL) and some become context
// manager with ioctl(fd, BINDER_SET_CONTEXT_MGR, NULL). Both request numbers say that an argument
// of four bytes follows, so FUSE fetches it from address 0 and fails with EFAULT before the
// broker hears of the call. The kernel's driver never looks at the argument and succeeds.
//
// The mend is a seccomp filter on the client that hands exactly these two calls, and only with a
// NULL argument, to a supervisor (SECCOMP_RET_USER_NOTIF). The supervisor, which lives in the
// broker's process, finds out which open of the device is meant and tells the broker. Every other
// system call pays for a few instructions of filter.
//
// Limits: Linux 5.5 or newer; a client below the filter cannot install a seccomp listener of its
// own (the kernel allows one in a chain of filters and answers EBUSY).
package nullioctl
