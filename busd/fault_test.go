package busd

import (
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// end of a client's memory: what lies behind cannot be read.
func (c *client) limit() ioctl.Address { return memoryAt + ioctl.Address(len(c.memory)) }

// Commands that cannot be read: those before count, and nothing is read.
func TestCommandsUnreadable(t *testing.T) {
	w := newWorld(t)
	c := w.open().readyThread()
	tests := map[string]struct {
		stream   []byte
		size     uint64 // of the buffer, which ends with the memory
		errno    syscall.Errno
		consumed uint64
	}{
		"all of it":             {nil, 4, syscall.EFAULT, 0},
		"the second":            {enter, 8, syscall.EFAULT, 4},
		"half a command":        {join(enter, enter[:2]), 8, syscall.EFAULT, 4},
		"an argument":           {join(enter, handleCommand(ioctl.BC_ACQUIRE, 1)[:4]), 12, syscall.EFAULT, 4},
		"half an argument":      {join(enter, handleCommand(ioctl.BC_ACQUIRE, 1)[:6]), 12, syscall.EFAULT, 4},
		"begins before the end": {join(enter, handleCommand(ioctl.BC_ACQUIRE, 1)), 5, 0, 12},
		"a very large size":     {enter, 1 << 62, syscall.EFAULT, 4},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			at := c.limit() - ioctl.Address(len(test.stream))
			copy(c.at(at, 100), test.stream)
			c.issueWR(ioctl.WriteRead{WriteBuffer: at, WriteSize: test.size, ReadConsumed: 8})
			if got := syscall.Errno(-c.wait()); got != test.errno {
				t.Errorf("%v, want %v", got, test.errno)
			}
			wc, rc := c.consumed()
			want := uint64(0)
			if test.errno == 0 {
				want = 8
			}
			diff(t, "consumed", []uint64{test.consumed, want}, []uint64{wc, rc})
			w.check()
		})
	}
	// A stream longer than what is read at a time.
	long := []byte(nil)
	for range 700 {
		long = append(long, enter...)
	}
	at := memoryAt + 100<<10
	copy(c.at(at, len(long)), long)
	c.issueWR(ioctl.WriteRead{WriteBuffer: at, WriteSize: uint64(len(long)), WriteConsumed: 8})
	c.wait()
	if wc, _ := c.consumed(); wc != uint64(len(long)) {
		t.Errorf("consumed %d of %d", wc, len(long))
	}
	w.finish(c.client)
}

