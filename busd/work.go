package busd

import (
	"fmt"
	"io"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A work is something that waits in a queue to be told to a client.
type work interface {
	// deliver writes the work's BR_ stream for th into r. The work is out of its queue.
	// It reports whether the read ends with it. Called with the context locked.
	deliver(th *Thread, r *reading) (last bool)

	// cancel undoes the work of a dead thread or process. Called with the context locked.
	cancel(p *Process)

	// print describes the work in a line for binder_logs, as what p has to do.
	print(w io.Writer, p *Process, prefix string)
}

// A link puts a work in at most one queue. It is part of the work it names.
type link struct {
	prev, next *link
	queue      *queue
	work       work
}

func (l *link) queued() bool { return l.queue != nil }

// unlink takes l out of its queue, if it is in one.
func (l *link) unlink() {
	q := l.queue
	if q == nil {
		return
	}
	if l.prev != nil {
		l.prev.next = l.next
	} else {
		q.first = l.next
	}
	if l.next != nil {
		l.next.prev = l.prev
	} else {
		q.last = l.prev
	}
	l.prev, l.next, l.queue = nil, nil, nil
}

// A queue is a list of work, oldest first: the todo of a thread, of a process or of a node.
type queue struct{ first, last *link }

func (q *queue) empty() bool { return q.first == nil }

func (q *queue) push(l *link) {
	if l.queue != nil {
		panic("busd: work is in a queue already")
	}
	l.queue, l.prev = q, q.last
	if q.last != nil {
		q.last.next = l
	} else {
		q.first = l
	}
	q.last = l
}

func (q *queue) pop() *link {
	l := q.first
	if l != nil {
		l.unlink()
	}
	return l
}

// cancelAll empties a queue of the dead.
func (q *queue) cancelAll(p *Process) {
	for l := q.pop(); l != nil; l = q.pop() {
		l.work.cancel(p)
	}
}

// A notice is work that is one BR_ code without an argument: an error of a thread. Each thread
// has two, one for the calls it made and one for replies that failed; code is 0 while unused.
type notice struct {
	link
	code ioctl.Return
}

func (n *notice) deliver(th *Thread, r *reading) bool {
	r.put(n.code)
	n.code = 0
	return false
}

func (n *notice) cancel(*Process) { n.code = 0 }

func (n *notice) print(w io.Writer, _ *Process, prefix string) {
	fmt.Fprintf(w, "%stransaction error: %d\n", prefix, uint32(n.code))
}

// A completion is BR_TRANSACTION_COMPLETE or what stands in its place.
type completion struct {
	link
	code ioctl.Return
	next *completion // in the process's list of unused ones
}

func (w *completion) deliver(th *Thread, r *reading) bool {
	code := w.code
	if code == ioctl.BR_ONEWAY_SPAM_SUSPECT && !th.proc.spamDetection {
		code = ioctl.BR_TRANSACTION_COMPLETE
	}
	r.put(code)
	w.cancel(th.proc)
	return false
}

func (w *completion) cancel(p *Process) {
	p.ctx.bus.stats.deleted[statTransactionComplete].Add(1)
	p.unread--
	if p.spareCompletions < maxSpares {
		p.spareCompletions++
		w.next, p.completions = p.completions, w
	}
}

func (w *completion) print(out io.Writer, _ *Process, prefix string) {
	what := "transaction complete"
	switch w.code { // the driver knows only numbers for these two
	case ioctl.BR_TRANSACTION_PENDING_FROZEN:
		what = "unknown work: type 3"
	case ioctl.BR_ONEWAY_SPAM_SUSPECT:
		what = "unknown work: type 4"
	}
	fmt.Fprintf(out, "%s%s\n", prefix, what)
}

// newCompletion takes an unused completion of the process, or makes one.
func (p *Process) newCompletion(code ioctl.Return) *completion {
	p.ctx.bus.stats.created[statTransactionComplete].Add(1)
	w := p.completions
	if w == nil {
		w = &completion{}
		w.work = w
	} else {
		p.completions, w.next = w.next, nil
		p.spareCompletions--
	}
	p.unread++
	w.code = code
	return w
}
