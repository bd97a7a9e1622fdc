package busd

import "github.com/fusebinder/fusebinder/ioctl"

// A Lending says whether the threads of a client may be given the nice values of their callers.
type Lending uint8

const (
	// LendNone: they may not, or the broker may not give them.
	LendNone Lending = iota
	// LendFreely: they may have any.
	LendFreely
	// LendLimited: they may have some. The driver then sets a limit where it would set more, and
	// does so even where nothing is to be changed.
	LendLimited
)

// A knownNice is what the broker knows of a thread's nice value without asking, which costs a
// hundredth of a call: that it is the process's own.
//
// The value is looked at when a reply ends what was lent. It is taken to be the same when the thread
// waits in its next ioctl, and when it is then given a call.
type knownNice uint8

const (
	niceUnknown knownNice = iota
	niceReplied           // since a reply in this ioctl
	niceFresh             // since a reply in the ioctl before
	niceWaiting           // since the beginning of this ioctl's wait
)

// next is what is known at the beginning of the thread's next ioctl.
func (k knownNice) next() knownNice {
	if k == niceReplied {
		return niceFresh
	}
	return niceUnknown
}

// niceOf is a thread's nice value, for a call to a process that may be lent it. The context is not
// locked.
func (th *Thread) niceOf(to *Process) int8 {
	if to.lending == LendNone || th.proc.priorities == nil {
		return 0
	}
	n, _ := th.proc.priorities.Nice(th.tid)
	return n
}

// setNice changes the thread's nice value from one to another.
func (th *Thread) setNice(from, to int8) {
	if from != to || th.proc.lending == LendLimited {
		th.proc.priorities.SetNice(th.tid, to)
	}
}

// ownNice gives the thread its process's nice value, that of its opener, if it is about to wait for
// any of the process's work. The context is locked, and may be unlocked meanwhile.
func (th *Thread) ownNice() {
	p := th.proc
	if p.lending == LendNone || !th.idle() {
		return
	}
	if th.niceIs == niceUnknown {
		p.ctx.mu.Unlock()
		n, ok := p.priorities.Nice(th.tid)
		if ok {
			th.setNice(n, p.nice)
		}
		p.ctx.mu.Lock()
		if !ok || p.lending == LendLimited {
			return
		}
	}
	th.niceIs = niceWaiting
}

// borrow lends the thread, which is about to receive a call, the nice value of its caller, but none
// above the object's. A oneway call has no caller who waits; it is only the object's that counts.
// Called with the context unlocked.
func (th *Thread) borrow(t *transaction) {
	p := th.proc
	if p.lending == LendNone || t.reply {
		return
	}
	own, ok := p.nice, true
	if th.niceIs != niceWaiting {
		own, ok = p.priorities.Nice(th.tid)
	}
	th.niceIs = niceUnknown
	if !ok {
		return
	}
	t.ownNice, t.borrowed = own, true
	highest := int(ioctl.ObjectFlags(t.nodeFlags) & ioctl.FLAT_BINDER_FLAG_PRIORITY_MASK)
	switch {
	case !t.oneway() && int(t.nice) < highest:
		th.setNice(own, t.nice)
	case highest <= maxNice && (!t.oneway() || int(own) > highest):
		th.setNice(own, int8(highest))
	}
}

const maxNice = 19

// giveBack ends what was lent to the thread for a call that it has answered. Called with the context
// unlocked.
func (th *Thread) giveBack(s *sending) {
	p := th.proc
	n, ok := p.priorities.Nice(th.tid)
	if !ok {
		return
	}
	th.setNice(n, s.ownNice)
	if s.ownNice == p.nice && p.lending == LendFreely {
		th.niceIs = niceReplied
	}
}