// A payload or offsets that cannot be read fail the transaction, never the ioctl.
func TestPayloadUnreadable(t *testing.T) {
	w := newWorld(t)
	server, c := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, c.client)
	end := c.limit()
	o := []byte(strongBinder(0x77))
	copy(c.at(end-24, 24), o)
	copy(c.at(c.base+2048, 24), o)
	copy(c.at(c.base+3000, 8), make([]byte, 8))
	tests := map[string]struct {
		tr    ioctl.TransactionData
		errno syscall.Errno
	}{
		"data at 0":            {ioctl.TransactionData{DataSize: 8}, syscall.EFAULT},
		"data half there":      {ioctl.TransactionData{Buffer: end - 4, DataSize: 8}, syscall.EFAULT},
		"data past everything": {ioctl.TransactionData{Buffer: ^ioctl.Address(0) - 3, DataSize: 8}, syscall.EFAULT},
		"offsets at 0":         {ioctl.TransactionData{Buffer: c.base + 2048, DataSize: 24, OffsetsSize: 8}, syscall.EFAULT},
		"offsets half there":   {ioctl.TransactionData{Buffer: c.base + 2048, DataSize: 24, Offsets: end - 4, OffsetsSize: 8}, syscall.EFAULT},
		"data behind an object": {ioctl.TransactionData{Buffer: end - 24, DataSize: 64, Offsets: c.base + 3000, OffsetsSize: 8},
			syscall.EINVAL},
		"odd offsets":          {ioctl.TransactionData{Buffer: c.base + 2048, DataSize: 24, Offsets: c.base + 3000, OffsetsSize: 7}, syscall.EINVAL},
		"too large":            {ioctl.TransactionData{DataSize: areaSize + 1}, syscall.ENOSPC},
		"overflow":             {ioctl.TransactionData{DataSize: ^uint64(0) - 7, OffsetsSize: 16}, syscall.EINVAL},
		"overflow by rounding": {ioctl.TransactionData{DataSize: ^uint64(0)}, syscall.EINVAL},
		"overflow of both":     {ioctl.TransactionData{DataSize: 1 << 63, OffsetsSize: 1 << 63}, syscall.EINVAL},
		"nothing at 0":         {ioctl.TransactionData{}, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.tr.Target, test.tr.Flags = uint64(h), ioctl.TF_ONE_WAY
			stream := ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &test.tr)
			if test.errno == 0 {
				c.exchange(stream, "BR_TRANSACTION_COMPLETE")
				return
			}
			c.exchange(stream, "BR_FAILED_REPLY")
			c.failsWith(ioctl.BR_FAILED_REPLY, test.errno)
			w.check()
		})
	}
	for _, extra := range []uint64{^uint64(0), 1 << 63, areaSize, 4} {
		sg := ioctl.TransactionDataSG{TransactionData: ioctl.TransactionData{Target: uint64(h), Flags: ioctl.TF_ONE_WAY}, BuffersSize: extra}
		c.exchange(ioctl.AppendTransactionSG(nil, ioctl.BC_TRANSACTION_SG, &sg), "BR_FAILED_REPLY")
		w.check()
	}
	// A client that has mapped nothing receives nothing.
	server2 := w.open()
	server2.unmapped = true
	h2 := w.introduce(server2.readyThread(), 0x20, c.client)
	c.exchange(c.toCall(h2, "x"), "BR_DEAD_REPLY")
	c.failsWith(ioctl.BR_DEAD_REPLY, syscall.ESRCH)
	server2.unmapped = false
	c.exchange(c.toSend(h2, "x"), "BR_TRANSACTION_COMPLETE")
	w.finish(c.client, server.client, server2)
}

// A read buffer that cannot be written.
func TestReadBufferUnwritable(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	unwritable := func(at ioctl.Address) {
		t.Helper()
		copy(server.at(server.base, 4), enter)
		server.issueWR(ioctl.WriteRead{WriteBuffer: server.base, WriteSize: 4, ReadBuffer: at, ReadSize: 2048})
		server.fails(syscall.EFAULT)
		wc, rc := server.consumed()
		diff(t, "consumed", []uint64{4, 0}, []uint64{wc, rc})
		w.check()
	}
	// Known before anything waits: the work stays.
	caller.begin(caller.toCall(h, "1"))
	for _, at := range []ioctl.Address{0, 8, server.limit(), server.limit() - 2} {
		unwritable(at)
	}
	// Nor does a new thread wait for what it could not be told.
	fresh := server.client.readyThread()
	fresh.issueWR(ioctl.WriteRead{ReadSize: 2048})
	fresh.fails(syscall.EFAULT)
	// The first four bytes can be written, the rest not: the call fails.
	unwritable(server.limit() - 8)
	caller.says("BR_TRANSACTION_COMPLETE", "BR_FAILED_REPLY")
	// A reply is lost, and its room: nobody can free it.
	caller.begin(caller.toCall(h, "2"))
	server.exchange(nil, "BR_TRANSACTION")
	caller.unwritable = true
	server.exchange(server.toReply("2!"), "BR_TRANSACTION_COMPLETE")
	caller.fails(syscall.EFAULT)
	caller.unwritable = false
	diff(t, "buffers", 1, caller.alloc.inUse)
	// So is a oneway transaction, and with it its object's turn.
	caller.exchange(caller.toSend(h, "3"), "BR_TRANSACTION_COMPLETE")
	caller.exchange(caller.toSend(h, "4"), "BR_TRANSACTION_COMPLETE")
	unwritable(server.limit() - 8)
	server.begin(nil)
	caller.begin(caller.toCall(h, "5"))
	server.hears("5", "BR_TRANSACTION")
	w.finish(caller.client, server.client)
}
