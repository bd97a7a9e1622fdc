package busd

import (
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// looper is what a thread has told about itself, and what is known of it.
type looper uint8

const (
	looperRegistered looper = 0x01 // BC_REGISTER_LOOPER: asked for by BR_SPAWN_LOOPER
	looperEntered    looper = 0x02 // BC_ENTER_LOOPER: came by itself
	looperExited     looper = 0x04 // BC_EXIT_LOOPER
	looperInvalid    looper = 0x08 // both of the first two, or one unasked for
	looperWaiting    looper = 0x10 // for binder_logs only: see Thread.state
	looperPoll       looper = 0x20 // uses poll(2) or epoll(7)
)

// Thread is a client's thread as the broker knows it: from its first ioctl or poll to
// BINDER_THREAD_EXIT or its end. The fields are guarded by the context's lock.
type Thread struct {
	proc   *Process
	tid    ThreadID
	looper looper
	dead   bool

	// needReturn makes the next wait return at once: set for a new thread and by Flush, cleared
	// at the end of each ioctl (looper_need_return).
	needReturn bool

	// processTodo says that todo holds something worth returning for. A deferred
	// BR_TRANSACTION_COMPLETE alone is not.
	processTodo bool
	todo        queue

	// stack is the newest transaction the thread is part of: one it must answer (toThread is
	// the thread) or one it waits for (from is the thread).
	stack *transaction

	callError  notice // of a command of the thread's own; while set, no more commands are read
	replyError notice // of a call that was taken and then failed
	extended   ioctl.ExtendedError

	call        *Call   // the ioctl in flight
	waitingPrev *Thread // in proc.waiting
	waitingNext *Thread
	inWaiting   bool

	guess    guess         // where its next payload will be; only its own ioctl looks at it
	niceIs   knownNice     // likewise
	goodRead ioctl.Address // a read buffer that could be written the last time
	goodSize uint64        // as far as that
}

// state is the looper bits as binder_logs prints them.
func (th *Thread) state() looper {
	if th.call != nil && th.call.state.phase == parked {
		return th.looper | looperWaiting
	}
	return th.looper
}

// thread finds or makes the thread tid.
func (p *Process) thread(tid ThreadID) *Thread {
	if p.lastThread != nil && p.lastThread.tid == tid {
		return p.lastThread
	}
	th := p.threads[tid]
	if th == nil {
		th = &Thread{proc: p, tid: tid, needReturn: true, extended: ioctl.ExtendedError{Command: ioctl.BR_OK}}
		th.callError.work, th.replyError.work = &th.callError, &th.replyError
		p.threads[tid] = th
		p.ctx.bus.stats.created[statThread].Add(1)
	}
	p.lastThread = th
	return th
}

// enqueue gives the thread work of its own and makes its next wait return.
func (th *Thread) enqueue(l *link) {
	if th.looper&looperPoll != 0 && (!th.processTodo || th.todo.empty()) {
		th.proc.notifyWatcher()
	}
	th.todo.push(l)
	th.processTodo = true
}

// enqueueDeferred gives the thread work that it will find when something else wakes it.
func (th *Thread) enqueueDeferred(l *link) { th.todo.push(l) }

// fail records a command's failure; th returns to user space with it before it reads another.
func (th *Thread) fail(code ioctl.Return) {
	th.callError.code = code
	th.call.state.stop = true
	th.enqueue(&th.callError.link)
}

// idle says whether the thread may take work of its process: it is in no call and owes nothing.
func (th *Thread) idle() bool { return th.stack == nil && th.todo.empty() }

// hasWork says whether a wait would return at once.
func (th *Thread) hasWork(waitProc bool) bool {
	return th.processTodo && !th.todo.empty() || th.needReturn || waitProc && !th.proc.todo.empty()
}

// park lets the thread wait in its call.
func (th *Thread) park(c *Call) {
	c.state.phase = parked
	if c.state.waitProc {
		th.proc.waiting.push(th)
	}
}

// wake ends the thread's wait if it has something to return for.
func (th *Thread) wake() {
	c := th.call
	if c == nil || c.state.phase != parked || c.state.freezing != nil {
		if th.looper&looperPoll != 0 {
			th.proc.notifyWatcher()
		}
		return
	}
	if th.hasWork(c.state.waitProc) {
		th.unpark()
	}
}

// unpark makes the thread's parked call ready for delivery.
func (th *Thread) unpark() {
	th.proc.waiting.remove(th)
	th.call.state.phase = ready
	th.proc.user.parked.Add(-1)
	th.proc.ctx.ready.push(th.call)
}

// endWait ends the thread's wait, if it waits, with a result of its own.
func (th *Thread) endWait(result int32) {
	if c := th.call; c != nil && c.state.phase == parked {
		c.state.result = result
		th.unpark()
	}
}

// release ends the thread: whoever waits for its answer hears BR_DEAD_REPLY.
func (th *Thread) release() {
	p := th.proc
	if th.dead {
		return
	}
	delete(p.threads, th.tid)
	if p.lastThread == th {
		p.lastThread = nil
	}
	th.dead = true
	th.endWait(-int32(syscall.EINTR))

	var owed *transaction
	if t := th.stack; t != nil && t.toThread == th {
		owed = t
	}
	for t := th.stack; t != nil; {
		if t.toThread == th {
			p.outstanding--
			p.settled()
			next := t.toParent
			t.to, t.toThread = nil, nil
			t.detachBuffer()
			t = next
		} else {
			t.from = nil
			t = t.fromParent
		}
	}
	th.stack = nil
	if owed != nil {
		owed.sendFailedReply(p.ctx, ioctl.BR_DEAD_REPLY)
	}
	th.todo.cancelAll(p)
	th.processTodo = false
	p.ctx.bus.stats.deleted[statThread].Add(1)
}

// threadList is the process's waiting threads, the one that began to wait last in front.
type threadList struct{ first *Thread }

func (l *threadList) push(th *Thread) {
	th.waitingNext, th.waitingPrev, th.inWaiting = l.first, nil, true
	if l.first != nil {
		l.first.waitingPrev = th
	}
	l.first = th
}

func (l *threadList) remove(th *Thread) {
	if !th.inWaiting {
		return
	}
	if th.waitingPrev != nil {
		th.waitingPrev.waitingNext = th.waitingNext
	} else {
		l.first = th.waitingNext
	}
	if th.waitingNext != nil {
		th.waitingNext.waitingPrev = th.waitingPrev
	}
	th.waitingPrev, th.waitingNext, th.inWaiting = nil, nil, false
}
