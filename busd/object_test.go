package busd

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// An object goes from its owner to the manager, from there to a third process, and home.
func TestObjectGoesRound(t *testing.T) {
	w := newWorld(t)
	m := w.manager()
	owner, third := w.open().readyThread(), w.open().readyThread()
	toThird := w.introduceAs(third, 0x30, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, m.client)
	toOwner := w.introduce(owner, 0x20, third.client)

	m.begin(nil)
	owner.begin(owner.toCall(0, strongBinder(0x10), 0))
	tr := m.says("BR_TRANSACTION")
	o := m.objectIn(tr, 0)
	diff(t, "the object at the manager's", &ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Binder: 2}, o)
	diff(t, "its handle", uint64(2), o.Binder)
	w.check()
	m.write(handleCommand(ioctl.BC_ACQUIRE, o.Handle()))
	m.exchange(join(free(tr), m.toReply("")), "BR_TRANSACTION_COMPLETE")
	id := cookies(0x10)
	tr = owner.says("BR_INCREFS"+id, "BR_ACQUIRE"+id, "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	owner.write(join(free(tr), done(ioctl.BC_INCREFS_DONE, 0x10), done(ioctl.BC_ACQUIRE_DONE, 0x10)))
	w.check()

	third.begin(nil)
	m.begin(m.toCall(toThird, strongHandle(o.Handle())+weakHandle(o.Handle()), 0, 24))
	tr = third.says("BR_TRANSACTION")
	diff(t, "at the third's", []uint64{2, 2}, []uint64{third.objectIn(tr, 0).Binder, third.objectIn(tr, 24).Binder})
	diff(t, "types", []ioctl.ObjectType{ioctl.BINDER_TYPE_HANDLE, ioctl.BINDER_TYPE_WEAK_HANDLE}, []ioctl.ObjectType{third.objectIn(tr, 0).Type, third.objectIn(tr, 24).Type})

	third.write(handleCommand(ioctl.BC_INCREFS, 2))
	third.begin(third.toCall(toOwner, strongHandle(2)+strongHandle(toOwner), 0, 24))
	home := owner.exchange(nil, "BR_TRANSACTION")
	diff(t, "at home", &ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Binder: 0x10, Cookie: 0x11}, owner.objectIn(home, 0))
	diff(t, "and the other", uint64(0x20), owner.objectIn(home, 24).Binder)
	w.check()
	owner.exchange(join(free(home), owner.toReply("")), "BR_TRANSACTION_COMPLETE")
	third.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	third.exchange(join(free(tr), third.toReply("")), "BR_TRANSACTION_COMPLETE")
	m.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	w.check()

	// Nobody holds it strongly when the manager has let go; the third does weakly.
	owner.begin(nil)
	m.write(handleCommand(ioctl.BC_RELEASE, o.Handle()))
	owner.says("BR_RELEASE" + id)
	owner.begin(nil)
	third.write(handleCommand(ioctl.BC_DECREFS, 2))
	owner.says("BR_DECREFS" + id)
	w.finish(m.client, owner.client, third.client)
}

// The owner's acknowledgements keep its node: it is told of the end only after them.
func TestHandshakes(t *testing.T) {
	const ptr = 0x10
	id := cookies(ptr)
	increfs, acquire := done(ioctl.BC_INCREFS_DONE, ptr), done(ioctl.BC_ACQUIRE_DONE, ptr)
	tests := map[string]struct {
		object string
		told   []string
		steps  [][]byte   // what the owner writes, once nobody holds the object
		then   [][]string // what it reads after each
	}{
		"strong": {strongBinder(ptr), []string{"BR_INCREFS" + id, "BR_ACQUIRE" + id},
			[][]byte{acquire, increfs}, [][]string{{"BR_RELEASE" + id}, {"BR_DECREFS" + id}}},
		"strong, the other way round": {strongBinder(ptr), []string{"BR_INCREFS" + id, "BR_ACQUIRE" + id},
			[][]byte{increfs, acquire}, [][]string{nil, {"BR_RELEASE" + id, "BR_DECREFS" + id}}},
		"strong, at once": {strongBinder(ptr), []string{"BR_INCREFS" + id, "BR_ACQUIRE" + id},
			[][]byte{join(increfs, acquire)}, [][]string{{"BR_RELEASE" + id, "BR_DECREFS" + id}}},
		"strong, with a wrong cookie": {strongBinder(ptr), []string{"BR_INCREFS" + id, "BR_ACQUIRE" + id},
			[][]byte{ioctl.AppendPtrCookie(nil, ioctl.BC_INCREFS_DONE, ioctl.PtrCookie{Pointer: ptr}), join(increfs, increfs, acquire, acquire)},
			[][]string{nil, {"BR_RELEASE" + id, "BR_DECREFS" + id}}},
		"weak": {weakBinder(ptr), []string{"BR_INCREFS" + id},
			[][]byte{acquire, increfs}, [][]string{nil, {"BR_DECREFS" + id}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m, owner := w.manager(), w.open().readyThread()
			owner.exchange(owner.toSend(0, test.object, 0), append(test.told, "BR_TRANSACTION_COMPLETE")...)
			tr := m.exchange(nil, "BR_TRANSACTION")
			m.write(free(tr))
			owner.begin(enter)
			owner.waits()
			for i, step := range test.steps {
				w.check()
				second := owner.client.readyThread()
				second.write(step)
				if test.then[i] == nil {
					owner.waits()
					continue
				}
				owner.says(test.then[i]...)
				owner.begin(nil)
			}
			w.check()
			diff(t, "nodes left", 1, w.ctx.ledger.Totals().Nodes) // the manager's
			w.finish(owner.client, m.client)
		})
	}
}

