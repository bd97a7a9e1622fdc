package binder

import (
	"fmt"
	"runtime"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A WeakBinder names an object without keeping it alive. It cannot be called, but promoted, and it
// can be given to others: parcel.Parcel.WriteWeakBinder and ReadWeakBinder. As long as there is
// one, the object's number is not given to another object.
type WeakBinder struct {
	bus  *Bus
	id   ioctl.Pointer // of an object of this process, or
	node *node         //   the object; nil if it is forgotten
	ref  *reference    // to another's
}

// Weak makes a WeakBinder for o, an *Object or a *Proxy.
func Weak(o Binder) (*WeakBinder, error) {
	switch o := o.(type) {
	case *Object:
		return &WeakBinder{bus: o.bus, id: o.node.id, node: o.node}, nil
	case *Proxy:
		if !o.ref.uses.enter() {
			return nil, ErrClosed
		}
		defer o.ref.uses.leave()
		return o.bus.weak(o.ref.handle)
	}
	return nil, fmt.Errorf("weak reference to %T: %w", o, parcel.BAD_TYPE)
}

// ReadWeakBinder reads a weak binder that may be null (nil) from p.
func ReadWeakBinder(p *parcel.Parcel) (*WeakBinder, error) {
	read := p.ReadWeakBinder()
	if read == nil {
		return nil, p.Err()
	}
	w, ok := read.(*WeakBinder)
	if !ok {
		return nil, fmt.Errorf("%T is not weak: %w", read, parcel.BAD_TYPE)
	}
	return w, nil
}

// weak makes a weak reference to a handle that a buffer of ours, not yet freed, has brought, or that
// a reference of ours holds.
func (b *Bus) weak(h ioctl.Handle) (*WeakBinder, error) {
	if h == ioctl.ContextManager { // whoever that is
		return &WeakBinder{bus: b, ref: b.zero.ref}, nil
	}
	ref := &reference{bus: b, handle: h, weak: true}
	ref.uses.last = ref.release
	if err := ref.take(); err != nil {
		return nil, err
	}
	w := &WeakBinder{bus: b, ref: ref}
	runtime.AddCleanup(w, (*reference).drop, ref)
	return w, nil
}

// weakObject is the WeakBinder of an object of this process that has come home.
func (b *Bus) weakObject(id ioctl.Pointer) *WeakBinder {
	b.nodes.mu.Lock()
	defer b.nodes.mu.Unlock()
	return &WeakBinder{bus: b, id: id, node: b.nodes.byID[id]}
}

// Promote is the object itself, which it then keeps alive as any Binder does; nil if that cannot
// be had. An object of this process can be had while it lives. One of another process can be had while
// this program has a Proxy of it: the driver knows no way to get at an object of which a process
// holds a weak reference only, and libbinder cannot either.
func (w *WeakBinder) Promote() Binder {
	switch {
	case w.node != nil:
		if o := w.node.weak.Value(); o != nil {
			return o
		}
		return nil
	case w.ref == nil:
		return nil
	case w.ref.handle == ioctl.ContextManager:
		return w.bus.ContextManager()
	}
	// Our reference keeps the handle, so a proxy for it is one for our object.
	hs := &w.bus.handles
	hs.mu.Lock()
	p := hs.byHandle[w.ref.handle].proxy.Value()
	hs.mu.Unlock()
	if p == nil || p.ref.uses.closed() || w.ref.uses.closed() {
		return nil
	}
	_ = p.ref.take() // if who made it has not come that far yet
	return p
}

// Same tells whether both name the same object.
func (w *WeakBinder) Same(o *WeakBinder) bool {
	switch {
	case o == nil || w.bus != o.bus:
		return false
	case w.ref == nil || o.ref == nil:
		return w.ref == o.ref && w.id == o.id
	}
	return w.ref.handle == o.ref.handle
}

// Close drops the reference without waiting for the garbage collector.
func (w *WeakBinder) Close() error {
	if w.ref != nil && w.ref.weak {
		w.ref.drop()
	}
	return nil
}

// String names the reference for people.
func (w *WeakBinder) String() string {
	if w.ref == nil {
		return fmt.Sprintf("binder %s weak object %d", w.bus.path, w.id)
	}
	return fmt.Sprintf("binder %s weak handle %d", w.bus.path, w.ref.handle)
}

// FlattenBinder is the reference in a parcel.
func (w *WeakBinder) FlattenBinder() (ioctl.FlatObject, error) {
	switch {
	case w.bus.gate.closed() || w.ref != nil && w.ref.uses.closed():
		return ioctl.FlatObject{}, ErrClosed
	case w.ref != nil:
		return ioctl.FlatObject{Type: ioctl.BINDER_TYPE_WEAK_HANDLE, Flags: lowestPriority, Binder: uint64(w.ref.handle)}, nil
	}
	obj := ioctl.FlatObject{Flags: lowestPriority, Binder: uint64(w.id), Cookie: ioctl.Cookie(w.id)}
	if o, ok := w.Promote().(*Object); ok { // the driver takes the flags of the first it sees
		var err error
		if obj, err = o.FlattenBinder(); err != nil {
			return obj, err
		}
	}
	obj.Type = ioctl.BINDER_TYPE_WEAK_BINDER
	return obj, nil
}

// RetainBinder keeps the handle valid for a parcel that names it.
func (w *WeakBinder) RetainBinder() {
	if w.ref != nil {
		w.ref.uses.n.Add(1)
	}
}

// ReleaseBinder ends RetainBinder.
func (w *WeakBinder) ReleaseBinder() {
	if w.ref != nil {
		w.ref.uses.leave()
	}
}
