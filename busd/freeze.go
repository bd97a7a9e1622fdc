package busd

import (
	"fmt"
	"io"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// A freeze is the broker's half of a subscription to a process's freezing and thawing.
type freeze struct {
	link
	*refcount.Freeze
	user *user // who is charged for it
}

// freezesGone counts n subscriptions of a user that have ended.
func (ctx *Context) freezesGone(u *user, n int) {
	u.deaths.Add(-int64(n))
	ctx.bus.stats.deleted[statFreeze].Add(int64(n))
}

func (f *freeze) deliver(th *Thread, r *reading) bool {
	info := ioctl.FrozenStateInfo{Cookie: ioctl.Cookie(f.Cookie), IsFrozen: bit(f.Frozen)}
	if f.Deliver() {
		r.putWord(ioctl.BR_CLEAR_FREEZE_NOTIFICATION_DONE, uint64(info.Cookie))
		r.proc.ctx.freezesGone(f.user, 1)
		return false
	}
	// The recipient will want to make calls because of it: nothing follows it in the same read.
	r.putFrozen(info)
	return true
}

// cancel ends a subscription whose confirmation nobody reads. All others end with their handle or
// their process.
func (f *freeze) cancel(p *Process) {
	if f.Confirms() && f.Deliver() {
		p.ctx.freezesGone(f.user, 1)
	}
}

func (f *freeze) print(w io.Writer, _ *Process, prefix string) {
	what := "has frozen binder"
	if f.Confirms() {
		what = "has cleared freeze notification"
	}
	fmt.Fprintf(w, "%s%s\n", prefix, what)
}

// requestFreeze is BC_REQUEST_FREEZE_NOTIFICATION. Unlike the commands for deaths, those for
// freezing end the ioctl when they make no sense.
func (p *Process) requestFreeze(h ioctl.Handle, cookie ioctl.Cookie) syscall.Errno {
	ref := p.table.Ref(refcount.Handle(h))
	if ref == nil || ref.Freeze != nil {
		return syscall.EINVAL
	}
	if !charge(&p.user.deaths, 1, p.ctx.bus.limits.Deaths) {
		return syscall.ENOMEM
	}
	owner := ref.Node.Owner
	f, queue, err := ref.RequestFreeze(refcount.Cookie(cookie), owner != nil && processOf(owner).isFrozen)
	if err != nil {
		p.user.deaths.Add(-1)
		return syscall.EINVAL
	}
	w := &freeze{Freeze: f, user: p.user}
	w.work = w
	f.Broker = w
	p.ctx.bus.stats.created[statFreeze].Add(1)
	if queue {
		p.enqueue(&w.link)
	}
	return 0
}

// clearFreeze is BC_CLEAR_FREEZE_NOTIFICATION.
func (p *Process) clearFreeze(h ioctl.Handle, cookie ioctl.Cookie) syscall.Errno {
	ref := p.table.Ref(refcount.Handle(h))
	if ref == nil {
		return syscall.EINVAL
	}
	f, queue, err := ref.ClearFreeze(refcount.Cookie(cookie))
	if err != nil {
		return syscall.EINVAL
	}
	if queue {
		p.enqueue(&f.Broker.(*freeze).link)
	}
	return 0
}

// freezeDone is BC_FREEZE_NOTIFICATION_DONE.
func (p *Process) freezeDone(cookie ioctl.Cookie) syscall.Errno {
	f, queue, err := p.table.FreezeDone(refcount.Cookie(cookie))
	if err != nil {
		return syscall.EINVAL
	}
	if queue {
		p.enqueue(&f.Broker.(*freeze).link)
	}
	return 0
}
