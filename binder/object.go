package binder

import (
	"context"
	"encoding/binary"
	"runtime"
	"sync"
	"weak"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// An Object is an object of this process that others can call once they have been given it, in a
// parcel or by a name in the service manager. It lives while this program holds it or another
// process does.
type Object struct {
	bus        *Bus
	node       *node
	service    Service
	descriptor string
	extension  Binder
	secctx     bool
	stability  parcel.Stability
}

// An ExportOption adds to Bus.Export.
type ExportOption func(*Object)

// WithDescriptor names the object's interface. Without it the object has the name that its Service
// gives by a method InterfaceDescriptor() string, or none.
func WithDescriptor(name string) ExportOption { return func(o *Object) { o.descriptor = name } }

// WithExtension gives the object an extension: another interface that whoever has the object may
// ask for (EXTENSION_TRANSACTION).
func WithExtension(b Binder) ExportOption { return func(o *Object) { o.extension = b } }

// RequestSecurityContext asks the driver to tell the security context of each caller.
func RequestSecurityContext() ExportOption { return func(o *Object) { o.secctx = true } }

// WithStability declares how stable the object's interface is; otherwise it is
// parcel.StabilitySystem.
func WithStability(s parcel.Stability) ExportOption { return func(o *Object) { o.stability = s } }

// An Unreferencer is a Service that is told when the last process that held its object has let it
// go. It may be called again if the object is given away again. It is not called for an object that
// was let go before this process had heard that it was taken: the driver does not tell.
type Unreferencer interface {
	OnUnreferenced()
}

// Export makes an object whose calls s answers. Nobody knows it until it is written to a parcel.
func (b *Bus) Export(s Service, opts ...ExportOption) *Object {
	o := &Object{bus: b, service: s, stability: parcel.StabilitySystem}
	if d, ok := s.(interface{ InterfaceDescriptor() string }); ok {
		o.descriptor = d.InterfaceDescriptor()
	}
	for _, opt := range opts {
		opt(o)
	}
	b.nodes.add(o)
	return o
}

// Bus is the bus the object was exported on.
func (o *Object) Bus() *Bus { return o.bus }

// Service is what answers the object's calls.
func (o *Object) Service() Service { return o.service }

// Extension is the object's extension, nil if it has none.
func (o *Object) Extension() Binder { return o.extension }

// FlattenBinder is the object in a parcel.
func (o *Object) FlattenBinder() (ioctl.FlatObject, error) {
	if o.bus.gate.closed() {
		return ioctl.FlatObject{}, ErrClosed
	}
	flags := ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS | lowestPriority
	if o.secctx {
		flags |= ioctl.FLAT_BINDER_FLAG_TXN_SECURITY_CTX
	}
	return ioctl.FlatObject{
		Type:   ioctl.BINDER_TYPE_BINDER,
		Flags:  flags,
		Binder: uint64(o.node.id),
		Cookie: ioctl.Cookie(o.node.id),
	}, nil
}

// lowestPriority, nice 19, asks for no more than the caller's own priority while it is served.
const lowestPriority ioctl.ObjectFlags = 19

// BinderStability is what goes with the object in parcels.
func (o *Object) BinderStability() parcel.Stability { return o.stability }

// LinkToDeath answers INVALID_OPERATION: nobody hears of their own death.
func (o *Object) LinkToDeath(DeathRecipient) error {
	return &StatusError{Status: parcel.INVALID_OPERATION}
}

// UnlinkToDeath answers false.
func (o *Object) UnlinkToDeath(DeathRecipient) bool { return false }

// Descriptor is the name of the object's interface.
func (o *Object) Descriptor(context.Context) (string, error) { return o.descriptor, nil }

// Ping answers nil.
func (o *Object) Ping(context.Context) error { return nil }

// node is an object as the driver knows it: by a number. It outlives the Object while the driver
// has weak references.
type node struct {
	id     ioctl.Pointer // also the cookie; never used again
	weak   weak.Pointer[Object]
	strong *Object // set while somebody else needs it: remote or pins greater than 0

	remote int // BR_ACQUIRE less BR_RELEASE, which may come on different threads in any order
	known  int // BR_INCREFS less BR_DECREFS, likewise
	pins   int // calls under way that carry the object
}

// nodes are the objects of one bus.
type nodes struct {
	mu   sync.Mutex
	next ioctl.Pointer
	byID map[ioctl.Pointer]*node
}

func (ns *nodes) add(o *Object) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.next++
	n := &node{id: ns.next, weak: weak.Make(o)}
	o.node = n
	ns.byID[n.id] = n
	runtime.AddCleanup(o, ns.collected, n)
}

