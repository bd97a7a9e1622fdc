package binder

import (
	"runtime"
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A buffer is one received transaction in the device's mapping: what a received parcel stands on.
// Buffers are used again, together with the cleanup that watches them: a buffer that a forgotten
// parcel takes along into the garbage frees what it held.
type buffer struct {
	held    *held
	release func() // free, made once
}

// held is what a buffer holds. The cleanup knows it, so it must not know its buffer.
type held struct {
	bus   *Bus
	live  bool          // guarded by bus.buffers.mu
	serve bool          // a call being served: its thread frees it together with the reply
	addr  ioctl.Address // what BC_FREE_BUFFER wants
	data  []byte
	table []byte // the offsets
	files []int  // descriptors that came along, ours to close
	index bool   // objects name files by their index, not by their number
}

// buffers are those of one bus.
type buffers struct {
	mu   sync.Mutex
	all  map[*held]struct{}
	idle []*buffer
}

// idleBuffers is how many buffers wait to be used again.
const idleBuffers = 64

// receive takes over a transaction that the driver has returned.
func (b *Bus) receive(tr *ioctl.TransactionData, serve bool) (*buffer, error) {
	data, err := b.dev.Bytes(tr.Buffer, tr.DataSize)
	if err != nil {
		return nil, err
	}
	table, err := b.dev.Bytes(tr.Offsets, tr.OffsetsSize)
	if err != nil {
		return nil, err
	}
	if !b.views.enter() { // the mapping stays
		return nil, ErrClosed
	}

	b.buffers.mu.Lock()
	var buf *buffer
	if n := len(b.buffers.idle); n > 0 {
		buf = b.buffers.idle[n-1]
		b.buffers.idle[n-1] = nil
		b.buffers.idle = b.buffers.idle[:n-1]
	} else {
		buf = &buffer{held: &held{bus: b}}
		buf.release = buf.free
		b.buffers.all[buf.held] = struct{}{}
		runtime.AddCleanup(buf, (*held).forget, buf.held)
	}
	h := buf.held
	h.live, h.serve, h.addr, h.data, h.table = true, serve, tr.Buffer, data, table
	b.buffers.mu.Unlock()

	if len(table) > 0 {
		b.files.collect(b.dev, h)
	}
	return buf, nil
}

// parcel is the received parcel.
func (buf *buffer) parcel() *parcel.Parcel {
	h := buf.held
	return parcel.FromBuffer(h.data, h.table, parcel.ReadOptions{
		Resolver: buf,
		Files:    buf,
		APILevel: h.bus.opts.APILevel,
		Release:  buf.release,
	})
}

// free gives back what the buffer holds, and the buffer itself to be used again.
func (buf *buffer) free() {
	h := buf.held
	b := h.bus
	size := len(h.data)
	serve := h.serve
	if !h.drop() {
		return
	}
	b.buffers.mu.Lock()
	if len(b.buffers.idle) < idleBuffers {
		b.buffers.idle = append(b.buffers.idle, buf)
	}
	b.buffers.mu.Unlock()
	if !serve && (b.pending.full() || size >= b.opts.MapSize/16) {
		b.flush() // others may be waiting for the room
	}
}

// forget is the cleanup of a buffer that nobody has any more.
func (h *held) forget() {
	h.drop()
	h.bus.buffers.mu.Lock()
	defer h.bus.buffers.mu.Unlock()
	delete(h.bus.buffers.all, h)
}

// drop gives back what is held, once. It never calls the device.
func (h *held) drop() bool {
	b := h.bus
	b.buffers.mu.Lock()
	was := h.live
	h.live, h.data, h.table = false, nil, nil
	b.buffers.mu.Unlock()
	if !was {
		return false
	}
	for _, fd := range h.files {
		syscall.Close(fd)
	}
	h.files = h.files[:0]
	if !h.serve {
		b.pending.putBuffer(h.addr)
	}
	b.views.leave()
	return true
}

// ResolveBinder turns an object of the transaction into a Binder of this process.
func (buf *buffer) ResolveBinder(obj ioctl.FlatObject) (parcel.Binder, error) {
	return buf.held.bus.resolve(obj)
}

// TakeFile finds a descriptor of the transaction.
func (buf *buffer) TakeFile(obj ioctl.FDObject) (int, error) {
	h := buf.held
	if !h.index {
		return int(int32(obj.FD)), nil
	}
	if obj.FD >= uint32(len(h.files)) || h.files[obj.FD] < 0 {
		return -1, syscall.EBADF
	}
	return h.files[obj.FD], nil
}

// kept is what parcels still hold of the mapping.
func (bs *buffers) kept() (views [][]byte) {
	bs.mu.Lock()
	defer bs.mu.Unlock()
	for h := range bs.all {
		if h.live {
			views = append(views, h.data, h.table)
		}
	}
	return views
}
