package devicefs

import (
	"slices"
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/busd/clientmem"
	"github.com/fusebinder/fusebinder/ioctl"
)

// This file puts descriptors into clients that have given no socket, and takes some back.
//
// The broker asks for it in the middle of an ioctl, and wants to know the descriptors' numbers
// before it ends the ioctl; but the thread can only be held on its way out of it. So the kernel is
// told that the ioctl has ended, and the thread stopped at the border. From there it takes the
// descriptors, and from there it either returns what the broker answers in the end, as if nothing
// had been, or goes back into the ioctl. The broker knows nothing of this.

// A grip is what holds the thread of a request.
type grip struct {
	hold        *clientmem.Hold // nil: the thread is dying, and its ioctl answered
	interrupted bool            // while we tried; guarded by the table's mu
}

const lookForDeathEvery = 5 * time.Millisecond

// grasp holds a thread; EINTR: it is to die. It must not be kept from that, for there may be an
// execve of a sibling that waits for its end, and makes us wait. (That the request is interrupted
// is no help: the kernel tells it once, and it may have been for another signal.)
func grasp(w clientmem.Waiting) (*clientmem.Hold, syscall.Errno) {
	abandon, done := make(chan struct{}), make(chan struct{})
	defer close(done)
	look := time.AfterFunc(lookForDeathEvery, func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if clientmem.Dying(w.Thread) {
				close(abandon)
				return
			}
			time.Sleep(lookForDeathEvery)
		}
	})
	defer look.Stop()
	return clientmem.Grasp(w, abandon)
}

// maxInjecting is how many threads of ours one client may keep busy: its memory and its siblings
// can make them wait for as long as it likes.
const maxInjecting = 32

// Inject puts files into the client whose thread tid is in an ioctl. It implements
// clientmem.Injector.
func (o *open) Inject(tid busd.ThreadID, files []int, fds []uint32) syscall.Errno {
	s := o.server
	defer o.injecting.Add(-1)
	if o.injecting.Add(1) > maxInjecting {
		return syscall.EAGAIN
	}
	q := s.requests.find(o, tid)
	if q == nil || q.call.Request != ioctl.BINDER_WRITE_READ {
		return syscall.ESRCH
	}
	if w := q.waiting(); !w.Spacious() {
		return syscall.ENOSPC
	}
	place, errno := clientmem.Room(tid, len(files))
	if errno != 0 {
		return errno
	}
	hold, errno := q.held()
	if errno == 0 {
		errno = hold.Install(files, fds, place)
	}
	if errno != 0 {
		return q.failed(errno)
	}
	return 0
}

// Withdraw closes descriptors of the client whose thread tid is in an ioctl. It implements
// clientmem.Injector.
//
// The thread is held from then on to the end of the ioctl, which is soon: the broker lets no read
// wait after this.
func (o *open) Withdraw(tid busd.ThreadID, fds []uint32) {
	defer o.injecting.Add(-1)
	if o.injecting.Add(1) > maxInjecting {
		return
	}
	q := o.server.requests.find(o, tid)
	if q == nil || q.call.Request != ioctl.BINDER_WRITE_READ {
		return
	}
	hold, errno := q.held()
	if errno == 0 {
		errno = hold.Close(fds)
	}
	if errno != 0 {
		q.failed(errno)
		o.server.log.Debug("descriptors of an array stay open", "tid", tid, "err", errno)
	}
}

// held is the hold of the request's thread. Others read on meanwhile.
func (q *request) held() (*clientmem.Hold, syscall.Errno) {
	q.server.handOver()
	if q.grip == nil {
		if errno := q.take(); errno != 0 {
			return nil, errno
		}
	}
	if q.grip.hold == nil {
		return nil, syscall.ESRCH
	}
	return q.grip.hold, 0
}