// collected is the cleanup of an Object.
func (ns *nodes) collected(n *node) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	ns.lockedTidy(n)
}

// lockedTidy forgets n when neither this program nor the driver can name it any more.
func (ns *nodes) lockedTidy(n *node) {
	if n.remote <= 0 && n.pins == 0 {
		n.strong = nil
		if n.known <= 0 && n.weak.Value() == nil {
			delete(ns.byID, n.id)
		}
	}
}

// find is the object with that number, nil if there is none any more.
func (ns *nodes) find(id ioctl.Pointer) *Object {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := ns.byID[id]
	if n == nil {
		return nil
	}
	return n.weak.Value()
}

// pin keeps the object alive until unpin; nil if there is none of that number.
func (ns *nodes) pin(id ioctl.Pointer) *node {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := ns.byID[id]
	if n == nil {
		return nil
	}
	n.pins++
	n.strong = n.weak.Value()
	return n
}

func (ns *nodes) unpin(n *node) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n.pins--
	ns.lockedTidy(n)
}

// pinAll pins the objects of this process that a transaction names. The driver tells that it has
// taken them up only when the thread reads next; the sender may have let go of them by then.
func (ns *nodes) pinAll(data, table []byte) (pins []*node) {
	for i := 0; i+8 <= len(table); i += 8 {
		o := object(data, binary.LittleEndian.Uint64(table[i:]))
		if kind := kindOf(o); kind != ioctl.BINDER_TYPE_BINDER && kind != ioctl.BINDER_TYPE_WEAK_BINDER {
			continue
		}
		var flat ioctl.FlatObject
		flat.Decode(o)
		if n := ns.pin(flat.Pointer()); n != nil {
			pins = append(pins, n)
		}
	}
	return pins
}

func (ns *nodes) unpinAll(pins []*node) {
	for _, n := range pins {
		ns.unpin(n)
	}
}

// count carries out what the driver returned about a node. It returns the service to be told that
// nobody else has its object any more, if so.
func (ns *nodes) count(ret ioctl.Return, id ioctl.Pointer) (alone Unreferencer) {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	n := ns.byID[id]
	if n == nil {
		return nil
	}
	switch ret {
	case ioctl.BR_INCREFS:
		n.known++
	case ioctl.BR_DECREFS:
		n.known--
	case ioctl.BR_ACQUIRE:
		n.remote++
		if n.remote > 0 {
			n.strong = n.weak.Value()
		}
	case ioctl.BR_RELEASE:
		n.remote--
		if o := n.strong; o != nil && n.remote == 0 {
			alone, _ = o.service.(Unreferencer)
		}
	}
	ns.lockedTidy(n)
	return alone
}

// Transact calls the object within the process, on the calling goroutine: see Binder.
func (o *Object) Transact(ctx context.Context, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if data == nil {
		data = o.bus.NewParcel()
		defer data.Release()
	}
	if err := data.Err(); err != nil {
		return nil, err
	}
	data.SetPosition(0)
	inner := &callContext{bus: o.bus, caller: self(), parent: ctx, outer: running(ctx)}
	reply, status := o.answer(inner, code, data, flags)
	if status != parcel.OK {
		return nil, &StatusError{Status: status}
	}
	if reply != nil {
		reply.SetPosition(0)
	}
	return reply, nil
}
