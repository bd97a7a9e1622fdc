package conformance

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// raw issues one BINDER_WRITE_READ as it stands.
func (th *thread) raw(wr ioctl.WriteRead) RawReply {
	th.p.t.Helper()
	var r RawReply
	th.p.do("Actor.Raw", RawArgs{th.args(), wr}, &r)
	return r
}

func TestNothingToDo(t *testing.T) {
	th := newBus(t).open().thread()
	in := ioctl.WriteRead{WriteConsumed: 7, ReadConsumed: 9, WriteBuffer: 0x10, ReadBuffer: 0x10}
	if d := cmp.Diff(RawReply{WriteRead: in}, th.raw(in)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestUnknownCommand(t *testing.T) {
	b := newBus(t)
	b.manager()
	th := b.open().thread()
	for _, tc := range []struct {
		name string
		cmd  command
		want unix.Errno
	}{
		{"0", bc32(0, 0), unix.EINVAL},
		{"a BR_", bc(ioctl.Command(ioctl.BR_NOOP)), unix.EINVAL},
		{"number 99", bc(0x6363), unix.EINVAL},
		{"right number, wrong size", bc32(ioctl.BC_ACQUIRE+4<<16, 0), unix.EINVAL},
		{"BC_ATTEMPT_ACQUIRE", append(bc64(ioctl.BC_ATTEMPT_ACQUIRE, 0), 0, 0, 0, 0), unix.EINVAL},
		{"BC_ACQUIRE_RESULT", bc32(ioctl.BC_ACQUIRE_RESULT, 0), unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			good := acquire(0)
			r := th.try(readSize, good, tc.cmd, good)
			if r.Errno != tc.want || r.Consumed != uint64(len(good)) || len(r.Read) != 0 {
				t.Errorf("%v, %d consumed, %d read; want %v, %d, 0", r.Errno, r.Consumed, len(r.Read), tc.want, len(good))
			}
		})
	}
}

func TestCommandCutShort(t *testing.T) {
	// The driver reads on past write_size: only the start of a command must lie inside.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	full := c.call(0, oneway(1, "whole"))
	at := c.p.put(append(slices.Clone(full), make([]byte, 64)...))
	for _, n := range []uint64{1, 3, 4, 5, 60, 67} {
		r := c.raw(ioctl.WriteRead{WriteSize: n, WriteBuffer: at})
		if r.Errno != 0 || r.WriteRead.WriteConsumed != uint64(len(full)) {
			t.Errorf("%d bytes: %v, %d consumed; want 0, %d", n, r.Errno, r.WriteRead.WriteConsumed, len(full))
		}
		c.expect(noop, complete)
		mgr.send(mgr.got(noop, "TRANSACTION").text("whole").free())
	}
	// Where memory ends, it is EFAULT, and the commands before count.
	good := acquire(0)
	r := c.raw(ioctl.WriteRead{WriteSize: 8 + 68, WriteBuffer: c.p.edge(append(slices.Clone(good), full[:67]...))})
	if r.Errno != unix.EFAULT || r.WriteRead.WriteConsumed != 8 {
		t.Errorf("%v, %d consumed; want EFAULT, 8", r.Errno, r.WriteRead.WriteConsumed)
	}
	r = c.raw(ioctl.WriteRead{WriteSize: 8 + 68, WriteBuffer: c.p.edge(append(slices.Clone(good), full...))})
	if r.Errno != 0 || r.WriteRead.WriteConsumed != 8+68 {
		t.Errorf("%v, %d consumed; want 0, %d", r.Errno, r.WriteRead.WriteConsumed, 8+68)
	}
	c.expect(noop, complete)
	mgr.got(noop, "TRANSACTION").text("whole")
	mgr.idle() // the one cut short was not sent
}

func TestWriteConsumedOnTheWayIn(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	first, second := c.call(0, oneway(1, "first")), c.call(0, oneway(2, "second"))
	both := append(slices.Clone(first), second...)
	at := c.p.put(both)
	n := uint64(len(first))
	r := c.raw(ioctl.WriteRead{WriteSize: 2 * n, WriteConsumed: n, WriteBuffer: at})
	if r.Errno != 0 || r.WriteRead.WriteConsumed != 2*n {
		t.Errorf("%v, %d consumed", r.Errno, r.WriteRead.WriteConsumed)
	}
	c.expect(noop, complete)
	mgr.got(noop, "TRANSACTION").text("second")
	for _, consumed := range []uint64{2 * n, 2*n + 1, 1 << 40} {
		r = c.raw(ioctl.WriteRead{WriteSize: 2 * n, WriteConsumed: consumed, WriteBuffer: at})
		if r.Errno != 0 || r.WriteRead.WriteConsumed != consumed {
			t.Errorf("consumed %d: %v, %d after", consumed, r.Errno, r.WriteRead.WriteConsumed)
		}
	}
	c.idle()
}

func TestBadWriteBuffer(t *testing.T) {
	th := newBus(t).open().thread()
	for _, at := range []ioctl.Address{0, 0x10, 0xffff888000000000} {
		r := th.raw(ioctl.WriteRead{WriteSize: 4, WriteBuffer: at, ReadSize: 256, ReadConsumed: 4, ReadBuffer: th.p.Scratch})
		if r.Errno != unix.EFAULT || r.WriteRead.WriteConsumed != 0 || r.WriteRead.ReadConsumed != 0 {
			t.Errorf("at %#x: %v, consumed %d and %d; want EFAULT, 0, 0", at, r.Errno, r.WriteRead.WriteConsumed, r.WriteRead.ReadConsumed)
		}
	}
}

func TestBadReadBuffer(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	c.send(c.call(0, oneway(1, "a")))
	// BR_NOOP is the first to be written: nothing is lost.
	for _, at := range []ioctl.Address{0, 0x10} {
		r := c.raw(ioctl.WriteRead{ReadSize: 256, ReadBuffer: at})
		if r.Errno != unix.EFAULT || r.WriteRead.ReadConsumed != 0 {
			t.Errorf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
		}
	}
	c.expect(noop, complete)
	// The write is done before the read fails.
	call := c.call(0, oneway(1, "b"))
	r := c.raw(ioctl.WriteRead{WriteSize: uint64(len(call)), WriteBuffer: c.p.put(call), ReadSize: 256, ReadBuffer: 0x10})
	if r.Errno != unix.EFAULT || r.WriteRead.WriteConsumed != uint64(len(call)) {
		t.Errorf("%v, %d consumed", r.Errno, r.WriteRead.WriteConsumed)
	}
	c.expect(noop, complete)
	mgr.send(mgr.got(noop, "TRANSACTION").free())
	mgr.got(noop, "TRANSACTION").text("b")
}

func TestSmallReadBuffers(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	buf := mgr.p.put(make([]byte, 256))
	c.send(c.call(0, oneway(1, "a")))
	// While there is work that does not fit (a transaction's worst case is 76 bytes), BR_NOOP
	// comes alone.
	for _, n := range []uint64{4, 8, 72, 79} {
		r := mgr.raw(ioctl.WriteRead{ReadSize: n, ReadBuffer: buf})
		if r.Errno != 0 || r.WriteRead.ReadConsumed != 4 {
			t.Errorf("read of %d: %v, %d read; want 4", n, r.Errno, r.WriteRead.ReadConsumed)
		}
		if cmd := binary.LittleEndian.Uint32(mgr.p.get(buf, 4)); ioctl.Return(cmd) != ioctl.BR_NOOP {
			t.Errorf("read of %d: %#x", n, cmd)
		}
	}
	r := mgr.raw(ioctl.WriteRead{ReadSize: 80, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 4+4+ioctl.SizeofTransactionData {
		t.Errorf("read of 80: %v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
	// The same room is asked for the smallest event, the completion.
	buf = c.p.put(make([]byte, 256))
	r = c.raw(ioctl.WriteRead{ReadSize: 79, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 4 {
		t.Errorf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
	r = c.raw(ioctl.WriteRead{ReadSize: 80, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 8 {
		t.Errorf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
}

func TestReadBuffersTooSmallForNoop(t *testing.T) {
	// BR_NOOP is written whether it fits or not. The kernel's driver then takes the room for
	// unlimited and writes whatever there is; busd stops there.
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	buf := c.p.put(make([]byte, 256))
	for _, n := range []uint64{1, 2, 3} {
		c.send(c.call(0, oneway(1, "a")))
		r := c.raw(ioctl.WriteRead{ReadSize: n, ReadBuffer: buf})
		if want := pick[uint64](t, 8, 4); r.Errno != 0 || r.WriteRead.ReadConsumed != want {
			t.Errorf("read of %d: %v, %d read; want %d", n, r.Errno, r.WriteRead.ReadConsumed, want)
		}
		if !isKernel(t) {
			c.expect(noop, complete)
		}
	}
}

func TestReadFillsUpToTheRoom(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	for range 4 {
		c.send(c.call(0, oneway(1, "a")))
	}
	buf := c.p.put(make([]byte, 256))
	for _, tc := range []struct{ size, want uint64 }{{84, 12}, {92, 12}} {
		r := c.raw(ioctl.WriteRead{ReadSize: tc.size, ReadBuffer: buf})
		if r.Errno != 0 || r.WriteRead.ReadConsumed != tc.want {
			t.Errorf("read of %d: %v, %d read; want %d", tc.size, r.Errno, r.WriteRead.ReadConsumed, tc.want)
		}
	}
}

func TestReadConsumedOnTheWayIn(t *testing.T) {
	// Reading goes on behind what read_consumed says is there, without a BR_NOOP; BR_SPAWN_LOOPER
	// would still go to the very start.
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	c.send(c.call(0, oneway(1, "a")))
	buf := c.p.put(make([]byte, 256))
	r := c.raw(ioctl.WriteRead{ReadSize: 256, ReadConsumed: 16, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 20 {
		t.Fatalf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
	want := append(make([]byte, 16), bc(ioctl.Command(ioctl.BR_TRANSACTION_COMPLETE))...)
	if d := cmp.Diff(want, c.p.get(buf, 20)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	c.send(enterLooper)
	c.maxThreads(1)
	c.send(c.call(0, oneway(1, "a")))
	r = c.raw(ioctl.WriteRead{ReadSize: 256, ReadConsumed: 16, ReadBuffer: buf})
	if r.Errno != 0 || r.WriteRead.ReadConsumed != 20 {
		t.Fatalf("%v, %d read", r.Errno, r.WriteRead.ReadConsumed)
	}
	copy(want, bc(ioctl.Command(ioctl.BR_SPAWN_LOOPER)))
	if d := cmp.Diff(want, c.p.get(buf, 20)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// However large the buffer, busd fills 64 KiB of it at a time.
func TestReadOfVeryMuch(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open(nonblock).thread()
	const n = 17000
	one := c.call(0, oneway(1, ""))
	c.send(slices.Repeat(one, n))
	const room = 1 << 17
	var got []int
	for total := 0; total < 4*n; {
		r := c.try(room)
		if r.Errno != 0 || len(r.Read) < 8 {
			t.Fatalf("%v, %d bytes, after %d", r.Errno, len(r.Read), total)
		}
		got = append(got, len(r.Read))
		total += len(r.Read) - 4 // BR_NOOP
	}
	// Another work is begun while there is room for the longest.
	if d := cmp.Diff(pick(t, []int{4 + 4*n}, []int{64<<10 - 72, 4 + 4*n - (64<<10 - 76)}), got); d != "" {
		t.Errorf("reads (-want +got):\n%s", d)
	}
	c.idle()
}

func TestBadArgumentPointer(t *testing.T) {
	// FUSE fetches the argument before anybody sees the request.
	th := newBus(t).open().thread()
	for _, tc := range []struct {
		req          ioctl.Request
		kernel, busd unix.Errno
	}{
		{ioctl.BINDER_WRITE_READ, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_SET_MAX_THREADS, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_VERSION, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_SET_CONTEXT_MGR_EXT, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_DEBUG_INFO, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_INFO_FOR_REF, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_EXTENDED_ERROR, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_FREEZE, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_FROZEN_INFO, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_SET_CONTEXT_MGR, 0, unix.EFAULT}, // the driver does not look at it
		{ioctl.BINDER_THREAD_EXIT, 0, unix.EFAULT},     // nor here
		{0xc0046263, unix.EINVAL, unix.EFAULT},         // no such request
	} {
		var r IoctlReply
		th.p.do("Actor.Ioctl", IoctlArgs{ThreadArgs: th.args(), Request: tc.req, At: 0x10}, &r)
		if want := pick(t, tc.kernel, tc.busd); r.Errno != want {
			t.Errorf("request %#x: %v, want %v", uint32(tc.req), r.Errno, want)
		}
	}
}

// The driver adds sizes to addresses, and compares addresses.
func TestSizesThatWrap(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).thread()
	call := c.call(0, oneway(1, "x"))
	at := c.p.put(call)
	n := uint64(len(call))
	for _, tc := range []struct {
		name           string
		size, consumed uint64
		errno          unix.Errno
		want           uint64
		sent           bool
	}{
		{"the end lies before the start", 1<<64 - 1, 0, 0, 0, false},
		{"the end is the start", 0, 0, 0, 0, false},
		{"the end is that of all", ^uint64(at), 0, unix.EINVAL, n, true}, // zeros follow
		{"the end is one further", -uint64(at), 0, 0, 0, false},
		{"the start lies before the buffer", n, 1<<64 - 8, unix.EINVAL, 1<<64 - 8, false}, // zeros lie there
	} {
		r := c.raw(ioctl.WriteRead{WriteSize: tc.size, WriteConsumed: tc.consumed, WriteBuffer: at})
		if r.Errno != tc.errno || r.WriteRead.WriteConsumed != tc.want {
			t.Errorf("%s: %v, %#x consumed; want %v, %#x", tc.name, r.Errno, r.WriteRead.WriteConsumed, tc.errno, tc.want)
		}
		if tc.sent {
			c.expect(noop, complete)
			mgr.send(mgr.got(noop, "TRANSACTION").free())
		}
		c.idle()
	}
	mgr.idle()
	buf := c.p.put(make([]byte, 256))
	for _, tc := range []struct {
		name           string
		size, consumed uint64
		want           uint64
	}{
		{"as much as there is", 1<<64 - 1, 0, 8},
		{"more than half of all", 1 << 63, 0, 8},
		{"less room than has been consumed", 8, 16, pick[uint64](t, 20, 16)}, // busd writes nothing past the end
	} {
		c.send(c.call(0, oneway(1, "x")))
		r := c.raw(ioctl.WriteRead{ReadSize: tc.size, ReadConsumed: tc.consumed, ReadBuffer: buf})
		if r.Errno != 0 || r.WriteRead.ReadConsumed != tc.want {
			t.Errorf("%s: %v, %d read; want %d", tc.name, r.Errno, r.WriteRead.ReadConsumed, tc.want)
		}
		if r.WriteRead.ReadConsumed != tc.want {
			c.expect(noop, complete)
		}
		mgr.send(mgr.got(noop, "TRANSACTION").free())
	}
}
