package ioctl

import (
	"bytes"
	"encoding/binary"
	"structs"
)

// BINDERFS_MAX_NAME is the longest name of a binderfs device, in bytes, without the final zero.
const BINDERFS_MAX_NAME = 255 // #define BINDERFS_MAX_NAME 255

// BinderfsDevice is struct binderfs_device, the argument of BINDER_CTL_ADD.
type BinderfsDevice struct {
	_ structs.HostLayout

	Name  [BINDERFS_MAX_NAME + 1]byte // char name[BINDERFS_MAX_NAME + 1]: in, ends with a zero byte
	Major uint32                      // __u32 major: out, the device's major number
	Minor uint32                      // __u32 minor: out, its minor number
}

// NameString is Name up to its first zero byte.
func (d *BinderfsDevice) NameString() string {
	name, _, _ := bytes.Cut(d.Name[:], []byte{0})
	return string(name)
}

// Decode reads d from the first SizeofDevice bytes of b.
func (d *BinderfsDevice) Decode(b []byte) {
	_ = b[SizeofDevice-1]
	copy(d.Name[:], b)
	d.Major = binary.LittleEndian.Uint32(b[256:])
	d.Minor = binary.LittleEndian.Uint32(b[260:])
}

// Encode writes d to the first SizeofDevice bytes of b.
func (d *BinderfsDevice) Encode(b []byte) {
	_ = b[SizeofDevice-1]
	copy(b, d.Name[:])
	binary.LittleEndian.PutUint32(b[256:], d.Major)
	binary.LittleEndian.PutUint32(b[260:], d.Minor)
}
