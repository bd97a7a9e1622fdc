package conformance

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// nodeAfter asks for the process's first node whose pointer is greater than ptr.
func (th *thread) nodeAfter(ptr ioctl.Pointer) ioctl.NodeDebugInfo {
	th.p.t.Helper()
	in := ioctl.NodeDebugInfo{Pointer: ptr, Cookie: 0x99, HasStrongRef: 9, HasWeakRef: 9}
	b := make([]byte, ioctl.SizeofNodeDebugInfo)
	in.Encode(b)
	b, errno := th.ioctl(ioctl.BINDER_GET_NODE_DEBUG_INFO, b)
	if errno != 0 {
		th.p.t.Fatal(errno)
	}
	var out ioctl.NodeDebugInfo
	out.Decode(b)
	return out
}

func TestNodeDebugInfo(t *testing.T) {
	b := newBus(t)
	mgr, o := b.manager(), b.open().looper()
	if d := cmp.Diff(ioctl.NodeDebugInfo{}, o.nodeAfter(0)); d != "" {
		t.Errorf("no nodes (-want +got):\n%s", d)
	}
	o.send(o.call(0, oneway(1, "").binder(node{0x30, 3}).binder(node{0x10, 1}).weakBinder(node{0x20, 2})))
	for _, tc := range []struct {
		after ioctl.Pointer
		want  ioctl.NodeDebugInfo
	}{
		{0, ioctl.NodeDebugInfo{Pointer: 0x10, Cookie: 1}},
		{0x10, ioctl.NodeDebugInfo{Pointer: 0x20, Cookie: 2}},
		{0x15, ioctl.NodeDebugInfo{Pointer: 0x20, Cookie: 2}},
		{0x20, ioctl.NodeDebugInfo{Pointer: 0x30, Cookie: 3}},
		{0x30, ioctl.NodeDebugInfo{}},
		{1<<64 - 1, ioctl.NodeDebugInfo{}},
	} {
		if d := cmp.Diff(tc.want, o.nodeAfter(tc.after)); d != "" {
			t.Errorf("after %#x, before the owner heard (-want +got):\n%s", tc.after, d)
		}
	}
	o.expect(noop, "INCREFS 0x30/0x3", "ACQUIRE 0x30/0x3", "INCREFS 0x10/0x1", "ACQUIRE 0x10/0x1", "INCREFS 0x20/0x2", complete)
	if d := cmp.Diff(ioctl.NodeDebugInfo{Pointer: 0x10, Cookie: 1, HasStrongRef: 1, HasWeakRef: 1}, o.nodeAfter(0)); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
	if d := cmp.Diff(ioctl.NodeDebugInfo{Pointer: 0x20, Cookie: 2, HasWeakRef: 1}, o.nodeAfter(0x10)); d != "" {
		t.Errorf("told, weak (-want +got):\n%s", d)
	}
	mgr.idleThen(func() { mgr.got(noop, "TRANSACTION") })
}

func TestNodeInfoForRef(t *testing.T) {
	b := newBus(t)
	mgr, o, c := b.manager(), b.open().looper(), b.open().looper()
	info := func(th *thread, in ioctl.NodeInfoForRef) (ioctl.NodeInfoForRef, unix.Errno) {
		t.Helper()
		buf := make([]byte, ioctl.SizeofNodeInfoForRef)
		in.Encode(buf)
		buf, errno := th.ioctl(ioctl.BINDER_GET_NODE_INFO_FOR_REF, buf)
		var out ioctl.NodeInfoForRef
		out.Decode(buf)
		return out, errno
	}
	publish(mgr, o, c, node{0x10, 1})
	// The manager's own reference went with publish: let it have one again.
	o.ask([]command{o.call(0, oneway(1, "").binder(node{0x10, 1}))}, noop, complete)
	q := mgr.got(noop, "TRANSACTION")
	h := q.handle(0)
	mgr.send(acquire(h), q.free())

	got, errno := info(mgr, ioctl.NodeInfoForRef{Handle: h})
	if d := cmp.Diff(ioctl.NodeInfoForRef{Handle: h, StrongCount: 2}, got); errno != 0 || d != "" {
		t.Errorf("%v (-want +got):\n%s", errno, d)
	}
	if _, errno := info(mgr, ioctl.NodeInfoForRef{Handle: 99}); errno != unix.EINVAL {
		t.Errorf("unknown handle: %v, want EINVAL", errno)
	}
	if _, errno := info(c, ioctl.NodeInfoForRef{Handle: 1}); errno != unix.EPERM {
		t.Errorf("not the manager: %v, want EPERM", errno)
	}
	for _, in := range []ioctl.NodeInfoForRef{{Handle: h, StrongCount: 1}, {Handle: h, WeakCount: 1}, {Handle: h, Reserved: [3]uint32{0, 0, 1}}} {
		if _, errno := info(mgr, in); errno != unix.EINVAL {
			t.Errorf("%+v: %v, want EINVAL", in, errno)
		}
	}
	// Checked before who asks.
	if _, errno := info(c, ioctl.NodeInfoForRef{Handle: h, WeakCount: 1}); errno != unix.EINVAL {
		t.Errorf("not the manager, bad struct: %v, want EINVAL", errno)
	}
}

func TestFrozenInfoOfNobody(t *testing.T) {
	th := newBus(t).open().thread()
	b := make([]byte, ioctl.SizeofFrozenStatus)
	(&ioctl.FrozenStatus{PID: 1 << 30}).Encode(b)
	if _, errno := th.ioctl(ioctl.BINDER_GET_FROZEN_INFO, b); errno != unix.EINVAL {
		t.Errorf("frozen info: %v, want EINVAL", errno)
	}
	(&ioctl.FreezeInfo{PID: 1 << 30, Enable: 1}).Encode(b)
	if _, errno := th.ioctl(ioctl.BINDER_FREEZE, b); errno != unix.EINVAL {
		t.Errorf("freeze: %v, want EINVAL", errno)
	}
}
