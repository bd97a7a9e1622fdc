package binder

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder/internal/privatebus"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"golang.org/x/sys/unix"
)

// A peer is the other process of a test: this test binary run again. It is the context manager, so
// that everybody finds its object, and does what the codes below say.
const (
	peerEcho       ioctl.Code = iota + FIRST_CALL_TRANSACTION // bytes; the same bytes
	peerCaller                                                // PID and EUID of the caller, our own PID
	peerKeep                                                  // a binder, which it keeps
	peerDrop                                                  // forgets what it keeps
	peerCallKept                                              // int32 code: calls what it keeps, oneway
	peerCallBack                                              // a binder, int32 n: calls its callbackCode with our own object and n
	peerWait                                                  // waits until peerGo, or the end of the bus
	peerGo                                                    // lets one peerWait go
	peerWaiting                                               // how many calls wait
	peerExit                                                  // ends the process without an answer
	peerFile                                                  // a descriptor and a string: writes the string there; answers a pipe that holds it
	peerMake                                                  // answers a new object, a peer like this one
	peerDropped                                               // int32: how many objects of peerMake have been let go
	peerPanic                                                 // panics
	peerGoexit                                                // ends its goroutine
	peerFail                                                  // int32 status: answers it
	peerThrow                                                 // answers an exception
	peerCount                                                 // oneway, int32: adds it to the sum
	peerSum                                                   // int32: the sum
	peerBig                                                   // int32 n: answers n bytes
	peerHandle                                                // a binder: the handle it has here
	peerTorn                                                  // oneway or not, bytes that are all the same; int32: how often they were not
	peerKeepWeak                                              // a weak binder, which it keeps
	peerWeak                                                  // a weak binder: the one it keeps
	peerPromote                                               // a weak binder; a binder: what it promotes to here, or null
	peerDropWeak                                              // forgets the weak binder it keeps
	peerWaitNested                                            // a binder: calls its callbackWait with a timeout of 50 ms; int32 0 or 1: it timed out
)

// What a test's own objects are asked by a peer.
const (
	callbackCode ioctl.Code = iota + 100 // a binder, int32 n
	callbackWait
	callbackTell // oneway
)

const peerDescriptor = "fusebinder.test.IPeer"

type peerService struct {
	bus     *Bus
	mu      sync.Mutex
	self    *Object
	kept    Binder
	weak    *WeakBinder
	release chan struct{}
	waiting int
	dropped *atomic.Int32
	sum     int32
	torn    int32
}

func newPeer(b *Bus, dropped *atomic.Int32) *peerService {
	p := &peerService{bus: b, release: make(chan struct{}), dropped: dropped}
	p.self = b.Export(p)
	return p
}

func (p *peerService) InterfaceDescriptor() string { return peerDescriptor }

func (p *peerService) OnUnreferenced() {
	p.dropped.Add(1)
}

func (p *peerService) Dump(_ context.Context, out *os.File, args []string) error {
	_, err := fmt.Fprintf(out, "a peer, asked %q\n", args)
	return err
}