// Of an object that was given back before its owner read of it, the owner hears nothing.
func TestObjectThatCameAndWent(t *testing.T) {
	w := newWorld(t)
	m, owner := w.manager(), w.open().readyThread()
	m.begin(nil)
	owner.begin(owner.toCall(0, strongBinder(0x10), 0))
	tr := m.says("BR_TRANSACTION")
	m.exchange(join(free(tr), m.toReply("")), "BR_TRANSACTION_COMPLETE")
	owner.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	w.check()

	// And of one whose transaction failed.
	owner.exchange(owner.toCall(0, strongBinder(0x10)+strongHandle(77), 0, 24), "BR_FAILED_REPLY")
	w.check()
	diff(t, "nodes left", 1, w.ctx.ledger.Totals().Nodes)
	w.finish(owner.client, m.client)
}

// What cannot be sent, and why.
func TestObjectsRefused(t *testing.T) {
	o := strongBinder(0x10)
	other := []byte(o)
	other[16]++ // another cookie
	tests := map[string]struct {
		payload string
		offsets []uint64
		errno   syscall.Errno
	}{
		"fits":                  {o + o, []uint64{0, 24}, 0},
		"in the middle":         {"abcdefgh" + o + "ijkl", []uint64{8}, 0},
		"at 4":                  {"abcd" + o, []uint64{4}, 0},
		"not aligned":           {"ab" + o, []uint64{2}, syscall.EINVAL},
		"cut":                   {o[:20], []uint64{0}, syscall.EINVAL},
		"at the end":            {o, []uint64{24}, syscall.EINVAL},
		"past the end":          {o, []uint64{28}, syscall.EFAULT},
		"far away":              {o, []uint64{1 << 63}, syscall.EFAULT},
		"at the last offset":    {o, []uint64{^uint64(0)}, syscall.EFAULT},
		"backwards":             {o + o, []uint64{24, 0}, syscall.EFAULT},
		"twice":                 {o, []uint64{0, 0}, syscall.EFAULT},
		"overlap":               {o + o, []uint64{0, 20}, syscall.EFAULT},
		"nothing":               {"", []uint64{0}, syscall.EINVAL},
		"unknown type":          {strings.Repeat("\x01", 24), []uint64{0}, syscall.EINVAL},
		"unknown handle":        {strongHandle(55), []uint64{0}, syscall.EINVAL},
		"another cookie":        {o + string(other), []uint64{0, 24}, syscall.EINVAL},
		"handle 0, not held":    {strongHandle(0), []uint64{0}, syscall.EINVAL},
		"good, then bad":        {o + strongHandle(55), []uint64{0, 24}, syscall.EINVAL},
		"descriptor, not open":  {descriptor(9), []uint64{0}, syscall.EBADF},
		"good and a descriptor": {o + descriptor(3), []uint64{0, 24}, 0},
		"descriptor, then bad":  {descriptor(3) + strongHandle(55), []uint64{0, 24}, syscall.EINVAL},
		"many, then bad":        {strings.Repeat(o, 30) + strongHandle(55), counting(31, 24), syscall.EINVAL},
		"a buffer without room": {bufferObject(memoryAt, 1, -1, 0), []uint64{0}, syscall.EINVAL},
		"an array of nothing":   {o + arrayObject(0, 0, 0), []uint64{0, 24}, syscall.EINVAL},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			m, c := w.manager(), w.open().readyThread()
			f := &file{}
			c.files[3] = f
			c.begin(c.toSend(0, test.payload, test.offsets...))
			codes, _ := returns(t, c.end())
			last := codes[len(codes)-1]
			if test.errno == 0 {
				diff(t, "the last return", "BR_TRANSACTION_COMPLETE", last)
			} else {
				diff(t, "the returns", []string{"BR_NOOP", "BR_FAILED_REPLY"}, codes)
				c.failsWith(ioctl.BR_FAILED_REPLY, test.errno)
				diff(t, "nodes", 1, w.ctx.ledger.Totals().Nodes)
				diff(t, "descriptors", int32(0), f.open.Load())
			}
			w.finish(c.client, m.client)
			diff(t, "descriptors", int32(0), f.open.Load())
		})
	}
}

