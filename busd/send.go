package busd

import (
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// A workspace is the memory that one goroutine needs to carry out a write.
type workspace struct {
	commands [1024]byte
	sending  sending
	ahead    ahead
	stage    []byte // a payload that has objects, while they are translated
	offsets  []byte
	gather   gather
}

var workspaces = sync.Pool{New: func() any { return new(workspace) }}

// maxSpareStage is how much staging memory a workspace keeps.
const maxSpareStage = 256 << 10

func (w *workspace) put() {
	if cap(w.stage) > maxSpareStage {
		w.stage = nil
	}
	if cap(w.offsets) > maxSpareStage {
		w.offsets = nil
	}
	w.gather.forget()
	workspaces.Put(w)
}

// A failure is why a transaction was not sent: the BR_ code that its sender gets and the errno for
// BINDER_GET_EXTENDED_ERROR. The zero value is success.
type failure struct {
	code  ioctl.Return
	errno syscall.Errno
}

func failed(errno syscall.Errno) failure { return failure{ioctl.BR_FAILED_REPLY, errno} }

var deadTarget = failure{code: ioctl.BR_DEAD_REPLY}

// sending is a transaction under construction.
type sending struct {
	th        *Thread
	tr        ioctl.TransactionData
	reply     bool
	extra     uint64 // bytes for scatter-gather buffers and the security context
	label     string // the sender's security context, if the receiver wants it
	id        uint32
	resolved  bool // it is known who is to receive it
	inReplyTo *transaction
	to        *Process
	toThread  *Thread        // who must take it: nil for whoever is idle
	node      *refcount.Node // the target of a call, held strongly and pinned
	t         *transaction
	buf       *buffer
	ownNice   int8 // the sender's own nice value, if this is a reply that ends a loan
	givesBack bool
	gather    *gather // for payloads that have objects
}

// labelSize is the room that the security context takes at the end of the buffer.
func (s *sending) labelSize() uint64 {
	if s.label == "" {
		return 0
	}
	return align8(uint64(len(s.label)) + 1)
}

// transact is BC_TRANSACTION and BC_REPLY, and their _SG forms with extra bytes for buffers.
//
// The payload is copied without the lock: resolve and reserve under it, copy, translate objects
// under it, link under it. A failure at any step undoes what the steps before did.
func (th *Thread) transact(w *workspace, arg []byte, reply bool, extra uint64) syscall.Errno {
	s, ctx := &w.sending, th.proc.ctx
	*s = sending{th: th, reply: reply, extra: extra}
	s.tr.Decode(arg)

	ctx.mu.Lock()
	if th.dead {
		ctx.mu.Unlock()
		return syscall.EINTR
	}
	s.id = uint32(ctx.bus.ids.Next())
	th.extended = ioctl.ExtendedError{ID: s.id, Command: ioctl.BR_OK}
	f := s.resolve()
	s.resolved = f == (failure{})
	if f == (failure{}) && s.to.area == nil {
		tid := s.to.anyThread()
		ctx.mu.Unlock()
		s.to.findArea(tid)
		ctx.mu.Lock()
	}
	if f == (failure{}) {
		f = s.reserve()
	}
	if f == (failure{}) {
		ctx.mu.Unlock()
		if !s.reply && s.tr.Flags&ioctl.TF_ONE_WAY == 0 {
			s.t.nice = th.niceOf(s.to)
		}
		f = s.fill(w)
		ctx.mu.Lock()
	}
	if f == (failure{}) {
		f = s.link()
	}
	s.log(f)
	if f != (failure{}) {
		s.undo()
		s.tell(f)
	}
	if s.to != nil {
		s.to.unpin()
	}
	ctx.mu.Unlock()
	if s.givesBack {
		th.giveBack(s)
	}
	*s = sending{}
	return 0
}

// resolve finds out whom the transaction is for and pins what it needs until it is linked.
func (s *sending) resolve() failure {
	if s.reply {
		return s.resolveReply()
	}
	return s.resolveCall()
}

func (s *sending) resolveReply() failure {
	th := s.th
	t := th.stack
	if t == nil || t.toThread != th {
		return failed(syscall.EPROTO)
	}
	s.inReplyTo = t
	th.stack = t.toParent
	s.ownNice, s.givesBack = t.ownNice, t.borrowed
	if t.from == nil {
		return deadTarget
	}
	if t.from.stack != t {
		s.inReplyTo = nil
		return failed(syscall.EPROTO)
	}
	s.toThread = t.from
	s.to = t.from.proc
	s.to.pin()
	return failure{}
}

func (s *sending) resolveCall() failure {
	th, p := s.th, s.th.proc
	n := p.ctx.ledger.Manager()
	if h := s.tr.Handle(); h != ioctl.ContextManager {
		ref, err := p.table.StrongRef(refcount.Handle(h))
		if err != nil {
			return failed(syscall.EINVAL)
		}
		n = ref.Node
	}
	if n == nil || n.Owner == nil {
		return failure{ioctl.BR_DEAD_REPLY, syscall.EINVAL}
	}
	to := processOf(n.Owner)
	// The driver goes by the pid for the context manager, not by the open.
	if s.tr.Handle() == ioctl.ContextManager && to.id.PID == p.id.PID || to == p {
		return failed(syscall.EINVAL)
	}
	n.IncLocal(true)
	n.Pin()
	s.node, s.to = n, to
	to.pin()

	if s.tr.Flags&ioctl.TF_ONE_WAY == 0 {
		if l := th.todo.first; l != nil {
			if _, ok := l.work.(*transaction); ok {
				return failed(syscall.EPROTO) // it has a call to serve first
			}
		}
		if th.stack != nil && th.stack.toThread != th {
			return failed(syscall.EPROTO) // it waits for an answer already
		}
		if th.stack != nil && th.stack.depth >= maxDepth {
			return failed(syscall.ENOMEM)
		}
		// If the target waits, up the chain, for an answer of ours, the call is for the thread
		// that waits.
		for t := th.stack; t != nil; t = t.fromParent {
			if t.from != nil && t.from.proc == to {
				s.toThread = t.from
				break
			}
		}
	}
	if ioctl.ObjectFlags(n.Flags)&ioctl.FLAT_BINDER_FLAG_TXN_SECURITY_CTX != 0 {
		s.label = p.id.Security
		if s.label == "" {
			s.label = Unlabelled
		}
	}
	return failure{}
}

// reserve takes the room in the target's area and the transaction.
func (s *sending) reserve() failure {
	p, to := s.th.proc, s.to
	to.awaitTrim()
	if to.area == nil || to.dead {
		return failure{ioctl.BR_DEAD_REPLY, syscall.ESRCH}
	}
	if s.label != "" {
		added := s.labelSize()
		if s.extra+added < added {
			return failed(syscall.EINVAL)
		}
		s.extra += added
	}
	if p.unread >= p.ctx.bus.limits.Unread {
		return failed(syscall.ENOMEM)
	}
	async := !s.reply && s.tr.Flags&ioctl.TF_ONE_WAY != 0
	b, errno := to.alloc.alloc(s.tr.DataSize, s.tr.OffsetsSize, s.extra, async, p.id.PID)
	if errno != 0 {
		return failed(errno)
	}
	to.used, to.dirty = true, true
	b.payer = p.user
	if !charge(&p.user.bytes, b.cost(), p.ctx.bus.limits.BufferBytes) {
		to.alloc.release(b)
		return failed(syscall.ENOSPC)
	}
	b.clear = s.tr.Flags&ioctl.TF_CLEAR_BUF != 0
	s.buf = b

	t := p.ctx.newTransaction()
	t.id, t.code, t.flags, t.reply = s.id, s.tr.Code, s.tr.Flags, s.reply
	t.sender, t.senderTID, t.senderEUID, t.begun = p, s.th.tid, p.euid, sinceStart()
	t.to, t.toThread, t.buf = to, s.toThread, b
	if !s.reply && !async {
		t.from = s.th
	}
	if s.node != nil {
		t.nodeFlags = s.node.Flags
	}
	b.transaction, b.id = t, s.id
	s.t = t
	return failure{}
}

// link hands the finished transaction to the target.
func (s *sending) link() failure {
	th, to, t := s.th, s.to, s.t
	if th.dead || to.dead {
		return deadTarget
	}
	oneway := !s.reply && t.oneway()
	if to.isFrozen && !s.reply {
		to.syncRecv = to.syncRecv || !oneway
		to.asyncRecv = to.asyncRecv || oneway
		if !oneway {
			return failure{code: ioctl.BR_FROZEN_REPLY}
		}
	}
	if s.toThread != nil && s.toThread.dead {
		return deadTarget
	}
	p := th.proc
	complete := ioctl.BR_TRANSACTION_COMPLETE
	if s.buf.spamSuspect {
		complete = ioctl.BR_ONEWAY_SPAM_SUSPECT
	}
	switch {
	case s.reply:
		if s.inReplyTo.from == nil {
			return deadTarget
		}
		th.enqueue(&p.newCompletion(complete).link)
		s.inReplyTo.popFrom()
		s.toThread.enqueue(&t.link)
		to.outstanding++
		s.toThread.wake()
		s.inReplyTo.free(p.ctx)
	case t.oneway():
		s.buf.node = s.node
		n := nodeOf(s.node)
		to.outstanding++
		if to.isFrozen {
			complete = ioctl.BR_TRANSACTION_PENDING_FROZEN
		}
		if n.hasAsync {
			if to.isFrozen && t.flags&ioctl.TF_UPDATE_TXN != 0 {
				if o := n.outdated(t); o != nil {
					to.supersede(o)
				}
			}
			n.asyncTodo.push(&t.link)
		} else {
			n.hasAsync = true
			to.assign(t, nil)
		}
		th.enqueue(&p.newCompletion(complete).link)
	default:
		s.buf.node = s.node
		// Deferred, so that the caller does not return to user space for it before the reply.
		th.enqueueDeferred(&p.newCompletion(complete).link)
		if t.fromParent = th.stack; t.fromParent != nil {
			t.depth = t.fromParent.depth + 1
		}
		th.stack = t
		to.outstanding++
		to.assign(t, s.toThread)
	}
	if s.node != nil {
		p.ctx.changed(s.node, s.node.Unpin(), nil)
	}
	return failure{}
}

// assign gives a call to a thread: th, or else one that waits, or else the first that comes.
func (p *Process) assign(t *transaction, th *Thread) {
	if th == nil {
		th = p.selectThread()
	}
	if th != nil {
		th.enqueue(&t.link)
	} else {
		p.todo.push(&t.link)
	}
	p.wakeThread(th)
}

// undo gives back what an unsent transaction had taken.
func (s *sending) undo() {
	ctx := s.th.proc.ctx
	if s.resolved { // the driver has made both by then
		ctx.bus.stats.passed(statTransactionComplete)
		if s.t == nil {
			ctx.bus.stats.passed(statTransaction)
		}
	}
	if t := s.t; t != nil {
		t.to = nil // not counted as outstanding
		t.free(ctx)
	}
	if b := s.buf; b != nil && s.to.alloc != nil {
		b.node = nil
		s.to.releaseBuffer(b)
	}
	if s.node != nil {
		c := s.node.DecLocal(true)
		ctx.changed(s.node, c|s.node.Unpin(), nil)
	}
}

// tell lets the sender, and the caller that waits for the reply, hear of the failure.
func (s *sending) tell(f failure) {
	th := s.th
	e := ioctl.ExtendedError{ID: s.id, Command: f.code, Param: -int32(f.errno)}
	if t := s.inReplyTo; t != nil {
		if t.from != nil && t.from.extended.Command == ioctl.BR_OK {
			t.from.extended = e
		}
		th.fail(ioctl.BR_TRANSACTION_COMPLETE)
		t.sendFailedReply(th.proc.ctx, f.code)
		return
	}
	th.extended = e
	th.fail(f.code)
}
