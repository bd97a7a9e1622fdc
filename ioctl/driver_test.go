package ioctl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests of this file want a driver: the kernel's or busd's. BINDER_DEVICE names the device.

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

var devices atomic.Int32

// device is a device of its own for the test, made with the binder-control beside BINDER_DEVICE,
// or BINDER_DEVICE itself where there is none.
func device(t *testing.T) string {
	t.Helper()
	path := os.Getenv("BINDER_DEVICE")
	if path == "" {
		t.Skip("BINDER_DEVICE is not set: no driver to ask (busd run -- go test ./ioctl gives one)")
	}
	dir := filepath.Dir(path)
	ctl, err := os.Open(filepath.Join(dir, "binder-control"))
	if err != nil {
		t.Logf("no binder-control beside it (%v): the tests share %s", err, path)
		return path
	}
	defer ctl.Close()
	var dev BinderfsDevice
	name := "ioctl-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(int(devices.Add(1)))
	copy(dev.Name[:], name)
	if errno := ioctl(int(ctl.Fd()), BINDER_CTL_ADD, &dev); errno != 0 {
		t.Fatalf("BINDER_CTL_ADD %s: %v", name, errno)
	}
	own := filepath.Join(dir, name)
	t.Cleanup(func() {
		if err := os.Remove(own); err != nil {
			t.Errorf("removing the test's device: %v", err)
		}
	})
	return own
}

func openDevice(t *testing.T, path string, opts Options) *Device {
	t.Helper()
	d, err := OpenWith(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	return d
}

// receive waits for c within the test's patience.
func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
		panic("not reached")
	}
}

// A call is what a server got.
type call struct {
	Code    Code
	Data    string
	Pointer Pointer
	Cookie  Cookie
	PID     int32
	Oneway  bool
}

// A server is the context manager, in a process of its own (the driver lets no process call a
// context manager of its own). One thread answers each call with its data turned round, once it is
// allowed to.
type server struct {
	calls chan call // what it got
	allow func()    // lets one two-way call be answered
	stop  func()    // ends it; calls is closed then
}

func serve(t *testing.T, path string) *server {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(exe)
	child.Env = append(os.Environ(), "IOCTL_TEST_SERVE="+path)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{calls: make(chan call, 100)}
	s.allow = func() { in.Write([]byte{'\n'}) }
	s.stop = sync.OnceFunc(func() {
		in.Close()
		ended := make(chan error, 1)
		go func() { ended <- child.Wait() }()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("server: %v", err)
			}
		case <-time.After(patience):
			child.Process.Kill()
			t.Errorf("the server did not end in %v", patience)
		}
	})
	t.Cleanup(s.stop)
	lines := json.NewDecoder(out)
	ready := make(chan bool, 1)
	go func() {
		defer close(s.calls)
		for n := 0; ; n++ {
			var c call
			if lines.Decode(&c) != nil {
				return
			}
			if n == 0 {
				ready <- c == call{}
				continue
			}
			s.calls <- c
		}
	}()
	if !receive(t, ready, "the server") {
		t.Skipf("%s has a context manager already, and there is no binder-control to make another device", path)
	}
	return s
}