// counting is n numbers, step by step.
func counting(n int, step uint64) (list []uint64) {
	for i := range n {
		list = append(list, uint64(i)*step)
	}
	return list
}

// A weak handle can neither be called, nor be made strong, nor be sent as a strong one.
func TestWeakHandle(t *testing.T) {
	w := newWorld(t)
	m, owner := w.manager(), w.open().readyThread()
	third := w.open().readyThread()
	toThird := w.introduce(third, 0x30, m.client)
	owner.exchange(owner.toSend(0, weakBinder(0x10), 0), "BR_INCREFS"+cookies(0x10), "BR_TRANSACTION_COMPLETE")
	tr := m.exchange(nil, "BR_TRANSACTION")
	h := m.objectIn(tr, 0).Handle()

	m.write(handleCommand(ioctl.BC_ACQUIRE, h))
	m.exchange(m.toCall(h, ""), "BR_FAILED_REPLY")
	m.exchange(m.toSend(toThird, strongHandle(h), 0), "BR_FAILED_REPLY")
	m.exchange(m.toSend(toThird, weakHandle(h), 0), "BR_TRANSACTION_COMPLETE")
	w.check()
	// Sending it strongly once makes it strong.
	owner.exchange(owner.toSend(0, strongBinder(0x10), 0), "BR_ACQUIRE"+cookies(0x10), "BR_TRANSACTION_COMPLETE")
	m.write(free(tr))
	m.exchange(nil, "BR_TRANSACTION")
	m.write(handleCommand(ioctl.BC_ACQUIRE, h))
	m.exchange(m.toSend(toThird, strongHandle(h), 0), "BR_TRANSACTION_COMPLETE")
	w.finish(owner.client, third.client, m.client)
}

// Commands about handles and buffers that are not there do nothing, and the next one is read.
func TestNonsenseIsPassedOver(t *testing.T) {
	w := newWorld(t)
	m, c := w.manager(), w.open().readyThread()
	var all []byte
	for _, cmd := range []ioctl.Command{ioctl.BC_INCREFS, ioctl.BC_ACQUIRE, ioctl.BC_RELEASE, ioctl.BC_DECREFS} {
		for _, h := range []ioctl.Handle{5, 1 << 31, ^ioctl.Handle(0)} {
			all = append(all, handleCommand(cmd, h)...)
		}
	}
	for _, a := range []ioctl.Address{0, 1, areaAt - 8, areaAt, areaAt + 8, areaAt + areaSize, ^ioctl.Address(0)} {
		all = ioctl.AppendFreeBuffer(all, a)
	}
	for _, p := range []ioctl.Pointer{0, 1, ^ioctl.Pointer(0)} {
		all = join(all, done(ioctl.BC_INCREFS_DONE, p), done(ioctl.BC_ACQUIRE_DONE, p))
	}
	for _, h := range []ioctl.Handle{0, 9, ^ioctl.Handle(0)} {
		all = ioctl.AppendHandleCookie(all, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: h})
		all = ioctl.AppendHandleCookie(all, ioctl.BC_CLEAR_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: h})
	}
	all = ioctl.AppendCookie(all, ioctl.BC_DEAD_BINDER_DONE, 1)
	all = append(all, enter...)
	c.write(all)
	if c.Process.threads[c.tid].looper&looperEntered == 0 {
		t.Error("the last command was not reached")
	}
	w.check()

	for _, stream := range [][]byte{word(0), word(0xffffffff), word(uint32(ioctl.BC_ENTER_LOOPER) + 1000), word(uint32(ioctl.BC_ACQUIRE_RESULT))} {
		copy(c.at(c.base, 4096), join(enter, stream, make([]byte, 8)))
		c.issueWR(ioctl.WriteRead{WriteSize: uint64(4 + len(stream) + 8), WriteBuffer: c.base, ReadSize: 100, ReadBuffer: c.base + 4096, ReadConsumed: 8})
		c.fails(syscall.EINVAL)
		if wc, rc := c.consumed(); wc != 4 || rc != 0 {
			t.Errorf("%x: consumed %d, %d", stream, wc, rc)
		}
	}
	w.finish(c.client, m.client)
}

