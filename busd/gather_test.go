package busd

import (
	"encoding/binary"
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// bufferObject is a BINDER_TYPE_PTR, inside a parent if that is not negative.
func bufferObject(at ioctl.Address, n uint64, parent int, offset uint64) string {
	o := ioctl.BufferObject{Type: ioctl.BINDER_TYPE_PTR, Buffer: at, Length: n}
	if parent >= 0 {
		o.Flags, o.Parent, o.ParentOffset = ioctl.BINDER_BUFFER_FLAG_HAS_PARENT, uint64(parent), offset
	}
	b := make([]byte, ioctl.SizeofBufferObject)
	o.Encode(b)
	return string(b)
}

func arrayObject(n, parent, offset uint64) string {
	o := ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: n, Parent: parent, ParentOffset: offset}
	b := make([]byte, ioctl.SizeofFDArrayObject)
	o.Encode(b)
	return string(b)
}

// gathering makes a transaction one with extra room for buffers.
func gathering(stream []byte, extra uint64) []byte {
	cmd := ioctl.BC_TRANSACTION_SG
	if ioctl.Command(binary.LittleEndian.Uint32(stream)) == ioctl.BC_REPLY {
		cmd = ioctl.BC_REPLY_SG
	}
	binary.LittleEndian.PutUint32(stream, uint32(cmd))
	return binary.LittleEndian.AppendUint64(stream, extra)
}

// A tree of buffers with descriptors in it goes there and back.
func TestBuffersInBuffers(t *testing.T) {
	w, server, caller, h, f := fds(t)
	send := func(th *thread) (payload string, offsets []uint64, extra uint64) {
		at := th.base + 2048
		copy(th.at(at, 100), "root:...........leaf\x03\x00\x00\x00\x03\x00\x00\x00")
		payload = "8 bytes." + bufferObject(at, 16, -1, 0) + bufferObject(at+16, 12, 0, 8) + arrayObject(2, 1, 4) + "end"
		return payload, []uint64{8, 48, 88}, 32
	}
	receive := func(th *thread, tr *ioctl.TransactionData, first uint32) {
		t.Helper()
		base := uint64(tr.Offsets) + 24
		root := string(binary.LittleEndian.AppendUint64([]byte("root:..."), base+16))
		leaf := string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32([]byte("leaf"), first), first+1))
		got := th.area[base-uint64(areaAt):][:28]
		diff(t, "the buffers", root+leaf, string(got))
		diff(t, "the end", "end", string(th.received(tr)[120:]))
	}
	payload, offsets, extra := send(caller)
	server.begin(nil)
	caller.begin(gathering(caller.transaction(ioctl.BC_TRANSACTION, h, ioctl.TF_ACCEPT_FDS, payload, offsets...), extra))
	tr := server.says("BR_TRANSACTION")
	receive(server, tr, 50)
	diff(t, "open in the broker", int32(0), f.open.Load())
	payload, offsets, extra = send(server)
	server.exchange(gathering(server.toReply(payload, offsets...), extra), "BR_TRANSACTION_COMPLETE")
	receive(caller, caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY"), 50)

	// What came in an array ends with the buffer, and the thread that frees it does not wait.
	server.exchange(free(tr))
	diff(t, "closed", []uint32{50, 51}, server.withdrawn)
	w.check()
	w.finish(server.client, caller.client)
	diff(t, "open in the broker", int32(0), f.open.Load())
}