func TestMain(m *testing.M) {
	path := os.Getenv("IOCTL_TEST_SERVE")
	if path == "" {
		os.Exit(m.Run())
	}
	if err := serveChild(path); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

// serveChild is the server's process: calls go out by stdout, the first line empty when it is ready; each byte
// of stdin lets a call be answered, and its end ends the server.
func serveChild(path string) error {
	d, err := Open(path, 0)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	err = d.SetContextManager(&FlatObject{Type: BINDER_TYPE_BINDER, Binder: 0x1111, Cookie: 0x2222})
	if errors.Is(err, syscall.EBUSY) {
		return out.Encode(call{Code: 1})
	}
	if err != nil {
		return err
	}
	if err := d.SetMaxThreads(0); err != nil {
		return err
	}
	allow := make(chan bool)
	go func() {
		for b := []byte{0}; ; {
			if _, err := os.Stdin.Read(b); err != nil {
				close(allow)
				d.Close() // wakes the looper
				return
			}
			allow <- true
		}
	}()
	err = <-onThread(func(int) error { return serveCalls(d, out, allow) })
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

func serveCalls(d *Device, out *json.Encoder, allow <-chan bool) error {
	read := make([]byte, 512)
	// The looper's entry goes first, so that nobody calls a process without a thread.
	if _, err := d.Exchange(AppendCommand(nil, BC_ENTER_LOOPER), nil); err != nil {
		return err
	}
	if err := out.Encode(call{}); err != nil {
		return err
	}
	var write []byte
	for {
		n, err := d.Exchange(write, read)
		if err != nil {
			return err
		}
		write = write[:0]
		r := NewReturnReader(read[:n])
		for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
			switch ret {
			case BR_TRANSACTION:
				var tr TransactionData
				tr.Decode(arg)
				data, err := d.Bytes(tr.Buffer, tr.DataSize)
				if err != nil {
					return err
				}
				answer := slices.Clone(data)
				slices.Reverse(answer)
				oneway := tr.Flags&TF_ONE_WAY != 0
				if err := out.Encode(call{tr.Code, string(data), tr.Pointer(), tr.Cookie, tr.SenderPID, oneway}); err != nil {
					return err
				}
				write = AppendFreeBuffer(write, tr.Buffer)
				if oneway {
					continue
				}
				<-allow
				write = AppendTransaction(write, BC_REPLY, &TransactionData{
					Buffer: AddressOf(answer), DataSize: uint64(len(answer)),
				})
				if _, err := d.Exchange(write, nil); err != nil {
					return err
				}
				write = write[:0]
				runtime.KeepAlive(answer)
			case BR_INCREFS, BR_ACQUIRE:
				var p PtrCookie
				p.Decode(arg)
				done := BC_INCREFS_DONE
				if ret == BR_ACQUIRE {
					done = BC_ACQUIRE_DONE
				}
				write = AppendPtrCookie(write, done, p)
			case BR_ERROR:
				return syscall.Errno(-DecodeError(arg))
			}
		}
	}
}

// A client is one thread with a device of its own.
type client struct {
	d    *Device
	read []byte
}

// request is a call to the context manager, as commands, and the memory they point to.
func request(code Code, flags Flags, data string) (write, keep []byte) {
	keep = []byte(data)
	return AppendTransaction(nil, BC_TRANSACTION, &TransactionData{
		Target: uint64(ContextManager), Code: code, Flags: flags,
		Buffer: AddressOf(keep), DataSize: uint64(len(keep)),
	}), keep
}

// answer collects returns until the reply is there (or, oneway, the completion), beginning with
// those in c.read[:n].
func (c *client) answer(n int, last Return) (string, error) {
	for {
		r := NewReturnReader(c.read[:n])
		for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
			switch ret {
			case BR_REPLY:
				var tr TransactionData
				tr.Decode(arg)
				data, err := c.d.Bytes(tr.Buffer, tr.DataSize)
				if err != nil {
					return "", err
				}
				text := string(data)
				_, err = c.d.Exchange(AppendFreeBuffer(nil, tr.Buffer), nil)
				return text, err
			case BR_FAILED_REPLY, BR_DEAD_REPLY, BR_FROZEN_REPLY, BR_ERROR:
				return "", errors.New(ret.String())
			}
			if ret == last {
				return "", nil
			}
		}
		var err error
		if n, err = c.d.Exchange(nil, c.read); err != nil {
			return "", err
		}
	}
}

func (c *client) call(code Code, data string) (string, error) {
	write, keep := request(code, TF_ACCEPT_FDS, data)
	n, err := c.d.Exchange(write, c.read)
	runtime.KeepAlive(keep)
	if err != nil {
		return "", err
	}
	return c.answer(n, BR_REPLY)
}

