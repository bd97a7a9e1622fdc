package busd

import (
	"encoding/binary"
	"fmt"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/ioctl"
)

// The verbs of the stories.

// join puts streams one behind the other.
func join(streams ...[]byte) (all []byte) {
	for _, s := range streams {
		all = append(all, s...)
	}
	return all
}

// transaction is a BC_TRANSACTION to a handle, or a BC_REPLY, with a payload in the thread's memory.
func (th *thread) transaction(cmd ioctl.Command, h ioctl.Handle, flags ioctl.Flags, payload string, offsets ...uint64) []byte {
	return ioctl.AppendTransaction(nil, cmd, th.put(ioctl.TransactionData{Target: uint64(h), Flags: flags}, []byte(payload), offsets...))
}

func (th *thread) toCall(h ioctl.Handle, payload string, offsets ...uint64) []byte {
	return th.transaction(ioctl.BC_TRANSACTION, h, 0, payload, offsets...)
}

func (th *thread) toSend(h ioctl.Handle, payload string, offsets ...uint64) []byte {
	return th.transaction(ioctl.BC_TRANSACTION, h, ioctl.TF_ONE_WAY, payload, offsets...)
}

func (th *thread) toReply(payload string, offsets ...uint64) []byte {
	return th.transaction(ioctl.BC_REPLY, 0, 0, payload, offsets...)
}

// says checks what the thread reads in the call it is in, and answers the transaction in it.
func (th *thread) says(want ...string) *ioctl.TransactionData {
	th.Helper()
	return expect(th, th.end(), append([]string{"BR_NOOP"}, want...)...)
}

// hears checks what the thread reads, and its payload.
func (th *thread) hears(payload string, want ...string) *ioctl.TransactionData {
	th.Helper()
	tr := th.says(want...)
	if tr == nil {
		th.Fatalf("thread %d: no transaction", th.tid)
	}
	if got := string(th.received(tr)); got != payload {
		th.Errorf("thread %d received %q, want %q", th.tid, got, payload)
	}
	return tr
}

// exchange writes commands, and checks what it reads next.
func (th *thread) exchange(stream []byte, want ...string) *ioctl.TransactionData {
	th.Helper()
	th.begin(stream)
	return th.says(want...)
}

// waits checks that the thread is in a call that has not ended.
func (th *thread) waits() {
	th.Helper()
	if !th.parked() || th.call.state.phase != parked {
		th.Fatalf("thread %d does not wait", th.tid)
	}
}

// fails waits for the end of a call with an error.
func (th *thread) fails(want syscall.Errno) {
	th.Helper()
	if got := syscall.Errno(-th.wait()); got != want {
		th.Fatalf("thread %d: %v, want %v", th.tid, got, want)
	}
}

// consumed is what the last call says it consumed.
func (th *thread) consumed() (write, read uint64) {
	var wr ioctl.WriteRead
	wr.Decode(th.arg[:])
	return wr.WriteConsumed, wr.ReadConsumed
}

// issueWR issues a BINDER_WRITE_READ with any struct.
func (th *thread) issueWR(wr ioctl.WriteRead) {
	wr.Encode(th.arg[:])
	th.issue(ioctl.BINDER_WRITE_READ)
}

// ioctl issues a call other than BINDER_WRITE_READ, and answers its errno.
func (th *thread) ioctl(r ioctl.Request, arg []byte) syscall.Errno {
	th.Helper()
	th.start(r, arg)
	return syscall.Errno(-th.wait())
}

// extendedError asks for the thread's extended error, without its id.
func (th *thread) extendedError() (ioctl.Return, syscall.Errno) {
	th.Helper()
	if errno := th.ioctl(ioctl.BINDER_GET_EXTENDED_ERROR, nil); errno != 0 {
		th.Fatal(errno)
	}
	var e ioctl.ExtendedError
	e.Decode(th.arg[:])
	return e.Command, syscall.Errno(-e.Param)
}

func (th *thread) failsWith(command ioctl.Return, param syscall.Errno) {
	th.Helper()
	if c, p := th.extendedError(); c != command || p != param {
		th.Errorf("extended error %v %v, want %v %v", c, p, command, param)
	}
}

