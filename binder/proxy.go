package binder

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"weak"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A Proxy stands for an object of another process. There is one at a time for each object. It holds
// a strong reference, which it drops when the program has forgotten it, or at Close.
type Proxy struct {
	bus       *Bus
	ref       *reference
	stability atomic.Int32

	death  deaths
	frozen frozen

	describe   sync.Mutex
	descriptor string // once known
}

// reference is one BC_ACQUIRE of a handle, or BC_INCREFS if it is weak. It outlives its Proxy or
// WeakBinder until nothing under way uses it; then, once, BC_RELEASE or BC_DECREFS follows. A handle that arrives again after its proxy is gone gets a new
// reference, whether or not the old one has been released by then: each releases what it acquired.
type reference struct {
	bus     *Bus
	handle  ioctl.Handle
	weak    bool
	acquire sync.Once
	uses    gate
}

// handles are the references of one bus.
type handles struct {
	mu       sync.Mutex
	byHandle map[ioctl.Handle]handle
}

type handle struct {
	ref   *reference // the youngest
	proxy weak.Pointer[Proxy]
}

// resolve turns a flat object that was received into what stands for it here.
func (b *Bus) resolve(obj ioctl.FlatObject) (parcel.Binder, error) {
	switch obj.Type {
	case ioctl.BINDER_TYPE_BINDER:
		if o := b.nodes.find(obj.Pointer()); o != nil {
			return o, nil
		}
		return nil, fmt.Errorf("object %d of this process: %w", obj.Binder, ErrDeadObject)
	case ioctl.BINDER_TYPE_WEAK_BINDER:
		return b.weakObject(obj.Pointer()), nil
	case ioctl.BINDER_TYPE_WEAK_HANDLE:
		w, err := b.weak(obj.Handle())
		if err != nil {
			return nil, err
		}
		return w, nil
	case ioctl.BINDER_TYPE_HANDLE:
		if obj.Handle() == ioctl.ContextManager {
			return b.ContextManager(), nil
		}
		return b.proxy(obj.Handle()), nil
	}
	return nil, parcel.BAD_TYPE
}

// proxy is the proxy for a handle that a buffer of ours, not yet freed, has brought.
func (b *Bus) proxy(h ioctl.Handle) *Proxy {
	b.handles.mu.Lock()
	p := b.handles.byHandle[h].proxy.Value()
	if p == nil || p.ref.uses.closed() {
		p = &Proxy{bus: b, ref: &reference{bus: b, handle: h}}
		p.stability.Store(int32(parcel.StabilitySystem))
		p.ref.uses.last = p.ref.release
		b.handles.byHandle[h] = handle{ref: p.ref, proxy: weak.Make(p)}
		runtime.AddCleanup(p, (*reference).drop, p.ref)
	}
	b.handles.mu.Unlock()
	// Before the buffer is freed, and so at once: it is the buffer's reference that makes ours
	// possible. Whoever finds the proxy meanwhile has a buffer, too, and waits here.
	_ = p.ref.take()
	return p
}

// take takes the reference, once.
func (r *reference) take() (err error) {
	cmd := ioctl.BC_ACQUIRE
	if r.weak {
		cmd = ioctl.BC_INCREFS
	}
	r.acquire.Do(func() {
		err = r.bus.command(func(out []byte) []byte { return ioctl.AppendHandle(out, cmd, r.handle) })
	})
	return err
}

// drop ends the reference as soon as nothing uses it. It never calls the device.
func (r *reference) drop() {
	if !r.uses.close() {
		return
	}
	hs := &r.bus.handles
	hs.mu.Lock()
	defer hs.mu.Unlock()
	if hs.byHandle[r.handle].ref == r {
		delete(hs.byHandle, r.handle)
	}
}

func (r *reference) release() {
	cmd := ioctl.BC_RELEASE
	if r.weak {
		cmd = ioctl.BC_DECREFS
	}
	r.bus.pending.putHandle(cmd, r.handle)
}

// Bus is the bus the proxy's object is on.
func (p *Proxy) Bus() *Bus { return p.bus }

// Handle is the driver's number for the object in this process, for messages to people. It may mean
// another object once the proxy is gone.
func (p *Proxy) Handle() ioctl.Handle { return p.ref.handle }

// String names the proxy for people.
func (p *Proxy) String() string { return fmt.Sprintf("binder %s handle %d", p.bus.path, p.ref.handle) }

