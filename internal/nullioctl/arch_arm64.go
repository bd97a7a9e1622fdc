package nullioctl

import "golang.org/x/sys/unix"

// The machine's own calls, and those of 32-bit programs.
const (
	nativeArch  = unix.AUDIT_ARCH_AARCH64
	compatArch  = unix.AUDIT_ARCH_ARM
	compatIoctl = 54 // __NR_ioctl of ARM EABI
)
