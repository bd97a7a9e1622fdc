package binder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

func give(o Binder) func(*parcel.Parcel) {
	return func(p *parcel.Parcel) { p.WriteStrongBinder(o) }
}

// An object lives while the other process holds it, although here nobody does.
func TestAnObjectLivesWhileOthersHoldIt(t *testing.T) {
	b, peer := meet(t)
	for name, ctx := range contexts(t) {
		t.Run("with a context "+name, func(t *testing.T) {
			told := make(chan struct{}, 1)
			gone := make(chan struct{}, 1)
			ask(t, ctx, peer, peerKeep, give(b.Export(&teller{told: told, alone: gone})))
			runtime.GC()
			runtime.GC()
			data := parcel.New()
			data.WriteUint32(uint32(callbackTell))
			if _, err := peer.Transact(ctx, peerCallKept, data, 0); err != nil {
				t.Fatal(err)
			}
			data.Release()
			<-told
			eventually(t, "the other side forgetting it", func() bool {
				ask(t, ctx, peer, peerDrop, nil)
				select {
				case <-gone:
					return true
				default:
					return false
				}
			})
		})
	}
	eventually(t, "nothing left of the objects", func() bool {
		runtime.GC()
		b.nodes.mu.Lock()
		defer b.nodes.mu.Unlock()
		return len(b.nodes.byID) == 0
	})
}

type teller struct{ told, alone chan struct{} }

func (s *teller) OnTransact(_ context.Context, code ioctl.Code, _, _ *parcel.Parcel, _ ioctl.Flags) error {
	s.told <- struct{}{}
	return nil
}

func (s *teller) OnUnreferenced() { s.alone <- struct{}{} }

func newObject(t *testing.T, peer Binder) *Proxy {
	t.Helper()
	reply := ask(t, context.Background(), peer, peerMake, nil)
	defer reply.Release()
	o, err := ReadBinder(reply)
	if err != nil {
		t.Fatal(err)
	}
	return o.(*Proxy)
}

func dropped(t *testing.T, peer Binder) int32 {
	reply := ask(t, context.Background(), peer, peerDropped, nil)
	defer reply.Release()
	return reply.ReadInt32()
}

// A proxy's reference is dropped by Close, or by the collector.
func TestAProxyIsLetGo(t *testing.T) {
	b, peer := meet(t)
	ctx := context.Background()

	o := newObject(t, peer)
	if err := o.Ping(ctx); err != nil {
		t.Fatal("the reply that brought it is freed, and then:", err)
	}
	o.Close()
	if err := o.Ping(ctx); !errors.Is(err, ErrClosed) {
		t.Error("after Close:", err)
	}
	if _, err := try(ctx, peer, peerKeep, give(o)); !errors.Is(err, ErrClosed) {
		t.Error("given away after Close:", err)
	}
	eventually(t, "Close told the owner", func() bool { return dropped(t, peer) == 1 })

	o = newObject(t, peer)
	if err := o.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(o)
	eventually(t, "the collector told the owner", func() bool {
		runtime.GC()
		return dropped(t, peer) == 2
	})
	b.handles.mu.Lock()
	defer b.handles.mu.Unlock()
	if n := len(b.handles.byHandle); n != 0 {
		t.Errorf("%d handles left", n)
	}
}

// One object has one proxy, and here it is the same again when it comes back.
func TestIdentity(t *testing.T) {
	b, peer := meet(t)
	c := &identity{got: make(chan Binder, 1)}
	mine := b.Export(c)
	// The peer gives us what we gave it.
	back := func(p *parcel.Parcel) {
		p.WriteStrongBinder(mine)
		p.WriteInt32(0)
	}
	ask(t, context.Background(), peer, peerCallBack, back)
	first := <-c.got
	ask(t, context.Background(), peer, peerCallBack, back)
	if second := <-c.got; first != second {
		t.Error("one object has two proxies")
	}
	reply := ask(t, context.Background(), peer, peerHandle, give(mine))
	handle := reply.ReadUint32()
	if again := ask(t, context.Background(), peer, peerHandle, give(mine)).ReadUint32(); again != handle {
		t.Errorf("handle %d, then %d", handle, again)
	}
}

