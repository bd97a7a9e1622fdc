package binder

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/google/go-cmp/cmp"
)

// contexts are the two ways a call can go: on the caller's thread, and on one it can leave.
func contexts(t *testing.T) map[string]context.Context {
	deadline, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return map[string]context.Context{"that cannot end": context.Background(), "that can": deadline}
}

func TestACallIsAnswered(t *testing.T) {
	_, peer := meet(t)
	for name, ctx := range contexts(t) {
		t.Run("with a context "+name, func(t *testing.T) {
			for _, size := range []int{0, 4, 4096, 64 << 10, 400 << 10, 4} {
				want := bytes.Repeat([]byte("abcd"), size/4)
				reply := ask(t, ctx, peer, peerEcho, func(p *parcel.Parcel) { p.WriteRaw(want) })
				if got := reply.ReadRaw(size); !bytes.Equal(got, want) {
					t.Fatalf("echo of %d bytes differs", size)
				}
				reply.Release()
			}
		})
	}
}

func TestTheCalleeKnowsItsCaller(t *testing.T) {
	_, peer := meet(t)
	reply := ask(t, context.Background(), peer, peerCaller, nil)
	got := []int{int(reply.ReadInt32()), int(reply.ReadUint32())}
	if want := []int{os.Getpid(), os.Geteuid()}; !cmp.Equal(want, got) {
		t.Errorf("pid and euid (-want +got):\n%s", cmp.Diff(want, got))
	}
	if c := CallerFrom(context.Background()); c.PID != os.Getpid() {
		t.Errorf("outside a call the caller is %+v", c)
	}
}

func TestWhatEveryObjectKnows(t *testing.T) {
	_, peer := meet(t)
	ctx := context.Background()
	if err := peer.Ping(ctx); err != nil {
		t.Error("ping:", err)
	}
	if got, err := peer.Descriptor(ctx); got != peerDescriptor || err != nil {
		t.Errorf("descriptor: %q, %v", got, err)
	}
	if got, err := peer.(*Proxy).Extension(ctx); got != nil || err != nil {
		t.Errorf("extension: %v, %v", got, err)
	}
	pid := ask(t, ctx, peer, peerCaller, nil)
	pid.SetPosition(8)
	if got, err := peer.(*Proxy).DebugPID(ctx); got != int(pid.ReadInt32()) || err != nil {
		t.Errorf("debug pid: %v, %v", got, err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := peer.(*Proxy).Dump(ctx, int(w.Fd()), "-a", "x"); err != nil {
		t.Error("dump:", err)
	}
	w.Close()
	text := make([]byte, 100)
	n, _ := r.Read(text)
	if got := string(text[:n]); got != "a peer, asked [\"-a\" \"x\"]\n" {
		t.Errorf("dump: %q", got)
	}
	ask(t, ctx, peer, SYSPROPS_TRANSACTION, nil)
}

func TestErrorsKeepTheirMeaning(t *testing.T) {
	b, peer := meet(t)
	fail := func(s parcel.StatusT) func(*parcel.Parcel) {
		return func(p *parcel.Parcel) { p.WriteInt32(int32(s)) }
	}
	for _, c := range []struct {
		name  string
		code  ioctl.Code
		write func(*parcel.Parcel)
		want  []error
	}{
		{"unknown code", 9999, nil, []error{ErrUnknownTransaction, parcel.UNKNOWN_TRANSACTION, syscall.EBADMSG}},
		{"unknown code of all objects", '_'<<24 | 1, nil, []error{ErrUnknownTransaction}},
		{"status", peerFail, fail(parcel.NAME_NOT_FOUND), []error{parcel.NAME_NOT_FOUND, syscall.ENOENT}},
		{"dead object of the callee's", peerFail, fail(parcel.DEAD_OBJECT), []error{ErrDeadObject}},
		{"short arguments", peerKeep, nil, []error{parcel.NOT_ENOUGH_DATA}},
		{"reply too large", peerBig, func(p *parcel.Parcel) { p.WriteInt32(8 << 20) }, []error{ErrFailedTransaction}},
		{"call too large", peerEcho, func(p *parcel.Parcel) { p.WriteRaw(make([]byte, 8<<20)) }, []error{ErrFailedTransaction}},
		{"goroutine ended", peerGoexit, nil, []error{ErrDeadObject}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, ctx := range contexts(t) {
				_, err := try(ctx, peer, c.code, c.write)
				for _, want := range c.want {
					if !errors.Is(err, want) {
						t.Errorf("%v is not %v", err, want)
					}
				}
			}
		})
	}
	// A handle that was never given to us.
	unknown := &Proxy{bus: b, ref: &reference{bus: b, handle: 4711}}
	if _, err := unknown.Transact(context.Background(), 1, nil, 0); !errors.Is(err, ErrFailedTransaction) {
		t.Error(err)
	} else if call := new(CallError); !errors.As(err, &call) || call.Return != ioctl.BR_FAILED_REPLY {
		t.Errorf("%#v", err)
	}
	// An exception is a reply.
	reply := ask(t, context.Background(), peer, peerThrow, nil)
	if diff := cmp.Diff(parcel.ServiceSpecific(7, "as asked"), reply.ReadStatus()); diff != "" {
		t.Errorf("exception (-want +got):\n%s", diff)
	}
	reply = ask(t, context.Background(), peer, peerPanic, nil)
	if got := reply.ReadStatus(); got.Exception != parcel.EX_ILLEGAL_STATE {
		t.Errorf("after a panic: %v", got)
	}
	if err := peer.Ping(context.Background()); err != nil {
		t.Error("after all that:", err)
	}
}

func TestOnewayCallsComeInOrder(t *testing.T) {
	_, peer := meet(t)
	for i := range 100 {
		data := parcel.New()
		data.WriteInt32(int32(i))
		if reply, err := peer.Transact(context.Background(), peerCount, data, ioctl.TF_ONE_WAY); reply != nil || err != nil {
			t.Fatal(reply, err)
		}
		data.Release()
	}
	eventually(t, "all calls carried out", func() bool {
		return ask(t, context.Background(), peer, peerSum, nil).ReadInt32() == 99*100/2
	})
}

// A caller whose context ends leaves at once, and nothing of the call stays behind.
func TestACallerLeaves(t *testing.T) {
	b, peer := meet(t)
	for name, size := range map[string]int{"small": 4, "large": 100 << 10} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error)
			go func() {
				_, err := try(ctx, peer, peerWait, func(p *parcel.Parcel) { p.WriteRaw(make([]byte, size)) })
				ended <- err
			}()
			waiting(t, peer, 1)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			if _, err := try(ctx, peer, peerEcho, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("a context that has ended: %v", err)
			}
			waiting(t, peer, 1) // it goes on over there
			ask(t, context.Background(), peer, peerGo, nil).Release()
			waiting(t, peer, 0)
			eventually(t, "the late reply freed", func() bool { return b.live() == 0 && len(b.slots) == 0 })
		})
	}
}