// What came over a client's socket is not the broker's to close; that the thread does not wait after
// freeing it is as ever.
func TestArraysOverASocketAreLeftAlone(t *testing.T) {
	w, server, caller, h, _ := fds(t)
	server.socket = true
	caller.exchange(caller.toSendArray(h, 2), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	server.exchange(free(tr))
	diff(t, "closed", 0, len(server.withdrawn))
	server.begin(nil)
	server.waits()
	server.Process.Release()
	w.finish(caller.client)
}

// Closing takes its time, and meanwhile the others go on, or the client itself may end.
func TestTheReceiverDiesWhileItsArrayIsClosed(t *testing.T) {
	w, server, caller, h, f := fds(t)
	caller.exchange(caller.toSendArray(h, 2), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	server.onWithdraw = func() {
		caller.exchange(caller.toSendArray(h, 1), "BR_TRANSACTION_COMPLETE")
		server.Process.Release()
		w.check()
	}
	server.begin(free(tr))
	server.fails(syscall.EINTR)
	diff(t, "closed", []uint32{50, 51}, server.withdrawn)
	w.finish(caller.client)
	diff(t, "open in the broker", int32(0), f.open.Load())
}

// toSendArray is a oneway transaction with n descriptors in an array.
func (th *thread) toSendArray(h ioctl.Handle, n int) []byte {
	at := th.base + 2048
	for i := range n {
		copy(th.at(at+ioctl.Address(4*i), 4), "\x03\x00\x00\x00")
	}
	payload := "8 bytes." + bufferObject(at, uint64(4*n), -1, 0) + arrayObject(uint64(n), 0, 0)
	return gathering(th.toSend(h, payload, 8, 48), align8(uint64(4*n)))
}

// Nobody sees the sender's numbers and pointers in the receiver's memory.
func TestUntranslatedValuesAreNeverSeen(t *testing.T) {
	w, server, caller, h, _ := fds(t)
	caller.files[0x33333333] = caller.files[3]
	at := caller.base + 2048
	copy(caller.at(at, 100), "\x33\x33\x33\x33!!!!"+strings.Repeat("~", 8)+"after it")
	payload := "8 bytes." + bufferObject(at, 24, -1, 0) + arrayObject(1, 0, 0) + bufferObject(at, 0, 0, 8)
	caller.exchange(gathering(caller.toSend(h, payload, 8, 48, 80), 24), "BR_TRANSACTION_COMPLETE")
	if i := strings.IndexAny(string(server.area), "3~"); i >= 0 {
		t.Errorf("%q", server.area[i:][:8])
	}
	if !strings.Contains(string(server.area), "!!!!") || !strings.Contains(string(server.area), "after it") {
		t.Error("what is not translated is missing")
	}
	server.Process.Release()
	w.finish(server.client, caller.client)
}

func TestBuffersRefused(t *testing.T) {
	at := memoryAt + 128<<10
	start := "8 bytes." + bufferObject(at, 16, -1, 0)
	for name, test := range map[string]struct {
		payload string
		offsets []uint64
		extra   uint64
		errno   syscall.Errno
	}{
		"no room":                {start, []uint64{8}, 8, syscall.EINVAL},
		"odd room":               {start, []uint64{8}, 20, syscall.EINVAL},
		"not readable":           {"8 bytes." + bufferObject(0x10, 8, -1, 0), []uint64{8}, 8, syscall.EINVAL},
		"no such parent":         {start + bufferObject(at, 8, 1, 0), []uint64{8, 48}, 32, syscall.EINVAL},
		"parent far away":        {start + bufferObject(at, 8, 1<<62, 0), []uint64{8, 48}, 32, syscall.EINVAL},
		"place past the end":     {start + bufferObject(at, 8, 0, 9), []uint64{8, 48}, 32, syscall.EINVAL},
		"place that wraps":       {start + bufferObject(at, 8, 0, ^uint64(0)), []uint64{8, 48}, 32, syscall.EINVAL},
		"unaligned place":        {start + bufferObject(at, 8, 0, 2), []uint64{8, 48}, 32, syscall.EINVAL},
		"array past the end":     {start + arrayObject(5, 0, 0), []uint64{8, 48}, 16, syscall.EINVAL},
		"array that wraps":       {start + arrayObject(1<<62+1, 0, 0), []uint64{8, 48}, 16, syscall.EINVAL},
		"one descriptor is not":  {start + arrayObject(3, 0, 0), []uint64{8, 48}, 16, syscall.EBADF},
		"no object":              {start + strings.Repeat("x", 40), []uint64{8, 48}, 16, syscall.EINVAL},
		"parent is a descriptor": {"8 bytes." + descriptor(3) + bufferObject(at, 8, 0, 0), []uint64{8, 32}, 8, syscall.EINVAL},
	} {
		t.Run(name, func(t *testing.T) {
			w, server, caller, h, f := fds(t)
			copy(caller.at(at, 16), "\x03\x00\x00\x00\x03\x00\x00\x00\x09\x00\x00\x00")
			caller.exchange(gathering(caller.toSend(h, test.payload, test.offsets...), test.extra), "BR_FAILED_REPLY")
			caller.failsWith(ioctl.BR_FAILED_REPLY, test.errno)
			diff(t, "descriptors", int32(0), f.open.Load())
			diff(t, "buffers", 0, server.alloc.inUse)
			w.finish(server.client, caller.client)
		})
	}
}

// FuzzGather sends payloads of buffers and arrays that name each other in any way.
func FuzzGather(f *testing.F) {
	f.Add([]byte{0, 0, 0, 16, 1, 0, 0, 8, 2, 0, 8, 2})
	f.Add([]byte{0, 0, 0, 64, 1, 0, 0, 16, 1, 1, 8, 4, 2, 1, 0, 1, 1, 0, 8, 0, 3, 0, 0, 1})
	f.Fuzz(func(t *testing.T, in []byte) {
		w := newWorld(t)
		m, c := w.manager(), w.open().readyThread()
		file := &file{}
		c.files[0] = file // wherever the memory is empty
		payload, extra := "8 bytes.", uint64(0)
		var offsets []uint64
		for ; len(in) >= 4 && len(payload) < 512; in = in[4:] {
			offsets = append(offsets, uint64(len(payload)))
			parent, offset, n := int(in[1])%8, uint64(in[2]), uint64(in[3])
			switch in[0] % 4 {
			case 0:
				payload += bufferObject(memoryAt+128<<10, n, -1, 0)
				extra += align8(n)
			case 1:
				payload += bufferObject(memoryAt+128<<10, n, parent, offset)
				extra += align8(n)
			case 2:
				payload += arrayObject(n, uint64(parent), offset)
			case 3:
				payload += strongBinder(0x10)
			}
		}
		copy(c.at(c.base, 4096), gathering(c.toSend(0, payload, offsets...), extra))
		c.issueWR(ioctl.WriteRead{WriteSize: 4 + ioctl.SizeofTransactionData + 8, WriteBuffer: c.base, ReadSize: 2048, ReadBuffer: c.base + 4096})
		codes, _ := returns(t, c.end())
		if codes[len(codes)-1] == "BR_TRANSACTION_COMPLETE" {
			m.write(free(m.exchange(nil, "BR_TRANSACTION")))
		}
		diff(t, "buffers", 0, m.alloc.inUse)
		w.check()
		w.finish(m.client, c.client)
		diff(t, "open in the broker", int32(0), file.open.Load())
	})
}
