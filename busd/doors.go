package busd

import (
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// This file is the broker's border. Everything the broker knows of the world comes in through
// the methods of Bus, Context and Process, and everything it does to the world goes out through
// the four interfaces below, which an edge (the FUSE file system, a test) provides.
//
// None of the out-going methods is called with a broker lock held. Those of Memory, Area and
// Files may block for as long as a client likes: the broker's goroutine waits, other goroutines
// go on (see Bus.Drain).

// ThreadID is a thread's number in the broker's own pid namespace (the pid of a FUSE header).
type ThreadID int32

// ProcessID is a process's number in the broker's own pid namespace.
type ProcessID int32

// A NamespacePID is what a process is called in one pid namespace.
type NamespacePID struct {
	Namespace uint64 // inode number of the pid namespace
	PID       int32
}

// Identity says who opened a device, as it was when the file was opened; the driver likewise
// keeps the opener's identity however far the descriptor travels. Of it, the euid alone follows the
// opener's changes: see Process.SetEUID.
type Identity struct {
	PID      ProcessID
	EUID     uint32
	Security string // the opener's security label, "" where the machine has none: Unlabelled

	// PIDs names the process in each pid namespace it is visible in, outermost first; the last
	// one is the namespace it lives in. The broker tells a sender's pid as the receiver's
	// namespace knows it, and 0 where it does not.
	PIDs []NamespacePID

	// UIDs tells how the process's user namespace calls the uids of the broker's; nil where they
	// are one and the same. The broker tells a sender's euid as the receiver's namespace knows it.
	UIDs UIDMap
}

// A UIDMap is a user namespace's view of another's uids: the lines of /proc/PID/uid_map.
type UIDMap []UIDRange

// A UIDRange maps Count uids.
type UIDRange struct{ Inside, Outside, Count uint32 }

// NoUID is the name of a uid that a user namespace does not know, as from_kuid of the kernel has it.
const NoUID = ^uint32(0)

// Inside is what the namespace calls a uid from outside, NoUID where it has no name for it.
func (m UIDMap) Inside(uid uint32) uint32 {
	if m == nil {
		return uid
	}
	for _, r := range m {
		if uid >= r.Outside && uid-r.Outside < r.Count {
			return r.Inside + (uid - r.Outside)
		}
	}
	return NoUID
}

// Unlabelled is the security context of a sender whose machine has no labels, for receivers that
// asked for one (FLAT_BINDER_FLAG_TXN_SECURITY_CTX). It has the form of SELinux's on Android. The
// driver fails such calls instead.
const Unlabelled = "u:r:unlabelled:s0"

// Memory is a client's address space. Threads may read it at the same time.
type Memory interface {
	// Read fills dst from the client's memory at from, through the thread tid. It returns how
	// many bytes it read before the first that could not be, and EFAULT (or ESRCH) then.
	Read(tid ThreadID, dst []byte, from ioctl.Address) (int, syscall.Errno)

	// ReadBoth is two Reads for little more than the price of one. The second begins where the
	// first was complete only, and may be left out altogether.
	ReadBoth(tid ThreadID, dst []byte, from ioctl.Address, dst2 []byte, from2 ioctl.Address) (n, n2 int)

	// Write stores src in the client's memory at to; otherwise like Read.
	Write(tid ThreadID, src []byte, to ioctl.Address) (int, syscall.Errno)

	// Map finds the receive area that the client has mapped, and the broker's own view of it.
	// Before the client's mmap it answers nil; the broker asks again when it next needs it.
	Map(tid ThreadID) Area
}

// Area is a client's receive area: what the client mapped from the device, at most 4 MiB.
type Area interface {
	// Address is where the client sees the area.
	Address() ioctl.Address

	// Bytes is the broker's view: written here, then published. The broker never reads it back.
	Bytes() []byte

	// Publish makes bytes [off, off+n) visible to the client.
	Publish(off, n int)

	// Discard tells that nobody needs bytes [off, off+n) any longer, so that their memory can go
	// back to the system. Their content is undefined afterwards.
	Discard(off, n int)

	// Close tells that the broker uses the area no longer: its process was released, and
	// nobody copies into it any more.
	Close()
}

// A File is a descriptor on its way from one client to another, held by the broker.
type File interface {
	Close()
}

// Files is a client's descriptor table.
type Files interface {
	// Take duplicates descriptor fd out of the client, or answers EBADF.
	Take(tid ThreadID, fd uint32) (File, syscall.Errno)

	// Give gives files to the client, in order, and writes to fds what stands for them in the
	// parcel. If it has installed them, that is their new numbers; otherwise they have gone
	// another way (over the client's socket), and are the client's to install and to close.
	// buffer is the address of the receive buffer they belong to. On error none stays installed.
	// The broker closes the files afterwards, whatever the answer.
	Give(tid ThreadID, buffer ioctl.Address, files []File, fds []uint32) (installed bool, errno syscall.Errno)

	// Withdraw closes descriptors of the client's, by their numbers, those that are open. It is
	// done by the thread tid, which is in a BINDER_WRITE_READ, and before Withdraw returns. Where
	// the thread cannot be made to do that, they stay open.
	Withdraw(tid ThreadID, fds []uint32)

	// SetSocket makes the socket that the client knows as fd the way of Give
	// (ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET).
	SetSocket(tid ThreadID, fd int32) syscall.Errno
}

// Priorities is the nice values of a client's threads. Its methods do not block.
type Priorities interface {
	// Nice is a thread's nice value; false: there is no such thread.
	Nice(tid ThreadID) (int8, bool)

	// SetNice gives a thread a nice value, as far as its process may have that: otherwise the
	// lowest that it may, or none. Where the broker may not, nothing happens.
	SetNice(tid ThreadID, nice int8)
}

// A Watcher hears about readiness. The edge provides one for each process.
type Watcher interface {
	// Ready tells that a Poll which answered 0 might answer otherwise now.
	Ready()
}

// A Client is what the edge hands over when a device is opened.
type Client struct {
	Identity
	Memory  Memory
	Files   Files
	Watcher Watcher

	Priorities Priorities // nil: all are 0
	Lending    Lending    // LendNone without Priorities
	Nice       int8       // of the thread that opened the device
}

// A Replier answers calls. It is called once for each call, from any goroutine, and must not
// call back into the broker. The call's Arg holds the bytes to return; result is 0 or a negative
// errno (also with -EINTR the bytes count: they say what was consumed).
type Replier interface {
	Reply(c *Call, result int32)
}

// A Call is one ioctl from its arrival to its reply. The edge owns its memory, fills in the
// exported fields, passes it to Process.Ioctl, and may use it again after Reply.
type Call struct {
	Thread   ThreadID
	Request  ioctl.Request
	Arg      []byte // the inline bytes: in, and in place out. Holds Request.Size() bytes.
	Nonblock bool   // the file was opened with O_NONBLOCK
	// Interrupted says that the call must not park: its FUSE_INTERRUPT came before it.
	Interrupted bool
	Replier     Replier

	state callState
}

// A Clock rings when a time has passed. The broker has no clock of its own.
type Clock interface {
	// AfterFunc calls ring, once and from a goroutine of its own, when d has passed, unless stop
	// is called before.
	AfterFunc(d time.Duration, ring func()) (stop func())
}

// Events that Process.Poll tells, as in <poll.h>.
const (
	PollIn  = 0x1
	PollErr = 0x8
)
