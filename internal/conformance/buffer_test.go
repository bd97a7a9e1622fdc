package conformance

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func TestFreeBufferOfBogusAddresses(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	for range 2 {
		c.send(c.call(0, oneway(1, "content!")))
		c.expect(noop, complete)
	}
	q := mgr.got(noop, "TRANSACTION")
	mgr.send(
		freeBuffer(0), freeBuffer(math.MaxUint64), freeBuffer(mgr.p.Base+mapSize),
		freeBuffer(q.Buffer+1), freeBuffer(q.Buffer+4), freeBuffer(q.Buffer-8),
		freeBuffer(mgr.p.Base+8), // the second transaction's, not delivered yet
	)
	if other := b.open(); other.Base != mgr.p.Base {
		mgr.send(freeBuffer(other.Base)) // another process's
	}
	mgr.idle() // none of this let the next oneway call go
	mgr.send(q.free(), q.free(), q.free())
	q = mgr.got(noop, "TRANSACTION").text("content!")
	mgr.send(q.free())
}

func TestBufferPlacement(t *testing.T) {
	// The smallest free piece that fits, from the start of the area; sizes rounded up to 8.
	b := newBus(t)
	mgr, c := b.manager(mapped(64<<10)), b.open().thread()
	next := func(size int) *parcel {
		t.Helper()
		c2 := b.open().thread()
		c2.send(c2.call(0, msg(1, string(make([]byte, size)))))
		th := mgr.p.looper()
		return th.got(noop, "TRANSACTION")
	}
	at := func(q *parcel) uint64 { return uint64(q.Buffer - mgr.p.Base) }
	q0, q1, q2, q3 := next(100), next(1), next(300), next(0)
	for i, w := range []uint64{0, 104, 112, 416} {
		if got := at([]*parcel{q0, q1, q2, q3}[i]); got != w {
			t.Errorf("buffer %d at %d, want %d", i, got, w)
		}
	}
	q4 := next(8)
	if at(q4) != 424 {
		t.Errorf("after an empty one: at %d, want 424", at(q4))
	}
	mgr.send(q0.free(), q2.free())
	if q := next(50); at(q) != 0 {
		t.Errorf("50 bytes at %d, want 0", at(q))
	}
	if q := next(200); at(q) != 112 {
		t.Errorf("200 bytes at %d, want 112", at(q))
	}
	if q := next(1000); at(q) != 432 {
		t.Errorf("1000 bytes at %d, want 432", at(q))
	}
	_ = c
}

func TestBufferFull(t *testing.T) {
	b := newBus(t)
	mgr := b.manager(mapped(16 << 10))
	c := b.open().thread()
	c.ask([]command{c.call(0, msg(1, string(make([]byte, 16<<10+1))))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
	c.start(readSize, c.call(0, msg(1, string(make([]byte, 16<<10)))))
	q := mgr.got(noop, "TRANSACTION")
	c2 := b.open().thread()
	c2.ask([]command{c2.call(0, msg(1, ""))}, noop, "FAILED_REPLY")
	c2.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
	mgr.ask([]command{q.free(), mgr.reply(msg(0, ""))}, noop, complete)
	c.expect(noop, complete, "REPLY")
	c2.start(readSize, c2.call(0, msg(1, "")))
	mgr.got(noop, "TRANSACTION")
}

func TestReplyDoesNotFit(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	c := b.open(mapped(8 << 10)).thread()
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, string(make([]byte, 9<<10))))}, noop, complete)
	mgr.send(q.free())
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
}

