package binder

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Whatever stands in a received transaction, looking for its descriptors and objects ends well.
func FuzzObjects(f *testing.F) {
	fd := make([]byte, ioctl.SizeofFDObject)
	(&ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: 5}).Encode(fd)
	array := make([]byte, ioctl.SizeofBufferObject+ioctl.SizeofFDArrayObject)
	(&ioctl.BufferObject{Type: ioctl.BINDER_TYPE_PTR, Buffer: 4096, Length: 8}).Encode(array)
	(&ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: 2}).Encode(array[ioctl.SizeofBufferObject:])
	offsets := func(at ...uint64) (b []byte) {
		for _, n := range at {
			b = binary.LittleEndian.AppendUint64(b, n)
		}
		return b
	}
	f.Add(fd, offsets(0))
	f.Add(fd, offsets(1<<63))
	f.Add(array, offsets(0, ioctl.SizeofBufferObject))
	f.Add(array, offsets(ioctl.SizeofBufferObject))
	ns := &nodes{byID: map[ioctl.Pointer]*node{}}
	f.Fuzz(func(t *testing.T, data, table []byte) {
		dev := &ioctl.Device{} // has no mapping: arrays are nowhere
		if n := len(descriptors(dev, data, table)); n > len(table)/8 {
			t.Errorf("%d descriptors in %d objects", n, len(table)/8)
		}
		ns.unpinAll(ns.pinAll(data, table))
	})
}

// On the kernel's driver, what came in an array is the driver's to close.
func TestArraysAreNotOursToClose(t *testing.T) {
	data := make([]byte, 2*ioctl.SizeofFDObject+ioctl.SizeofBufferObject+ioctl.SizeofFDArrayObject)
	var table []byte
	put := func(at int, o interface{ Encode([]byte) }) {
		o.Encode(data[at:])
		table = binary.LittleEndian.AppendUint64(table, uint64(at))
	}
	put(0, &ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: 5})
	put(24, &ioctl.BufferObject{Type: ioctl.BINDER_TYPE_PTR, Buffer: 4096, Length: 8})
	put(64, &ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: 2, Parent: 1})
	put(96, &ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: 9})
	if d := cmp.Diff([]uint32{5, 9}, singles(data, table)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// messages is what a broker would send.
type message struct {
	ioctl.DescriptorMessage
	files int
}

// Descriptors of several transactions come on one socket; each transaction finds its own, and those
// that nobody can want any more are closed.
func TestDescriptorsAreSorted(t *testing.T) {
	for _, c := range []struct {
		name     string
		messages []message
		want     map[ioctl.Address][]bool // which places are filled
	}{
		{"in two messages", []message{
			{ioctl.DescriptorMessage{Buffer: 8, First: 0, Total: 3}, 2},
			{ioctl.DescriptorMessage{Buffer: 8, First: 2, Total: 3}, 1},
		}, map[ioctl.Address][]bool{8: {true, true, true}}},
		{"mixed", []message{
			{ioctl.DescriptorMessage{Buffer: 8, First: 0, Total: 2}, 1},
			{ioctl.DescriptorMessage{Buffer: 16, First: 0, Total: 1}, 1},
			{ioctl.DescriptorMessage{Buffer: 8, First: 1, Total: 2}, 1},
		}, map[ioctl.Address][]bool{8: {true, true}, 16: {true}}},
		{"the buffer used again", []message{
			{ioctl.DescriptorMessage{Buffer: 8, First: 0, Total: 2}, 2},
			{ioctl.DescriptorMessage{Buffer: 8, First: 0, Total: 1}, 1},
		}, map[ioctl.Address][]bool{8: {true}}},
		{"more than said", []message{
			{ioctl.DescriptorMessage{Buffer: 8, First: 0, Total: 1}, 2},
		}, map[ioctl.Address][]bool{8: {true}}},
		{"absurd", []message{
			{ioctl.DescriptorMessage{Buffer: 8, First: 7, Total: 1<<32 - 1}, 1},
		}, map[ioctl.Address][]bool{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := openFiles(t, "self")
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
			if err != nil {
				t.Fatal(err)
			}
			f := &files{sock: pair[0], arrived: map[ioctl.Address][]int{}}
			null, err := os.Open(os.DevNull)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range c.messages {
				var b [ioctl.SizeofDescriptorMessage]byte
				m.Encode(b[:])
				fds := make([]int, m.files)
				for i := range fds {
					fds[i] = int(null.Fd())
				}
				if err := unix.Sendmsg(pair[1], b[:], unix.UnixRights(fds...), nil, 0); err != nil {
					t.Fatal(err)
				}
			}
			f.mu.Lock()
			for f.lockedRead() {
			}
			got := map[ioctl.Address][]bool{}
			for addr, fds := range f.arrived {
				for _, fd := range fds {
					got[addr] = append(got[addr], fd >= 0)
				}
			}
			f.mu.Unlock()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			null.Close()
			unix.Close(pair[1])
			f.close()
			if after := openFiles(t, "self"); after != before {
				t.Errorf("%d files open, %d before", after, before)
			}
		})
	}
}