// onThread runs f on a thread of its own and hands out its result.
func onThread[T any](f func(tid int) T) <-chan T {
	c := make(chan T, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		c <- f(syscall.Gettid())
	}()
	return c
}

type result struct {
	Text string
	Err  string
}

func resultOf(text string, err error) result {
	if err != nil {
		return result{text, err.Error()}
	}
	return result{Text: text}
}

func TestDriverOpen(t *testing.T) {
	path := device(t)
	d := openDevice(t, path, Options{MapSize: 64 << 10})
	if d.Version() != ProtocolVersion {
		t.Errorf("version %d, want %d", d.Version(), ProtocolVersion)
	}
	base, size := d.Mapping()
	if base == 0 || size != 64<<10 {
		t.Errorf("mapping of %d bytes at %#x", size, base)
	}
	if err := d.SetMaxThreads(15); err != nil {
		t.Error(err)
	}
	if err := d.EnableOnewaySpamDetection(true); err != nil {
		t.Error(err)
	}
	if _, err := d.ExtendedError(); err != nil {
		t.Error(err)
	}
	if err := d.ThreadExit(); err != nil {
		t.Error(err)
	}
	if i, err := d.NodeDebugInfo(0); err != nil || i != (NodeDebugInfo{}) {
		t.Errorf("node of a fresh process: %+v, %v", i, err)
	}
	if _, err := d.NodeInfoForRef(0); !errors.Is(err, syscall.EPERM) {
		t.Errorf("references, asked by one who is not the context manager: %v, want EPERM", err)
	}
	if _, err := d.FrozenInfo(1 << 30); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("frozen state of nobody: %v, want EINVAL", err)
	}
	if err := d.Freeze(FreezeInfo{PID: 1 << 30, Enable: 1}); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("freezing nobody: %v, want EINVAL", err)
	}
	if i, err := d.FrozenInfo(uint32(os.Getpid())); err != nil || i.SyncRecv != 0 || i.AsyncRecv != 0 {
		t.Errorf("our own frozen state: %+v, %v", i, err)
	}
	if _, err := d.Exchange(u32(0x40046363), nil); err != syscall.EINVAL {
		t.Errorf("an unknown command: %v, want EINVAL", err)
	}
}

func TestDriverNonblock(t *testing.T) {
	d := openDevice(t, device(t), Options{Nonblock: true})
	err := receive(t, onThread(func(int) error {
		// The looper's entry is written in any case; nothing can be there to read.
		wrote, nread, err := d.Transfer(AppendCommand(nil, BC_ENTER_LOOPER), make([]byte, 256))
		if wrote != 4 {
			t.Errorf("%d bytes written, want 4", wrote)
		}
		if nread != 0 {
			t.Errorf("%d bytes read, want none", nread)
		}
		return err
	}), "a read that must not wait")
	if err != syscall.EAGAIN {
		t.Errorf("%v, want EAGAIN", err)
	}
}

func TestDriverLegacyContextManager(t *testing.T) {
	path := device(t)
	first := openDevice(t, path, Options{})
	err := first.SetContextManager(nil)
	if errors.Is(err, syscall.EBUSY) {
		t.Skipf("%s has a context manager already", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := first.SetContextManager(nil); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("once more: %v, want EBUSY", err)
	}
	second := openDevice(t, path, Options{})
	if err := second.SetContextManager(&FlatObject{Type: BINDER_TYPE_BINDER}); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("a second one: %v, want EBUSY", err)
	}
	if i, err := first.NodeInfoForRef(0); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("handle 0 of the context manager: %+v, %v, want EINVAL", i, err)
	}
}

