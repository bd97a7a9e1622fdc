package busd

import (
	"encoding/binary"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// fds is a server that takes descriptors, and a caller that has one open.
func fds(t *testing.T) (w *world, server, caller *thread, h ioctl.Handle, f *file) {
	w = newWorld(t)
	server, caller = w.open().readyThread(), w.open().readyThread()
	h = w.introduceAs(server, 0x10, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, caller.client)
	f = &file{}
	caller.files[3], server.files[3] = f, f
	return w, server, caller, h, f
}

func TestDescriptorsArrive(t *testing.T) {
	w, server, caller, h, f := fds(t)
	server.begin(nil)
	caller.begin(caller.transaction(ioctl.BC_TRANSACTION, h, ioctl.TF_ACCEPT_FDS, descriptor(3)+"abcd"+descriptor(3), 0, 28))
	tr := server.says("BR_TRANSACTION")
	for i, off := range []int{8, 36} {
		diff(t, "number", uint32(50+i), binary.LittleEndian.Uint32(server.received(tr)[off:]))
	}
	diff(t, "open in the broker", int32(0), f.open.Load())
	diff(t, "given", 2, len(server.given))
	server.exchange(join(free(tr), server.toReply(descriptor(3), 0)), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	diff(t, "given back", 1, len(caller.given))
	w.finish(server.client, caller.client)
	diff(t, "open in the broker", int32(0), f.open.Load())
}

func TestDescriptorsRefused(t *testing.T) {
	w, server, caller, h, f := fds(t)
	plain := w.introduce(server, 0x20, caller.client)
	caller.exchange(caller.toCall(plain, descriptor(3), 0), "BR_FAILED_REPLY")
	caller.failsWith(ioctl.BR_FAILED_REPLY, syscall.EPERM)

	// A reply to a call that does not take any.
	server.begin(nil)
	caller.begin(caller.toCall(h, ""))
	server.says("BR_TRANSACTION")
	server.exchange(server.toReply(descriptor(3), 0), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY")
	diff(t, "open in the broker", int32(0), f.open.Load())
	w.finish(server.client, caller.client)
}

// The receiver has no room for descriptors.
func TestDescriptorsCannotBeGiven(t *testing.T) {
	w, server, caller, h, f := fds(t)
	send := func(flags ioctl.Flags) []byte {
		return caller.transaction(ioctl.BC_TRANSACTION, h, flags, descriptor(3), 0)
	}
	server.giveErr = syscall.EMFILE
	server.begin(enter)
	caller.begin(send(0))
	caller.says("BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY")
	server.waits() // it hears nothing of it
	caller.exchange(send(ioctl.TF_ONE_WAY), "BR_TRANSACTION_COMPLETE")
	caller.exchange(send(ioctl.TF_ONE_WAY), "BR_TRANSACTION_COMPLETE")
	server.waits()
	w.check()
	diff(t, "buffers", 0, server.alloc.inUse)

	server.giveErr, caller.giveErr = 0, syscall.EMFILE
	caller.begin(send(ioctl.TF_ACCEPT_FDS))
	server.says("BR_TRANSACTION")
	server.exchange(server.toReply(descriptor(3), 0), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY")
	w.check()
	diff(t, "buffers", 0, caller.alloc.inUse)
	diff(t, "open in the broker", int32(0), f.open.Load())
	w.finish(server.client, caller.client)
}

// Descriptors on their way are closed when nobody will receive them.
func TestDescriptorsOfTheDead(t *testing.T) {
	for _, dies := range []string{"sender", "receiver", "both"} {
		t.Run(dies, func(t *testing.T) {
			w, server, caller, h, f := fds(t)
			for range 3 { // one queued, two behind it
				caller.exchange(caller.toSend(h, descriptor(3), 0), "BR_TRANSACTION_COMPLETE")
			}
			caller.write(caller.toCall(h, descriptor(3), 0))
			diff(t, "on their way", int32(4), f.open.Load())
			if dies != "receiver" {
				caller.Process.Release()
				w.check()
			}
			if dies != "sender" {
				server.Process.Release()
				diff(t, "on their way", int32(0), f.open.Load())
			}
			w.finish(server.client, caller.client)
			diff(t, "on their way", int32(0), f.open.Load())
		})
	}
}

func TestDescriptorSocket(t *testing.T) {
	w := newWorld(t)
	c := w.open().readyThread()
	if errno := c.ioctl(ioctl.FUSEBINDER_SET_DESCRIPTOR_SOCKET, word(17)); errno != 0 {
		t.Fatal(errno)
	}
	diff(t, "socket", int32(17), c.socketFD)
	w.finish(c.client)
}
