package devicefs

import (
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/busd/clientmem"
	"github.com/fusebinder/fusebinder/ioctl"
)

// fileSize is the size of a device file in bytes: what a client may map of it.
const fileSize = clientmem.MaxArea

// A backing is the memory behind the receive area of one open device. It lives until the device
// is closed and the broker has closed every view of it: memory that went away under a copy
// would kill the broker.
type backing struct {
	mem  []byte
	refs atomic.Int32
	show shower
}

// A shower makes what the broker writes visible to the client, in one of the receive modes.
type shower interface {
	publish(off, n int)
	discard(off, n int)
}

// newBacking takes mem, which its last user unmaps. The caller is its first user.
func newBacking(mem []byte, show shower) *backing {
	b := &backing{mem: mem, show: show}
	b.refs.Store(1)
	return b
}

// view opens the area for the broker; nil when the memory is gone.
func (b *backing) view(at ioctl.Address, n int) busd.Area {
	for {
		refs := b.refs.Load()
		if refs == 0 {
			return nil
		}
		if b.refs.CompareAndSwap(refs, refs+1) {
			return &area{backing: b, at: at, n: n}
		}
	}
}

func (b *backing) release() {
	switch refs := b.refs.Add(-1); {
	case refs == 0:
		unix.Munmap(b.mem)
		b.mem = nil
	case refs < 0:
		panic("devicefs: a receive area was closed twice")
	}
}

// An area is the broker's view of what a client has mapped. It implements busd.Area.
type area struct {
	*backing
	at ioctl.Address
	n  int
}

func (a *area) Address() ioctl.Address { return a.at }
func (a *area) Bytes() []byte          { return a.mem[:a.n:a.n] }
func (a *area) Publish(off, n int)     { a.show.publish(off, n) }
func (a *area) Close()                 { a.release() }

// Discard gives whole pages back.
func (a *area) Discard(off, n int) {
	end := (off + n) &^ (pageSize - 1)
	off = (off + pageSize - 1) &^ (pageSize - 1)
	if off < end {
		a.show.discard(off, end-off)
	}
}

var pageSize = unix.Getpagesize()
