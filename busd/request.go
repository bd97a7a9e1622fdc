package busd

import (
	"encoding/binary"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// requests are the ioctls other than BINDER_WRITE_READ. Handlers find the argument in c.Arg and
// leave the answer there; they run with the context unlocked.
var requests = map[ioctl.Request]func(th *Thread, c *Call) syscall.Errno{
	ioctl.BINDER_SET_MAX_THREADS:              setMaxThreads,
	ioctl.BINDER_SET_CONTEXT_MGR:              setContextManager,
	ioctl.BINDER_SET_CONTEXT_MGR_EXT:          setContextManagerExt,
	ioctl.BINDER_THREAD_EXIT:                  threadExit,
	ioctl.BINDER_VERSION:                      version,
	ioctl.BINDER_GET_NODE_DEBUG_INFO:          nodeDebugInfo,
	ioctl.BINDER_GET_NODE_INFO_FOR_REF:        nodeInfoForRef,
	ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION: enableSpamDetection,
	ioctl.BINDER_GET_EXTENDED_ERROR:           getExtendedError,
	ioctl.BINDER_GET_FROZEN_INFO:              frozenInfo,
	ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET:    setDescriptorSocket,
}

// request carries out an ioctl. One that nobody knows, or whose argument is not what its number
// says, is EINVAL.
func (p *Process) request(th *Thread, c *Call) syscall.Errno {
	run := requests[c.Request]
	if run == nil || len(c.Arg) < c.Request.Size() {
		return syscall.EINVAL
	}
	return run(th, c)
}

func setMaxThreads(th *Thread, c *Call) syscall.Errno {
	ctx := th.proc.ctx
	ctx.mu.Lock()
	th.proc.maxThreads = binary.LittleEndian.Uint32(c.Arg)
	ctx.mu.Unlock()
	return 0
}

func setContextManager(th *Thread, _ *Call) syscall.Errno {
	return th.proc.ctx.setManager(th.proc, nil)
}

func setContextManagerExt(th *Thread, c *Call) syscall.Errno {
	var o ioctl.FlatObject
	o.Decode(c.Arg)
	return th.proc.ctx.setManager(th.proc, &o)
}

func threadExit(th *Thread, _ *Call) syscall.Errno {
	ctx := th.proc.ctx
	ctx.mu.Lock()
	th.abandon()
	th.release()
	ctx.mu.Unlock()
	return 0
}

func version(_ *Thread, c *Call) syscall.Errno {
	binary.LittleEndian.PutUint32(c.Arg, ioctl.ProtocolVersion)
	return 0
}

func nodeDebugInfo(th *Thread, c *Call) syscall.Errno {
	var i ioctl.NodeDebugInfo
	i.Decode(c.Arg)
	ctx := th.proc.ctx
	ctx.mu.Lock()
	n := th.proc.table.NodeAfter(refcount.Pointer(i.Pointer))
	i = ioctl.NodeDebugInfo{}
	if n != nil {
		counts := n.Counts()
		i.Pointer, i.Cookie = ioctl.Pointer(n.Pointer), ioctl.Cookie(n.Cookie)
		i.HasStrongRef, i.HasWeakRef = bit(counts.HasStrong), bit(counts.HasWeak)
	}
	ctx.mu.Unlock()
	i.Encode(c.Arg)
	return 0
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// nodeInfoForRef answers the context manager only.
func nodeInfoForRef(th *Thread, c *Call) syscall.Errno {
	var i ioctl.NodeInfoForRef
	i.Decode(c.Arg)
	if i.StrongCount != 0 || i.WeakCount != 0 || i.Reserved != [3]uint32{} {
		return syscall.EINVAL
	}
	p, ctx := th.proc, th.proc.ctx
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	if m := ctx.ledger.Manager(); m == nil || m.Owner != p.table {
		return syscall.EPERM
	}
	ref, err := p.table.StrongRef(refcount.Handle(i.Handle))
	if err != nil {
		return syscall.EINVAL
	}
	counts := ref.Node.Counts()
	i.StrongCount = uint32(counts.LocalStrong + counts.InternalStrong)
	i.WeakCount = uint32(counts.LocalWeak)
	i.Encode(c.Arg)
	return 0
}

func enableSpamDetection(th *Thread, c *Call) syscall.Errno {
	ctx := th.proc.ctx
	ctx.mu.Lock()
	th.proc.spamDetection = binary.LittleEndian.Uint32(c.Arg) != 0
	ctx.mu.Unlock()
	return 0
}

// getExtendedError tells about the thread's last transaction, once.
func getExtendedError(th *Thread, c *Call) syscall.Errno {
	ctx := th.proc.ctx
	ctx.mu.Lock()
	e := th.extended
	th.extended = ioctl.ExtendedError{Command: ioctl.BR_OK}
	ctx.mu.Unlock()
	e.Encode(c.Arg)
	return 0
}

// setDescriptorSocket is ours: see ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET.
func setDescriptorSocket(th *Thread, c *Call) syscall.Errno {
	return th.proc.files.SetSocket(th.tid, int32(binary.LittleEndian.Uint32(c.Arg)))
}
