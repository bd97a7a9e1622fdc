package binder

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

func giveWeak(w *WeakBinder) func(*parcel.Parcel) {
	return func(p *parcel.Parcel) { p.WriteWeakBinder(w) }
}

// askWeak makes a call that answers a weak binder.
func askWeak(t *testing.T, peer Binder, code ioctl.Code, write func(*parcel.Parcel)) *WeakBinder {
	t.Helper()
	reply := ask(t, context.Background(), peer, code, write)
	defer reply.Release()
	w, err := ReadWeakBinder(reply)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// promoteThere is what the peer promotes w to.
func promoteThere(t *testing.T, peer Binder, w *WeakBinder) Binder {
	t.Helper()
	reply := ask(t, context.Background(), peer, peerPromote, giveWeak(w))
	defer reply.Release()
	o, err := ReadBinder(reply)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func weakTo(t *testing.T, o Binder) *WeakBinder {
	t.Helper()
	w, err := Weak(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// A weak reference to an object of ours comes home as one, and does not keep the object alive.
func TestWeakReferenceToOurs(t *testing.T) {
	b, peer := meet(t)
	ctx := context.Background()
	o := newPeer(b, nil).self
	ask(t, ctx, peer, peerKeepWeak, giveWeak(weakTo(t, o)))
	// The peer, which has a weak handle only, cannot promote it.
	if got := promoteThere(t, peer, weakTo(t, o)); got != nil {
		t.Errorf("promoted to %v", got)
	}
	// But it can once it has a strong one.
	ask(t, ctx, peer, peerKeep, give(o))
	if got := promoteThere(t, peer, weakTo(t, o)); got != Binder(o) {
		t.Errorf("promoted to %v", got)
	}
	home := askWeak(t, peer, peerWeak, nil)
	if got := home.Promote(); got != Binder(o) || !home.Same(weakTo(t, o)) {
		t.Errorf("%v came home, which is %v", home, got)
	}
	if home.Same(weakTo(t, peer)) || weakTo(t, peer).Same(home) || home.Same(nil) {
		t.Error("different objects are the same")
	}

	o = nil
	eventually(t, "only weak references", func() bool {
		ask(t, ctx, peer, peerDrop, nil)
		runtime.GC()
		return home.Promote() == nil
	})
	if again := askWeak(t, peer, peerWeak, nil); !again.Same(home) || again.Promote() != nil {
		t.Error("the dead came home alive:", again)
	}
	ask(t, ctx, peer, peerDropWeak, nil)
	eventually(t, "nothing left of the object", func() bool {
		ask(t, ctx, peer, peerDrop, nil)
		runtime.GC()
		b.nodes.mu.Lock()
		defer b.nodes.mu.Unlock()
		return len(b.nodes.byID) == 0
	})
	// A name without an object travels all the same.
	ask(t, ctx, peer, peerKeepWeak, giveWeak(home))
	if again := askWeak(t, peer, peerWeak, nil); !again.Same(home) || again.Promote() != nil {
		t.Error("a forgotten object:", again)
	}
}

// A weak reference to another's object can be promoted while there is a proxy, and keeps the handle.
func TestWeakReferenceToAnothers(t *testing.T) {
	_, peer := meet(t)
	ctx := context.Background()
	o := newObject(t, peer)
	h := o.Handle()
	w := weakTo(t, o)
	if got := w.Promote(); got != Binder(o) {
		t.Errorf("promoted to %v", got)
	}
	ask(t, ctx, peer, peerKeepWeak, giveWeak(w)) // home, to the peer
	w.Close()
	w = askWeak(t, peer, peerWeak, nil)
	if got := w.Promote(); got != Binder(o) || !w.Same(weakTo(t, o)) {
		t.Errorf("%v promoted to %v", w, got)
	}
	// The owner, at home, has the object while it lives there, and gives it to us anew.
	o.Close()
	if got := w.Promote(); got != nil {
		t.Errorf("promoted to %v, which is closed", got)
	}
	if _, err := Weak(o); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	// Strongly held by nobody, the object goes, although we have a weak reference.
	eventually(t, "the owner hears that its object has been let go", func() bool { return dropped(t, peer) == 1 })
	other := newObject(t, peer)
	if other.Handle() == h {
		t.Errorf("handle %d is another object, but is still held", h)
	}
	if got := w.Promote(); got != nil {
		t.Errorf("promoted to %v", got)
	}
	// A parcel holds the reference, even a closed one.
	data := parcel.New()
	data.WriteWeakBinder(w)
	w.Close()
	w.Close()
	if got := w.Promote(); got != nil {
		t.Errorf("promoted to %v after Close", got)
	}
	late := parcel.New()
	late.WriteWeakBinder(w)
	if !errors.Is(late.Err(), ErrClosed) {
		t.Error(late.Err())
	}
	reply, err := peer.Transact(ctx, peerPromote, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	reply.Release()
	data.Release()
	ask(t, ctx, peer, peerDropWeak, nil)
	eventually(t, "the handle is free again", func() bool {
		runtime.GC()
		next := newObject(t, peer)
		defer next.Close()
		return next.Handle() == h
	})
}

func TestWeakContextManager(t *testing.T) {
	b, peer := meet(t)
	w := weakTo(t, peer)
	if got := w.Promote(); got != peer {
		t.Errorf("promoted to %v", got)
	}
	// Handle 0 in a parcel is whoever reads it calls so: here the peer itself, which has it.
	if got := promoteThere(t, peer, w); got != peer {
		t.Errorf("promoted to %v", got)
	}
	w.Close()
	if err := b.ContextManager().Ping(context.Background()); err != nil {
		t.Error(err)
	}
}
