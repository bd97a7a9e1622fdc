package devicefs

import "encoding/binary"

// This file is the part of <linux/fuse.h> that we speak ourselves; go-fuse speaks the rest.

var le = binary.LittleEndian

// Operations, enum fuse_opcode.
const (
	opForget      = 2  // FUSE_FORGET
	opOpen        = 14 // FUSE_OPEN
	opRelease     = 18 // FUSE_RELEASE
	opFlush       = 25 // FUSE_FLUSH
	opInit        = 26 // FUSE_INIT
	opInterrupt   = 36 // FUSE_INTERRUPT
	opDestroy     = 38 // FUSE_DESTROY
	opIoctl       = 39 // FUSE_IOCTL
	opPoll        = 40 // FUSE_POLL
	opBatchForget = 42 // FUSE_BATCH_FORGET
)

// Notifications, enum fuse_notify_code: in place of the error, with unique 0.
const (
	notifyPoll    = 1 // FUSE_NOTIFY_POLL
	notifyInvalid = 2 // FUSE_NOTIFY_INVAL_INODE
	notifyStore   = 4 // FUSE_NOTIFY_STORE
)

// pollSchedule is FUSE_POLL_SCHEDULE_NOTIFY, a flag of struct fuse_poll_in.
const pollSchedule = 1

// Sizes of structs.
const (
	sizeofInHeader  = 40 // struct fuse_in_header
	sizeofOutHeader = 16 // struct fuse_out_header
	sizeofIoctlIn   = 32 // struct fuse_ioctl_in
	sizeofIoctlOut  = 16 // struct fuse_ioctl_out
	sizeofPollOut   = 8  // struct fuse_poll_out
	sizeofStoreOut  = 24 // struct fuse_notify_store_out
	sizeofInitOut   = 64 // struct fuse_init_out
)

// header is struct fuse_in_header at the beginning of a request.
//
//	u32 len, u32 opcode, u64 unique, u64 nodeid, u32 uid, u32 gid, u32 pid, u16 total_extlen, u16 padding
type header []byte

func (h header) opcode() uint32 { return le.Uint32(h[4:]) }
func (h header) unique() uint64 { return le.Uint64(h[8:]) }
func (h header) uid() uint32    { return le.Uint32(h[24:]) } // of the file system, as the thread has it
func (h header) pid() int32     { return int32(le.Uint32(h[32:])) }

// handle is the fh that IOCTL, POLL, FLUSH and RELEASE begin with.
func (h header) handle() uint64 { return le.Uint64(h[sizeofInHeader:]) }

// ioctlIn is struct fuse_ioctl_in after the header.
//
//	u64 fh, u32 flags, u32 cmd, u64 arg, u32 in_size, u32 out_size
type ioctlIn []byte

func (i ioctlIn) command() uint32 { return le.Uint32(i[12:]) }
func (i ioctlIn) arg() uint64     { return le.Uint64(i[16:]) }
func (i ioctlIn) inSize() uint32  { return le.Uint32(i[24:]) }
func (i ioctlIn) outSize() uint32 { return le.Uint32(i[28:]) }

// putOutHeader writes struct fuse_out_header: u32 len, s32 error, u64 unique.
func putOutHeader(b []byte, length int, err int32, unique uint64) {
	le.PutUint32(b[0:], uint32(length))
	le.PutUint32(b[4:], uint32(err))
	le.PutUint64(b[8:], unique)
}
