package conformance

import (
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Sealed makes two pages, of which the first can only be read, stores bytes at its start, and tells
// where it begins.
func (a *Actor) Sealed(b []byte, at *ioctl.Address) error {
	size := os.Getpagesize()
	m, err := unix.Mmap(-1, 0, 2*size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	copy(m, b)
	*at = address(m)
	return unix.Mprotect(m[:size], unix.PROT_READ)
}

// at issues an ioctl with an address for an argument.
func (th *thread) at(req ioctl.Request, at ioctl.Address) unix.Errno {
	th.p.t.Helper()
	var r IoctlReply
	th.p.do("Actor.Ioctl", IoctlArgs{ThreadArgs: th.args(), Request: req, At: uintptr(at)}, &r)
	return r.Errno
}

// An argument that can be read but not written is enough for the requests that bring nothing back.
// The others do their work and then fail.
func TestReadOnlyArgument(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	p := b.open(nonblock)
	c := p.thread()
	sealed := func(b []byte) (at ioctl.Address) {
		t.Helper()
		p.do("Actor.Sealed", b, &at)
		return at
	}
	// Something to be lost: an extended error, and a completion to be read.
	c.ask([]command{c.call(99, oneway(1, ""))}, noop, "FAILED_REPLY")
	call := c.call(0, oneway(1, "sent"))
	wr := make([]byte, ioctl.SizeofWriteRead)
	(&ioctl.WriteRead{WriteSize: uint64(len(call)), WriteBuffer: p.put(call), ReadSize: 256, ReadBuffer: p.put(make([]byte, 256))}).Encode(wr)
	nobody := make([]byte, ioctl.SizeofFreezeInfo)
	(&ioctl.FreezeInfo{PID: 1 << 30}).Encode(nobody)
	self := make([]byte, ioctl.SizeofFrozenStatus)
	(&ioctl.FrozenStatus{PID: uint32(p.PID)}).Encode(self)
	for _, tc := range []struct {
		req          ioctl.Request
		arg          []byte
		kernel, busd unix.Errno
	}{
		{ioctl.BINDER_GET_EXTENDED_ERROR, make([]byte, ioctl.SizeofExtendedError), unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_WRITE_READ, wr, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_VERSION, make([]byte, 4), unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_DEBUG_INFO, make([]byte, ioctl.SizeofNodeDebugInfo), unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_INFO_FOR_REF, make([]byte, ioctl.SizeofNodeInfoForRef), unix.EPERM, unix.EPERM},
		{ioctl.BINDER_GET_FROZEN_INFO, self, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_SET_MAX_THREADS, []byte{3, 0, 0, 0}, 0, 0},
		{ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, []byte{1, 0, 0, 0}, 0, 0},
		{ioctl.BINDER_SET_CONTEXT_MGR, make([]byte, 4), unix.EBUSY, unix.EBUSY},
		{ioctl.BINDER_SET_CONTEXT_MGR_EXT, make([]byte, ioctl.SizeofFlatObject), unix.EBUSY, unix.EBUSY},
		{ioctl.BINDER_FREEZE, nobody, unix.EINVAL, unix.EINVAL},
	} {
		if errno, want := c.at(tc.req, sealed(tc.arg)), pick(t, tc.kernel, tc.busd); errno != want {
			t.Errorf("%v: %v, want %v", tc.req, errno, want)
		}
	}
	mgr.got(noop, "TRANSACTION").text("sent")
	c.idle()                    // the completion has been read
	c.wantError(ioctl.BR_OK, 0) // the error has been fetched
	if errno := c.at(ioctl.BINDER_THREAD_EXIT, sealed(make([]byte, 4))); errno != 0 {
		t.Errorf("BINDER_THREAD_EXIT: %v", errno)
	}
}

// A device that could not be told of is there on busd: FUSE finds out too late.
func TestReadOnlyControlArgument(t *testing.T) {
	dir := binderfs(t)
	fd, err := unix.Open(dir+"/binder-control", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var at ioctl.Address
	if err := new(Actor).Sealed(append([]byte("unseen"), 0), &at); err != nil {
		t.Fatal(err)
	}
	for _, arg := range []uintptr{0, 0x10, uintptr(at)} {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(ioctl.BINDER_CTL_ADD), arg); errno != unix.EFAULT {
			t.Errorf("argument %#x: %v, want EFAULT", arg, errno)
		}
	}
	if err := os.Remove(dir + "/unseen"); (err == nil) != pick(t, false, true) {
		t.Errorf("remove the device: %v", err)
	}
}

// The receive buffer is memory that a client can read where something has come, and can write nowhere.
func TestArgumentsInTheReceiveBuffer(t *testing.T) {
	b := newBus(t)
	mgr, c := b.manager(), b.open(nonblock).looper()
	other := b.open().looper()
	h := publish(mgr, c, other, node{0x10, 1})
	call := c.call(0, oneway(7, "as it came"))
	other.ask([]command{other.call(h, oneway(1, string(call)))}, noop, complete)
	c.ready()
	q := c.got(noop, "TRANSACTION")
	never := c.p.Base + mapSize/2 // where nothing has ever been

	if r := c.raw(ioctl.WriteRead{ReadSize: 256, ReadBuffer: q.Buffer}); r.Errno != unix.EFAULT || r.WriteRead.ReadConsumed != 0 {
		t.Errorf("a read into it: %v, %d read; want EFAULT, 0", r.Errno, r.WriteRead.ReadConsumed)
	}
	if d := cmp.Diff(string(call), string(c.p.get(q.Buffer, q.DataSize))); d != "" {
		t.Errorf("content, after a read into it (-want +got):\n%s", d)
	}
	if errno := c.at(ioctl.BINDER_VERSION, q.Buffer); errno != pick(t, unix.EINVAL, unix.EFAULT) {
		t.Errorf("BINDER_VERSION into it: %v", errno)
	}
	r := c.raw(ioctl.WriteRead{WriteSize: uint64(len(call)), WriteBuffer: q.Buffer})
	if r.Errno != 0 || r.WriteRead.WriteConsumed != uint64(len(call)) {
		t.Errorf("commands in it: %v, %d consumed", r.Errno, r.WriteRead.WriteConsumed)
	}
	c.ready()
	c.expect(noop, complete)
	mgr.send(mgr.got(noop, "TRANSACTION").text("as it came").free())

	r = c.raw(ioctl.WriteRead{WriteSize: 4, WriteBuffer: never})
	if want := pick(t, unix.EFAULT, unix.EINVAL); r.Errno != want {
		t.Errorf("commands where nothing has been: %v, want %v", r.Errno, want)
	}
	tr := ioctl.TransactionData{Code: 1, Flags: ioctl.TF_ONE_WAY, DataSize: 8, Buffer: never}
	c.send(encode(ioctl.BC_TRANSACTION, tr))
	c.ready()
	c.expect(noop, pick(t, "FAILED_REPLY", complete))
}
