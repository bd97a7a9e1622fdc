package conformance

import (
	"encoding/binary"
	"strings"
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

// inside names a parent and a place in it.
func inside(o ioctl.BufferObject, parent, offset uint64) ioctl.BufferObject {
	o.Flags, o.Parent, o.ParentOffset = ioctl.BINDER_BUFFER_FLAG_HAS_PARENT, parent, offset
	return o
}

// array adds descriptors that stand in a buffer.
func (m *message) array(n, parent, offset uint64) *message {
	o := ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: n, Parent: parent, ParentOffset: offset}
	o.Encode(m.at(ioctl.SizeofFDArrayObject))
	return m
}

// sends makes a oneway call and reads that it was sent, after whatever else there is.
func (th *thread) sends(call command) {
	th.p.t.Helper()
	es, err := events(th.try(readSize, call).Read)
	if err != nil {
		th.p.t.Fatal(err)
	}
	if ns := names(es); len(ns) == 0 || ns[len(ns)-1] != complete {
		th.p.t.Fatalf("read %q, want %s at the end", ns, complete)
	}
}

// Buffers in buffers, to three levels, are put in in the order of a walk through the tree.
func TestNestedBuffers(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	leaf := ioctl.BufferObject{Buffer: c.p.put([]byte("leaf")), Length: 4}
	inner := ioctl.BufferObject{Buffer: c.p.put([]byte("--------inner")), Length: 13}
	root := ioctl.BufferObject{Buffer: c.p.put([]byte("........[1].........[2].....[3]..")), Length: 33}
	m := oneway(1, "a word..").
		pointer(root).
		pointer(inside(leaf, 0, 0)).
		pointer(inside(inner, 0, 12)).
		pointer(inside(leaf, 2, 0)).
		pointer(inside(leaf, 0, 20)).
		pointer(ioctl.BufferObject{}). // nothing at all
		pointer(leaf)                  // on its own
	c.ask([]command{c.gather(0, m, 40+8+16+8+8+8)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	var at []ioctl.Address
	var text []string
	for i := range 7 {
		o, s := q.buffer(i)
		at, text = append(at, o.Buffer-q.Offsets-56), append(text, s)
	}
	if d := cmp.Diff([]ioctl.Address{0, 40, 48, 64, 72, 80, 80}, at); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
	base := q.Offsets + 56
	word := func(off ioctl.Address) string {
		return string(binary.LittleEndian.AppendUint64(nil, uint64(base+off)))
	}
	want := []string{
		word(40) + "[1]." + word(48) + word(72) + "[3]..", "leaf", word(64) + "inner", "leaf", "leaf", "", "leaf",
	}
	if d := cmp.Diff(want, text); d != "" {
		t.Errorf("content (-want +got):\n%s", d)
	}
	mgr.send(q.free())
}

// What a receiver is to get in the place of a pointer is not read from the sender.
func TestBufferUnreadableUnderAPointer(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	edge := c.p.edge([]byte("twelve bytes")) // nothing follows them
	leaf := ioctl.BufferObject{Buffer: edge, Length: 12}
	m := oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: edge, Length: 20}).pointer(inside(leaf, 0, 12))
	c.ask([]command{c.gather(0, m, 40)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	_, text := q.buffer(0)
	o, _ := q.buffer(1)
	if want := string(binary.LittleEndian.AppendUint64([]byte("twelve bytes"), uint64(o.Buffer))); text != want {
		t.Errorf("content %q, want %q", text, want)
	}
	mgr.send(q.free())
	// One byte more is read.
	m = oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: edge, Length: 21}).pointer(inside(leaf, 0, 12))
	c.ask([]command{c.gather(0, m, 40)}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	mgr.idle()
}

func TestOrderOfBuffers(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := c.p.newFile("")
	words := c.p.put([]byte(strings.Repeat(string(binary.LittleEndian.AppendUint32(nil, uint32(f))), 16)))
	buf := ioctl.BufferObject{Buffer: words, Length: 64}
	start := func() *message { return oneway(1, "a word..").pointer(buf) }
	for _, tc := range []struct {
		name string
		m    *message
		ok   bool
	}{
		{"one after the other", start().pointer(inside(buf, 0, 0)).pointer(inside(buf, 0, 8)), true},
		{"at one place", start().pointer(inside(buf, 0, 0)).pointer(inside(buf, 0, 0)), false},
		{"overlapping", start().pointer(inside(buf, 0, 0)).pointer(inside(buf, 0, 7)), false},
		{"backwards", start().pointer(inside(buf, 0, 16)).pointer(inside(buf, 0, 0)), false},
		{"down and up again", start().pointer(inside(buf, 0, 0)).pointer(inside(buf, 1, 0)).pointer(inside(buf, 0, 8)), true},
		{"up, and back before", start().pointer(inside(buf, 0, 8)).pointer(inside(buf, 1, 0)).pointer(inside(buf, 0, 0)), false},
		{"into a finished one", start().pointer(inside(buf, 0, 0)).pointer(inside(buf, 0, 8)).pointer(inside(buf, 1, 0)), false},
		{"into one before the last root", start().pointer(buf).pointer(inside(buf, 0, 0)), false},
		{"into the last root", start().pointer(buf).pointer(inside(buf, 1, 0)), true},
		{"at a multiple of four", start().pointer(inside(buf, 0, 4)), true},
		{"at none", start().pointer(inside(buf, 0, 10)), false},
		{"the last place", start().pointer(inside(buf, 0, 56)), true},
		{"an array, then a pointer", start().array(2, 0, 0).pointer(inside(buf, 0, 8)), true},
		{"an array, then a pointer on it", start().array(2, 0, 0).pointer(inside(buf, 0, 7)), false},
		{"two arrays", start().array(2, 0, 0).array(3, 0, 8), true},
		{"two arrays, backwards", start().array(2, 0, 8).array(1, 0, 4), false},
		{"a pointer, then an array", start().pointer(inside(buf, 0, 0)).array(1, 0, 8), true},
		{"a pointer, then an array on it", start().pointer(inside(buf, 0, 0)).array(1, 0, 4), false},
		{"an array in a child, then in the root", start().pointer(inside(buf, 0, 0)).array(1, 1, 0).array(1, 0, 8), true},
		{"an array in the root, then in a child", start().pointer(inside(buf, 0, 0)).array(1, 0, 8).array(1, 1, 0), false},
		{"an empty array moves on", start().array(0, 0, 32).pointer(inside(buf, 0, 24)), false},
		{"an empty array far out", start().array(0, 0, 1<<40), true},
		{"objects between", start().binder(node{1, 1}).pointer(inside(buf, 0, 0)), true},
		{"an array as a parent", start().array(1, 0, 0).pointer(inside(buf, 1, 0)), false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			send := c.gather(0, tc.m, 64*4)
			if !tc.ok {
				c.ask([]command{send}, noop, "FAILED_REPLY")
				c.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
				return
			}
			c.sends(send)
			mgr.send(mgr.got(noop, "TRANSACTION").free())
		})
	}
	mgr.idle()
}

