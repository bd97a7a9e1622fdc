package busd

import (
	"cmp"
	"slices"
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// A frozen process is called by nobody: a call to it fails at once with BR_FROZEN_REPLY, and a
// oneway call waits, BR_TRANSACTION_PENDING_FROZEN. The broker only keeps the books; it is the
// system's freezer that stops the process.
type frozenState struct {
	isFrozen  bool
	syncRecv  bool        // a call came since it was frozen last
	asyncRecv bool        // a oneway call came
	freezers  []*freezing // who waits until nothing is outstanding
}

// A freezing is a BINDER_FREEZE that freezes: all opens of a process, one after the other. Where
// calls are under way it waits for their end, up to a time for each open.
type freezing struct {
	th      *Thread // who asked
	call    *Call
	timeout time.Duration
	targets []*Process // the first is the one at work
	stop    func()     // the clock; nil while it does not run

	// Guarded by the lock of th's context:
	waitsFor *Process // nil while it does not wait
	settled  bool     // waitsFor has nothing outstanding, or the time is over
}

// A settlement is the end of a wait for a process.
type settlement struct {
	freezing *freezing
	target   *Process
}

// opensOf lists the opens of a process, in all devices, the youngest first. As in the driver, the
// number is the one that the broker knows the process by.
func (b *Bus) opensOf(pid ProcessID) []*Process {
	var opens []*Process
	for _, c := range b.allContexts() {
		c.mu.Lock()
		for p := c.procs.first; p != nil; p = p.next {
			if p.id.PID == pid {
				opens = append(opens, p)
			}
		}
		c.mu.Unlock()
	}
	slices.SortFunc(opens, func(p, q *Process) int { return cmp.Compare(q.age, p.age) })
	return opens
}

// frozenInfo is BINDER_GET_FROZEN_INFO.
func frozenInfo(th *Thread, c *Call) syscall.Errno {
	var s ioctl.FrozenStatus
	s.Decode(c.Arg)
	opens := th.proc.ctx.bus.opensOf(ProcessID(int32(s.PID)))
	if len(opens) == 0 {
		return syscall.EINVAL
	}
	s.SyncRecv, s.AsyncRecv = 0, 0
	for _, p := range opens {
		p.ctx.mu.Lock()
		s.SyncRecv |= bit(p.syncRecv) | bit(p.pending())<<1
		s.AsyncRecv |= bit(p.asyncRecv)
		p.ctx.mu.Unlock()
	}
	s.Encode(c.Arg)
	return 0
}

// pending says whether transactions of the process are under way: to it, or by it.
func (p *Process) pending() bool {
	if p.outstanding > 0 {
		return true
	}
	for _, th := range p.threads {
		if th.stack != nil {
			return true
		}
	}
	return false
}

// freeze is BINDER_FREEZE. It replies itself, now or later.
func (th *Thread) freeze(c *Call) {
	var info ioctl.FreezeInfo
	info.Decode(c.Arg)
	f := &freezing{
		th: th, call: c, timeout: time.Duration(info.TimeoutMS) * time.Millisecond,
		targets: th.proc.ctx.bus.opensOf(ProcessID(int32(info.PID))),
	}
	switch {
	case len(f.targets) == 0:
		f.end(-int32(syscall.EINVAL))
	case info.Enable == 0:
		for _, p := range f.targets {
			p.ctx.mu.Lock()
			p.setFrozen(false)
			p.ctx.mu.Unlock()
			p.tellFrozen(false)
		}
		f.end(0)
	default:
		f.next()
	}
}

// next freezes the targets until it has to wait for one.
func (f *freezing) next() {
	for ; len(f.targets) > 0; f.targets = f.targets[1:] {
		if !f.begin() {
			return
		}
		if result := f.finish(0); result != 0 {
			f.end(result)
			return
		}
	}
	f.end(0)
}

// begin freezes the first target. It answers false when it parked the call.
func (f *freezing) begin() bool {
	p, th, c := f.targets[0], f.th, f.call
	ctx := th.proc.ctx
	ctx.mu.Lock()
	f.waitsFor, f.settled = p, false
	ctx.mu.Unlock()

	p.ctx.mu.Lock()
	p.setFrozen(!p.dead)
	wait := f.timeout > 0 && p.outstanding > 0 && !p.dead
	if wait {
		p.freezers = append(p.freezers, f)
	}
	p.ctx.mu.Unlock()
	if !wait {
		return true
	}
	if clock := ctx.bus.clock; clock != nil {
		f.stop = clock.AfterFunc(f.timeout, func() {
			f.settle(p)
			ctx.drain()
		})
	}
	ctx.mu.Lock()
	s := &c.state
	s.result, s.freezing = 0, f
	switch {
	case ctx.down:
		s.result = -int32(syscall.ECONNREFUSED)
	case f.settled:
	case c.Interrupted, th.dead:
		s.result = -int32(syscall.EINTR)
	case !charge(&th.proc.user.parked, 1, ctx.bus.limits.ParkedCalls):
		s.result = -int32(syscall.EAGAIN)
	default:
		s.waitProc, s.phase = false, parked
		ctx.mu.Unlock()
		return false
	}
	s.phase = ready
	ctx.ready.push(c)
	ctx.mu.Unlock()
	return false
}

// settle ends the wait for p. Called without a lock.
func (f *freezing) settle(p *Process) {
	ctx := f.th.proc.ctx
	ctx.mu.Lock()
	if f.waitsFor == p {
		f.settled = true
		if f.call.state.freezing == f {
			f.th.endWait(0)
		}
	}
	ctx.mu.Unlock()
}

// resume goes on after a wait. result is not 0 if something else than the target ended it.
func (f *freezing) resume(result int32) {
	ctx := f.th.proc.ctx
	ctx.mu.Lock()
	f.waitsFor, f.call.state.freezing, f.call.state.phase = nil, nil, active
	ctx.mu.Unlock()
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	p := f.targets[0]
	p.ctx.mu.Lock()
	if i := slices.Index(p.freezers, f); i >= 0 {
		p.freezers = slices.Delete(p.freezers, i, i+1)
	}
	p.ctx.mu.Unlock()
	if result = f.finish(result); result != 0 {
		f.end(result)
		return
	}
	f.targets = f.targets[1:]
	f.next()
}

// finish makes the first target frozen for good or, when transactions are still under way or the
// wait was broken off, thaws it. What came in the meantime stays on record.
func (f *freezing) finish(result int32) int32 {
	p := f.targets[0]
	p.ctx.mu.Lock()
	if result == 0 && p.pending() {
		result = -int32(syscall.EAGAIN)
	}
	if result != 0 {
		p.isFrozen = false
	}
	p.ctx.mu.Unlock()
	if result == 0 {
		p.tellFrozen(true)
	}
	return result
}

// end replies.
func (f *freezing) end(result int32) {
	ctx := f.th.proc.ctx
	ctx.mu.Lock()
	f.waitsFor = nil
	f.th.endCall()
	ctx.mu.Unlock()
	f.call.Replier.Reply(f.call, result)
}

func (p *Process) setFrozen(on bool) {
	p.isFrozen, p.syncRecv, p.asyncRecv = on, false, false
}

// settled lets those hear who wait until nothing is outstanding.
func (p *Process) settled() {
	if p.outstanding == 0 && len(p.freezers) > 0 {
		p.releaseFreezers()
	}
}

func (p *Process) releaseFreezers() {
	for _, f := range p.freezers {
		p.ctx.settled = append(p.ctx.settled, settlement{f, p})
	}
	clear(p.freezers)
	p.freezers = p.freezers[:0]
}

// tellFrozen tells who asked for it that the process was frozen or thawed. Called without a lock.
func (p *Process) tellFrozen(on bool) {
	ctx := p.ctx
	ctx.mu.Lock()
	ptr := refcount.Pointer(0)
	for i := 0; !p.dead; i++ {
		n := p.table.NodeFrom(ptr)
		if n == nil {
			break
		}
		n.Pin()
		for _, f := range n.SetFrozen(on, nil) {
			processOf(f.Table).enqueue(&f.Broker.(*freeze).link)
		}
		ptr = n.Pointer + 1
		// The driver looks again whether somebody holds the node, and wakes a thread if nobody does.
		ctx.changed(n, n.Unpin(), nil)
		if ptr == 0 {
			break
		}
		ctx.breathe(i)
	}
	ctx.mu.Unlock()
	ctx.drain()
}

// outdated finds the oneway transaction, behind others, that t brings up to date: TF_UPDATE_TXN in
// both says that only the last of its kind matters. Only frozen receivers let go of the older.
func (n *node) outdated(t *transaction) *transaction {
	for l := n.asyncTodo.first; l != nil; l = l.next {
		o := l.work.(*transaction)
		if o.code == t.code && o.flags == t.flags && o.buf.sender == t.buf.sender {
			return o
		}
	}
	return nil
}

// supersede drops a transaction that was never delivered.
func (p *Process) supersede(t *transaction) {
	b := t.buf
	t.unlink()
	t.free(p.ctx)
	p.releaseBuffer(b)
}
