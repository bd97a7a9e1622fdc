package busd

import (
	"fmt"
	"io"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// A death is the broker's half of a death subscription: its place in a queue.
type death struct {
	link
	*refcount.Death
	user *user // who is charged for it
}

// deathsGone counts n subscriptions of a user that have ended.
func (ctx *Context) deathsGone(u *user, n int) {
	u.deaths.Add(-int64(n))
	ctx.bus.stats.deleted[statDeath].Add(int64(n))
}

func (d *death) deliver(th *Thread, r *reading) bool {
	cookie := uint64(d.Cookie)
	if d.Deliver() {
		r.putWord(ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE, cookie)
		r.proc.ctx.deathsGone(d.user, 1)
		return false
	}
	// The recipient will want to make calls because of it: nothing follows it in the same read.
	r.putWord(ioctl.BR_DEAD_BINDER, cookie)
	return true
}

// cancel ends a subscription whose confirmation nobody reads. All others end with their handle or
// their process.
func (d *death) cancel(p *Process) {
	if d.Confirms() && d.Deliver() {
		p.ctx.deathsGone(d.user, 1)
	}
}

func (d *death) print(w io.Writer, _ *Process, prefix string) {
	what := "has dead binder"
	switch {
	case d.Confirms():
		what = "has cleared death notification"
	case d.Cleared():
		what = "has cleared dead binder"
	}
	fmt.Fprintf(w, "%s%s\n", prefix, what)
}

// requestDeath is BC_REQUEST_DEATH_NOTIFICATION. The driver passes over a bad handle and over a
// second request.
func (p *Process) requestDeath(h ioctl.Handle, cookie ioctl.Cookie) {
	ref := p.table.Ref(refcount.Handle(h))
	if ref == nil {
		return
	}
	if !charge(&p.user.deaths, 1, p.ctx.bus.limits.Deaths) {
		return
	}
	d, queue, err := ref.RequestDeath(refcount.Cookie(cookie))
	if err != nil {
		p.user.deaths.Add(-1)
		return
	}
	w := &death{Death: d, user: p.user}
	w.work = w
	d.Broker = w
	p.ctx.bus.stats.created[statDeath].Add(1)
	if queue {
		p.enqueue(&w.link)
	}
}

// clearDeath is BC_CLEAR_DEATH_NOTIFICATION.
func (th *Thread) clearDeath(h ioctl.Handle, cookie ioctl.Cookie) {
	ref := th.proc.table.Ref(refcount.Handle(h))
	if ref == nil {
		return
	}
	if d, queue, err := ref.ClearDeath(refcount.Cookie(cookie)); err == nil && queue {
		th.confirm(d)
	}
}

// deathDone is BC_DEAD_BINDER_DONE.
func (th *Thread) deathDone(cookie ioctl.Cookie) {
	if d, queue, err := th.proc.table.DeathDone(refcount.Cookie(cookie)); err == nil && queue {
		th.confirm(d)
	}
}

// confirm lets the client hear that a subscription is cleared: on the same thread if it is a
// looper, otherwise on one that is.
func (th *Thread) confirm(d *refcount.Death) {
	l := &d.Broker.(*death).link
	if th.looper&(looperRegistered|looperEntered) != 0 {
		th.enqueue(l)
	} else {
		th.proc.enqueue(l)
	}
}