func (th *thread) exit() {
	th.Helper()
	if errno := th.ioctl(ioctl.BINDER_THREAD_EXIT, nil); errno != 0 {
		th.Fatal(errno)
	}
}

func word(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// enter is BC_ENTER_LOOPER.
var enter = ioctl.AppendCommand(nil, ioctl.BC_ENTER_LOOPER)

func free(tr *ioctl.TransactionData) []byte { return ioctl.AppendFreeBuffer(nil, tr.Buffer) }

func handleCommand(cmd ioctl.Command, h ioctl.Handle) []byte { return ioctl.AppendHandle(nil, cmd, h) }

func done(cmd ioctl.Command, ptr ioctl.Pointer) []byte {
	return ioctl.AppendPtrCookie(nil, cmd, ioctl.PtrCookie{Pointer: ptr, Cookie: ioctl.Cookie(ptr) + 1})
}

// flat is a flat object; the objects of these stories have their pointer plus one for a cookie.
func flat(t ioctl.ObjectType, n uint64) string {
	o := ioctl.FlatObject{Type: t, Binder: n, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS}
	if t == ioctl.BINDER_TYPE_BINDER || t == ioctl.BINDER_TYPE_WEAK_BINDER {
		o.Cookie = ioctl.Cookie(n) + 1
	}
	return string(encodeObject(o))
}

func strongBinder(ptr uint64) string     { return flat(ioctl.BINDER_TYPE_BINDER, ptr) }
func strongHandle(h ioctl.Handle) string { return flat(ioctl.BINDER_TYPE_HANDLE, uint64(h)) }
func weakBinder(ptr uint64) string       { return flat(ioctl.BINDER_TYPE_WEAK_BINDER, ptr) }
func weakHandle(h ioctl.Handle) string   { return flat(ioctl.BINDER_TYPE_WEAK_HANDLE, uint64(h)) }
func descriptor(fd uint32) string {
	return string(encodeFD(ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: fd}))
}
func encodeFD(o ioctl.FDObject) []byte {
	b := make([]byte, ioctl.SizeofFDObject)
	o.Encode(b)
	return b
}

// objectIn is the object at an offset of what the client received.
func (c *client) objectIn(tr *ioctl.TransactionData, off int) *ioctl.FlatObject {
	var o ioctl.FlatObject
	o.Decode(c.received(tr)[off:])
	return &o
}

// introduce gives the holder a strong handle to an object of the owner's, who has been told and
// has acknowledged. No flags: it is not to be sent descriptors.
func (w *world) introduce(owner *thread, ptr uint64, holder *client) ioctl.Handle {
	w.Helper()
	return w.introduceAs(owner, ptr, 0, holder)
}

func (w *world) introduceAs(owner *thread, ptr uint64, flags ioctl.ObjectFlags, holder *client) ioctl.Handle {
	w.Helper()
	w.ctx.mu.Lock()
	n, made := owner.nodeFor(&ioctl.FlatObject{Binder: ptr, Cookie: ioctl.Cookie(ptr) + 1, Flags: flags})
	ref, c, err := holder.table.IncRefFor(n, true, true)
	if err != nil {
		w.Fatal(err)
	}
	if ref.Strong+ref.Weak == 1 {
		w.bus.stats.created[statRef].Add(1)
	}
	if made {
		n.Unpin()
	}
	if c != 0 {
		owner.Process.enqueue(&nodeOf(n).link)
	}
	w.ctx.mu.Unlock()
	w.ctx.drain()
	if c != 0 {
		ptr := ioctl.Pointer(ptr)
		id := cookies(ptr)
		owner.exchange(nil, "BR_INCREFS"+id, "BR_ACQUIRE"+id)
		owner.write(join(done(ioctl.BC_INCREFS_DONE, ptr), done(ioctl.BC_ACQUIRE_DONE, ptr)))
	}
	return ioctl.Handle(ref.Handle)
}

// cookies is how returns shows an object's pointer and cookie.
func cookies(ptr ioctl.Pointer) string { return fmt.Sprintf(" %x %x", ptr, ptr+1) }

// finish releases clients and checks that nothing is left.
func (w *world) finish(clients ...*client) {
	w.Helper()
	w.check()
	for _, c := range clients {
		c.Process.Release()
		w.check()
	}
	w.checkEmpty()
}

func diff(t testing.TB, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
