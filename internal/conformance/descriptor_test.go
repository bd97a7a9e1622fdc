package conformance

import (
	"runtime"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// newFile makes a file in the process's host and returns its descriptor there.
func (p *process) newFile(content string) int {
	p.t.Helper()
	var fd int
	p.do("Actor.NewFile", content, &fd)
	p.t.Cleanup(func() { p.host.Call("Actor.CloseFD", fd, new(int)) })
	return fd
}

// file is the descriptor at the i-th object of a parcel, as its receiver has it.
func (q *parcel) file(i int) FileReply {
	q.p.t.Helper()
	var o ioctl.FDObject
	o.Decode(q.data[q.offsets[i]:])
	if o.Type != ioctl.BINDER_TYPE_FD || o.PadFlags != 0 {
		q.p.t.Fatalf("object %d: %+v, want a descriptor", i, o)
	}
	var r FileReply
	q.p.do("Actor.File", FileArgs{q.p.ID, q.Buffer, o.FD}, &r)
	q.p.t.Cleanup(func() { q.p.host.Call("Actor.CloseFD", r.FD, new(int)) })
	return r
}

func TestDescriptorInACall(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f1, f2 := c.p.newFile("first"), c.p.newFile("second")
	c.start(readSize, c.call(0, msg(1, "two files:").fd(f1).fd(f2).fd(f1)))
	q := mgr.got(noop, "TRANSACTION")
	var got []string
	fds := map[int]bool{}
	for i := range 3 {
		f := q.file(i)
		got = append(got, f.Content)
		fds[f.FD] = true
		if !f.CloseExec {
			t.Errorf("descriptor %d is not close-on-exec", i)
		}
	}
	if d := cmp.Diff([]string{"first", "second", "first"}, got); d != "" {
		t.Errorf("content (-want +got):\n%s", d)
	}
	if len(fds) != 3 {
		t.Errorf("%d distinct descriptors, want 3", len(fds))
	}
	var o ioctl.FDObject
	o.Decode(q.data[q.offsets[0]:])
	if o.Cookie != 0xc00c1e {
		t.Errorf("cookie %#x, want the sender's", uint64(o.Cookie))
	}
	mgr.ask([]command{mgr.reply(msg(0, "")), q.free()}, noop, complete)
	c.expect(noop, complete, "REPLY")
	// The receiver's copies are its own: they outlive the buffer. (The cleanup closes them.)
}

func TestDescriptorInAReply(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := mgr.p.newFile("from the server")
	c.start(readSize, c.call(0, msg(1, "").with(ioctl.TF_ACCEPT_FDS)))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "").fd(f)), q.free()}, noop, complete)
	r := c.got(noop, complete, "REPLY")
	if got := r.file(0).Content; got != "from the server" {
		t.Errorf("content %q", got)
	}
	c.send(r.free())
}

func TestReplyWithoutAcceptFDs(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := mgr.p.newFile("from the server")
	c.start(readSize, c.call(0, msg(1, "")))
	q := mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "").fd(f))}, noop, complete)
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPERM)
	mgr.send(q.free())
}

