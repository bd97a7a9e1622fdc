package conformance

import (
	"encoding/binary"
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A command is the bytes of one BC_ command.
type command []byte

func bc(c ioctl.Command) command {
	return binary.LittleEndian.AppendUint32(nil, uint32(c))
}

func bc32(c ioctl.Command, v uint32) command {
	return binary.LittleEndian.AppendUint32(bc(c), v)
}

func bc64(c ioctl.Command, v uint64) command {
	return binary.LittleEndian.AppendUint64(bc(c), v)
}

func acquire(h ioctl.Handle) command { return bc32(ioctl.BC_ACQUIRE, uint32(h)) }
func release(h ioctl.Handle) command { return bc32(ioctl.BC_RELEASE, uint32(h)) }
func incRefs(h ioctl.Handle) command { return bc32(ioctl.BC_INCREFS, uint32(h)) }
func decRefs(h ioctl.Handle) command { return bc32(ioctl.BC_DECREFS, uint32(h)) }

func ptrCookie(c ioctl.Command, ptr ioctl.Pointer, cookie ioctl.Cookie) command {
	return binary.LittleEndian.AppendUint64(bc64(c, uint64(ptr)), uint64(cookie))
}

func incRefsDone(n node) command { return ptrCookie(ioctl.BC_INCREFS_DONE, n.ptr, n.cookie) }
func acquireDone(n node) command { return ptrCookie(ioctl.BC_ACQUIRE_DONE, n.ptr, n.cookie) }

func handleCookie(c ioctl.Command, h ioctl.Handle, cookie ioctl.Cookie) command {
	return binary.LittleEndian.AppendUint64(bc32(c, uint32(h)), uint64(cookie))
}

func requestDeath(h ioctl.Handle, cookie ioctl.Cookie) command {
	return handleCookie(ioctl.BC_REQUEST_DEATH_NOTIFICATION, h, cookie)
}

func clearDeath(h ioctl.Handle, cookie ioctl.Cookie) command {
	return handleCookie(ioctl.BC_CLEAR_DEATH_NOTIFICATION, h, cookie)
}

func deadDone(cookie ioctl.Cookie) command {
	return bc64(ioctl.BC_DEAD_BINDER_DONE, uint64(cookie))
}

func freeBuffer(at ioctl.Address) command { return bc64(ioctl.BC_FREE_BUFFER, uint64(at)) }

var (
	enterLooper    = bc(ioctl.BC_ENTER_LOOPER)
	registerLooper = bc(ioctl.BC_REGISTER_LOOPER)
	exitLooper     = bc(ioctl.BC_EXIT_LOOPER)
)

// A node is an object as its owner knows it.
type node struct {
	ptr    ioctl.Pointer
	cookie ioctl.Cookie
}

// A message is a transaction's code, flags and content, before it has a place in memory.
type message struct {
	code    ioctl.Code
	flags   ioctl.Flags
	data    []byte
	offsets []uint64
}

// msg starts a synchronous message that carries text.
func msg(code ioctl.Code, text string) *message {
	return &message{code: code, data: []byte(text)}
}

// oneway starts an asynchronous one.
func oneway(code ioctl.Code, text string) *message {
	return &message{code: code, flags: ioctl.TF_ONE_WAY, data: []byte(text)}
}

func (m *message) with(f ioctl.Flags) *message {
	m.flags |= f
	return m
}

// at starts the next object on a 4-byte boundary and lists its offset.
func (m *message) at(n int) []byte {
	for len(m.data)%4 != 0 {
		m.data = append(m.data, 0)
	}
	off := len(m.data)
	m.offsets = append(m.offsets, uint64(off))
	m.data = append(m.data, make([]byte, n)...)
	return m.data[off:]
}

// flat adds a flat object.
func (m *message) flat(o ioctl.FlatObject) *message {
	o.Encode(m.at(ioctl.SizeofFlatObject))
	return m
}

// binder adds an object of the sender's own that takes descriptors.
func (m *message) binder(n node) *message {
	return m.flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: 0x7f | ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Binder: uint64(n.ptr), Cookie: n.cookie})
}

// weakBinder adds one weakly.
func (m *message) weakBinder(n node) *message {
	return m.flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_WEAK_BINDER, Flags: 0x7f | ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Binder: uint64(n.ptr), Cookie: n.cookie})
}

