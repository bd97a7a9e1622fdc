package binder

import (
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
)

// The codes of a service's own methods (IBinder.h).
const (
	FIRST_CALL_TRANSACTION ioctl.Code = 0x00000001
	LAST_CALL_TRANSACTION  ioctl.Code = 0x00ffffff
)

// The codes that every object knows, B_PACK_CHARS of their letters (IBinder.h). Objects of this
// package answer them by themselves, SHELL_COMMAND_TRANSACTION if the Service is a Sheller.
const (
	PING_TRANSACTION          ioctl.Code = '_'<<24 | 'P'<<16 | 'N'<<8 | 'G' // nothing; an answer is enough
	DUMP_TRANSACTION          ioctl.Code = '_'<<24 | 'D'<<16 | 'M'<<8 | 'P' // descriptor, int32 n, n String16: write a description
	SHELL_COMMAND_TRANSACTION ioctl.Code = '_'<<24 | 'C'<<16 | 'M'<<8 | 'D' // 3 descriptors, int32 n, n String16, two binders
	INTERFACE_TRANSACTION     ioctl.Code = '_'<<24 | 'N'<<16 | 'T'<<8 | 'F' // String16: the interface's name
	SYSPROPS_TRANSACTION      ioctl.Code = '_'<<24 | 'S'<<16 | 'P'<<8 | 'R' // system properties changed
	EXTENSION_TRANSACTION     ioctl.Code = '_'<<24 | 'E'<<16 | 'X'<<8 | 'T' // a binder: the object's extension, or null
	DEBUG_PID_TRANSACTION     ioctl.Code = '_'<<24 | 'P'<<16 | 'I'<<8 | 'D' // int32: the owner's pid
)

// codeName is c as people know it: '_PNG' or a number.
func codeName(c ioctl.Code) string {
	if c > LAST_CALL_TRANSACTION && c>>24 == '_' {
		return fmt.Sprintf("'%c%c%c%c'", c>>24, c>>16&0xff, c>>8&0xff, c&0xff)
	}
	return fmt.Sprint(uint32(c))
}