// waiting says how the request's thread waits.
func (q *request) waiting() clientmem.Waiting {
	var wr ioctl.WriteRead
	wr.Decode(q.call.Arg)
	return clientmem.Waiting{
		Thread: q.call.Thread, Request: q.call.Request, Argument: q.arg,
		Scratch: wr.ReadBuffer + ioctl.Address(wr.ReadConsumed),
		Room:    int(min(wr.ReadSize-min(wr.ReadSize, wr.ReadConsumed), maxScratch)),
		Filters: q.server.opts.ClientFilters,
	}
}

// take holds the request's thread, and answers the request. Without a grip the thread has not
// noticed anything.
func (q *request) take() syscall.Errno {
	g := &grip{}
	q.server.requests.setGrip(q, g)
	hold, errno := grasp(q.waiting())
	if errno != 0 && errno != syscall.EINTR {
		if q.server.requests.setGrip(q, nil); g.interrupted {
			q.open.process.Interrupt(&q.call)
		}
		return errno
	}

	// Nobody should see this answer. Just in case: all commands have been carried out, or will be.
	q.server.requests.hold(q)
	var wr ioctl.WriteRead
	wr.Decode(q.call.Arg)
	wr.WriteConsumed = wr.WriteSize
	var m [argOffset + ioctl.SizeofWriteRead]byte
	n := argOffset + q.outSize
	result := -int32(syscall.EINTR)
	putOutHeader(m[:], n, 0, q.unique)
	le.PutUint32(m[sizeofOutHeader:], uint32(result))
	wr.Encode(m[argOffset:])
	q.server.answered(q.server.wire.write(m[:n]))
	if errno != 0 {
		return syscall.ESRCH
	}
	g.hold = hold
	return hold.Arrest()
}

// maxScratch bounds what one message with descriptors takes in the client's memory, in bytes.
const maxScratch = 4096

// failed is the end of an injection that did not work. If the thread has left its ioctl already,
// it must not wait in it any longer: it has to go back first.
func (q *request) failed(errno syscall.Errno) syscall.Errno {
	switch p := q.open.process; {
	case errno == syscall.ESRCH:
		p.ThreadGone(q.call.Thread)
	case q.grip != nil:
		p.Interrupt(&q.call)
	}
	return errno
}

// letGo answers the ioctl of a thread that is held; false: it has slipped away in time.
func (q *request) letGo(result int32) bool {
	q.server.requests.unhold(q) // first: the thread's next ioctl may come at once
	arg := q.call.Arg[:q.outSize]
	switch hold := q.grip.hold; {
	case hold == nil:
	case result == -int32(syscall.EINTR):
		hold.Restart(arg)
	default:
		hold.Return(result, arg)
	}
	q.server.requests.free(q)
	return true
}

// find is the request that a thread is in. It looks through all there are: few clients need it.
func (t *requests) find(o *open, tid busd.ThreadID) *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, q := range t.held {
		if q.open == o && q.call.Thread == tid {
			return q
		}
	}
	for _, q := range t.buckets {
		for ; q != nil; q = q.next {
			if q.open == o && q.call.Thread == tid {
				return q
			}
		}
	}
	return nil
}

func (t *requests) setGrip(q *request, g *grip) {
	t.mu.Lock()
	q.grip = g
	t.mu.Unlock()
}

// hold moves a request to those whose thread is held: the kernel knows it no longer.
func (t *requests) hold(q *request) {
	t.remove(q)
	t.mu.Lock()
	t.held = append(t.held, q)
	t.mu.Unlock()
}

func (t *requests) unhold(q *request) {
	t.mu.Lock()
	t.held = slices.DeleteFunc(t.held, func(h *request) bool { return h == q })
	t.mu.Unlock()
}

// handOver lets a spare read in place of the reader that is about to wait. Which one that is
// nobody knows here, and it is no harm if it is another.
func (s *Server) handOver() {
	if r := s.watchdog.current.Load(); r.sequence.Load()&1 == 1 {
		s.takeOver(r)
	}
}