// Close drops the reference without waiting for the garbage collector. All who have the proxy lose
// it: their calls answer ErrClosed. Death recipients and the like are not told. The context manager's proxy stays.
func (p *Proxy) Close() error {
	if p.ref.handle == ioctl.ContextManager {
		return nil
	}
	p.unwatchAll()
	p.unlinkAll()
	p.ref.drop()
	return nil
}

// FlattenBinder is the proxy in a parcel.
func (p *Proxy) FlattenBinder() (ioctl.FlatObject, error) {
	if p.ref.uses.closed() || p.bus.gate.closed() {
		return ioctl.FlatObject{}, ErrClosed
	}
	return ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Flags: lowestPriority, Binder: uint64(p.ref.handle)}, nil
}

// RetainBinder keeps the handle valid for a parcel that names it.
func (p *Proxy) RetainBinder() { p.ref.uses.n.Add(1) }

// ReleaseBinder ends RetainBinder.
func (p *Proxy) ReleaseBinder() { p.ref.uses.leave() }

// BinderStability is what the object's owner has declared.
func (p *Proxy) BinderStability() parcel.Stability { return parcel.Stability(p.stability.Load()) }

// SetBinderStability is for package parcel, which reads the declaration.
func (p *Proxy) SetBinderStability(s parcel.Stability) error {
	p.stability.Store(int32(s))
	return nil
}

// Transact calls the object: see Binder.
func (p *Proxy) Transact(ctx context.Context, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, error) {
	reply, err := p.bus.transact(ctx, p.ref, code, data, flags)
	runtime.KeepAlive(p)
	return reply, err
}

// Ping asks whether the object is there to answer.
func (p *Proxy) Ping(ctx context.Context) error {
	reply, err := p.Transact(ctx, PING_TRANSACTION, nil, 0)
	if err != nil {
		return err
	}
	reply.Release()
	return nil
}

// Descriptor asks for the name of the object's interface, the first time.
func (p *Proxy) Descriptor(ctx context.Context) (string, error) {
	p.describe.Lock()
	known := p.descriptor
	p.describe.Unlock()
	if known != "" {
		return known, nil
	}
	reply, err := p.Transact(ctx, INTERFACE_TRANSACTION, nil, 0)
	if err != nil {
		return "", err
	}
	defer reply.Release()
	name := reply.ReadString16()
	if err := reply.Err(); err != nil {
		return "", err
	}
	if p.ref.handle != ioctl.ContextManager { // that may be another tomorrow
		p.describe.Lock()
		p.descriptor = name
		p.describe.Unlock()
	}
	return name, nil
}

// Extension asks for the object's extension, nil if it has none.
func (p *Proxy) Extension(ctx context.Context) (Binder, error) {
	reply, err := p.Transact(ctx, EXTENSION_TRANSACTION, nil, 0)
	if err != nil {
		return nil, err
	}
	defer reply.Release()
	return ReadBinder(reply)
}

// DebugPID asks for the pid of the object's process.
func (p *Proxy) DebugPID(ctx context.Context) (int, error) {
	reply, err := p.Transact(ctx, DEBUG_PID_TRANSACTION, nil, 0)
	if err != nil {
		return 0, err
	}
	defer reply.Release()
	pid := reply.ReadInt32()
	return int(pid), reply.Err()
}

// Dump asks the object to describe itself, for people, to the file descriptor fd.
func (p *Proxy) Dump(ctx context.Context, fd int, args ...string) error {
	data := p.bus.NewParcel()
	defer data.Release()
	data.WriteFileDescriptor(fd)
	data.WriteInt32(int32(len(args)))
	for _, a := range args {
		data.WriteString16(a)
	}
	reply, err := p.Transact(ctx, DUMP_TRANSACTION, data, 0)
	if err != nil {
		return err
	}
	reply.Release()
	return nil
}

// ReadBinder reads a binder that may be null (nil) from p, as a Binder that can be called.
func ReadBinder(p *parcel.Parcel) (Binder, error) {
	read := p.ReadNullableStrongBinder()
	if read == nil {
		return nil, p.Err()
	}
	b, ok := read.(Binder)
	if !ok {
		return nil, fmt.Errorf("%T cannot be called: %w", read, parcel.BAD_TYPE)
	}
	return b, nil
}
