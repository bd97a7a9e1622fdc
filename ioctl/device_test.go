package ioctl

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestOpenWhatIsNoDevice(t *testing.T) {
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path string
		err  error
		text string
	}{
		{filepath.Join(t.TempDir(), "absent"), os.ErrNotExist, "no such file"},
		{plain, syscall.ENOTTY, "not a binder device"},
		{"/dev/null", syscall.ENOTTY, "not a binder device"},
	} {
		d, err := Open(tc.path, 0)
		if d != nil || !errors.Is(err, tc.err) {
			t.Errorf("open %s: %v, want %v", tc.path, err, tc.err)
			continue
		}
		if !strings.Contains(err.Error(), tc.text) || !strings.Contains(err.Error(), tc.path) {
			t.Errorf("error %q does not speak of %q and %s", err, tc.text, tc.path)
		}
	}
}

// fake is a device whose file is another one.
func fake(t *testing.T, path string) *Device {
	t.Helper()
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := syscall.Mmap(-1, 0, 8192, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		t.Fatal(err)
	}
	d := &Device{path: path, fd: fd, mapping: mapping, base: AddressOf(mapping)}
	t.Cleanup(func() { d.Close() })
	return d
}

func isOpen(fd int) bool {
	_, err := os.Lstat("/proc/self/fd/" + strconv.Itoa(fd))
	return err == nil
}

// While a call is under way the descriptor's number is not given away, so the call cannot reach a file that
// somebody opens meanwhile.
func TestCloseWaitsForCalls(t *testing.T) {
	d := fake(t, "/dev/null")
	if !d.enter() {
		t.Fatal("a fresh device is closed")
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if !isOpen(d.fd) {
		t.Error("the number is free during a call")
	}
	if target, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(d.fd)); target == "/dev/null" {
		t.Error("the device is still open after Close")
	}
	if err := d.WriteRead(&WriteRead{}); err != os.ErrClosed {
		t.Errorf("write-read after Close: %v", err)
	}
	if err := d.SetMaxThreads(1); !errors.Is(err, os.ErrClosed) {
		t.Errorf("max threads after Close: %v", err)
	}
	if _, err := d.Bytes(d.base, 1); err != os.ErrClosed {
		t.Errorf("bytes after Close: %v", err)
	}
	if !isOpen(d.fd) {
		t.Error("a refused call gave the number away")
	}
	if d.leave() {
		t.Error("the call ends as if the device were open")
	}
	if isOpen(d.fd) {
		t.Error("the number is still taken when all calls are over")
	}
	if err := d.Close(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("second Close: %v", err)
	}
}

func TestBytesAreBounded(t *testing.T) {
	d := fake(t, "/dev/null")
	base, size := d.Mapping()
	if size != 8192 {
		t.Fatalf("mapping of %d bytes", size)
	}
	for _, tc := range []struct {
		name string
		addr Address
		n    uint64
		ok   bool
	}{
		{"all", base, size, true},
		{"last", base + 8191, 1, true},
		{"nothing at the end", base + 8192, 0, true},
		{"one too many", base, size + 1, false},
		{"behind", base + 8192, 1, false},
		{"before", base - 1, 1, false},
		{"across the beginning", base - 1, 2, false},
		{"null", 0, 1, false},
		{"huge", base, ^uint64(0), false},
		{"round the end of memory", ^Address(0), 2, false},
		{"round the end of memory to inside", base + 1, ^uint64(0), false},
	} {
		if got := d.Contains(tc.addr, tc.n); got != tc.ok {
			t.Errorf("%s: contains %t, want %t", tc.name, got, tc.ok)
		}
		b, err := d.Bytes(tc.addr, tc.n)
		if (err == nil) != tc.ok || err != nil && !errors.Is(err, ErrOutside) {
			t.Errorf("%s: error %v", tc.name, err)
			continue
		}
		if err != nil {
			continue
		}
		if uint64(len(b)) != tc.n || cap(b) != len(b) {
			t.Errorf("%s: %d bytes (capacity %d), want %d", tc.name, len(b), cap(b), tc.n)
		}
		if len(b) > 0 && Address(uintptr(unsafe.Pointer(&b[0]))) != tc.addr {
			t.Errorf("%s: the view is elsewhere", tc.name)
		}
	}
}

func TestErrorsAreErrnos(t *testing.T) {
	d := fake(t, "/dev/null")
	if err := d.WriteRead(&WriteRead{}); err != syscall.ENOTTY {
		t.Errorf("write-read: %v, want the bare errno", err)
	}
	err := d.SetMaxThreads(3)
	if !errors.Is(err, syscall.ENOTTY) {
		t.Errorf("max threads: %v", err)
	}
	if want := "BINDER_SET_MAX_THREADS: inappropriate ioctl for device"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}

// The hot path makes no garbage, whatever the driver answers.
func TestExchangeDoesNotAllocate(t *testing.T) {
	d := fake(t, "/dev/null")
	write, read := AppendCommand(nil, BC_ENTER_LOOPER), make([]byte, 256)
	if n := testing.AllocsPerRun(100, func() {
		d.Transfer(write, read)
		wr := WriteRead{ReadSize: 256, ReadBuffer: AddressOf(read)}
		d.WriteRead(&wr)
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// What Transfer does after each kind of answer.
func TestAfterOneCall(t *testing.T) {
	type answer struct {
		Again bool
		Err   error
	}
	for _, tc := range []struct {
		name string
		wr   WriteRead
		err  error
		want answer
	}{
		{"done", WriteRead{WriteSize: 8, WriteConsumed: 8, ReadSize: 64, ReadConsumed: 4}, nil, answer{}},
		{"interrupted before anything", WriteRead{WriteSize: 8, ReadSize: 64}, syscall.EINTR, answer{Again: true}},
		{"interrupted in the commands", WriteRead{WriteSize: 8, WriteConsumed: 4, ReadSize: 64}, syscall.EINTR, answer{Again: true}},
		{"interrupted in the wait", WriteRead{WriteSize: 8, WriteConsumed: 8, ReadSize: 64}, syscall.EINTR, answer{Again: true}},
		{"interrupted with something read", WriteRead{WriteSize: 8, WriteConsumed: 8, ReadSize: 64, ReadConsumed: 4}, syscall.EINTR, answer{}},
		{"interrupted, only to write, all written", WriteRead{WriteSize: 8, WriteConsumed: 8}, syscall.EINTR, answer{}},
		{"interrupted, only to write, not all written", WriteRead{WriteSize: 8, WriteConsumed: 4}, syscall.EINTR, answer{Again: true}},
		{"nothing there", WriteRead{ReadSize: 64}, syscall.EAGAIN, answer{Err: syscall.EAGAIN}},
		{"bad command", WriteRead{WriteSize: 8, WriteConsumed: 4, ReadSize: 64}, syscall.EINVAL, answer{Err: syscall.EINVAL}},
		{"closed", WriteRead{ReadSize: 64}, os.ErrClosed, answer{Err: os.ErrClosed}},
	} {
		again, err := tc.wr.after(tc.err)
		if diff := cmp.Diff(tc.want, answer{again, err}, cmp.Comparer(func(a, b error) bool { return a == b })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
