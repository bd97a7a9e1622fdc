package conformance

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

func TestNoManager(t *testing.T) {
	c := newBus(t).open().thread()
	c.ask([]command{c.call(0, msg(1, "anybody?"))}, noop, "DEAD_REPLY")
	c.wantError(ioctl.BR_DEAD_REPLY, unix.EINVAL)
	c.wantError(ioctl.BR_OK, 0) // asking clears it
	c.ask([]command{c.call(0, oneway(1, "anybody?"))}, noop, "DEAD_REPLY")
}

func TestSecondManagerIsRefused(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second ioctl.Request
		size          int
	}{
		{"legacy then legacy", ioctl.BINDER_SET_CONTEXT_MGR, ioctl.BINDER_SET_CONTEXT_MGR, 4},
		{"legacy then ext", ioctl.BINDER_SET_CONTEXT_MGR, ioctl.BINDER_SET_CONTEXT_MGR_EXT, 24},
		{"ext then ext", ioctl.BINDER_SET_CONTEXT_MGR_EXT, ioctl.BINDER_SET_CONTEXT_MGR_EXT, 24},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := newBus(t)
			if !b.own {
				t.Skip("needs a device of its own")
			}
			th := b.open().thread()
			if _, errno := th.ioctl(tc.first, make([]byte, 24)); errno != 0 {
				t.Fatal(errno)
			}
			for _, who := range []*thread{th, b.open().thread()} {
				if _, errno := who.ioctl(tc.second, make([]byte, 24)); errno != unix.EBUSY {
					t.Errorf("second: %v, want EBUSY", errno)
				}
			}
		})
	}
}

func TestManagerUIDStays(t *testing.T) {
	if unix.Getuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	first := b.open().thread()
	first.become()
	if err := unix.Chmod(b.path, 0o666); err != nil {
		t.Logf("chmod: %v", err)
	}
	other := b.spawnAs(&syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}})
	o := other.thread()
	if errno := o.ioctl32(ioctl.BINDER_SET_CONTEXT_MGR, 0); errno != unix.EBUSY {
		t.Errorf("while the first manager lives: %v, want EBUSY", errno)
	}
	first.p.close()
	// The place is free some time later, but for the first manager's uid alone.
	await(t, "another uid is refused with EPERM", func() bool {
		errno := o.ioctl32(ioctl.BINDER_SET_CONTEXT_MGR, 0)
		if errno != unix.EBUSY && errno != unix.EPERM {
			t.Fatalf("other uid: %v, want EPERM", errno)
		}
		return errno == unix.EPERM
	})
	b.open().thread().become()
}

func TestManagerObject(t *testing.T) {
	// What the manager gives with the EXT form comes back in each call; the type is not looked at.
	b := newBus(t)
	mgr := b.openBeside().looper()
	mgr.becomeExt(node{0x1111, 0x2222}, 0x100)
	mgr.idle() // no BR_INCREFS or BR_ACQUIRE: the driver holds the node by itself
	c := b.open().thread()
	c.send(c.call(0, oneway(1, "hello")))
	q := mgr.got(noop, "TRANSACTION")
	if q.Pointer() != 0x1111 || q.Cookie != 0x2222 {
		t.Errorf("target %#x/%#x, want 0x1111/0x2222", q.Target, uint64(q.Cookie))
	}

	b = newBus(t)
	mgr = b.openBeside().looper()
	mgr.become()
	c = b.open().thread()
	c.send(c.call(0, oneway(1, "hello")))
	q = mgr.got(noop, "TRANSACTION")
	if q.Pointer() != 0 || q.Cookie != 0 {
		t.Errorf("legacy target %#x/%#x, want zeros", q.Target, uint64(q.Cookie))
	}
}