func TestMappingIsCappedAtFourMiB(t *testing.T) {
	b := newBus(t)
	mgr := b.manager(mapped(8 << 20))
	c := b.open().thread()
	c.ask([]command{c.call(0, msg(1, string(make([]byte, 4<<20+1))))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.ENOSPC)
	c.start(readSize, c.call(0, msg(1, string(make([]byte, 4<<20)))))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
}

func TestContentOfAllSizes(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	for _, n := range []int{0, 1, 3, 4, 7, 8, 9, 4095, 4096, 4097, 8191, 65536, 300001} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i*7 + n)
		}
		c.start(readSize, c.call(0, msg(1, string(data))))
		q := mgr.got(noop, "TRANSACTION").text(string(data))
		mgr.ask([]command{mgr.reply(msg(1, string(data))), q.free()}, noop, complete)
		c.send(c.got(noop, complete, "REPLY").text(string(data)).free())
	}
}

func TestBadOffsets(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open().thread()
	two := func() *message {
		return oneway(1, "").binder(node{0x10, 1}).binder(node{0x20, 2})
	}
	for _, tc := range []struct {
		name    string
		offsets []uint64
		extra   int // bytes of data after the two objects
		errno   unix.Errno
	}{
		{"unaligned", []uint64{1}, 0, unix.EINVAL},
		{"aligned to 2 only", []uint64{2}, 4, unix.EINVAL},
		{"past the end", []uint64{48}, 0, unix.EINVAL},
		{"object cut short by the end", []uint64{28}, 0, unix.EINVAL},
		{"far past the end", []uint64{1 << 40}, 0, unix.EFAULT},
		{"negative", []uint64{math.MaxUint64 - 3}, 0, unix.EFAULT},
		{"overlapping", []uint64{0, 4}, 0, unix.EFAULT},
		{"twice the same", []uint64{0, 0}, 0, unix.EFAULT},
		{"backwards", []uint64{24, 0}, 0, unix.EFAULT},
		{"no object there", []uint64{48}, 24, unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := two()
			m.offsets = tc.offsets
			m.data = append(m.data, make([]byte, tc.extra)...)
			o.ask([]command{o.call(0, m)}, noop, "FAILED_REPLY")
			o.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		})
	}
	for _, tc := range []struct {
		name string
		size uint64
	}{{"offsets size 4", 4}, {"offsets size 7", 7}, {"offsets size 9", 9}} {
		t.Run(tc.name, func(t *testing.T) {
			tr := o.p.transaction(0, two())
			tr.OffsetsSize = tc.size
			o.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, "FAILED_REPLY")
			o.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
		})
	}
	// Objects on 4-byte boundaries are fine.
	m := oneway(1, "abcd").binder(node{0x30, 3})
	o.ask([]command{o.call(0, m)}, noop, "INCREFS 0x30/0x3", "ACQUIRE 0x30/0x3", complete)
	if h := mgr.got(noop, "TRANSACTION").handle(0); h != 1 {
		t.Errorf("handle %d, want 1: a failed transaction left one behind", h)
	}
}

func TestBadPointersAndSizes(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	const nowhere = 0x10 // never mapped
	for _, tc := range []struct {
		name  string
		f     func(tr *ioctl.TransactionData)
		errno unix.Errno
	}{
		{"data pointer", func(tr *ioctl.TransactionData) { tr.Buffer = nowhere }, unix.EFAULT},
		{"offsets pointer", func(tr *ioctl.TransactionData) { tr.Offsets, tr.OffsetsSize = nowhere, 8 }, unix.EFAULT},
		{"kernel's own address", func(tr *ioctl.TransactionData) { tr.Buffer = 0xffff888000000000 }, unix.EFAULT},
		{"data size overflows", func(tr *ioctl.TransactionData) { tr.DataSize = math.MaxUint64 }, unix.EINVAL},
		{"data size overflows with offsets", func(tr *ioctl.TransactionData) { tr.DataSize, tr.OffsetsSize = math.MaxUint64-8, 16 }, unix.EINVAL},
		{"offsets size overflows", func(tr *ioctl.TransactionData) { tr.OffsetsSize = math.MaxUint64 }, unix.EINVAL},
		{"data size too big", func(tr *ioctl.TransactionData) { tr.DataSize = 1 << 40 }, unix.ENOSPC},
		{"offsets size too big", func(tr *ioctl.TransactionData) { tr.OffsetsSize = 1 << 40 }, unix.ENOSPC},
		{"half of the sum", func(tr *ioctl.TransactionData) { tr.DataSize, tr.OffsetsSize = 1<<63, 1<<63 }, unix.EINVAL},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tr := c.p.transaction(0, oneway(1, "content"))
			tc.f(&tr)
			c.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, "FAILED_REPLY")
			c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
		})
	}
	t.Run("pointers of empty parts are not looked at", func(t *testing.T) {
		c.ask([]command{encode(ioctl.BC_TRANSACTION, ioctl.TransactionData{Code: 1, Flags: ioctl.TF_ONE_WAY, Buffer: nowhere, Offsets: nowhere})}, noop, complete)
	})
	t.Run("data that ends in a hole", func(t *testing.T) {
		tr := c.p.transaction(0, oneway(1, "content"))
		tr.Buffer, tr.DataSize = c.p.edge([]byte("content")), 8
		c.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, "FAILED_REPLY")
		c.wantError(ioctl.BR_FAILED_REPLY, unix.EFAULT)
		tr.DataSize = 7
		c.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, complete)
	})
}

