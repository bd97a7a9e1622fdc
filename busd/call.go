package busd

import (
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// callPhase is where a BINDER_WRITE_READ stands.
type callPhase uint8

const (
	active callPhase = iota // its goroutine works on it
	parked                  // waits for work
	ready                   // in the context's ready queue
)

// callState is the broker's part of a Call, guarded by the context's lock unless active.
type callState struct {
	thread   *Thread
	next     *Call // in ready
	phase    callPhase
	waitProc bool // may take work of the process
	stop     bool // no more commands: one has failed and the thread has not read so yet
	result   int32
	wr       ioctl.WriteRead
	out      []byte // the BR_ stream
	stored   int    // bytes of it that are in the client's memory
	noStart  bool   // the start of the client's buffer, which is not that of the stream, cannot be written
	inline   [160]byte
	work     *transaction // delivered by out, not yet committed
	reading  reading
	freezing *freezing // what the call waits for, if it is a BINDER_FREEZE
}

// callQueue is the calls that can be delivered, oldest first.
type callQueue struct{ first, last *Call }

func (q *callQueue) push(c *Call) {
	if q.last != nil {
		q.last.state.next = c
	} else {
		q.first = c
	}
	q.last = c
}

// pushFront is for a call that is to be delivered before those that wait for it already.
func (q *callQueue) pushFront(c *Call) {
	c.state.next = q.first
	q.first = c
	if q.last == nil {
		q.last = c
	}
}

// mayHold says whether a call of p is in q. It looks at a few only: a queue is seldom longer.
func (q *callQueue) mayHold(p *Process) bool {
	n := 0
	for c := q.first; c != nil; c = c.state.next {
		if n++; n > 16 || c.state.thread.proc == p {
			return true
		}
	}
	return false
}

func (q *callQueue) pop() *Call {
	c := q.first
	if c != nil {
		if q.first = c.state.next; q.first == nil {
			q.last = nil
		}
		c.state.next = nil
	}
	return c
}

// Ioctl carries out one ioctl. It replies before it returns, or parks c and replies later.
func (p *Process) Ioctl(c *Call) {
	ctx := p.ctx
	ctx.mu.Lock()
	if p.dead || ctx.down {
		ctx.mu.Unlock()
		c.Replier.Reply(c, -int32(syscall.ECONNREFUSED))
		return
	}
	th := p.thread(c.Thread)
	if th.call != nil { // no thread is in two ioctls at once
		ctx.mu.Unlock()
		c.Replier.Reply(c, -int32(syscall.EBUSY))
		return
	}
	th.call = c
	th.niceIs = th.niceIs.next()
	c.state.thread, c.state.phase, c.state.result, c.state.work = th, active, 0, nil
	c.state.stop = th.callError.code != 0
	ctx.mu.Unlock()

	if c.Request == ioctl.BINDER_WRITE_READ && len(c.Arg) >= ioctl.SizeofWriteRead {
		th.writeRead(c)
		return
	}
	if c.Request == ioctl.BINDER_FREEZE && len(c.Arg) >= ioctl.SizeofFreezeInfo {
		th.freeze(c)
		ctx.drain()
		return
	}
	errno := p.request(th, c)
	ctx.mu.Lock()
	th.endCall()
	ctx.mu.Unlock()
	c.Replier.Reply(c, -int32(errno))
	ctx.drain()
}

// endCall is the end of any ioctl of the thread.
func (th *Thread) endCall() {
	th.needReturn = false
	th.call = nil
}

// writeRead is BINDER_WRITE_READ: the commands first, then the wait.
func (th *Thread) writeRead(c *Call) {
	s, ctx := &c.state, th.proc.ctx
	s.wr.Decode(c.Arg)
	if s.wr.WriteSize > 0 {
		if errno := th.write(c); errno != 0 {
			s.wr.ReadConsumed = 0
			s.result = -int32(errno)
		}
	}
	if s.result == 0 && s.wr.ReadSize > 0 {
		s.result = th.probe(c)
	}
	ctx.mu.Lock()
	if s.result == 0 && s.wr.ReadSize > 0 {
		th.ownNice()
		th.wait(c)
	} else {
		s.phase = ready
		ctx.ready.push(c)
	}
	ctx.mu.Unlock()
	ctx.drain()
}

// probe answers EFAULT for a read buffer that cannot be written, before anything waits for it, as
// the driver does. A buffer that could be written the last time is not tried again.
func (th *Thread) probe(c *Call) int32 {
	wr := &c.state.wr
	if wr.ReadConsumed != 0 || (wr.ReadBuffer == th.goodRead && wr.ReadBuffer != 0) {
		return 0
	}
	noop := c.state.inline[:4]
	putReturn(noop, ioctl.BR_NOOP)
	if n, _ := th.proc.memory.Write(th.tid, noop, wr.ReadBuffer); n < len(noop) {
		return -int32(syscall.EFAULT)
	}
	th.goodRead, th.goodSize = wr.ReadBuffer, uint64(len(noop))
	return 0
}

// wait parks the call or, when there is something to return, makes it ready.
func (th *Thread) wait(c *Call) {
	s, ctx := &c.state, th.proc.ctx
	s.waitProc = th.idle()
	switch {
	case ctx.down:
		s.result = -int32(syscall.ECONNREFUSED)
	case th.dead:
		s.result = -int32(syscall.EINTR)
	case th.hasWork(s.waitProc):
	case c.Nonblock:
		s.result = -int32(syscall.EAGAIN)
	case c.Interrupted:
		s.result = -int32(syscall.EINTR)
	case !charge(&th.proc.user.parked, 1, ctx.bus.limits.ParkedCalls):
		s.result = -int32(syscall.EAGAIN)
	default:
		th.park(c)
		return
	}
	s.phase = ready
	if p := th.proc; !p.todo.empty() || ctx.ready.mayHold(p) {
		// In the driver a thread that is there goes on before those that it has just woken can come:
		// it takes its process's work, or finds that there still is some and wakes one more for it.
		ctx.ready.pushFront(c)
		return
	}
	// To other processes it makes no difference, and who was woken is answered sooner.
	ctx.ready.push(c)
}

// Interrupt ends the wait of c, which has not been replied to yet (a signal came): EINTR.
// The edge makes sure that c is not replied to and used again meanwhile.
func (p *Process) Interrupt(c *Call) {
	ctx := p.ctx
	ctx.mu.Lock()
	c.Interrupted = true
	if th := c.state.thread; th != nil && th.call == c {
		th.endWait(-int32(syscall.EINTR))
	}
	ctx.mu.Unlock()
	ctx.drain()
}

// deliver ends a ready call: the BR_ stream goes to the client's memory, the call is replied to.
func (ctx *Context) deliver(c *Call) {
	s := &c.state
	th := s.thread
	p := th.proc
	if s.freezing != nil {
		s.freezing.resume(s.result)
		return
	}
	if s.result == 0 && s.wr.ReadSize > 0 {
		if !th.read(c) {
			return // parked again
		}
		if s.result == 0 {
			if s.work != nil {
				th.borrow(s.work)
			}
			if th.store(c) {
				s.wr.ReadConsumed += uint64(len(s.out))
			} else {
				s.result = -int32(syscall.EFAULT)
			}
		}
	}
	s.wr.Encode(c.Arg)

	ctx.mu.Lock()
	if t := s.work; t != nil {
		s.work = nil
		th.commit(t, s.result == 0)
	}
	if s.result == 0 && s.wr.ReadSize > 0 && s.noStart {
		s.result = -int32(syscall.EFAULT) // but all was read
	}
	if s.wr.ReadSize > 0 && !p.todo.empty() {
		p.wakeOne()
	}
	th.endCall()
	ctx.mu.Unlock()
	if cap(s.out) > 4096 {
		s.out = nil
	}
	c.Replier.Reply(c, s.result)
}

// store writes what of the BR_ stream is not in the client's memory yet, and says whether it could.
func (th *Thread) store(c *Call) bool {
	s := &c.state
	piece := s.out[s.stored:]
	if len(piece) == 0 {
		return true
	}
	if n, _ := th.proc.memory.Write(th.tid, piece, s.wr.ReadBuffer+ioctl.Address(s.wr.ReadConsumed)+ioctl.Address(s.stored)); n < len(piece) {
		th.goodRead, th.goodSize = 0, 0
		return false
	}
	s.stored = len(s.out)
	if s.wr.ReadConsumed == 0 && s.wr.ReadBuffer == th.goodRead {
		th.goodSize = max(th.goodSize, uint64(s.stored))
	}
	return true
}

// sureToStore says whether the stream so far can be left for later, since there was room for as
// much the last time.
func (th *Thread) sureToStore(c *Call) bool {
	s := &c.state
	return s.wr.ReadConsumed == 0 && s.wr.ReadBuffer == th.goodRead && uint64(len(s.out)) <= th.goodSize
}
