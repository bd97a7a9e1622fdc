package devicefs

import (
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// maxArg is the longest ioctl argument we carry, in bytes: BINDER_CTL_ADD's is the longest there
// is. No device knows a request with a longer one.
const maxArg = ioctl.SizeofDevice

// A request is an ioctl that is not answered yet. It is also the message that will answer it:
// the call's argument is a part of it, so that answering copies nothing.
type request struct {
	call    busd.Call
	server  *Server
	open    *open
	unique  uint64
	arg     ioctl.Address // where the argument is in the client
	outSize int

	// The fields below are guarded by the table's mu.
	next, prev *request
	pins       int   // an interrupter holds it
	answered   bool  // and it is to be freed by the last of them
	age        int   // sweeps it has seen
	grip       *grip // not nil: its thread is being held; see inject.go

	message [sizeofOutHeader + sizeofIoctlOut + maxArg]byte
}

const argOffset = sizeofOutHeader + sizeofIoctlOut

// Reply answers the ioctl. It implements busd.Replier.
func (q *request) Reply(_ *busd.Call, result int32) {
	s := q.server
	if q.grip != nil && q.letGo(result) {
		return
	}
	s.requests.remove(q)
	n := argOffset
	// An error takes the out-bytes along where they say how far it got. (The driver, too, returns
	// struct binder_write_read with every error.)
	if result >= 0 || q.call.Request == ioctl.BINDER_WRITE_READ {
		n += q.outSize
	}
	m := q.message[:n]
	putOutHeader(m, n, 0, q.unique)
	le.PutUint32(m[sizeofOutHeader:], uint32(result))
	clear(m[sizeofOutHeader+4 : argOffset])
	s.answered(s.wire.write(m))
	s.requests.free(q)
}

// answered looks at what became of an answer. ENOENT: the request was aborted; ENODEV: the mount
// is gone. Neither harms anybody.
func (s *Server) answered(errno syscall.Errno) {
	switch errno {
	case 0, syscall.ENOENT, syscall.ENODEV:
	default:
		s.log.Error("an answer was not accepted", "err", errno)
	}
}

// requests is the table of ioctls that are not answered yet, by unique number.
type requests struct {
	mu      sync.Mutex
	buckets [1024]*request // guarded by mu
	pool    *request       // linked by next; guarded by mu
	pooled  int            // guarded by mu
	early   early          // guarded by mu
	held    []*request     // answered, with their threads held; guarded by mu
}

// maxPooled bounds how many unused requests are kept.
const maxPooled = 4096

func (t *requests) bucket(unique uint64) **request {
	return &t.buckets[unique>>1%uint64(len(t.buckets))] // the lowest bit marks interrupts
}

// add registers an ioctl and answers the request for it, whose call is ready to be filled in.
func (t *requests) add(o *open, unique uint64, tid busd.ThreadID) *request {
	t.mu.Lock()
	q := t.pool
	if q != nil {
		t.pool = q.next
		t.pooled--
	} else {
		q = &request{server: o.server}
		q.call.Replier = q
	}
	q.unique, q.open, q.call.Thread = unique, o, tid
	q.answered, q.age, q.prev, q.grip = false, 0, nil, nil
	b := t.bucket(unique)
	q.next = *b
	if q.next != nil {
		q.next.prev = q
	}
	*b = q
	q.call.Interrupted = t.early.take(unique)
	t.mu.Unlock()
	return q
}

// remove takes a request out of the table; nobody finds it any longer.
func (t *requests) remove(q *request) {
	t.mu.Lock()
	if q.prev != nil {
		q.prev.next = q.next
	} else {
		*t.bucket(q.unique) = q.next
	}
	if q.next != nil {
		q.next.prev = q.prev
	}
	q.next, q.prev = nil, nil
	t.mu.Unlock()
}

// free keeps an answered request for the next ioctl, unless an interrupter still holds it.
func (t *requests) free(q *request) {
	t.mu.Lock()
	if q.pins > 0 {
		q.answered = true
	} else {
		t.put(q)
	}
	t.mu.Unlock()
}

// put needs mu.
func (t *requests) put(q *request) {
	q.open = nil
	if t.pooled >= maxPooled {
		return
	}
	q.next = t.pool
	t.pool = q
	t.pooled++
}

// unpin ends an interrupter's hold.
func (t *requests) unpin(q *request) {
	t.mu.Lock()
	if q.pins--; q.pins == 0 && q.answered {
		t.put(q)
	}
	t.mu.Unlock()
}
