package conformance

import (
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Descriptors of an array end with the buffer they came in: here, in clients that have never heard
// of a descriptor socket.

// arrays is a manager in a process of its own, with no descriptor socket, and a client.
func arrays(t *testing.T) (mgr, c *thread) {
	t.Helper()
	needsInjection(t)
	b := newBus(t)
	mgr = b.spawn(noSocket).looper()
	mgr.becomeExt(node{}, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	return mgr, b.open(noSocket).thread()
}

// withArray is a transaction with n descriptors of the client's in an array.
func (th *thread) withArray(m *message, n int) command {
	th.p.t.Helper()
	var b []byte
	for range n {
		b = binary.LittleEndian.AppendUint32(b, uint32(th.p.newFile("shared")))
	}
	return th.gather(0, m.pointer(ioctl.BufferObject{Buffer: th.p.put(b), Length: uint64(len(b))}).array(uint64(n), uint64(len(m.offsets)-1), 0), uint64(len(b)+7)&^7)
}

// numbers are the descriptors in the i-th object, a buffer.
func (q *parcel) numbers(i int) []int {
	q.p.t.Helper()
	_, s := q.buffer(i)
	var fds []int
	for b := []byte(s); len(b) >= 4; b = b[4:] {
		fds = append(fds, int(binary.LittleEndian.Uint32(b)))
	}
	return fds
}

// openFDs tells which of the numbers are open in the process.
func (p *process) openFDs(fds ...int) []int {
	p.t.Helper()
	var open []int
	for _, fd := range fds {
		var yes bool
		if p.do("Actor.IsOpen", fd, &yes); yes {
			open = append(open, fd)
		}
	}
	return open
}

func (p *process) countFDs() int {
	p.t.Helper()
	var n int
	p.do("Actor.CountFDs", 0, &n)
	return n
}

func TestFreeingClosesArrays(t *testing.T) {
	mgr, c := arrays(t)
	before := mgr.p.countFDs()
	c.ask([]command{c.withArray(oneway(1, "a word.."), 3)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	fds := q.numbers(0)
	if d := cmp.Diff(fds, mgr.p.openFDs(fds...)); d != "" {
		t.Fatalf("open when they come (-want +got):\n%s", d)
	}
	mgr.ask([]command{q.free()}, noop) // it does not wait
	if open := mgr.p.openFDs(fds...); open != nil {
		t.Errorf("%v are open still", open)
	}
	if n := mgr.p.countFDs(); n != before {
		t.Errorf("%d descriptors, want %d", n, before)
	}
	mgr.park() // now it does
	c.ask([]command{c.call(0, oneway(1, "bye"))}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("bye")
}

func TestFreeingClosesArraysWithoutARead(t *testing.T) {
	mgr, c := arrays(t)
	c.ask([]command{c.withArray(oneway(1, "a word.."), 2)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	fds := q.numbers(0)
	mgr.send(q.free())
	if open := mgr.p.openFDs(fds...); open != nil {
		t.Errorf("%v are open still", open)
	}
}

// The commands after it go on as if nothing had been, two of them freeing more.
func TestFreeingClosesSeveralArrays(t *testing.T) {
	mgr, c := arrays(t)
	before := mgr.p.countFDs()
	var qs []*parcel
	for range 3 {
		c.start(readSize, c.withArray(msg(1, "a word.."), 2))
		q := mgr.got(noop, "TRANSACTION")
		qs = append(qs, q)
		mgr.ask([]command{mgr.reply(msg(0, ""))}, noop, complete)
		c.send(c.got(noop, complete, "REPLY").free())
	}
	c.start(readSize, c.withArray(msg(1, "a word.."), 2))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{qs[0].free(), qs[1].free(), q.free(), mgr.reply(msg(7, "done")), qs[2].free()}, noop, complete)
	c.got(noop, complete, "REPLY").text("done")
	if n := mgr.p.countFDs(); n != before {
		t.Errorf("%d descriptors, want %d", n, before)
	}
}

// They are closed at once, not when the ioctl ends: who would send one of them has none.
func TestFreedArraysAreGoneForTheNextCommand(t *testing.T) {
	mgr, c := arrays(t)
	c.start(readSize, c.withArray(msg(1, "a word..").with(ioctl.TF_ACCEPT_FDS), 2))
	q := mgr.got(noop, "TRANSACTION")
	fds := q.numbers(0)
	mgr.ask([]command{q.free(), mgr.reply(msg(0, "").fd(fds[1]))}, noop, complete)
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EBADF)
}

// It is the number that counts, whatever has it now; one that is free is passed over.
func TestFreeingClosesNumbers(t *testing.T) {
	mgr, c := arrays(t)
	c.ask([]command{c.withArray(oneway(1, "a word.."), 3)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	fds := q.numbers(0)
	for _, fd := range fds[:2] {
		mgr.p.do("Actor.CloseFD", fd, new(int))
	}
	var other int
	if mgr.p.do("Actor.NewFile", "another", &other); other != fds[0] {
		t.Fatalf("the lowest number is %d, want %d", other, fds[0])
	}
	mgr.ask([]command{q.free()}, noop)
	if open := mgr.p.openFDs(fds...); open != nil {
		t.Errorf("%v are open still", open)
	}
}

// Single descriptors are the receiver's: no buffer takes them away.
func TestFreeingLeavesDescriptors(t *testing.T) {
	mgr, c := arrays(t)
	c.ask([]command{c.withArray(oneway(1, "").fd(c.p.newFile("single")), 1)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	single := q.file(0)
	mgr.ask([]command{q.free()}, noop)
	if d := cmp.Diff([]int{single.FD}, mgr.p.openFDs(append(q.numbers(1), single.FD)...)); d != "" {
		t.Errorf("open (-want +got):\n%s", d)
	}
}

// A buffer that was never delivered takes nothing with it.
func TestUndeliveredArrayClosesNothing(t *testing.T) {
	mgr, c := arrays(t)
	high := 0
	for range 8 { // a place for what must not be closed: the numbers of the sender's
		mgr.p.do("Actor.NewFile", "mine", &high)
	}
	before := mgr.p.countFDs()
	var old uint64
	mgr.p.do("Actor.LimitFDs", uint64(high+2), &old)
	c.start(readSize, c.withArray(msg(1, "a word.."), 3))
	mgr.park()
	c.expect(noop, complete, "FAILED_REPLY")
	mgr.p.do("Actor.LimitFDs", old, new(uint64))
	if n := mgr.p.countFDs(); n != before {
		t.Errorf("%d descriptors, want %d", n, before)
	}
	c.ask([]command{c.call(0, oneway(1, "bye"))}, noop, complete)
	mgr.got(noop, "TRANSACTION").text("bye")
}

// In a reply they come, and end, in the same way.
func TestFreeingAReplyClosesItsArray(t *testing.T) {
	needsInjection(t)
	b := newBus(t)
	mgr := b.spawn(noSocket).looper()
	mgr.becomeExt(node{}, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	c := b.spawn(noSocket).thread()
	before := c.p.countFDs()
	c.start(readSize, c.call(0, msg(1, "").with(ioctl.TF_ACCEPT_FDS)))
	q := mgr.got(noop, "TRANSACTION")
	reply := mgr.withArray(msg(0, "a word.."), 2)
	binary.LittleEndian.PutUint32(reply, uint32(ioctl.BC_REPLY_SG))
	mgr.ask([]command{q.free(), reply}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	fds := r.numbers(0)
	if d := cmp.Diff(fds, c.p.openFDs(fds...)); d != "" {
		t.Errorf("open when they come (-want +got):\n%s", d)
	}
	c.ask([]command{r.free()}, noop)
	if n := c.p.countFDs(); n != before {
		t.Errorf("%d descriptors, want %d", n, before)
	}
}

// The thread that frees the buffer closes the numbers in its own process's table, even if that is
// not the one that the descriptors have come to.
func TestFreeingForAnotherClosesOnesOwn(t *testing.T) {
	needsInjection(t)
	b := newBus(t)
	mgr := b.spawn(noSocket).looper()
	mgr.becomeExt(node{}, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	c := b.spawn(noSocket).thread()
	c.ask([]command{c.call(0, oneway(1, "").fd(c.p.FD))}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	fd := q.file(0).FD
	mgr.send(q.free())
	twin := b.openIn(mgr.p.host, noSocket, noMap, func(a *OpenArgs) { a.Adopt = fd }).thread()

	theirs := map[int]bool{}
	for range 60 {
		theirs[mgr.p.newFile("the manager's")] = true
	}
	for range 30 {
		c.p.newFile("the client's")
	}
	c.start(readSize, c.call(0, msg(1, "").with(ioctl.TF_ACCEPT_FDS)))
	q = mgr.got(noop, "TRANSACTION")
	reply := mgr.withArray(msg(0, "a word.."), 2)
	binary.LittleEndian.PutUint32(reply, uint32(ioctl.BC_REPLY_SG))
	mgr.ask([]command{q.free(), reply}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	fds := r.numbers(0)
	if !theirs[fds[0]] || !theirs[fds[1]] {
		t.Fatalf("the numbers are %v, want some that are files of the manager's, too", fds)
	}
	twin.send(r.free())
	if d := cmp.Diff(fds, c.p.openFDs(fds...)); d != "" {
		t.Errorf("open in the client (-want +got):\n%s", d)
	}
	if open := mgr.p.openFDs(fds...); open != nil {
		t.Errorf("%v are open still in the manager", open)
	}
}

// needsInjection is for tests with clients that give busd no descriptor socket.
func needsInjection(t *testing.T) {
	t.Helper()
	if !isKernel(t) && runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("busd puts descriptors into clients of its own machine's kind only")
	}
}
