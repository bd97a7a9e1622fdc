package binder

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

func TestOpenSaysWhatIsWrong(t *testing.T) {
	if _, err := Open("/nowhere/binder", Options{}); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "/nowhere/binder") {
		t.Error(err)
	}
	if _, err := Open("/dev/null", Options{}); err == nil || !strings.Contains(err.Error(), "/dev/null") {
		t.Error(err)
	}
}

func TestThereIsOneContextManager(t *testing.T) {
	b, peer := meet(t)
	if err := peer.Ping(context.Background()); err != nil {
		t.Fatal(err)
	}
	o := newPeer(b, new(atomic.Int32)).self
	if err := b.BecomeContextManager(o); !errors.Is(err, syscall.EBUSY) {
		t.Error(err)
	}
	if b.ContextManager() == Binder(o) {
		t.Error("we are not it")
	}
}

func goroutines() int {
	var n int
	all := make([]byte, 1<<20)
	for _, g := range strings.Split(string(all[:runtime.Stack(all, true)]), "\n\n") {
		if strings.Contains(g, "fusebinder/binder.") && !strings.Contains(g, "_test.go") {
			n++
		}
	}
	return n
}

// Close ends every goroutine, whatever it is doing, and what was received stays readable.
func TestClose(t *testing.T) {
	path := device(alone{t}) // it counts goroutines
	startPeer(t, path)
	b := open(t, path, Options{})
	peer := b.ContextManager()
	reply := ask(t, context.Background(), peer, peerEcho, func(p *parcel.Parcel) { p.WriteRaw([]byte("keep")) })

	ended := make(chan error, 3)
	go func() { _, err := try(context.Background(), peer, peerWait, nil); ended <- err }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _, err := try(ctx, peer, peerWait, nil); ended <- err }()
	// A call that we carry out, and which does not end before its context does.
	inside := make(chan string, 1)
	over := make(chan error, 1)
	mine := b.Export(ServiceFunc(func(ctx context.Context, _ ioctl.Code, data, _ *parcel.Parcel, _ ioctl.Flags) error {
		inside <- ""
		<-ctx.Done()
		_, err := ReadBinder(data) // still readable
		over <- err
		return nil
	}))
	go func() {
		_, err := try(context.Background(), peer, peerCallBack, func(p *parcel.Parcel) {
			p.WriteStrongBinder(mine)
			p.WriteInt32(1)
		})
		ended <- err
	}()
	<-inside
	waiting(t, peer, 2)

	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Error("a call under way:", err)
		}
	}
	<-over
	if got := string(reply.ReadRaw(4)); got != "keep" {
		t.Errorf("the reply is now %q", got)
	}
	reply.Release()
	eventually(t, "no goroutines", func() bool { return goroutines() == 0 })
	if err := peer.Ping(context.Background()); !errors.Is(err, ErrClosed) {
		t.Error("after Close:", err)
	}
	if err := b.Err(); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := b.Close(); !errors.Is(err, ErrClosed) {
		t.Error("the second Close:", err)
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(maps), "binder") && strings.Contains(string(maps), path) {
		t.Error("the device is still mapped")
	}
}

// To others, the objects of a closed bus are dead at once, although a reply of theirs is still held.
func TestCloseIsDeath(t *testing.T) {
	path := device(t)
	startPeer(t, path)
	a, c := open(t, path, Options{}), open(t, path, Options{})
	reply := ask(t, context.Background(), a.ContextManager(), peerEcho, func(p *parcel.Parcel) { p.WriteRaw([]byte("keep")) })
	object := newPeer(a, new(atomic.Int32)).self
	ask(t, context.Background(), a.ContextManager(), peerKeep, give(object))
	call := func() error {
		data := parcel.New()
		defer data.Release()
		data.WriteUint32(uint32(peerCount))
		_, err := c.ContextManager().Transact(context.Background(), peerCallKept, data, 0)
		return err
	}
	if err := call(); err != nil {
		t.Fatal(err)
	}
	a.Close()
	eventually(t, "dead", func() bool { return errors.Is(call(), ErrDeadObject) })
	if got := string(reply.ReadRaw(4)); got != "keep" {
		t.Errorf("the reply is now %q", got)
	}
}

func TestSharing(t *testing.T) {
	path := device(t)
	first, err := Shared(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Shared(path); again != first || err != nil {
		t.Error("a second bus", err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	second, err := Shared(path)
	if err != nil || second == first {
		t.Fatal("the closed one", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