func TestScatterGatherHuge(t *testing.T) {
	b := newBus(t)
	b.manager()
	c := b.open().thread()
	sg := func(extra uint64) command {
		tr := encode(ioctl.BC_TRANSACTION_SG, c.p.transaction(0, oneway(1, "content")))
		return binary.LittleEndian.AppendUint64(tr, extra)
	}
	for _, tc := range []struct {
		extra uint64
		errno unix.Errno
	}{{math.MaxUint64, unix.EINVAL}, {1 << 40, unix.ENOSPC}, {4, unix.EINVAL}} {
		c.ask([]command{sg(tc.extra)}, noop, "FAILED_REPLY")
		c.wantError(ioctl.BR_FAILED_REPLY, tc.errno)
	}
	c.ask([]command{sg(16)}, noop, complete)
}

func TestSendFromTheReceiveBuffer(t *testing.T) {
	// What was received can be sent on from where it lies.
	b := newBus(t)
	mgr, c := b.manager(), b.open().looper()
	publish(mgr, mgr.p.bus.open().looper(), c, node{1, 1})
	c.start(readSize, c.call(0, msg(1, "give me text")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "a received text")), q.free()}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	tr := ioctl.TransactionData{Code: 2, Flags: ioctl.TF_ONE_WAY, DataSize: r.DataSize, Buffer: r.Buffer}
	c.ask([]command{encode(ioctl.BC_TRANSACTION, tr)}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("a received text")
}

func TestSharedMapping(t *testing.T) {
	// AOSP's own test of the driver maps MAP_SHARED. Deliveries at many places of the mapping, each to
	// be seen at once, also where an older one was read from.
	needsSharedMappings(t)
	b := newBus(t)
	mgr, c := b.manager(shared), b.open(shared).thread()
	for round := range 3 {
		for _, n := range []int{1, 100, 4096, 50000} {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(i*7 + n + round)
			}
			c.start(readSize, c.call(0, msg(1, string(data))))
			q := mgr.got(noop, "TRANSACTION").text(string(data))
			mgr.ask([]command{mgr.reply(msg(1, string(data))), q.free()}, noop, complete)
			c.send(c.got(noop, complete, "REPLY").text(string(data)).free())
		}
	}
}

// needsSharedMappings skips where FUSE refuses MAP_SHARED of a device in the receive mode store.
func needsSharedMappings(t *testing.T) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	release := unix.ByteSliceToString(u.Release[:])
	var major, minor int
	if _, err := fmt.Sscanf(release, "%d.%d", &major, &minor); err != nil {
		t.Fatalf("kernel release %q: %v", release, err)
	}
	if !isKernel(t) && (major < 6 || major == 6 && minor < 6) {
		t.Skipf("Linux %s: FUSE allows no shared mapping of such a file before 6.6", release)
	}
}
