package binder

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/fusebinder/fusebinder/ioctl"
)

// slots limit the calls that wait for a reply at the same time, each on a thread of its own.
type slots chan struct{}

// take waits until one is free.
func (s slots) take(ctx context.Context, b *Bus) error {
	select {
	case s <- struct{}{}:
		return nil
	default:
	}
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &BusyError{Limit: cap(s), Cause: ctx.Err()}
	case <-b.done:
		return b.Err()
	}
}

func (s slots) give() { <-s }

// A callThread is a locked thread that makes calls for goroutines that may stop waiting. It waits on
// for the late reply, frees it, and is ready again.
type callThread struct {
	bus  *Bus
	t    *thread
	jobs chan *job
}

// callThreads are those that wait for work. More are started as they are needed, up to the number
// of slots; some stay.
type callThreads struct {
	mu     sync.Mutex
	idle   []*callThread
	closed bool
}

// idleCallThreads is how many call threads wait for more work; others end.
const idleCallThreads = 8

// job is one call handed to a callThread.
type job struct {
	request
	state atomic.Int32
	done  chan struct{} // one for the result, if it is not abandoned
	sent  chan struct{} // one when the driver has taken the call, if split
	split bool          // wait for sent before returning: the driver reads the caller's memory
	copy  []byte        // the data, otherwise
	tr    ioctl.TransactionData
	err   error
}

// States of a job.
const (
	jobWaiting   = iota
	jobDone      // the result is in the job
	jobAbandoned // the caller has left, the job is the thread's
)

// copyLimit is up to how many bytes a call's data is copied, so that its caller may leave at any
// time. Longer ones, and objects, which have to exist, are sent with an ioctl of their own instead.
const copyLimit = 16 << 10

var jobPool = sync.Pool{New: func() any {
	return &job{done: make(chan struct{}, 1), sent: make(chan struct{}, 1)}
}}

// callAway makes a call on a call thread, and returns when ctx ends.
func (b *Bus) callAway(ctx context.Context, r *request) (tr ioctl.TransactionData, err error) {
	if err := b.slots.take(ctx, b); err != nil {
		return tr, err
	}
	j := jobPool.Get().(*job)
	j.request = *r
	j.state.Store(jobWaiting)
	j.split = len(r.table) > 0 || len(r.data) > copyLimit
	if !j.split {
		j.copy = append(j.copy[:0], r.data...)
		j.data = j.copy
	}
	r.ref.uses.n.Add(1) // until the job is done; we are inside
	b.hand(j)
	select {
	case <-j.done:
	case <-ctx.Done():
		if j.split {
			<-j.sent
		}
		if j.state.CompareAndSwap(jobWaiting, jobAbandoned) {
			return tr, ctx.Err()
		}
		<-j.done
	}
	tr, err = j.tr, j.err
	j.request = request{}
	select {
	case <-j.sent:
	default:
	}
	jobPool.Put(j)
	return tr, err
}

// hand gives j to a thread.
func (b *Bus) hand(j *job) {
	b.callThreads.mu.Lock()
	if n := len(b.callThreads.idle); n > 0 {
		c := b.callThreads.idle[n-1]
		b.callThreads.idle = b.callThreads.idle[:n-1]
		b.callThreads.mu.Unlock()
		c.jobs <- j
		return
	}
	b.callThreads.mu.Unlock()
	c := &callThread{bus: b, jobs: make(chan *job, 1)}
	go c.run(j)
}

// run makes calls, the first one of which is j. The thread ends with the goroutine.
func (c *callThread) run(j *job) {
	runtime.LockOSThread()
	b := c.bus
	if !b.gate.enter() {
		c.finish(j, ErrClosed)
		return
	}
	c.t = b.thread()
	c.t.inside = true
	defer func() {
		if j != nil { // a call that was served meanwhile has ended the goroutine
			c.finish(j, ErrFailedTransaction)
		}
		_ = b.dev.ThreadExit()
		if c.t.inside {
			b.gate.leave()
		}
	}()
	for more := true; more; {
		err := c.call(j)
		more = b.callThreads.rest(c)
		c.finish(j, err)
		j = nil
		if more {
			j, more = <-c.jobs
		}
	}
}

// call makes the call.
func (c *callThread) call(j *job) error {
	t := c.t
	pins := c.bus.nodes.pinAll(j.data, j.table)
	defer c.bus.nodes.unpinAll(pins)
	if !t.inside {
		return ErrClosed
	}
	t.begin(&j.request)
	if j.split {
		if err := t.exchange(false); err != nil {
			return err
		}
		if t.sent {
			j.tell()
		}
	}
	var err error
	j.tr, err = t.wait(&j.request)
	return err
}

// finish tells the caller, or frees the reply that comes too late.
func (c *callThread) finish(j *job, err error) {
	b := c.bus
	j.err = err
	j.ref.uses.leave()
	j.tell()
	b.slots.give()
	if j.state.CompareAndSwap(jobWaiting, jobDone) {
		j.done <- struct{}{}
		return
	}
	if err == nil {
		if buf, err := b.receive(&j.tr, false); err == nil {
			buf.free()
		}
	}
}

// tell lets the caller leave from now on: the driver does not need its memory any more.
func (j *job) tell() {
	if j.split {
		select {
		case j.sent <- struct{}{}:
		default:
		}
	}
}

// rest puts c among those that wait for work; false: it is to end.
func (cs *callThreads) rest(c *callThread) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed || len(cs.idle) >= idleCallThreads {
		return false
	}
	cs.idle = append(cs.idle, c)
	return true
}

// close ends those that wait for work.
func (cs *callThreads) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, c := range cs.idle {
		close(c.jobs)
	}
	cs.idle = nil
}
