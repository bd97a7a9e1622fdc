package ioctl

// A Number is what ioctl(2) takes as its request and what the command streams carry as
// commands: direction, argument size, type letter and ordinal packed in 32 bits as
// <asm-generic/ioctl.h> lays them out (the layout shared by amd64 and arm64).
type Number uint32

// Directions, seen from user space.
const (
	dirNone  = 0 // _IOC_NONE
	dirWrite = 1 // _IOC_WRITE: user space writes, the driver reads
	dirRead  = 2 // _IOC_READ: the driver writes, user space reads
)

// Field widths and positions of <asm-generic/ioctl.h>.
const (
	numberShift = 0  // _IOC_NRSHIFT, 8 bits
	letterShift = 8  // _IOC_TYPESHIFT, 8 bits
	sizeShift   = 16 // _IOC_SIZESHIFT, 14 bits
	dirShift    = 30 // _IOC_DIRSHIFT, 2 bits
)

// Size is the length in bytes of the argument that belongs to n (_IOC_SIZE).
func (n Number) Size() int { return int(n >> sizeShift & 0x3fff) }

// Ordinal is n's number within its type letter (_IOC_NR).
func (n Number) Ordinal() int { return int(n >> numberShift & 0xff) }

// Letter is n's type letter (_IOC_TYPE): 'b' for requests, 'c' for BC_, 'r' for BR_.
func (n Number) Letter() byte { return byte(n >> letterShift) }
