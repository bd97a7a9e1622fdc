package devicefs

import (
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// This file is a broker that does what a test wants: its processes obey these requests, each with
// an order as its argument. BINDER_WRITE_READ parks until an interrupt or requestFinish.
const (
	requestFill    ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 201 // bytes [Off, Off+N) of the receive area become Value
	requestDiscard ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 202 // the broker forgets [Off, Off+N)
	requestRead    ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 203 // the client's memory at Off; Done, Value: count and first byte
	requestFinish  ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 204 // every parked ioctl of the bus; Done: how many
	requestCount   ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 205 // Off, N, Value, Done: interrupts, threads gone, flushes, releases so far
	requestQuiet   ioctl.Request = 3<<30 | 48<<16 | 'b'<<8 | 206 // like requestFill, but nothing is published
)

// order is the argument of those.
type order struct{ Off, N, Value, Done, _, _ uint64 }

type fakeBus struct {
	mu     sync.Mutex
	parked map[*busd.Call]bool
	counts order
}

type fakeContext struct{ bus *fakeBus }

func (c fakeContext) Open(cl busd.Client) (process, syscall.Errno) {
	return &fakeProcess{bus: c.bus, Client: cl}, 0
}
func (fakeContext) Remove() {}

type fakeProcess struct {
	busd.Client
	bus  *fakeBus
	mu   sync.Mutex
	area busd.Area
}

// myArea is the receive area, found when first needed.
func (p *fakeProcess) myArea(tid busd.ThreadID) busd.Area {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.area == nil {
		p.area = p.Memory.Map(tid)
	}
	return p.area
}

func (p *fakeProcess) Ioctl(c *busd.Call) {
	b := p.bus
	if c.Request == ioctl.BINDER_VERSION {
		le.PutUint32(c.Arg, 8)
		c.Replier.Reply(c, 0)
		return
	}
	if c.Request == ioctl.BINDER_WRITE_READ {
		b.mu.Lock()
		if !c.Interrupted && !c.Nonblock {
			b.parked[c] = true
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		c.Replier.Reply(c, -int32(syscall.EAGAIN))
		return
	}
	if len(c.Arg) != int(unsafe.Sizeof(order{})) {
		c.Replier.Reply(c, -int32(syscall.EINVAL))
		return
	}
	o := (*order)(unsafe.Pointer(&c.Arg[0]))
	c.Replier.Reply(c, -int32(p.obey(c, o)))
}

func (p *fakeProcess) obey(c *busd.Call, o *order) syscall.Errno {
	b := p.bus
	switch c.Request {
	case requestFill, requestQuiet, requestDiscard:
		a := p.myArea(c.Thread)
		if a == nil {
			return syscall.ESRCH
		}
		if o.Off+o.N > uint64(len(a.Bytes())) {
			return syscall.ERANGE
		}
		if c.Request == requestDiscard {
			a.Discard(int(o.Off), int(o.N))
			return 0
		}
		part := a.Bytes()[o.Off : o.Off+o.N]
		for i := range part {
			part[i] = byte(o.Value)
		}
		if c.Request == requestFill {
			a.Publish(int(o.Off), int(o.N))
		}
		o.Value = uint64(a.Address())
	case requestRead:
		dst := make([]byte, o.N)
		n, errno := p.Memory.Read(c.Thread, dst, ioctl.Address(o.Off))
		o.Done, o.Value = uint64(n), 0
		if n > 0 {
			o.Value = uint64(dst[0])
		}
		return errno
	case requestFinish:
		b.mu.Lock()
		parked := b.parked
		b.parked = map[*busd.Call]bool{}
		b.mu.Unlock()
		o.Done = uint64(len(parked))
		for c := range parked {
			le.PutUint64(c.Arg, 99)
			c.Replier.Reply(c, 0)
		}
	case requestCount:
		b.mu.Lock()
		defer b.mu.Unlock()
		*o = b.counts
	default:
		return syscall.EINVAL
	}
	return 0
}

func (p *fakeProcess) Interrupt(c *busd.Call) {
	b := p.bus
	b.mu.Lock()
	b.counts.Off++
	was := b.parked[c]
	delete(b.parked, c)
	b.mu.Unlock()
	if was {
		le.PutUint64(c.Arg, 77) // how much was consumed, say
		c.Replier.Reply(c, -int32(syscall.EINTR))
	}
}

func (p *fakeProcess) Poll(busd.ThreadID, bool) uint32 { return 0 }

func (p *fakeProcess) Flush() {
	p.bus.mu.Lock()
	p.bus.counts.Value++
	p.bus.mu.Unlock()
}

func (p *fakeProcess) ThreadGone(busd.ThreadID) {
	p.bus.mu.Lock()
	p.bus.counts.N++
	p.bus.mu.Unlock()
}

func (p *fakeProcess) SetEUID(uint32) {}

func (p *fakeProcess) Release() {
	p.bus.mu.Lock()
	p.bus.counts.Done++
	p.bus.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.area != nil {
		p.area.Close()
	}
}

// An openFile is a device as a client has it.
type openFile struct {
	fd  int
	mem []byte
}

func (f *openFile) do(r ioctl.Request, o *order) syscall.Errno {
	_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(f.fd), uintptr(r), uintptr(unsafe.Pointer(o)))
	return errno
}
