package nullioctl

import "golang.org/x/sys/unix"

// The machine's own calls, and those of 32-bit programs.
const (
	nativeArch  = unix.AUDIT_ARCH_X86_64
	compatArch  = unix.AUDIT_ARCH_I386
	compatIoctl = 54 // __NR_ioctl of i386
)