// Who has left may use the memory of the call again: the driver has read it, or never will.
func TestWhoLeavesMayWrite(t *testing.T) {
	_, peer := meet(t)
	data := parcel.New()
	defer data.Release()
	data.WriteRaw(make([]byte, 300<<10))
	for i := range 300 {
		for j := range data.Data() {
			data.Data()[j] = byte(i)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*time.Microsecond)
		reply, err := peer.Transact(ctx, peerTorn, data, 0)
		cancel()
		switch {
		case err == nil:
			reply.Release()
		case !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrFailedTransaction): // no room
			t.Fatal(err)
		}
	}
	if torn := ask(t, context.Background(), peer, peerTorn, nil).ReadInt32(); torn != 0 {
		t.Errorf("%d calls carried what was written after them", torn)
	}
}

// A service that ends its goroutine takes one looper along. Another takes over.
func TestALooperIsReplaced(t *testing.T) {
	path := device(t)
	startPeer(t, path, peerThreads+"=-1") // one looper, no pool
	peer := open(t, path, Options{}).ContextManager()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for range 3 {
		if _, err := try(ctx, peer, peerGoexit, nil); !errors.Is(err, ErrDeadObject) {
			t.Error(err)
		}
		if err := peer.Ping(ctx); err != nil {
			t.Fatal("afterwards:", err)
		}
	}
}

func waiting(t *testing.T, peer Binder, want int32) {
	t.Helper()
	eventually(t, "the number of calls that wait", func() bool {
		reply := ask(t, context.Background(), peer, peerWaiting, nil)
		defer reply.Release()
		return reply.ReadInt32() == want
	})
}

// live counts the received buffers that are held.
func (b *Bus) live() int { return int(b.views.n.Load()) }

// Calls that hang do not take more threads than allowed; the others are told why they did not begin.
func TestHungCallsAreLimited(t *testing.T) {
	path := device(t)
	startPeer(t, path)
	b := open(t, path, Options{CallThreads: 3})
	other := open(t, path, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	for range 3 {
		calls.Go(func() { _, _ = try(ctx, b.ContextManager(), peerWait, nil) })
	}
	waiting(t, other.ContextManager(), 3)
	short, stop := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer stop()
	_, err := try(short, b.ContextManager(), peerEcho, nil)
	var busy *BusyError
	if !errors.As(err, &busy) || busy.Limit != 3 || !errors.Is(err, ErrBusy) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error("beyond the limit:", err)
	}
	if _, err := b.ContextManager().Transact(short, peerCount, nil, ioctl.TF_ONE_WAY); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	cancel()
	calls.Wait()
	for range 3 {
		ask(t, context.Background(), other.ContextManager(), peerGo, nil)
	}
	if err := b.ContextManager().Ping(context.Background()); err != nil {
		t.Error("afterwards:", err)
	}
}

// The driver asks for threads as calls come, up to the number allowed.
func TestThePoolGrows(t *testing.T) {
	path := device(t)
	startPeer(t, path, peerThreads+"=4")
	b := open(t, path, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { _, _ = try(ctx, b.ContextManager(), peerWait, nil) })
	}
	waiting(t, b.ContextManager(), 4) // and a fifth thread tells
	cancel()
	calls.Wait()
	for range 4 {
		ask(t, context.Background(), b.ContextManager(), peerGo, nil)
	}
}

