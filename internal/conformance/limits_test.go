package conformance

import (
	"fmt"
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// The tests of this file pin what cannot be the same on FUSE: both drivers' answers stand side by
// side. docs/abi.md lists these limits with their ways around.

func TestNullArguments(t *testing.T) {
	// The kernel answers EFAULT for FUSE when a number carries a size and the argument is NULL. The
	// two that real clients issue so are mended under "busd run".
	mended := os.Getenv("CONFORMANCE_BUSD_RUN") != ""
	th := newBus(t).openBeside().thread()
	for _, tc := range []struct {
		req          ioctl.Request
		kernel, busd unix.Errno
	}{
		{ioctl.BINDER_SET_CONTEXT_MGR, 0, unix.EFAULT},
		{ioctl.BINDER_THREAD_EXIT, 0, unix.EFAULT},
		{ioctl.BINDER_WRITE_READ, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_VERSION, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_SET_MAX_THREADS, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_SET_CONTEXT_MGR_EXT, unix.EINVAL, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_DEBUG_INFO, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_NODE_INFO_FOR_REF, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_FREEZE, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_FROZEN_INFO, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, unix.EFAULT, unix.EFAULT},
		{ioctl.BINDER_GET_EXTENDED_ERROR, unix.EFAULT, unix.EFAULT},
		{0xc0046263, unix.EINVAL, unix.EFAULT}, // no such request
		{0x6263, unix.EINVAL, unix.EINVAL},     // nor this one, of no size
	} {
		var r IoctlReply
		th.p.do("Actor.Ioctl", IoctlArgs{ThreadArgs: th.args(), Request: tc.req, Null: true}, &r)
		want := pick(t, tc.kernel, tc.busd)
		if mended && tc.kernel == 0 {
			want = 0
		}
		if r.Errno != want {
			t.Errorf("request %#x with NULL: %v, want %v", uint32(tc.req), r.Errno, want)
		}
	}
}

func TestNonblockSetLater(t *testing.T) {
	// File status flags do not travel: FUSE shows O_NONBLOCK at open only.
	b := newBus(t)
	p := b.open()
	th := p.looper()
	if err := unix.SetNonblock(p.FD, true); err != nil {
		t.Fatal(err)
	}
	if isKernel(t) {
		if r := th.try(readSize); r.Errno != unix.EAGAIN {
			t.Errorf("read: %v, want EAGAIN", r.Errno)
		}
		return
	}
	th.park()
	p.flush()
	th.expect(noop)
}

func TestReopenThroughProc(t *testing.T) {
	// The driver makes a new process of it; busd refuses the second open of one inode.
	b := newBus(t)
	p := b.open()
	fd, err := unix.Open(fmt.Sprintf("/proc/self/fd/%d", p.FD), unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		unix.Close(fd)
	}
	if isKernel(t) {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err != unix.EBUSY {
		t.Errorf("%v, want EBUSY", err)
	}
}

func TestDeviceFileType(t *testing.T) {
	var st unix.Stat_t
	if err := unix.Stat(newBus(t).path, &st); err != nil {
		t.Fatal(err)
	}
	if want := pick[uint32](t, unix.S_IFCHR, unix.S_IFREG); st.Mode&unix.S_IFMT != want {
		t.Errorf("type %o, want %o", st.Mode&unix.S_IFMT, want)
	}
}

func TestMappingRules(t *testing.T) {
	// FUSE is not told of mmap, munmap and mprotect: on busd a client can map what the driver would
	// refuse, and sees its own scribbling.
	b := newBus(t)
	p := b.open(noMap)
	for _, tc := range []struct {
		name        string
		prot, flags int
	}{
		{"writable and private", unix.PROT_READ | unix.PROT_WRITE, unix.MAP_PRIVATE},
		{"writable and shared", unix.PROT_READ | unix.PROT_WRITE, unix.MAP_SHARED},
	} {
		m, err := unix.Mmap(p.FD, 0, 4096, tc.prot, tc.flags)
		if want := pick[error](t, unix.EPERM, nil); err != want {
			t.Errorf("%s: %v, want %v", tc.name, err, want)
		}
		unix.Munmap(m)
	}
	m, err := unix.Mmap(p.FD, 0, 64<<10, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	if err, want := unix.Mprotect(m, unix.PROT_READ|unix.PROT_WRITE), pick[error](t, unix.EACCES, nil); err != want {
		t.Errorf("mprotect: %v, want %v", err, want)
	}
	for _, name := range []string{"second mapping", "mapping again after munmap"} {
		m2, err := unix.Mmap(p.FD, 0, 64<<10, unix.PROT_READ, unix.MAP_PRIVATE)
		if want := pick[error](t, unix.EBUSY, nil); err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		unix.Munmap(m2)
		unix.Munmap(m)
	}
}

func TestForkSharesTheProcess(t *testing.T) {
	// A child that inherited the descriptor acts for the parent's process; so does a duplicate.
	b := newBus(t)
	mgr := b.manager()
	p := b.open()
	mapped := b.tryOpenIn(besideHost(t), func(a *OpenArgs) { a.Path, a.MapSize = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), p.FD), 0 })
	if isKernel(t) == (mapped.Errno != 0) {
		t.Errorf("reopen from another process: %v", mapped.Errno)
	}
	dup, err := unix.FcntlInt(uintptr(p.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	twin := b.open(noMap, noSocket, func(a *OpenArgs) { a.Adopt = dup })
	th, tw := p.thread(), twin.thread()
	th.send(th.call(0, oneway(1, "").binder(node{0x10, 1})))
	mgr.got(noop, "TRANSACTION")
	if n := tw.nodeAfter(0); n.Pointer != 0x10 {
		t.Errorf("the duplicate sees node %#x, want 0x10", uint64(n.Pointer))
	}
	// Closing the one leaves the other; both are one process until the last is closed.
	twin.close()
	th.version()
}
