package binder

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/google/go-cmp/cmp"
)

// states hears of freezing.
type states struct {
	t    *testing.T
	told chan bool
}

func newStates(t *testing.T) *states { return &states{t, make(chan bool, 10)} }

func (s *states) FrozenStateChanged(_ Binder, frozen bool) { s.told <- frozen }

func (s *states) want(frozen bool) {
	s.t.Helper()
	select {
	case got := <-s.told:
		if got != frozen {
			s.t.Errorf("told that frozen is %t, want %t", got, frozen)
		}
	case <-time.After(20 * time.Second):
		s.t.Fatalf("not told that frozen is %t", frozen)
	}
}

// watch adds s, or skips the test on a driver that does not tell.
func (s *states) watch(o *Proxy) {
	s.t.Helper()
	err := o.AddFrozenStateChangeCallback(s)
	if errors.Is(err, errors.ErrUnsupported) {
		s.t.Skip(err)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

func TestFreezing(t *testing.T) {
	ctx := context.Background()
	path := device(t)
	process := startPeer(t, path)
	pid := process.Process.Pid
	b := open(t, path, Options{})
	peer := b.ContextManager()
	o := newObject(t, peer)
	first, late, removed := newStates(t), newStates(t), newStates(t)
	first.watch(o)
	first.want(false)
	ofPeer := newStates(t)
	ofPeer.watch(peer.(*Proxy))
	ofPeer.want(false)
	panics := FrozenFunc(func(Binder, bool) { panic("as asked") })
	if err := o.AddFrozenStateChangeCallback(panics); err != nil {
		t.Fatal(err)
	}
	removed.watch(o)
	removed.want(false)
	if there := []bool{o.RemoveFrozenStateChangeCallback(removed), o.RemoveFrozenStateChangeCallback(removed)}; !slices.Equal(there, []bool{true, false}) {
		t.Error("added once:", there)
	}

	if err := b.Freeze(pid, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	first.want(true)
	ofPeer.want(true)
	late.watch(o)
	late.want(true)
	if err := o.Ping(ctx); !errors.Is(err, ErrFrozen) {
		t.Error("a call to the frozen:", err)
	}
	count := parcel.New()
	count.WriteInt32(7)
	if _, err := peer.Transact(ctx, peerCount, count, ioctl.TF_ONE_WAY); err != nil {
		t.Error("a oneway call to the frozen:", err)
	}
	count.Release()
	info, err := b.FrozenInfo(pid)
	info.Pending = false // until the peer, which still runs, has read the call
	if diff := cmp.Diff(Frozen{Called: true, Oneway: true}, info); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	if err := b.Thaw(pid); err != nil {
		t.Fatal(err)
	}
	first.want(false)
	late.want(false)
	ofPeer.want(false)
	eventually(t, "the oneway call is carried out", func() bool {
		sum := ask(t, ctx, peer, peerSum, nil)
		return sum.ReadInt32() == 7
	})

	// Removed altogether and added again: the driver has one subscription at a time.
	o.RemoveFrozenStateChangeCallback(panics)
	for range 10 {
		o.RemoveFrozenStateChangeCallback(first)
		o.RemoveFrozenStateChangeCallback(late)
		first.watch(o)
	}
	first.want(false)
	select {
	case <-removed.told:
		t.Error("told although removed")
	default:
	}
}

// An object that nobody but a callback knows is told about; a closed one is not.
func TestFreezingKeepsTheProxy(t *testing.T) {
	path := device(t)
	process := startPeer(t, path)
	b := open(t, path, Options{})
	s, never := newStates(t), newStates(t)
	s.watch(newObject(t, b.ContextManager()))
	s.want(false)
	closed := newObject(t, b.ContextManager())
	never.watch(closed)
	never.want(false)
	closed.Close()
	if err := closed.AddFrozenStateChangeCallback(never); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	eventually(t, "only one subscription", func() bool { return b.freezes.len() == 1 })
	if err := b.Freeze(process.Process.Pid, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	s.want(true)
	// The dead are neither frozen nor watched.
	process.Process.Kill()
	eventually(t, "no subscription", func() bool { return b.freezes.len() == 0 })
	if len(never.told) != 0 {
		t.Error("told after Close")
	}
	// The next context manager has the handle of the last.
	startPeer(t, path)
	next := newStates(t)
	eventually(t, "the new one is there", func() bool { return b.ContextManager().Ping(context.Background()) == nil })
	next.watch(b.ContextManager().(*Proxy))
	next.want(false)
}

func (s *subscriptions) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byCookie)
}

func TestFreezeErrors(t *testing.T) {
	path := device(t)
	process := startPeer(t, path)
	b := open(t, path, Options{})
	if err := b.Freeze(1<<30, 0); !errors.Is(err, syscall.EINVAL) {
		t.Error("of nobody:", err)
	}
	if err := b.Thaw(-1); !errors.Is(err, syscall.EINVAL) {
		t.Error("of nobody:", err)
	}
	if _, err := b.FrozenInfo(1 << 30); !errors.Is(err, syscall.EINVAL) {
		t.Error("about nobody:", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := try(ctx, b.ContextManager(), peerWait, nil)
		ended <- err
	}()
	eventually(t, "a call waits", func() bool {
		n := ask(t, context.Background(), b.ContextManager(), peerWaiting, nil)
		return n.ReadInt32() == 1
	})
	if err := b.Freeze(process.Process.Pid, time.Millisecond); !errors.Is(err, syscall.EAGAIN) {
		t.Error("with a call under way:", err)
	}
	if err := b.ContextManager().Ping(context.Background()); err != nil {
		t.Error("not frozen, then:", err)
	}
	cancel()
	<-ended
	// A driver that refuses the command: here because there is a subscription it knows and we do not.
	o := newObject(t, b.ContextManager())
	if err := b.attempt(func(out []byte) []byte {
		return ioctl.AppendHandleCookie(out, ioctl.BC_REQUEST_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: o.Handle(), Cookie: 1 << 40})
	}); err != nil {
		t.Skip("the driver does not tell of freezing:", err)
	}
	var feature *FeatureError
	if err := o.AddFrozenStateChangeCallback(newStates(t)); !errors.As(err, &feature) || !errors.Is(err, errors.ErrUnsupported) {
		t.Error(err)
	} else if feature.Feature != "freeze_notification" {
		t.Error(feature)
	}
	if err := o.Ping(context.Background()); err != nil {
		t.Error("the bus works all the same:", err)
	}
	if n := b.freezes.len(); n != 0 {
		t.Errorf("%d subscriptions", n)
	}
	b.Close()
	if err := b.Thaw(process.Process.Pid); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
