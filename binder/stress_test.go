package binder

import (
	"context"
	"errors"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/parcel"
)

// Many goroutines do everything at once: call, leave, give objects and take them, forget and close
// them. In the end nothing is left on either side.
func TestEverythingAtOnce(t *testing.T) {
	b, peer := meet(t)
	const workers, rounds = 8, 60
	var all sync.WaitGroup
	var made, left int32
	var mu sync.Mutex
	for w := range workers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for range rounds {
				ctx, cancel := context.Background(), func() {}
				if random.IntN(2) == 0 {
					ctx, cancel = context.WithTimeout(ctx, time.Duration(random.IntN(30000))*time.Microsecond)
				}
				err := one(ctx, b, peer, random.IntN(6))
				cancel()
				mu.Lock()
				switch {
				case errors.Is(err, context.DeadlineExceeded):
					left++
				case err != nil:
					t.Error(err)
				default:
					made++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Logf("%d made, %d left", made, left)
	eventually(t, "no calls, no replies", func() bool {
		runtime.GC()
		return len(b.slots) == 0 && b.live() == 0
	})
	eventually(t, "no objects of others", func() bool {
		runtime.GC()
		b.handles.mu.Lock()
		defer b.handles.mu.Unlock()
		return len(b.handles.byHandle) == 0
	})
	ask(t, context.Background(), peer, peerDrop, nil).Release()
	eventually(t, "no objects of ours", func() bool {
		runtime.GC()
		ask(t, context.Background(), peer, peerDrop, nil).Release() // the peer collects, too
		b.nodes.mu.Lock()
		defer b.nodes.mu.Unlock()
		return len(b.nodes.byID) == 0
	})
	if n := b.stuck.n.Load(); n != 0 {
		t.Errorf("%d threads are stuck", n)
	}
}

// one does one thing.
func one(ctx context.Context, b *Bus, peer Binder, what int) error {
	release := func(reply *parcel.Parcel, err error) error {
		if err == nil {
			reply.Release()
		}
		return err
	}
	switch what {
	case 0:
		return release(try(ctx, peer, peerEcho, func(p *parcel.Parcel) { p.WriteRaw(make([]byte, 20<<10)) }))
	case 1: // an object of ours, called back
		c := newCaller(b)
		return release(try(ctx, peer, peerCallBack, func(p *parcel.Parcel) {
			p.WriteStrongBinder(c.self)
			p.WriteInt32(2)
		}))
	case 2, 3: // an object of theirs, closed or forgotten
		reply, err := try(ctx, peer, peerMake, nil)
		if err != nil {
			return err
		}
		defer reply.Release()
		o, err := ReadBinder(reply)
		if err != nil {
			return err
		}
		if what == 2 {
			defer o.(*Proxy).Close()
		}
		return o.Ping(ctx)
	case 4: // an object of ours, kept
		return release(try(ctx, peer, peerKeep, give(newCaller(b).self)))
	default: // a reply that is forgotten
		_, err := try(ctx, peer, peerMake, nil)
		return err
	}
}