// handle adds the sender's handle for another's object.
func (m *message) handle(h ioctl.Handle) *message {
	return m.flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Binder: uint64(h)})
}

// weakHandle adds one weakly.
func (m *message) weakHandle(h ioctl.Handle) *message {
	return m.flat(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_WEAK_HANDLE, Binder: uint64(h)})
}

// fd adds a descriptor.
func (m *message) fd(fd int) *message {
	o := ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: uint32(fd), Cookie: 0xc00c1e}
	o.Encode(m.at(ioctl.SizeofFDObject))
	return m
}

// An event is one BR_ command that a thread read.
type event struct {
	cmd     ioctl.Return
	payload []byte
}

var returnNames = map[ioctl.Return]string{
	ioctl.BR_ERROR: "ERROR", ioctl.BR_OK: "OK", ioctl.BR_TRANSACTION_SEC_CTX: "TRANSACTION_SEC_CTX",
	ioctl.BR_TRANSACTION: "TRANSACTION", ioctl.BR_REPLY: "REPLY", ioctl.BR_DEAD_REPLY: "DEAD_REPLY",
	ioctl.BR_TRANSACTION_COMPLETE: "TRANSACTION_COMPLETE", ioctl.BR_INCREFS: "INCREFS",
	ioctl.BR_ACQUIRE: "ACQUIRE", ioctl.BR_RELEASE: "RELEASE", ioctl.BR_DECREFS: "DECREFS",
	ioctl.BR_NOOP: "NOOP", ioctl.BR_SPAWN_LOOPER: "SPAWN_LOOPER", ioctl.BR_DEAD_BINDER: "DEAD_BINDER",
	ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE: "CLEAR_DEATH_NOTIFICATION_DONE", ioctl.BR_FAILED_REPLY: "FAILED_REPLY",
	ioctl.BR_FROZEN_REPLY: "FROZEN_REPLY", ioctl.BR_ONEWAY_SPAM_SUSPECT: "ONEWAY_SPAM_SUSPECT",
	ioctl.BR_TRANSACTION_PENDING_FROZEN: "TRANSACTION_PENDING_FROZEN", ioctl.BR_FROZEN_BINDER: "FROZEN_BINDER",
	ioctl.BR_CLEAR_FREEZE_NOTIFICATION_DONE: "CLEAR_FREEZE_NOTIFICATION_DONE",
}

// String is the command's name without BR_, and the words it carries.
func (e event) String() string {
	name, ok := returnNames[e.cmd]
	if !ok {
		return fmt.Sprintf("%#x", uint32(e.cmd))
	}
	switch e.cmd {
	case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE, ioctl.BR_RELEASE, ioctl.BR_DECREFS:
		var p ioctl.PtrCookie
		p.Decode(e.payload)
		return fmt.Sprintf("%s %#x/%#x", name, uint64(p.Pointer), uint64(p.Cookie))
	case ioctl.BR_DEAD_BINDER, ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE, ioctl.BR_CLEAR_FREEZE_NOTIFICATION_DONE:
		return fmt.Sprintf("%s %#x", name, binary.LittleEndian.Uint64(e.payload))
	case ioctl.BR_FROZEN_BINDER:
		var i ioctl.FrozenStateInfo
		i.Decode(e.payload)
		return fmt.Sprintf("%s %#x %d", name, uint64(i.Cookie), i.IsFrozen)
	}
	return name
}

// events splits what was read.
func events(b []byte) ([]event, error) {
	var es []event
	for len(b) > 0 {
		if len(b) < 4 {
			return es, fmt.Errorf("%d stray bytes", len(b))
		}
		cmd := ioctl.Return(binary.LittleEndian.Uint32(b))
		b = b[4:]
		if len(b) < cmd.Size() {
			return es, fmt.Errorf("%v is cut short", event{cmd: cmd})
		}
		es = append(es, event{cmd, b[:cmd.Size()]})
		b = b[cmd.Size():]
	}
	return es, nil
}

func names(es []event) []string {
	var s []string
	for _, e := range es {
		s = append(s, e.String())
	}
	return s
}

func handleOf(v uint32) ioctl.Handle { return ioctl.Handle(v) }
