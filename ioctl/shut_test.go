package ioctl

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// After Shut and Keep a view holds its bytes, though the file behind it is gone; the rest is 0.
func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "buffer")
	if err := os.WriteFile(path, []byte(strings.Repeat("parcel..", 1024)), 0o600); err != nil {
		t.Fatal(err)
	}
	d := fake(t, "/dev/null")
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	syscall.Munmap(d.mapping)
	if d.mapping, err = mapFile(int(f.Fd()), 8192); err != nil {
		t.Fatal(err)
	}
	f.Close()
	d.base = AddressOf(d.mapping)

	view, err := d.Bytes(d.base+4096, 6)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Shut(); err != nil {
		t.Fatal(err)
	}
	if err := d.Shut(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("second Shut: %v", err)
	}
	foreign := []byte("not received from the device")
	if err := d.Keep([][]byte{view, nil, foreign}); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 0); err != nil { // would end the program at the next touch
		t.Fatal(err)
	}
	if string(view) != "parcel" {
		t.Errorf("the view holds %q", view)
	}
	if d.mapping[0] != 0 || d.mapping[4096+6] != 0 {
		t.Error("bytes nobody looked at were kept")
	}
	if err := d.Close(); err != nil {
		t.Errorf("Close after Keep: %v", err)
	}
}

// To the driver a process is dead after Keep: its place as context manager is free, and what it
// received is still there to be read.
func TestDriverKeep(t *testing.T) {
	path := device(t)
	s := serve(t, path)
	c := &client{openDevice(t, path, Options{}), make([]byte, 512)}

	// The reply's buffer is not freed: the view of it outlives the device.
	s.allow()
	view := receive(t, onThread(func(int) []byte {
		write, keep := request(1, 0, "binder")
		n, err := c.d.Exchange(write, c.read)
		runtime.KeepAlive(keep)
		for err == nil {
			r := NewReturnReader(c.read[:n])
			for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
				if ret == BR_REPLY {
					var tr TransactionData
					tr.Decode(arg)
					b, err := c.d.Bytes(tr.Buffer, tr.DataSize)
					if err != nil {
						t.Error(err)
					}
					return b
				}
			}
			n, err = c.d.Exchange(nil, c.read)
		}
		t.Error(err)
		return nil
	}), "the reply")
	if err := c.d.Shut(); err != nil {
		t.Fatal(err)
	}
	if err := c.d.Keep([][]byte{view}); err != nil {
		t.Fatal(err)
	}
	if string(view) != "rednib" {
		t.Errorf("the view holds %q", view)
	}

	other := device(t)
	manager, next := openDevice(t, other, Options{}), openDevice(t, other, Options{})
	object := &FlatObject{Type: BINDER_TYPE_BINDER}
	if err := manager.SetContextManager(object); errors.Is(err, syscall.EBUSY) {
		t.Skipf("%s has a context manager already", other)
	} else if err != nil {
		t.Fatal(err)
	}
	if err := manager.Shut(); err != nil {
		t.Fatal(err)
	}
	if err := manager.Keep(nil); err != nil {
		t.Fatal(err)
	}
	// The driver buries its dead a little later.
	for end := time.Now().Add(patience); ; runtime.Gosched() {
		err := next.SetContextManager(object)
		if err == nil {
			break
		}
		if !errors.Is(err, syscall.EBUSY) || time.Now().After(end) {
			t.Fatalf("the dead context manager's place: %v", err)
		}
	}
}