func (p *peerService) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error {
	switch code {
	case peerEcho:
		reply.WriteRaw(data.ReadRaw(data.Remaining()))
	case peerCaller:
		c := CallerFrom(ctx)
		reply.WriteInt32(int32(c.PID))
		reply.WriteUint32(c.EUID)
		reply.WriteInt32(int32(os.Getpid()))
	case peerKeep:
		b, err := ReadBinder(data)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.kept = b
	case peerDrop:
		p.mu.Lock()
		p.kept = nil
		p.mu.Unlock()
		runtime.GC()
		runtime.GC()
	case peerKeepWeak:
		w, err := ReadWeakBinder(data)
		if err != nil {
			return err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.weak = w
	case peerWeak:
		p.mu.Lock()
		defer p.mu.Unlock()
		reply.WriteWeakBinder(p.weak)
	case peerPromote:
		w, err := ReadWeakBinder(data)
		if err != nil {
			return err
		}
		reply.WriteStrongBinder(w.Promote())
	case peerDropWeak:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.weak.Close()
		p.weak = nil
	case peerCallKept:
		p.mu.Lock()
		defer p.mu.Unlock()
		_, err := p.kept.Transact(ctx, ioctl.Code(data.ReadUint32()), nil, ioctl.TF_ONE_WAY)
		return err
	case peerCallBack:
		b, err := ReadBinder(data)
		if err != nil {
			return err
		}
		args := p.bus.NewParcel()
		defer args.Release()
		args.WriteStrongBinder(p.self)
		args.WriteInt32(data.ReadInt32())
		answer, err := b.Transact(ctx, callbackCode, args, 0)
		if err != nil {
			return err
		}
		defer answer.Release()
		reply.WriteRaw(answer.ReadRaw(answer.Remaining()))
	case peerWait:
		p.mu.Lock()
		p.waiting++
		p.mu.Unlock()
		defer func() {
			p.mu.Lock()
			p.waiting--
			p.mu.Unlock()
		}()
		select {
		case <-p.release:
		case <-ctx.Done():
		}
		reply.WriteStrongBinder(p.self) // something for the caller to leak
	case peerGo:
		select {
		case p.release <- struct{}{}:
		case <-time.After(10 * time.Second):
			return errors.New("nobody waits")
		}
	case peerWaiting:
		p.mu.Lock()
		defer p.mu.Unlock()
		reply.WriteInt32(int32(p.waiting))
	case peerExit:
		os.Exit(3)
	case peerFile:
		f := data.ReadFile("given")
		text := data.ReadString8()
		if err := data.Err(); err != nil {
			return err
		}
		defer f.Close()
		if _, err := io.WriteString(f, text); err != nil {
			return err
		}
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		defer r.Close()
		defer w.Close()
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		reply.WriteFile(r)
	case peerMake:
		reply.WriteStrongBinder(newPeer(p.bus, p.dropped).self)
	case peerDropped:
		runtime.GC()
		reply.WriteInt32(p.dropped.Load())
	case peerPanic:
		panic("as asked")
	case peerGoexit:
		runtime.Goexit()
	case peerFail:
		return &StatusError{Status: parcel.StatusT(data.ReadInt32())}
	case peerThrow:
		return parcel.ServiceSpecific(7, "as asked")
	case peerCount:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sum += data.ReadInt32()
	case peerSum:
		p.mu.Lock()
		defer p.mu.Unlock()
		reply.WriteInt32(p.sum)
	case peerBig:
		reply.WriteRaw(make([]byte, data.ReadInt32()))
	case peerHandle:
		b, err := ReadBinder(data)
		if err != nil {
			return err
		}
		reply.WriteUint32(uint32(b.(*Proxy).Handle()))
	case peerTorn:
		b := data.ReadRaw(data.Remaining())
		p.mu.Lock()
		defer p.mu.Unlock()
		for i := range b {
			if b[i] != b[0] {
				p.torn++
				break
			}
		}
		reply.WriteInt32(p.torn)
	case peerWaitNested:
		b, err := ReadBinder(data)
		if err != nil {
			return err
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		answer, err := b.Transact(short, callbackWait, nil, 0)
		switch {
		case err == nil:
			answer.Release()
			reply.WriteInt32(0)
		case errors.Is(err, context.DeadlineExceeded):
			reply.WriteInt32(1)
			// The thread still waits; other calls find another.
			sum, err := b.Transact(ctx, PING_TRANSACTION, nil, 0)
			if err != nil {
				return err
			}
			sum.Release()
			if _, err = b.Transact(context.Background(), callbackTell, nil, ioctl.TF_ONE_WAY); err != nil {
				return err
			}
		default:
			return err
		}
	default:
		return ErrUnknownTransaction
	}
	return data.Err()
}

// peerMain is the main function of a peer's process.
func peerMain() error {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	threads := DefaultMaxThreads
	if os.Getenv(peerThreads) != "" {
		fmt.Sscan(os.Getenv(peerThreads), &threads)
	}
	b, err := Open(os.Getenv(peerDevice), Options{MaxThreads: threads})
	if err != nil {
		return err
	}
	p := newPeer(b, new(atomic.Int32))
	if err := b.BecomeContextManager(p.self); err != nil {
		return err
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin) // until the test ends, however it does
	return b.Close()
}

const (
	peerDevice  = "FUSEBINDER_TEST_PEER"
	peerThreads = "FUSEBINDER_TEST_PEER_THREADS"
)

func TestMain(m *testing.M) {
	if os.Getenv(peerSocket) != "" {
		if err := socketMain(); err != nil {
			fmt.Fprintln(os.Stderr, "socket:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv(peerDevice) != "" {
		if err := peerMain(); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// startPeer runs a peer on the device and returns when it is there to be called.
func startPeer(t testing.TB, device string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), append(env, peerDevice+"="+device, "GORACE=atexit_sleep_ms=0")...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		timer := time.AfterFunc(10*time.Second, func() {
			t.Error("the peer does not end")
			cmd.Process.Kill()
		})
		defer timer.Stop()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(line) != "ready" {
		t.Fatalf("the peer said %q, %v", line, err)
	}
	return cmd
}

// device is the Binder device that the test runs on: what BINDER_DEVICE names, else a private bus. The
// tests that run on a given device follow one another, the others are parallel.
func device(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("BINDER_DEVICE"); path != "" {
		return path
	}
	if t, ok := t.(*testing.T); ok {
		t.Parallel()
	}
	bus, err := privatebus.Start(t.TempDir())
	if errors.Is(err, privatebus.ErrImpossible) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := bus.Stop(); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(bus.Dir(), "binder")
}

// alone keeps a test from being parallel to others.
type alone struct{ testing.TB }

// open opens the device for the test's own use.
func open(t testing.TB, path string, opts Options) *Bus {
	t.Helper()
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	b, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil && !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	})
	return b
}

// meet starts a peer and opens the bus.
func meet(t testing.TB) (*Bus, Binder) {
	t.Helper()
	path := device(t)
	startPeer(t, path)
	b := open(t, path, Options{})
	return b, b.ContextManager()
}

// ask makes a call whose arguments write writes, and fails the test on error.
func ask(t testing.TB, ctx context.Context, o Binder, code ioctl.Code, write func(*parcel.Parcel)) *parcel.Parcel {
	t.Helper()
	reply, err := try(ctx, o, code, write)
	if err != nil {
		t.Fatalf("call %d: %v", code, err)
	}
	t.Cleanup(reply.Release)
	return reply
}

func try(ctx context.Context, o Binder, code ioctl.Code, write func(*parcel.Parcel)) (*parcel.Parcel, error) {
	data := parcel.New()
	defer data.Release()
	if write != nil {
		write(data)
	}
	return o.Transact(ctx, code, data, 0)
}

// eventually waits until is answers true.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

func gettid() int { return unix.Gettid() }

func socketPair() (pair [2]*os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return pair, err
	}
	return [2]*os.File{os.NewFile(uintptr(fds[0]), "socket"), os.NewFile(uintptr(fds[1]), "socket")}, nil
}