func TestDriverCall(t *testing.T) {
	path := device(t)
	s := serve(t, path)
	c := &client{openDevice(t, path, Options{}), make([]byte, 512)}

	s.allow()
	got := receive(t, onThread(func(int) result { return resultOf(c.call(7, "binder")) }), "the reply")
	if diff := cmp.Diff(result{Text: "rednib"}, got); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	want := call{Code: 7, Data: "binder", Pointer: 0x1111, Cookie: 0x2222, PID: int32(os.Getpid())}
	if diff := cmp.Diff(want, receive(t, s.calls, "the call")); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
}

// A process does not reach a context manager of its own, whichever open it calls from.
func TestDriverCallOneself(t *testing.T) {
	path := device(t)
	manager := openDevice(t, path, Options{})
	if err := manager.SetContextManager(&FlatObject{Type: BINDER_TYPE_BINDER}); errors.Is(err, syscall.EBUSY) {
		t.Skipf("%s has a context manager already", path)
	} else if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		d    *Device
	}{{"the same open", manager}, {"another open", openDevice(t, path, Options{})}} {
		c := &client{tc.d, make([]byte, 512)}
		got := receive(t, onThread(func(int) result { return resultOf(c.call(1, "")) }), "the refusal")
		if diff := cmp.Diff(result{Err: "BR_FAILED_REPLY"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestDriverDescriptorSocket(t *testing.T) {
	d := openDevice(t, device(t), Options{})
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	switch err := d.SetDescriptorSocket(pair[1]); {
	case err == nil:
		t.Log("this driver takes a descriptor socket: it is busd")
	case errors.Is(err, syscall.EINVAL):
		t.Log("this driver takes no descriptor socket: it is the kernel's")
	default:
		t.Errorf("%v, want success or EINVAL", err)
	}
}

// Closing a device ends the wait of its threads.
func TestDriverCloseWakes(t *testing.T) {
	d := openDevice(t, device(t), Options{})
	entered := make(chan bool, 1)
	done := onThread(func(int) error {
		if _, err := d.Exchange(AppendCommand(nil, BC_ENTER_LOOPER), nil); err != nil {
			return err
		}
		entered <- true
		for {
			if _, err := d.Exchange(nil, make([]byte, 256)); err != nil {
				return err
			}
		}
	})
	receive(t, entered, "the looper")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := receive(t, done, "the looper's end"); err != os.ErrClosed {
		t.Errorf("%v, want os.ErrClosed", err)
	}
}

// signals makes a signal that interrupts a thread, and counts the arrivals.
func signals(t *testing.T) (send func(tid int), arrived <-chan os.Signal) {
	c := make(chan os.Signal, 100)
	signal.Notify(c, syscall.SIGUSR1)
	t.Cleanup(func() { signal.Stop(c) })
	return func(tid int) {
		if err := syscall.Tgkill(os.Getpid(), tid, syscall.SIGUSR1); err != nil {
			t.Error(err)
		}
	}, c
}

// A signal in the middle of a call ends the ioctl with EINTR and tells that the commands are taken;
// going on with the same struct brings the reply and sends nothing again.
func TestDriverInterrupt(t *testing.T) {
	path := device(t)
	s := serve(t, path)
	send, arrived := signals(t)
	c := &client{openDevice(t, path, Options{}), make([]byte, 512)}

	type step struct {
		Err      error
		Consumed [2]uint64
	}
	tids, steps := make(chan int, 1), make(chan step, 10)
	write, keep := request(1, 0, "once")
	done := onThread(func(tid int) result {
		tids <- tid
		wr := WriteRead{
			WriteSize: uint64(len(write)), WriteBuffer: AddressOf(write),
			ReadSize: uint64(len(c.read)), ReadBuffer: AddressOf(c.read),
		}
		for {
			err := c.d.WriteRead(&wr)
			steps <- step{err, [2]uint64{wr.WriteConsumed, wr.ReadConsumed}}
			if err != syscall.EINTR {
				runtime.KeepAlive(keep)
				if err != nil {
					return resultOf("", err)
				}
				return resultOf(c.answer(int(wr.ReadConsumed), BR_REPLY))
			}
		}
	})
	tid := receive(t, tids, "the client's thread")
	receive(t, s.calls, "the call") // so the commands are taken, and the client is in its ioctl
	send(tid)
	receive(t, arrived, "the signal")
	first := receive(t, steps, "the interrupted ioctl")
	if want := (step{syscall.EINTR, [2]uint64{uint64(len(write)), 0}}); first != want {
		t.Errorf("interrupted: %v, want %v", first, want)
	}
	s.allow()
	if diff := cmp.Diff(result{Text: "ecno"}, receive(t, done, "the reply")); diff != "" {
		t.Errorf("reply (-want +got):\n%s", diff)
	}
	s.stop()
	for again := range s.calls {
		t.Errorf("the call came twice: %v", again)
	}
}

// Exchange lets no signal through: each call made under signals comes once, and its reply too.
//
// The call is sent alone: the completion of anything before it would be read at once, and the wait for the
// reply would be in an ioctl that has nothing to send.
func TestDriverNothingIsSentTwice(t *testing.T) {
	path := device(t)
	s := serve(t, path)
	send, arrived := signals(t)
	c := &client{openDevice(t, path, Options{}), make([]byte, 512)}

	const rounds = 20
	tids := make(chan int)
	done := onThread(func(tid int) []result {
		var all []result
		for n := range rounds {
			tids <- tid
			all = append(all, resultOf(c.call(Code(n), "call")))
		}
		return all
	})
	for n := range rounds {
		tid := receive(t, tids, "the next round")
		send(tid) // before, in or after the ioctl's write part
		want := call{Code: Code(n), Data: "call", Pointer: 0x1111, Cookie: 0x2222, PID: int32(os.Getpid())}
		if diff := cmp.Diff(want, receive(t, s.calls, "a call")); diff != "" {
			t.Fatalf("call (-want +got):\n%s", diff)
		}
		send(tid) // surely in the wait for the reply
		receive(t, arrived, "a signal")
		s.allow()
	}
	for i, got := range receive(t, done, "the replies") {
		if diff := cmp.Diff(result{Text: "llac"}, got); diff != "" {
			t.Errorf("reply %d (-want +got):\n%s", i, diff)
		}
	}
	s.stop()
	for again := range s.calls {
		t.Errorf("a call came twice: %v", again)
	}
}

// Two failing calls in one write: the driver stops after the first, tells about it, and takes the rest later.
func TestDriverShortWrite(t *testing.T) {
	path := device(t)
	c := &client{openDevice(t, path, Options{}), make([]byte, 512)}
	type outcome struct {
		Wrote   int
		Returns []Return
	}
	one, _ := request(1, 0, "")
	got := receive(t, onThread(func(int) []outcome {
		var all []outcome
		rest := append(append([]byte{}, one...), one...) // nobody serves: each is a dead reply
		for len(rest) > 0 && len(all) < 5 {
			wrote, n, err := c.d.Transfer(rest, c.read)
			if err != nil {
				t.Error(err)
				break
			}
			var returns []Return
			r := NewReturnReader(c.read[:n])
			for ret, _, ok := r.Next(); ok; ret, _, ok = r.Next() {
				if ret != BR_NOOP {
					returns = append(returns, ret)
				}
			}
			all = append(all, outcome{wrote, returns})
			rest = rest[wrote:]
		}
		return all
	}), "both errors")
	want := []outcome{{len(one), []Return{BR_DEAD_REPLY}}, {len(one), []Return{BR_DEAD_REPLY}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Write-only: the rest stays with the caller, by name.
	err := receive(t, onThread(func(int) error {
		_, err := c.d.Exchange(append(append([]byte{}, one...), one...), nil)
		return err
	}), "a short write")
	var short *ShortWrite
	if !errors.As(err, &short) || !bytes.Equal(short.Rest, one) {
		t.Errorf("error %v, want a short write with the second call left", err)
	}
}