// caller is an object of the test that calls back n times, each time from within the last.
type caller struct {
	mu      sync.Mutex
	self    *Object
	threads map[int]bool
	told    chan struct{}
	hold    chan struct{}
	patient bool // calls back with a deadline
}

func newCaller(b *Bus) *caller {
	c := &caller{threads: map[int]bool{}, told: make(chan struct{}, 1), hold: make(chan struct{})}
	c.self = b.Export(c)
	return c
}

func (c *caller) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	switch code {
	case callbackTell:
		c.told <- struct{}{}
		return nil
	case callbackWait:
		<-c.hold
		return nil
	}
	c.mu.Lock()
	c.threads[gettid()] = true
	c.mu.Unlock()
	peer, err := ReadBinder(data)
	n := data.ReadInt32()
	if err != nil || n == 0 {
		reply.WriteInt32(0)
		return err
	}
	if c.patient {
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
	}
	answer, err := try(ctx, peer, peerCallBack, func(p *parcel.Parcel) {
		p.WriteStrongBinder(c.self)
		p.WriteInt32(n - 1)
	})
	if err != nil {
		return err
	}
	defer answer.Release()
	reply.WriteInt32(answer.ReadInt32() + 1)
	return nil
}

// A calls B, which calls A, which calls B: each call lands on the thread that waits.
func TestCallsThatComeBack(t *testing.T) {
	b, peer := meet(t)
	for name, ctx := range contexts(t) {
		t.Run("with a context "+name, func(t *testing.T) {
			c := newCaller(b)
			c.patient = ctx.Done() != nil
			reply := ask(t, ctx, peer, peerCallBack, func(p *parcel.Parcel) {
				p.WriteStrongBinder(c.self)
				p.WriteInt32(5)
			})
			if got := reply.ReadInt32(); got != 5 {
				t.Errorf("came back %d times", got)
			}
			if len(c.threads) != 1 {
				t.Errorf("on %d threads", len(c.threads))
			}
			runtime.KeepAlive(c)
		})
	}
}

// A call made while another is carried out can be left as well; the outer one is answered after it.
func TestANestedCallIsLeft(t *testing.T) {
	b, peer := meet(t)
	c := newCaller(b)
	go func() {
		<-c.told // over there the call has been left, and others were made
		close(c.hold)
	}()
	reply := ask(t, context.Background(), peer, peerWaitNested, func(p *parcel.Parcel) { p.WriteStrongBinder(c.self) })
	if got := reply.ReadInt32(); got != 1 {
		t.Error("the nested call was not left")
	}
	ask(t, context.Background(), peer, peerEcho, nil)
}

func TestWithinTheProcess(t *testing.T) {
	b := open(t, device(t), Options{})
	o := newPeer(b, new(atomic.Int32)).self
	ctx := context.Background()
	reply := ask(t, ctx, o, peerEcho, func(p *parcel.Parcel) { p.WriteRaw([]byte("abcd")) })
	if got := string(reply.ReadRaw(4)); got != "abcd" {
		t.Errorf("%q", got)
	}
	if _, err := try(ctx, o, 9999, nil); !errors.Is(err, ErrUnknownTransaction) {
		t.Error(err)
	}
	reply = ask(t, ctx, o, peerThrow, nil)
	if got := reply.ReadStatus(); got.Code != 7 {
		t.Error(got)
	}
	// An object in its parcels comes out as itself.
	c := newCaller(b)
	reply = ask(t, ctx, o, peerCallBack, func(p *parcel.Parcel) {
		p.WriteStrongBinder(c.self)
		p.WriteInt32(3)
	})
	if got := reply.ReadInt32(); got != 3 {
		t.Error("came back", got)
	}
}

// A frozen process takes no calls that wait; oneway calls are kept for it.
func TestAFrozenCallee(t *testing.T) {
	path := device(t)
	process := startPeer(t, path)
	b := open(t, path, Options{})
	peer := b.ContextManager()
	freeze := func(enable uint32) {
		t.Helper()
		if err := b.dev.Freeze(ioctl.FreezeInfo{PID: uint32(process.Process.Pid), Enable: enable, TimeoutMS: 1000}); err != nil {
			t.Fatal(err)
		}
	}
	count := func(p *parcel.Parcel) { p.WriteInt32(7) }
	freeze(1)
	for name, ctx := range contexts(t) {
		if _, err := try(ctx, peer, peerEcho, nil); !errors.Is(err, ErrFrozen) {
			t.Errorf("with a context %s: %v", name, err)
		}
	}
	data := parcel.New()
	defer data.Release()
	count(data)
	if _, err := peer.Transact(context.Background(), peerCount, data, ioctl.TF_ONE_WAY); err != nil {
		t.Error("oneway:", err)
	}
	freeze(0)
	eventually(t, "the oneway call carried out", func() bool {
		return ask(t, context.Background(), peer, peerSum, nil).ReadInt32() == 7
	})
}