func TestBadDescriptorArray(t *testing.T) {
	b := newBus(t)
	mgr, s := b.manager(), b.spawn().looper()
	c := b.open().thread()
	f := uint32(c.p.newFile(""))
	words := func(n ...uint32) ioctl.BufferObject {
		var b []byte
		for _, w := range n {
			b = binary.LittleEndian.AppendUint32(b, w)
		}
		return ioctl.BufferObject{Buffer: c.p.put(b), Length: uint64(len(b))}
	}
	good := words(f, f)
	odd := good
	odd.Buffer += 1
	atEdge := ioctl.BufferObject{Buffer: c.p.edge(binary.LittleEndian.AppendUint32(nil, f)), Length: 8}
	start := func(o ioctl.BufferObject) *message { return oneway(1, "a word..").pointer(o) }
	for _, tc := range []struct {
		name  string
		m     *message
		errno unix.Errno
	}{
		{"no such parent", start(good).array(1, 1, 0), unix.EINVAL},
		{"itself", start(good).array(1, 2, 0), unix.EINVAL},
		{"parent is no buffer", oneway(1, "a word..").binder(node{1, 1}).array(1, 0, 0), unix.EINVAL},
		{"parent at offset 0", oneway(1, "").pointer(good).array(1, 0, 0), unix.EINVAL},
		{"too many", start(good).array(3, 0, 0), unix.EINVAL},
		{"past the end", start(good).array(2, 0, 4), unix.EINVAL},
		{"far past the end", start(good).array(1, 0, 1<<63), unix.EINVAL},
		{"very many", start(good).array(1<<62, 0, 0), unix.EINVAL},
		{"as many as wrap", start(good).array(1<<62+1, 0, 0), unix.EINVAL},
		{"not aligned", start(good).array(1, 0, 2), unix.EINVAL},
		{"not aligned at the sender's", start(odd).array(1, 0, 0), unix.EINVAL},
		{"not aligned in the buffer", start(odd).array(1, 0, 3), unix.EINVAL},
		{"not open", start(words(f, 9999)).array(2, 0, 0), unix.EBADF},
		{"negative", start(words(f, 0xffffffff)).array(2, 0, 0), unix.EBADF},
		{"not readable", start(atEdge).array(2, 0, 0), unix.EINVAL},
		{"not open and not readable", start(ioctl.BufferObject{Buffer: c.p.edge([]byte("\xff\xff\xff\xff")), Length: 8}).array(2, 0, 0), unix.EBADF},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c.ask([]command{c.gather(0, tc.m, 64)}, noop, "FAILED_REPLY")
			c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		})
	}
	t.Run("to who takes none", func(t *testing.T) {
		// s sends an object that takes none, and c gets it back in a reply.
		s.sends(s.call(0, oneway(1, "").flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Binder: 0x20})))
		q := mgr.got(noop, "TRANSACTION")
		c.start(readSize, c.call(0, msg(1, "")))
		ask := mgr.got(noop, "TRANSACTION")
		mgr.ask([]command{mgr.reply(msg(0, "").handle(q.handle(0))), ask.free()}, noop, complete)
		h := c.got(noop, complete, "REPLY").handle(0)
		for _, tc := range []struct {
			o     ioctl.BufferObject
			n     uint64
			errno unix.Errno
		}{
			{good, 2, unix.EPERM},
			{words(9999), 1, unix.EPERM},
			{ioctl.BufferObject{Buffer: 0x10, Length: 4}, 1, unix.EINVAL}, // the number is read first
		} {
			c.ask([]command{c.gather(h, start(tc.o).array(tc.n, 0, 0), 8)}, noop, "FAILED_REPLY")
			c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		}
		c.sends(c.gather(h, start(good).array(0, 0, 0), 8)) // none are none
		s.send(s.got(noop, "TRANSACTION").free())
	})
	mgr.idle()
}

