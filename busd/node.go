package busd

import (
	"errors"
	"fmt"
	"io"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// A node is the broker's half of a refcount.Node: what waits for it. As a work, it brings its
// owner's idea of its counts up to date.
type node struct {
	link
	*refcount.Node
	hasAsync  bool  // a oneway transaction was given to the owner, its buffer is not freed yet
	asyncTodo queue // the oneway transactions behind it
	charged   *user
}

func nodeOf(n *refcount.Node) *node { return n.Broker.(*node) }

// owner is the process that a table belongs to.
func processOf(t *refcount.Table) *Process { return t.Broker.(*Process) }

// newNode makes a node of the process, pinned once. Its user has been charged.
func (p *Process) newNode(obj *ioctl.FlatObject) *refcount.Node {
	n, err := p.table.NewNode(refcount.Pointer(obj.Binder), refcount.Cookie(obj.Cookie), uint32(obj.Flags))
	if err != nil {
		p.user.nodes.Add(-1)
		return nil
	}
	s := &node{Node: n, charged: p.user}
	s.work = s
	n.Broker = s
	p.ctx.bus.stats.created[statNode].Add(1)
	return n
}

// changed carries out what a transition of the ledger asks for a node. sender is the thread of
// the owner's that sends the node, nil when nobody sends it.
func (ctx *Context) changed(n *refcount.Node, c refcount.Change, sender *Thread) {
	if c == 0 {
		return
	}
	s := nodeOf(n)
	switch {
	case c&refcount.NodeGone != 0:
		s.gone(ctx)
	case c&refcount.MoveToThread != 0:
		s.unlink()
		sender.enqueueDeferred(&s.link)
	case c&refcount.TellThread != 0:
		if !s.queued() {
			sender.enqueueDeferred(&s.link)
		}
	case c&refcount.TellProcess != 0:
		if !s.queued() {
			processOf(n.Owner).enqueue(&s.link)
		}
	}
}

// gone ends the broker's half of a node that has left the ledger.
func (n *node) gone(ctx *Context) {
	n.unlink()
	n.charged.nodes.Add(-1)
	ctx.bus.stats.deleted[statNode].Add(1)
}

func (n *node) deliver(th *Thread, r *reading) bool {
	notice, gone := n.Announce()
	ptr, cookie := ioctl.Pointer(n.Pointer), ioctl.Cookie(n.Cookie)
	for _, a := range announcements {
		if notice&a.notice != 0 {
			r.putPtrCookie(a.code, ptr, cookie)
		}
	}
	if gone {
		n.gone(th.proc.ctx)
	}
	return false
}

// announcements is what an owner may be told of its node, in the order it is told.
var announcements = [...]struct {
	notice refcount.Notice
	code   ioctl.Return
}{
	{refcount.Increfs, ioctl.BR_INCREFS},
	{refcount.Acquire, ioctl.BR_ACQUIRE},
	{refcount.Release, ioctl.BR_RELEASE},
	{refcount.Decrefs, ioctl.BR_DECREFS},
}

func (n *node) cancel(*Process) {}

func (n *node) print(w io.Writer, _ *Process, prefix string) {
	fmt.Fprintf(w, "%snode work %d: u%016x c%016x\n", prefix, n.ID, n.Pointer, n.Cookie)
}

// nextAsync ends a oneway transaction to the node: the next one, if any, goes to the owner.
func (n *node) nextAsync(p *Process) {
	if l := n.asyncTodo.pop(); l != nil {
		p.enqueue(l)
	} else {
		n.hasAsync = false
	}
}

// dropped carries out what followed from letting go of a handle.
func (ctx *Context) dropped(d *refcount.Drop) {
	if d.RefGone {
		ctx.bus.stats.deleted[statRef].Add(1)
		if payer, ok := d.Broker.(*user); ok {
			payer.handles.Add(-1)
		}
	}
	if d.Death != nil {
		w := d.Death.Broker.(*death)
		w.unlink()
		ctx.deathsGone(w.user, 1)
	}
	if d.Freeze != nil {
		w := d.Freeze.Broker.(*freeze)
		w.unlink()
		ctx.freezesGone(w.user, 1)
	}
	ctx.changed(d.Node, d.Change, nil)
}

// errTooManyHandles is that of a user who has given away as many as the quota allows.
var errTooManyHandles = errors.New("too many handles")

// hold counts one more hold of n by p, to which sender sends it. The sender's user is charged for
// a handle that there was not yet.
func (p *Process) hold(n *refcount.Node, strong bool, sender *Thread) (*refcount.Ref, error) {
	ctx := p.ctx
	r, c, err := p.table.IncRefFor(n, strong, n.Owner == sender.proc.table)
	if err != nil {
		return nil, err
	}
	ctx.changed(n, c, sender)
	if r.Strong+r.Weak > 1 {
		return r, nil
	}
	ctx.bus.stats.created[statRef].Add(1)
	payer := sender.proc.user
	if !charge(&payer.handles, 1, ctx.bus.limits.Handles) {
		if d, err := r.Dec(strong); err == nil {
			ctx.dropped(&d)
		}
		return nil, errTooManyHandles
	}
	r.Broker = payer
	return r, nil
}

// releaseObjects takes a dead process's nodes and handles apart. The context's lock is held, and
// let go of now and then.
func (p *Process) releaseObjects() {
	ctx := p.ctx
	p.table.Release()
	for i := 0; ; i++ {
		n, gone, deaths := p.table.OrphanNode(ctx.deaths[:0])
		if n == nil {
			break
		}
		s := nodeOf(n)
		s.unlink()
		for j, d := range deaths {
			processOf(d.Table).enqueue(&d.Broker.(*death).link)
			deaths[j] = nil
		}
		ctx.deaths = deaths
		if gone {
			s.gone(ctx)
		}
		p.cancelAll(&s.asyncTodo)
		ctx.breathe(i)
	}
	for i := 0; ; i++ {
		before := ctx.ledger.Totals()
		_, d, ok := p.table.DropRef()
		if !ok {
			// Subscriptions that were cleared outlived their handles until now.
			after := ctx.ledger.Totals()
			ctx.deathsGone(p.user, before.Deaths-after.Deaths)
			ctx.freezesGone(p.user, before.Freezes-after.Freezes)
			break
		}
		ctx.dropped(&d)
		ctx.breathe(i)
	}
}