func TestManagerCannotCallItself(t *testing.T) {
	b := newBus(t)
	mgr := b.manager()
	mgr.ask([]command{mgr.call(0, msg(1, "me"))}, noop, "FAILED_REPLY")
	mgr.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	// It is the process id that counts, not the open file.
	again := b.openBeside().thread()
	again.ask([]command{again.call(0, msg(1, "me"))}, noop, "FAILED_REPLY")
	again.wantError(ioctl.BR_FAILED_REPLY, unix.EINVAL)
	// Nor can it take references on itself.
	for _, c := range []command{acquire(0), incRefs(0)} {
		if r := mgr.try(0, c); r.Errno != unix.EINVAL || r.Consumed != 0 {
			t.Errorf("reference on handle 0: %v, %d consumed; want EINVAL, 0", r.Errno, r.Consumed)
		}
	}
	// The other open can: the check is by open file this time.
	again.send(acquire(0), release(0))
}

func TestManagerPlaceIsFreeAfterDeath(t *testing.T) {
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	first := b.spawn()
	th := first.thread()
	th.become()
	first.kill()
	next := b.openBeside().looper()
	await(t, "the manager's place is free", func() bool {
		errno := next.ioctl32(ioctl.BINDER_SET_CONTEXT_MGR, 0)
		if errno != 0 && errno != unix.EBUSY {
			t.Fatal(errno)
		}
		return errno == 0
	})
	c := b.open().thread()
	c.send(c.call(0, oneway(1, "hello")))
	next.got(noop, "TRANSACTION").text("hello")
}

func TestHandleZeroFollowsTheManager(t *testing.T) {
	// A client that holds a counted reference for handle 0 keeps pointing at the first manager's
	// node with that reference, while calls to handle 0 go to whoever is manager now.
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	first := b.spawn()
	ft := first.looper()
	ft.becomeExt(node{0xa, 0xa}, 0)
	c := b.open().thread()
	c.send(acquire(0), requestDeath(0, 0xdead))
	first.kill()
	c.send(enterLooper)
	c.expect(noop, "DEAD_BINDER 0xdead")
	next := b.openBeside().looper()
	next.becomeExt(node{0xb, 0xb}, 0)
	c.send(c.call(0, oneway(1, "hello")))
	if q := next.got(noop, "TRANSACTION"); q.Pointer() != 0xb {
		t.Errorf("the call went to %#x", q.Target)
	}
}

// A node may ask for its callers' security context. Without a security module the kernel's driver
// then fails every call; busd says that they have none.
func TestSecurityContext(t *testing.T) {
	want := "u:r:unlabelled:s0"
	if b, err := os.ReadFile("/proc/self/attr/current"); err == nil && len(b) > 0 {
		want = strings.TrimRight(string(b), "\x00\n")
	}
	b := newBus(t)
	mgr := b.openBeside().looper()
	mgr.becomeExt(node{1, 1}, ioctl.FLAT_BINDER_FLAG_TXN_SECURITY_CTX)
	c := b.open().thread()
	if isKernel(t) && want == "u:r:unlabelled:s0" {
		c.ask([]command{c.call(0, oneway(1, "who"))}, noop, "FAILED_REPLY")
		c.wantError(ioctl.BR_FAILED_REPLY, unix.EOPNOTSUPP)
		return
	}
	for _, text := range []string{"who", "", "twelve bytes"} {
		c.ask([]command{c.call(0, oneway(1, text))}, noop, complete)
		es := mgr.expect(noop, "TRANSACTION_SEC_CTX")
		var tr ioctl.TransactionDataSecctx
		tr.Decode(es[1].payload)
		got := mgr.p.get(tr.Secctx, uint64(len(want))+1)
		if string(got) != want+"\x00" {
			t.Errorf("security context %q, want %q", got, want)
		}
		if data := mgr.p.get(tr.Buffer, tr.DataSize); string(data) != text {
			t.Errorf("data %q, want %q", data, text)
		}
		mgr.send(freeBuffer(tr.Buffer))
	}
}