// A reply has buffers too.
func TestScatterGatherReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := mgr.p.newFile("of the server")
	for _, tc := range []struct {
		name  string
		flags ioctl.Flags
		want  string
	}{{"with descriptors", ioctl.TF_ACCEPT_FDS, "REPLY"}, {"without", 0, "FAILED_REPLY"}} {
		t.Run(tc.name, func(t *testing.T) {
			c.start(readSize, c.call(0, msg(1, "").with(tc.flags)))
			q := mgr.got(noop, "TRANSACTION")
			text := append(binary.LittleEndian.AppendUint32(nil, uint32(f)), "in a buffer"...)
			m := msg(0, "a word..").pointer(ioctl.BufferObject{Buffer: mgr.p.put(text), Length: 15}).array(1, 0, 0)
			reply := encode(ioctl.BC_REPLY_SG, mgr.p.transaction(0, m))
			mgr.ask([]command{q.free(), binary.LittleEndian.AppendUint64(reply, 16)}, noop, complete)
			if tc.want != "REPLY" {
				c.expect(noop, complete, tc.want)
				c.wantError(ioctl.BR_FAILED_REPLY, unix.EPERM)
				return
			}
			r := c.got(noop, complete, tc.want)
			_, got := r.buffer(0)
			var file FileReply
			c.p.do("Actor.File", FileArgs{c.p.ID, r.Buffer, binary.LittleEndian.Uint32([]byte(got))}, &file)
			if file.Content != "of the server" || got[4:] != "in a buffer" {
				t.Errorf("%q and a file %q", got[4:], file.Content)
			}
			c.p.host.Call("Actor.CloseFD", file.FD, new(int))
		})
	}
}

// Freeing a buffer whose descriptors came in an array closes them, and the thread returns to user
// space for it. Those that came over a client's socket are the client's.
func TestFreeingABufferClosesItsArray(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := binary.LittleEndian.AppendUint32(nil, uint32(c.p.newFile("shared")))
	m := oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: c.p.put(f), Length: 4}).array(1, 0, 0)
	c.ask([]command{c.gather(0, m, 8)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	_, got := q.buffer(0)
	fd := FileArgs{mgr.p.ID, q.Buffer, binary.LittleEndian.Uint32([]byte(got))}
	var file FileReply
	mgr.p.do("Actor.File", fd, &file)
	mgr.ask([]command{q.free()}, noop)
	err := mgr.p.host.Call("Actor.CloseFD", file.FD, new(int))
	if open := err == nil; open != pick(t, false, true) {
		t.Errorf("after BC_FREE_BUFFER: open %v, want %v", open, !open)
	}
	mgr.idle()

	// An empty array is nothing to return for.
	c.ask([]command{c.gather(0, oneway(1, "a word..").pointer(ioctl.BufferObject{Buffer: c.p.put(f), Length: 4}).array(0, 0, 0), 8)}, noop, complete)
	q = mgr.got(noop, "TRANSACTION")
	mgr.park(q.free())
	c.ask([]command{c.call(0, oneway(1, "bye"))}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("bye")
}

func TestDescriptorArray(t *testing.T) {
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
