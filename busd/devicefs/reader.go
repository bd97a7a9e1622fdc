package devicefs

import (
	"fmt"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

const (
	// maxRead is the longest READ and READDIR that the kernel may ask for, in bytes.
	maxRead = 128 << 10

	// inputSize holds the longest request: an ioctl with 16 KiB of argument.
	inputSize = 32 << 10

	sparesAhead = 2   // readers that wait for their turn from the beginning
	maxReaders  = 256 // readers in all; each is stuck in a client's memory, or one too many
)

// A reader takes requests from the kernel and handles them.
type reader struct {
	server *Server
	receiver
	wake chan struct{} // a spare's turn has come; closed: the mount is gone

	// sequence is odd while a request is being handled. Only its goroutine writes it.
	sequence atomic.Uint64

	in  []byte
	out []byte // for go-fuse, made when first needed
}

// newReader needs mu.
func (s *Server) newReader() *reader {
	s.total++
	s.reading.Add(1)
	return &reader{
		server:   s,
		receiver: receiver{wire: s.wire, raw: s.opts.RawReader, aborting: &s.aborting},
		wake:     make(chan struct{}, 1),
		in:       make([]byte, inputSize),
	}
}

// newSpare needs mu. The spare waits for its turn.
func (s *Server) newSpare() *reader {
	r := s.newReader()
	go func() {
		if _, ok := <-r.wake; !ok {
			s.reading.Done()
			return
		}
		s.bus.Drain()
		r.loop()
	}()
	return r
}

// loop reads until the mount is gone, with pauses while another reader has taken over.
func (r *reader) loop() {
	s := r.server
	defer s.reading.Done()
	for {
		n, errno := r.read(r.in)
		switch {
		case errno == 0:
		case gone(errno):
			s.end(nil)
			return
		case s.aborting.Load():
			s.end(nil)
			return
		case errno == syscall.EINTR, errno == syscall.EAGAIN, errno == syscall.ENOENT:
			continue // ENOENT: the request was given up while we read it
		default:
			s.end(fmt.Errorf("read /dev/fuse: %w", errno))
			return
		}
		r.sequence.Add(1)
		if s.watchdog.dozing.Load() {
			s.watchdog.rouse()
		}
		r.handle(n)
		r.sequence.Add(1)
		if s.watchdog.current.Load() != r && !r.rest() {
			return
		}
	}
}

// rest waits as a spare until it is this reader's turn again; false: the mount is gone.
func (r *reader) rest() bool {
	s := r.server
	s.mu.Lock()
	if s.ended {
		s.mu.Unlock()
		return false
	}
	s.spares = append(s.spares, r)
	s.mu.Unlock()
	if _, ok := <-r.wake; !ok {
		return false
	}
	s.bus.Drain()
	return true
}

// handle carries out the request in the first n bytes of the input.
func (r *reader) handle(n int) {
	if n < sizeofInHeader {
		return
	}
	s := r.server
	h := header(r.in[:n])
	switch h.opcode() {
	case opIoctl:
		r.ioctl(h)
	case opPoll:
		r.poll(h)
	case opInterrupt:
		if n >= sizeofInHeader+8 {
			s.interrupt(le.Uint64(h[sizeofInHeader:]))
		}
	case opFlush:
		s.answered(s.wire.fail(h.unique(), 0))
		if o := s.opens.get(h.handle()); o != nil && !ours(h.pid()) {
			o.process.Flush()
		}
	case opRelease:
		s.answered(s.wire.fail(h.unique(), 0))
		s.release(h.handle())
	case opInit:
		r.init(h)
	default:
		r.other(h)
	}
}

// ours tells whether a thread is one of this process. Ours close duplicates of devices that were on
// their way from one client to another; the driver makes none, so no client is to notice that.
func ours(tid int32) bool {
	return unix.Tgkill(os.Getpid(), int(tid), 0) == nil
}

// ioctl hands an ioctl to the broker.
func (r *reader) ioctl(h header) {
	s := r.server
	unique := h.unique()
	if len(h) < sizeofInHeader+sizeofIoctlIn {
		s.answered(s.wire.fail(unique, syscall.EIO))
		return
	}
	in := ioctlIn(h[sizeofInHeader:])
	fh := h.handle()
	request, arg := ioctl.Request(in.command()), in[sizeofIoctlIn:]
	o := s.opens.get(fh)
	if o == nil {
		r.control(unique, fh, request, arg, int(in.outSize()))
		return
	}
	size := request.Size()
	if size > maxArg || int(in.inSize()) > min(size, len(arg)) || int(in.outSize()) > size {
		s.answered(s.wire.fail(unique, syscall.EINVAL)) // no device has a request like that
		return
	}
	tid := busd.ThreadID(h.pid())
	o.threads.see(o, tid)
	if uid := h.uid(); uid != o.caller.Load() {
		o.changedUser(tid, uid)
	}

	q := s.requests.add(o, unique, tid)
	q.outSize, q.arg = int(in.outSize()), ioctl.Address(in.arg())
	c := &q.call
	c.Request = request
	c.Nonblock = o.nonblock
	c.Arg = q.message[argOffset : argOffset+size]
	clear(c.Arg[copy(c.Arg, arg[:in.inSize()]):])
	o.process.Ioctl(c)
}

// other leaves a request to go-fuse.
func (r *reader) other(h header) {
	s := r.server
	if r.out == nil {
		r.out = make([]byte, maxRead+4096)
	}
	s.greeted.Load() // it was set before the kernel sent this; Go's memory model does not know
	n, status := s.fuse.HandleRequest([][]byte{h}, [][]byte{r.out})
	if !status.Ok() {
		s.log.Warn("a request could not be parsed", "opcode", h.opcode(), "err", status)
		switch h.opcode() {
		case opForget, opBatchForget, opDestroy:
		default:
			s.answered(s.wire.fail(h.unique(), syscall.EIO))
		}
		return
	}
	if n == 0 {
		return
	}
	errno := s.wire.write(r.out[:n])
	if errno != 0 && h.opcode() == opOpen && n > sizeofOutHeader && le.Uint32(r.out[4:]) == 0 {
		s.release(le.Uint64(r.out[sizeofOutHeader:])) // nobody has it
	}
	s.answered(errno)
}