type identity struct{ got chan Binder }

func (s *identity) OnTransact(_ context.Context, _ ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	o, err := ReadBinder(data)
	s.got <- o
	reply.WriteInt32(0)
	return err
}

// Objects come and go, and collections happen in between: no reference is lost or dropped twice.
//
// The owner need not hear of an object that is let go before the owner has read that it was taken:
// to the driver it was never held then. Those closed at once may be such.
func TestHandlesAreUsedAgain(t *testing.T) {
	_, peer := meet(t)
	ctx := context.Background()
	var kept []*Proxy
	closed := int32(0)
	for i := range 300 {
		o := newObject(t, peer)
		switch i % 5 {
		case 0:
			kept = append(kept, o)
		case 1:
			o.Close()
			closed++
		}
		if i%20 == 0 {
			runtime.GC()
		}
		if i%50 == 0 {
			for _, o := range kept {
				if err := o.Ping(ctx); err != nil {
					t.Fatalf("%v, after %d objects: %v", o, i, err)
				}
			}
		}
	}
	for _, o := range kept {
		if err := o.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		o.Close()
	}
	kept = nil
	eventually(t, "all objects let go", func() bool { runtime.GC(); return 300-dropped(t, peer) <= closed })
}

// A reference that ends late does not take the proxy of a younger one of the same handle away.
func TestGenerations(t *testing.T) {
	b, peer := meet(t)
	o := newObject(t, peer)
	late := &reference{bus: b, handle: o.Handle()}
	late.drop()
	if again := b.proxy(o.Handle()); again != o {
		t.Error("one object has two proxies")
	}
	runtime.KeepAlive(o)
}

// A reply that nobody released is freed by the collector.
func TestAForgottenReply(t *testing.T) {
	b, peer := meet(t)
	func() {
		for range 10 {
			if _, err := peer.Transact(context.Background(), PING_TRANSACTION, nil, 0); err != nil {
				t.Fatal(err)
			}
		}
	}()
	if n := b.live(); n == 0 {
		t.Fatal("nothing is held")
	}
	eventually(t, "the forgotten replies freed", func() bool { runtime.GC(); return b.live() == 0 })
}

func TestDescriptorsTravel(t *testing.T) {
	path := device(alone{t}) // it counts open files
	process := startPeer(t, path)
	peer := open(t, path, Options{}).ContextManager()
	for name, ctx := range contexts(t) {
		t.Run("with a context "+name, func(t *testing.T) {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			before, theirs := openFiles(t, "self"), openFiles(t, process.Process.Pid)
			for range 20 {
				reply := ask(t, ctx, peer, peerFile, func(p *parcel.Parcel) {
					p.WriteFile(w)
					p.WriteString8("hello")
				})
				got := make([]byte, 5)
				if _, err := io.ReadFull(r, got); err != nil || string(got) != "hello" {
					t.Fatalf("through our descriptor: %q, %v", got, err)
				}
				f := reply.ReadFile("back")
				reply.Release()
				if f == nil {
					t.Fatal(reply.Err())
				}
				if got, err := io.ReadAll(f); err != nil || string(got) != "hello" {
					t.Errorf("through theirs: %q, %v", got, err)
				}
				f.Close()
				// One that is not read is closed with its parcel.
				unread := ask(t, ctx, peer, peerFile, func(p *parcel.Parcel) {
					p.WriteFile(w)
					p.WriteString8("again")
				})
				unread.Release()
				if _, err := io.ReadFull(r, got); err != nil {
					t.Fatal(err)
				}
			}
			w.Close()
			if after := openFiles(t, "self"); after >= before {
				t.Errorf("%d files open, %d before", after, before)
			}
			eventually(t, "the peer's replies closed", func() bool { return openFiles(t, process.Process.Pid) <= theirs })
		})
	}
}

func openFiles(t *testing.T, process any) int {
	files, err := os.ReadDir(fmt.Sprintf("/proc/%v/fd", process))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