func TestNodeThatTakesNoDescriptors(t *testing.T) {
	b := newBus(t)
	mgr := b.openBeside().looper()
	mgr.becomeExt(node{1, 1}, 0)
	c := b.open().thread()
	f := c.p.newFile("x")
	c.ask([]command{c.call(0, oneway(1, "").with(ioctl.TF_ACCEPT_FDS).fd(f))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPERM)
	// The legacy way to become manager takes none either.
	b = newBus(t)
	mgr = b.openBeside().looper()
	mgr.become()
	c = b.open().thread()
	c.ask([]command{c.call(0, oneway(1, "").fd(f))}, noop, "FAILED_REPLY")
	c.wantError(ioctl.BR_FAILED_REPLY, unix.EPERM)
}

func TestBadDescriptor(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := c.p.newFile("x")
	for _, fd := range []int{-1, 1 << 20, 1<<31 - 1} {
		c.ask([]command{c.call(0, oneway(1, "").fd(f).fd(fd))}, noop, "FAILED_REPLY")
		c.wantError(ioctl.BR_FAILED_REPLY, unix.EBADF)
	}
	mgr.idle()
}

func TestDescriptorIsTakenWhenSent(t *testing.T) {
	// The sender may close its descriptor as soon as its write has returned.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	var fd int
	c.p.do("Actor.NewFile", "still here", &fd)
	c.send(c.call(0, oneway(1, "").fd(fd)))
	c.p.do("Actor.CloseFD", fd, new(int))
	if got := mgr.got(noop, "TRANSACTION").file(0).Content; got != "still here" {
		t.Errorf("content %q", got)
	}
}

func TestDescriptorOutlivesItsSender(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn()
	c := p.thread()
	c.send(c.call(0, oneway(1, "").fd(p.newFile("a legacy"))))
	p.kill()
	if got := mgr.got(noop, "TRANSACTION").file(0).Content; got != "a legacy" {
		t.Errorf("content %q", got)
	}
}

func TestUndeliveredDescriptorsAreClosed(t *testing.T) {
	// A pipe's other end hears it when nobody holds the descriptor any longer.
	for _, how := range []string{"never read", "transaction fails later"} {
		t.Run(how, func(t *testing.T) {
			b := newBus(t)
			mgr := b.manager()
			s, c := b.spawn(), b.open().thread()
			st := s.looper()
			s2 := node{0x10, 1}
			h := publish(mgr, st, c, s2)
			var pipe [2]int
			if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			defer unix.Close(pipe[0])
			m := oneway(1, "").fd(pipe[1])
			if how == "never read" {
				c.ask([]command{c.call(h, m)}, noop, complete)
			} else {
				c.ask([]command{c.call(h, m.handle(99))}, noop, "FAILED_REPLY")
			}
			unix.Close(pipe[1])
			if how == "never read" {
				p := []unix.PollFd{{Fd: int32(pipe[0])}}
				if n, _ := unix.Poll(p, 0); n != 0 {
					t.Error("the descriptor is closed already")
				}
				s.kill()
			}
			await(t, "the pipe's write end is closed", func() bool {
				p := []unix.PollFd{{Fd: int32(pipe[0])}}
				unix.Poll(p, 0)
				return p[0].Revents&unix.POLLHUP != 0
			})
		})
	}
}

func TestReceiverHasNoRoomForDescriptors(t *testing.T) {
	onlyKernel(t, "with a descriptor socket the receiver's table fills at recvmsg, not in the driver")
	b := newBus(t)
	p := b.spawn()
	s := p.looper()
	s.becomeExt(node{1, 1}, 0x100)
	c := b.open().thread()
	f := c.p.newFile("x")
	var old uint64
	p.do("Actor.LimitFDs", uint64(3), &old)
	// A call fails for its caller, a oneway call vanishes; the receiver hears of neither.
	s.park()
	c.ask([]command{c.call(0, oneway(1, "").fd(f))}, noop, complete)
	c.ask([]command{c.call(0, msg(2, "").fd(f))}, noop, complete, "FAILED_REPLY")
	c.send(c.call(0, msg(3, "without")))
	s.got(noop, "TRANSACTION").text("without")
}

func TestManyDescriptors(t *testing.T) {
	// More than one message of SCM_RIGHTS can carry.
	b := newBus(t)
	mgr, c := b.manager(), b.open().thread()
	f := c.p.newFile("x")
	m := oneway(1, "")
	const n = 300
	for range n {
		m.fd(f)
	}
	c.ask([]command{c.call(0, m)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	ino := q.file(0).Inode
	for i := 1; i < n; i++ {
		if got := q.file(i).Inode; got != ino {
			t.Fatalf("descriptor %d is another file", i)
		}
	}
}

func TestDescriptorsOfTwoTransactions(t *testing.T) {
	// Descriptors belong to their buffer, in whatever order the receiver looks.
	b := newBus(t)
	mgr, c, c2 := b.manager(), b.open().thread(), b.open().thread()
	other := mgr.p.looper()
	c.send(c.call(0, msg(1, "").fd(c.p.newFile("a"))))
	c2.send(c2.call(0, msg(2, "").fd(c2.p.newFile("b"))))
	qa, qb := mgr.got(noop, "TRANSACTION"), other.got(noop, "TRANSACTION")
	if got := qb.file(0).Content + qa.file(0).Content; got != "ba" {
		t.Errorf("content %q, want ba", got)
	}
}

func TestTheDeviceItselfAsDescriptor(t *testing.T) {
	// A binder descriptor passed on names the same process: identity stays the opener's.
	b := newBus(t)
	mgr := b.manager()
	p := b.spawn()
	c := p.thread()
	c.send(c.call(0, oneway(1, "").fd(p.FD)))
	q := mgr.got(noop, "TRANSACTION")
	fd := q.file(0).FD
	// On its way it was nobody's: its owner's threads were not told of a close.
	c.expect(noop, complete)
	c.idle()
	adopted := b.openIn(besideHost(t), func(a *OpenArgs) { a.Adopt, a.MapSize = fd, 0 })
	th := adopted.thread()
	th.send(th.call(0, msg(2, "as another")))
	mgr.send(q.free())
	q = mgr.got(noop, "TRANSACTION").text("as another")
	if q.SenderPID != int32(p.PID) {
		t.Errorf("sender pid %d, want the opener's %d", q.SenderPID, p.PID)
	}
}

func TestClientWithoutDescriptorSocket(t *testing.T) {
	// A client that never heard of the extension receives descriptors as from the kernel: their
	// numbers, the lowest that are free, stand in the parcel.
	b := newBus(t)
	p := b.spawn(noSocket)
	mgr := p.looper()
	mgr.becomeExt(node{1, 1}, 0x100)
	c := b.open(noSocket).thread()
	m := oneway(1, "").fd(c.p.newFile("one")).fd(c.p.newFile("two")).fd(c.p.newFile("three"))
	if !isKernel(t) && runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		// busd knows only the machine code of its own kind: the call fails as if the table were full.
		mgr.park()
		c.ask([]command{c.call(0, msg(1, "").fd(c.p.newFile("plain")))}, noop, complete, "FAILED_REPLY")
		c.ask([]command{c.call(0, oneway(2, "without"))}, noop, complete)
		mgr.got(noop, "TRANSACTION").text("without")
		return
	}
	before := p.newFile("") // the lowest free number, and the next two, will be theirs
	p.do("Actor.CloseFD", before, nil)
	mgr.park()
	c.ask([]command{c.call(0, m)}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	for i, content := range []string{"one", "two", "three"} {
		if got := q.file(i); got.Content != content || !got.CloseExec || got.FD < before {
			t.Errorf("descriptor %d: %+v, want %q, from %d on", i, got, content, before)
		}
	}
}

// Who has no room for the descriptors of a reply gets a failure in its place.
func TestCallerHasNoRoomForDescriptors(t *testing.T) {
	needsInjection(t)
	b := newBus(t)
	mgr, p := b.manager(), b.spawn(noSocket)
	c := p.thread()
	f := mgr.p.newFile("x")
	c.start(readSize, c.call(0, msg(1, "").with(ioctl.TF_ACCEPT_FDS)))
	q := mgr.got(noop, "TRANSACTION")
	var old uint64
	p.do("Actor.LimitFDs", uint64(3), &old)
	mgr.ask([]command{mgr.reply(msg(0, "").fd(f)), q.free()}, noop, complete)
	c.expect(noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_OK, 0)
	mgr.wantError(ioctl.BR_OK, 0)
	// The room of the reply's buffer was given back; without descriptors a reply comes.
	c.start(readSize, c.call(0, msg(2, "").with(ioctl.TF_ACCEPT_FDS)))
	q = mgr.got(noop, "TRANSACTION")
	mgr.ask([]command{mgr.reply(msg(0, "without")), q.free()}, noop, complete)
	r := c.got(noop, complete, "REPLY").text("without")
	if r.Buffer != p.Base {
		t.Errorf("buffer at +%d, want +0", r.Buffer-p.Base)
	}
}

// A receiver without room for the descriptors of a call or a oneway call does not notice.
func TestReceiverWithoutSocketHasNoRoom(t *testing.T) {
	needsInjection(t)
	b := newBus(t)
	p := b.spawn(noSocket)
	s := p.looper()
	s.becomeExt(node{1, 1}, 0x100)
	c := b.open().thread()
	f := c.p.newFile("x")
	var old uint64
	p.do("Actor.LimitFDs", uint64(3), &old)
	s.park()
	c.ask([]command{c.call(0, oneway(1, "").fd(f))}, noop, complete)
	c.ask([]command{c.call(0, msg(2, "").fd(f))}, noop, complete, "FAILED_REPLY")
	c.wantError(ioctl.BR_OK, 0)
	c.send(c.call(0, msg(3, "without")))
	s.got(noop, "TRANSACTION").text("without")
}
