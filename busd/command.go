package busd

import (
	"encoding/binary"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// commands is what a client can write, by ordinal. Each handler gets the command's argument, in
// full, and runs with the context locked unless it is marked unlocked. What it answers ends the
// ioctl; the command then does not count as consumed.
var commands = [maxCommand + 1]struct {
	command  ioctl.Command
	unlocked bool
	run      func(th *Thread, w *workspace, arg []byte) syscall.Errno
}{
	{ioctl.BC_TRANSACTION, true, bcTransaction},
	{ioctl.BC_REPLY, true, bcReply},
	{ioctl.BC_ACQUIRE_RESULT, false, bcUnsupported},
	{ioctl.BC_FREE_BUFFER, false, bcFreeBuffer},
	{ioctl.BC_INCREFS, false, bcIncrefs},
	{ioctl.BC_ACQUIRE, false, bcAcquire},
	{ioctl.BC_RELEASE, false, bcRelease},
	{ioctl.BC_DECREFS, false, bcDecrefs},
	{ioctl.BC_INCREFS_DONE, false, bcIncrefsDone},
	{ioctl.BC_ACQUIRE_DONE, false, bcAcquireDone},
	{ioctl.BC_ATTEMPT_ACQUIRE, false, bcUnsupported},
	{ioctl.BC_REGISTER_LOOPER, false, bcRegisterLooper},
	{ioctl.BC_ENTER_LOOPER, false, bcEnterLooper},
	{ioctl.BC_EXIT_LOOPER, false, bcExitLooper},
	{ioctl.BC_REQUEST_DEATH_NOTIFICATION, false, bcRequestDeath},
	{ioctl.BC_CLEAR_DEATH_NOTIFICATION, false, bcClearDeath},
	{ioctl.BC_DEAD_BINDER_DONE, false, bcDeadBinderDone},
	{ioctl.BC_TRANSACTION_SG, true, bcTransactionSG},
	{ioctl.BC_REPLY_SG, true, bcReplySG},
	{ioctl.BC_REQUEST_FREEZE_NOTIFICATION, false, bcRequestFreeze},
	{ioctl.BC_CLEAR_FREEZE_NOTIFICATION, false, bcClearFreeze},
	{ioctl.BC_FREEZE_NOTIFICATION_DONE, false, bcFreezeDone},
}

// write carries out the commands of a BINDER_WRITE_READ until one fails or leaves an error for
// the thread to read. It keeps WriteConsumed up to date.
func (th *Thread) write(c *Call) syscall.Errno {
	w := workspaces.Get().(*workspace)
	defer w.put()
	ctx, wr := th.proc.ctx, &c.state.wr
	in := commandStream{mem: th.proc.memory, tid: th.tid, base: wr.WriteBuffer, pos: wr.WriteConsumed, size: wr.WriteSize, store: w.commands[:], guess: th.guess, ahead: &w.ahead}
	w.ahead.n = 0
	for n := 1; in.left() > 0 && !c.state.stop; n++ {
		if n%longWrite == 0 && th.interrupted(c) {
			return syscall.EINTR
		}
		at := in.pos
		head, errno := in.take(4)
		if errno != 0 {
			return errno
		}
		cmd := ioctl.Command(binary.LittleEndian.Uint32(head))
		n := ioctl.Number(cmd).Ordinal()
		th.proc.commanded(n)
		if n >= len(commands) || commands[n].command != cmd {
			return syscall.EINVAL
		}
		arg, errno := in.take(cmd.Size())
		if errno == 0 {
			row := &commands[n]
			if row.unlocked {
				errno = row.run(th, w, arg)
			} else {
				ctx.mu.Lock()
				if errno = syscall.EINTR; !th.dead {
					errno = row.run(th, w, arg)
				}
				ctx.mu.Unlock()
			}
		}
		if errno != 0 {
			wr.WriteConsumed = at
			return errno
		}
		wr.WriteConsumed = in.pos
	}
	return 0
}

// longWrite is how many commands are carried out before it is asked whether the client still waits
// for them. Without that a client that is being killed could keep a goroutine busy for ever.
const longWrite = 4096

func (th *Thread) interrupted(c *Call) bool {
	ctx := th.proc.ctx
	ctx.mu.Lock()
	defer ctx.mu.Unlock()
	return c.Interrupted
}

// A commandStream reads a client's commands from its memory, a piece at a time. A command that
// begins before the end of the client's buffer is read in full, even past that end.
type commandStream struct {
	mem       Memory
	tid       ThreadID
	base      ioctl.Address
	pos, size uint64 // bytes taken, bytes there are
	buf       []byte // read and not yet taken: the end of what store was filled with
	store     []byte

	guess guess // what to read ahead with the first commands
	ahead *ahead
}

// left is how many bytes there are up to the end of the client's buffer. The driver compares addresses,
// so that what they are when they wrap counts.
func (s *commandStream) left() uint64 {
	at, end := uint64(s.base)+s.pos, uint64(s.base)+s.size
	return end - min(end, at)
}

// take answers the next n bytes, which stay good until the next take.
func (s *commandStream) take(n int) ([]byte, syscall.Errno) {
	if len(s.buf) < n {
		if errno := s.fill(n); errno != 0 {
			return nil, errno
		}
	}
	b := s.buf[:n]
	s.buf = s.buf[n:]
	s.pos += uint64(n)
	return b, 0
}

// fill reads on from the client's memory, until at least n bytes are there.
func (s *commandStream) fill(n int) syscall.Errno {
	have := copy(s.store, s.buf)
	want := n
	if left := s.left(); left > uint64(want) {
		want = int(min(left, uint64(len(s.store))))
	}
	from := s.base + ioctl.Address(s.pos) + ioctl.Address(have)
	var got int
	if g := &s.guess; g.sure {
		s.ahead.at = g.at
		got, s.ahead.n = s.mem.ReadBoth(s.tid, s.store[have:want], from, s.ahead.data[:g.size], g.at)
		g.sure = false
	} else {
		got, _ = s.mem.Read(s.tid, s.store[have:want], from)
	}
	s.buf = s.store[:have+got]
	if len(s.buf) < n {
		return syscall.EFAULT
	}
	return 0
}

func bcUnsupported(*Thread, *workspace, []byte) syscall.Errno { return syscall.EINVAL }

func bcFreeBuffer(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	th.freeBufferAt(ioctl.Address(binary.LittleEndian.Uint64(arg)))
	return 0
}

func bcIncrefs(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.incHandle(arg, false)
}

func bcAcquire(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.incHandle(arg, true)
}

func bcRelease(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.decHandle(arg, true)
}

func bcDecrefs(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.decHandle(arg, false)
}

// incHandle takes a hold of a handle. The driver passes over one that is not there.
func (th *Thread) incHandle(arg []byte, strong bool) syscall.Errno {
	p, h := th.proc, refcount.Handle(binary.LittleEndian.Uint32(arg))
	r, err := p.table.IncHandle(h, strong)
	switch {
	case err == refcount.ErrManagerItself:
		return syscall.EINVAL
	case err == nil && r.Strong+r.Weak == 1:
		p.ctx.bus.stats.created[statRef].Add(1)
	}
	return 0
}

func (th *Thread) decHandle(arg []byte, strong bool) syscall.Errno {
	p, h := th.proc, refcount.Handle(binary.LittleEndian.Uint32(arg))
	if _, d, err := p.table.DecHandle(h, strong); err == nil {
		p.ctx.dropped(&d)
	}
	return 0
}

func bcIncrefsDone(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.acknowledge(arg, false)
}

func bcAcquireDone(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.acknowledge(arg, true)
}

// acknowledge hears that the owner has taken the hold it was told to take.
func (th *Thread) acknowledge(arg []byte, strong bool) syscall.Errno {
	var pc ioctl.PtrCookie
	pc.Decode(arg)
	p := th.proc
	if n, c, _ := p.table.Done(refcount.Pointer(pc.Pointer), refcount.Cookie(pc.Cookie), strong); n != nil {
		p.ctx.changed(n, c, nil)
	}
	return 0
}

func bcRegisterLooper(th *Thread, _ *workspace, _ []byte) syscall.Errno {
	p := th.proc
	switch {
	case th.looper&looperEntered != 0, p.requested == 0:
		th.looper |= looperInvalid
	default:
		p.requested--
		p.started++
	}
	th.looper |= looperRegistered
	return 0
}

func bcEnterLooper(th *Thread, _ *workspace, _ []byte) syscall.Errno {
	if th.looper&looperRegistered != 0 {
		th.looper |= looperInvalid
	}
	th.looper |= looperEntered
	return 0
}

func bcExitLooper(th *Thread, _ *workspace, _ []byte) syscall.Errno {
	th.looper |= looperExited
	return 0
}

func bcRequestDeath(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	var hc ioctl.HandleCookie
	hc.Decode(arg)
	th.proc.requestDeath(hc.Handle, hc.Cookie)
	return 0
}

func bcClearDeath(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	var hc ioctl.HandleCookie
	hc.Decode(arg)
	th.clearDeath(hc.Handle, hc.Cookie)
	return 0
}

func bcDeadBinderDone(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	th.deathDone(ioctl.Cookie(binary.LittleEndian.Uint64(arg)))
	return 0
}

func bcRequestFreeze(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	var hc ioctl.HandleCookie
	hc.Decode(arg)
	return th.proc.requestFreeze(hc.Handle, hc.Cookie)
}

func bcClearFreeze(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	var hc ioctl.HandleCookie
	hc.Decode(arg)
	return th.proc.clearFreeze(hc.Handle, hc.Cookie)
}

func bcFreezeDone(th *Thread, _ *workspace, arg []byte) syscall.Errno {
	return th.proc.freezeDone(ioctl.Cookie(binary.LittleEndian.Uint64(arg)))
}

func bcTransaction(th *Thread, w *workspace, arg []byte) syscall.Errno {
	return th.transact(w, arg, false, 0)
}

func bcReply(th *Thread, w *workspace, arg []byte) syscall.Errno {
	return th.transact(w, arg, true, 0)
}

func bcTransactionSG(th *Thread, w *workspace, arg []byte) syscall.Errno {
	return th.transact(w, arg, false, binary.LittleEndian.Uint64(arg[ioctl.SizeofTransactionData:]))
}

func bcReplySG(th *Thread, w *workspace, arg []byte) syscall.Errno {
	return th.transact(w, arg, true, binary.LittleEndian.Uint64(arg[ioctl.SizeofTransactionData:]))
}
