package conformance

import (
	"encoding/binary"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// pointer adds a scatter-gather buffer that lies at an address of the sender's.
func (m *message) pointer(o ioctl.BufferObject) *message {
	o.Type = ioctl.BINDER_TYPE_PTR
	for len(m.data)%8 != 0 {
		m.data = append(m.data, 0)
	}
	o.Encode(m.at(ioctl.SizeofBufferObject))
	return m
}

// gather is a BC_TRANSACTION_SG with room for extra bytes of buffers.
func (th *thread) gather(h ioctl.Handle, m *message, extra uint64) command {
	th.p.t.Helper()
	b := encode(ioctl.BC_TRANSACTION_SG, th.p.transaction(h, m))
	return binary.LittleEndian.AppendUint64(b, extra)
}

// buffer is the i-th object of a parcel, a scatter-gather buffer, and its content.
func (q *parcel) buffer(i int) (ioctl.BufferObject, string) {
	q.p.t.Helper()
	var o ioctl.BufferObject
	o.Decode(q.data[q.offsets[i]:])
	if o.Type != ioctl.BINDER_TYPE_PTR {
		q.p.t.Fatalf("object %d has type %#x", i, uint32(o.Type))
	}
	return o, string(q.p.get(o.Buffer, o.Length))
}

func TestScatterGather(t *testing.T) {
	notYet(t, "scatter-gather objects (PTR, FDA)")
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	child := c.p.put([]byte("the child"))
	parent := c.p.put(append(make([]byte, 8), "parent's own"...))
	m := oneway(1, "a word..").
		pointer(ioctl.BufferObject{Buffer: parent, Length: 20}).
		pointer(ioctl.BufferObject{Buffer: child, Length: 9, Flags: ioctl.BINDER_BUFFER_FLAG_HAS_PARENT, Parent: 0, ParentOffset: 0})
	c.ask([]command{c.gather(0, m, 24+16)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	po, ptext := q.buffer(0)
	co, ctext := q.buffer(1)
	if ctext != "the child" || ptext[8:] != "parent's own" {
		t.Errorf("content %q and %q", ctext, ptext)
	}
	if got := ioctl.Address(binary.LittleEndian.Uint64([]byte(ptext))); got != co.Buffer {
		t.Errorf("the parent points at %#x, its child is at %#x", uint64(got), uint64(co.Buffer))
	}
	// The buffers follow data and offsets.
	if want := q.Offsets + 16; po.Buffer != want || co.Buffer != want+24 {
		t.Errorf("buffers at +%d and +%d, want +0 and +24", po.Buffer-want, co.Buffer-want)
	}
}

func TestBadScatterGather(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	at := c.p.put(make([]byte, 64))
	const hasParent = ioctl.BINDER_BUFFER_FLAG_HAS_PARENT
	for _, tc := range []struct {
		name  string
		m     *message
		extra uint64
		errno unix.Errno
	}{
		{"no room said", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: at, Length: 8}), 0, unix.EINVAL},
		{"longer than the room", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: at, Length: 17}), 16, unix.EINVAL},
		{"bad pointer", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: 0x10, Length: 8}), 16, unix.EINVAL},
		{"itself as parent", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: at, Length: 16, Flags: hasParent}), 16, unix.EINVAL},
		{"later parent", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: at, Length: 16, Flags: hasParent, Parent: 1}).pointer(ioctl.BufferObject{Buffer: at, Length: 16}), 32, unix.EINVAL},
		{"pointer past the parent's end", oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: at, Length: 16}).pointer(ioctl.BufferObject{Buffer: at, Length: 16, Flags: hasParent, ParentOffset: 9}), 32, unix.EINVAL},
		// Offset 0 stands for "none yet" in the driver's check of the order.
		{"parent at offset 0", oneway(1, "").pointer(ioctl.BufferObject{Buffer: at, Length: 16}).pointer(ioctl.BufferObject{Buffer: at, Length: 16, Flags: hasParent}), 32, unix.EINVAL},
		{"parent is no buffer", oneway(1, "a word..").binder(node{1, 1}).pointer(ioctl.BufferObject{Buffer: at, Length: 16, Flags: hasParent}), 32, unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.ask([]command{c.gather(0, tc.m, tc.extra)}, noop, "FAILED_REPLY")
			c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		})
	}
	mgr.idle()
}

func TestDescriptorArray(t *testing.T) {
	notYet(t, "scatter-gather objects (PTR, FDA)")
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f1, f2 := c.p.newFile("first"), c.p.newFile("second")
	array := binary.LittleEndian.AppendUint32(nil, 0x1234)
	array = binary.LittleEndian.AppendUint32(array, uint32(f1))
	array = binary.LittleEndian.AppendUint32(array, uint32(f2))
	array = binary.LittleEndian.AppendUint32(array, 0x5678)
	m := oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: c.p.put(array), Length: 16})
	fda := ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: 2, Parent: 0, ParentOffset: 4}
	fda.Encode(m.at(ioctl.SizeofFDArrayObject))
	c.ask([]command{c.gather(0, m, 16)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	_, got := q.buffer(0)
	words := []byte(got)
	if d := cmp.Diff([]uint32{0x1234, 0x5678}, []uint32{binary.LittleEndian.Uint32(words), binary.LittleEndian.Uint32(words[12:])}); d != "" {
		t.Errorf("beside the array (-want +got):\n%s", d)
	}
	var content []string
	for i := range 2 {
		var r FileReply
		q.p.do("Actor.File", FileArgs{q.p.ID, q.Buffer, binary.LittleEndian.Uint32(words[4+4*i:])}, &r)
		content = append(content, r.Content)
		q.p.host.Call("Actor.CloseFD", r.FD, new(int))
	}
	if d := cmp.Diff([]string{"first", "second"}, content); d != "" {
		t.Errorf("files (-want +got):\n%s", d)
	}
	mgr.send(q.free())
}