// The manager cannot hold itself.
func TestManagerItself(t *testing.T) {
	w := newWorld(t)
	m, c := w.manager(), w.openAs(2000).readyThread()
	copy(m.at(m.base, 4096), join(enter, handleCommand(ioctl.BC_ACQUIRE, 0)))
	m.issueWR(ioctl.WriteRead{WriteSize: 12, WriteBuffer: m.base})
	m.fails(syscall.EINVAL)
	diff(t, "a second manager", syscall.EBUSY, c.ioctl(ioctl.BINDER_SET_CONTEXT_MGR_EXT, encodeObject(ioctl.FlatObject{})))

	c.write(join(handleCommand(ioctl.BC_ACQUIRE, 0), handleCommand(ioctl.BC_INCREFS, 0)))
	w.check()
	m.Process.Release()
	diff(t, "another user's", syscall.EPERM, c.ioctl(ioctl.BINDER_SET_CONTEXT_MGR_EXT, encodeObject(ioctl.FlatObject{})))
	c.exchange(c.toCall(0, ""), "BR_DEAD_REPLY")
	again := w.manager()
	// The number 0 is that of the old one, which is dead; a call goes to the new one.
	again.begin(nil)
	c.begin(c.toCall(0, "hello"))
	again.hears("hello", "BR_TRANSACTION")
	w.finish(c.client, again.client)
}

// Whom the security context is told: those who asked for it.
func TestSecurityContext(t *testing.T) {
	for _, label := range []string{"u:r:shell:s0", "1234567", "12345678", ""} {
		t.Run(fmt.Sprint(len(label)), func(t *testing.T) {
			w := newWorld(t)
			server := w.open().readyThread()
			c, _ := w.tryOpen(Identity{EUID: 7, Security: label})
			caller := c.readyThread()
			h := w.introduceAs(server, 0x10, ioctl.FLAT_BINDER_FLAG_TXN_SECURITY_CTX, c)
			plain := w.introduce(server, 0x20, c)

			server.begin(nil)
			caller.begin(caller.toCall(h, "abc"))
			tr := server.hears("abc", "BR_TRANSACTION_SEC_CTX +8")
			if label == "" {
				label = Unlabelled
			}
			got := string(server.area[tr.Buffer-areaAt+8:][:align8(uint64(len(label))+1)])
			if strings.TrimRight(got, "\x00") != label {
				t.Errorf("the label is %q", got)
			}
			server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
			caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
			caller.exchange(caller.toSend(plain, "abc"), "BR_TRANSACTION_COMPLETE")
			server.exchange(nil, "BR_TRANSACTION")
			w.finish(server.client, caller.client)
		})
	}
}

// A buffer that was sent with TF_CLEAR_BUF is zero once it is free.
func TestClearBuffer(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	caller.exchange(caller.transaction(ioctl.BC_TRANSACTION, h, ioctl.TF_ONE_WAY|ioctl.TF_CLEAR_BUF, "secret"), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	at := server.received(tr)
	diff(t, "before", "secret", string(at))
	server.write(free(tr))
	diff(t, "after", "\x00\x00\x00\x00\x00\x00", string(at))
	w.finish(server.client, caller.client)
}

// The same pid in another namespace is another number, and none where it cannot be seen.
func TestPIDsAreTheReceivers(t *testing.T) {
	host, box, other := uint64(1), uint64(2), uint64(3)
	tests := map[string]struct {
		from, to []NamespacePID
		want     int32
	}{
		"both on the host":      {[]NamespacePID{{host, 10}}, []NamespacePID{{host, 20}}, 10},
		"out of a container":    {[]NamespacePID{{host, 10}, {box, 1}}, []NamespacePID{{host, 20}}, 10},
		"within a container":    {[]NamespacePID{{host, 10}, {box, 1}}, []NamespacePID{{host, 20}, {box, 2}}, 1},
		"into a container":      {[]NamespacePID{{host, 10}}, []NamespacePID{{host, 20}, {box, 2}}, 0},
		"to another container":  {[]NamespacePID{{host, 10}, {box, 1}}, []NamespacePID{{host, 20}, {other, 2}}, 0},
		"nobody says":           {nil, nil, 4711},
		"the receiver says not": {[]NamespacePID{{host, 10}}, nil, 4711},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, _ := w.tryOpen(Identity{PIDs: test.to})
			c, _ := w.tryOpen(Identity{PID: 4711, PIDs: test.from})
			server, caller := s.readyThread(), c.readyThread()
			h := w.introduce(server, 0x10, c)
			server.begin(nil)
			caller.begin(caller.toCall(h, ""))
			diff(t, "sender_pid", test.want, server.says("BR_TRANSACTION").SenderPID)
			w.finish(s, c)
		})
	}
}
