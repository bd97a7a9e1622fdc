package ioctl

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One item of a stream, as the readers give it.
type item struct {
	Number Number
	Arg    []byte
}

// encoded is c as bytes.
func encoded(c codec, size int) []byte {
	b := make([]byte, size)
	c.Encode(b)
	return b
}

func u32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }

// Each command a client can write arrives as it was written, with its whole argument.
func TestCommandsArrive(t *testing.T) {
	tr := TransactionData{Target: 5, Cookie: 6, Code: 7, Flags: TF_ONE_WAY, DataSize: 8, OffsetsSize: 16, Buffer: 0x1000, Offsets: 0x2000}
	sg := TransactionDataSG{TransactionData: tr, BuffersSize: 64}
	pc := PtrCookie{Pointer: 0x11, Cookie: 0x22}
	hc := HandleCookie{Handle: 3, Cookie: 0x33}

	var b []byte
	var want []item
	for _, cmd := range []Command{BC_REGISTER_LOOPER, BC_ENTER_LOOPER, BC_EXIT_LOOPER} {
		b = AppendCommand(b, cmd)
		want = append(want, item{Number(cmd), []byte{}})
	}
	for _, cmd := range []Command{BC_TRANSACTION, BC_REPLY} {
		b = AppendTransaction(b, cmd, &tr)
		want = append(want, item{Number(cmd), encoded(&tr, SizeofTransactionData)})
	}
	for _, cmd := range []Command{BC_TRANSACTION_SG, BC_REPLY_SG} {
		b = AppendTransactionSG(b, cmd, &sg)
		want = append(want, item{Number(cmd), encoded(&sg, SizeofTransactionDataSG)})
	}
	for _, cmd := range []Command{BC_INCREFS, BC_ACQUIRE, BC_RELEASE, BC_DECREFS} {
		b = AppendHandle(b, cmd, 9)
		want = append(want, item{Number(cmd), u32(9)})
	}
	b = AppendFreeBuffer(b, 0xabcd)
	want = append(want, item{Number(BC_FREE_BUFFER), u64(0xabcd)})
	for _, cmd := range []Command{BC_INCREFS_DONE, BC_ACQUIRE_DONE} {
		b = AppendPtrCookie(b, cmd, pc)
		want = append(want, item{Number(cmd), encoded(&pc, SizeofPtrCookie)})
	}
	for _, cmd := range []Command{BC_REQUEST_DEATH_NOTIFICATION, BC_CLEAR_DEATH_NOTIFICATION, BC_REQUEST_FREEZE_NOTIFICATION, BC_CLEAR_FREEZE_NOTIFICATION} {
		b = AppendHandleCookie(b, cmd, hc)
		want = append(want, item{Number(cmd), encoded(&hc, SizeofHandleCookie)})
	}
	for _, cmd := range []Command{BC_DEAD_BINDER_DONE, BC_FREEZE_NOTIFICATION_DONE} {
		b = AppendCookie(b, cmd, 0x44)
		want = append(want, item{Number(cmd), u64(0x44)})
	}

	var got []item
	r := NewCommandReader(b)
	for cmd, arg, ok := r.Next(); ok; cmd, arg, ok = r.Next() {
		if len(arg) != cmd.Size() {
			t.Errorf("%s: %d bytes of argument, want %d", cmd, len(arg), cmd.Size())
		}
		got = append(got, item{Number(cmd), arg})
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

func TestReturnsArrive(t *testing.T) {
	tr := TransactionData{Target: 5, Cookie: 6, Code: 7, SenderPID: 8, SenderEUID: 9, DataSize: 4, Buffer: 0x1000, Offsets: 0x1008}
	sec := TransactionDataSecctx{TransactionData: tr, Secctx: 0x3000}
	pc := PtrCookie{Pointer: 0x11, Cookie: 0x22}
	frozen := FrozenStateInfo{Cookie: 0x55, IsFrozen: 1}

	var b []byte
	var want []item
	for _, ret := range []Return{BR_NOOP, BR_OK, BR_TRANSACTION_COMPLETE, BR_DEAD_REPLY, BR_FAILED_REPLY, BR_FROZEN_REPLY, BR_SPAWN_LOOPER, BR_FINISHED, BR_ONEWAY_SPAM_SUSPECT, BR_TRANSACTION_PENDING_FROZEN} {
		b = AppendReturn(b, ret)
		want = append(want, item{Number(ret), []byte{}})
	}
	b = AppendError(b, -22)
	want = append(want, item{Number(BR_ERROR), []byte{0xea, 0xff, 0xff, 0xff}})
	for _, ret := range []Return{BR_TRANSACTION, BR_REPLY} {
		b = AppendReturnTransaction(b, ret, &tr)
		want = append(want, item{Number(ret), encoded(&tr, SizeofTransactionData)})
	}
	b = AppendReturnTransactionSecctx(b, &sec)
	want = append(want, item{Number(BR_TRANSACTION_SEC_CTX), encoded(&sec, SizeofTransactionDataSecctx)})
	for _, ret := range []Return{BR_INCREFS, BR_ACQUIRE, BR_RELEASE, BR_DECREFS} {
		b = AppendReturnPtrCookie(b, ret, pc)
		want = append(want, item{Number(ret), encoded(&pc, SizeofPtrCookie)})
	}
	for _, ret := range []Return{BR_DEAD_BINDER, BR_CLEAR_DEATH_NOTIFICATION_DONE, BR_CLEAR_FREEZE_NOTIFICATION_DONE} {
		b = AppendReturnCookie(b, ret, 0x44)
		want = append(want, item{Number(ret), u64(0x44)})
	}
	b = AppendReturnFrozen(b, frozen)
	want = append(want, item{Number(BR_FROZEN_BINDER), encoded(&frozen, SizeofFrozenStateInfo)})

	var got []item
	r := NewReturnReader(b)
	for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
		if len(arg) != ret.Size() {
			t.Errorf("%s: %d bytes of argument, want %d", ret, len(arg), ret.Size())
		}
		got = append(got, item{Number(ret), arg})
	}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("returns (-want +got):\n%s", diff)
	}
}

func TestSmallArguments(t *testing.T) {
	if got := DecodeHandle(u32(7)); got != 7 {
		t.Errorf("handle %d", got)
	}
	if got := DecodeAddress(u64(1 << 40)); got != 1<<40 {
		t.Errorf("address %#x", got)
	}
	if got := DecodeCookie(u64(1 << 50)); got != 1<<50 {
		t.Errorf("cookie %#x", got)
	}
	if got := DecodeError(u32(0xffffffea)); got != -22 {
		t.Errorf("error %d", got)
	}
}

// A stream that breaks off gives what is whole, and says where it breaks.
func TestBrokenStreams(t *testing.T) {
	whole := AppendHandle(nil, BC_ACQUIRE, 1)
	for _, tc := range []struct {
		name   string
		stream []byte
		items  int
		err    error
	}{
		{"empty", nil, 0, nil},
		{"whole", whole, 1, nil},
		{"cut in the number", append(bytes.Clone(whole), 1, 2), 1, &TruncatedError{Offset: 8, Have: 2, Need: 4}},
		{"cut in the argument", whole[:7], 0, &TruncatedError{Number: Number(BC_ACQUIRE), Have: 7, Need: 8}},
		{"no argument", AppendCommand(nil, BC_TRANSACTION), 0, &TruncatedError{Number: Number(BC_TRANSACTION), Have: 4, Need: 68}},
		{"unknown and whole", append(u32(0x40046363), 1, 2, 3, 4), 1, nil},
		{"all ones", u32(0xffffffff), 0, &TruncatedError{Number: 0xffffffff, Have: 4, Need: 4 + 0x3fff}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := NewCommandReader(tc.stream)
			items := 0
			for _, _, ok := r.Next(); ok; _, _, ok = r.Next() {
				items++
			}
			if items != tc.items {
				t.Errorf("%d commands, want %d", items, tc.items)
			}
			var got *TruncatedError
			if err := r.Err(); err != nil && !errors.As(err, &got) {
				t.Fatalf("error %T", err)
			}
			var want *TruncatedError
			errors.As(tc.err, &want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.stream[r.Offset():], r.Rest()); diff != "" {
				t.Errorf("rest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTruncatedErrorText(t *testing.T) {
	r := NewCommandReader(AppendHandle(nil, BC_ACQUIRE, 1)[:6])
	if got, want := r.Err().Error(), "command stream breaks off at byte 0: BC_ACQUIRE has 6 bytes and needs 8"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Arguments end where they end: appending to one must not write over the next command.
func TestArgumentsAreClipped(t *testing.T) {
	b := AppendHandle(AppendHandle(nil, BC_ACQUIRE, 1), BC_RELEASE, 2)
	r := NewCommandReader(b)
	_, arg, _ := r.Next()
	_ = append(arg, 0xff)
	if cmd, _, _ := r.Next(); cmd != BC_RELEASE {
		t.Errorf("the second command became %s", cmd)
	}
}

func TestStreamsDoNotAllocate(t *testing.T) {
	buf := make([]byte, 0, 1024)
	tr := TransactionData{Target: 1}
	if n := testing.AllocsPerRun(100, func() {
		b := AppendTransaction(buf, BC_TRANSACTION, &tr)
		b = AppendHandleCookie(b, BC_REQUEST_DEATH_NOTIFICATION, HandleCookie{Handle: 1, Cookie: 2})
		b = AppendPtrCookie(b, BC_ACQUIRE_DONE, PtrCookie{Pointer: 1, Cookie: 2})
		b = AppendReturnTransaction(b, BR_TRANSACTION, &tr)
		r := NewCommandReader(b)
		for _, _, ok := r.Next(); ok; _, _, ok = r.Next() {
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// FuzzReaders gives the readers any bytes: what they return, put together again, is the stream up to where
// it breaks, and the typed arguments decode.
func FuzzReaders(f *testing.F) {
	f.Add([]byte{})
	f.Add(AppendHandle(nil, BC_ACQUIRE, 1))
	f.Add(AppendReturnTransaction(AppendReturn(nil, BR_NOOP), BR_TRANSACTION, &TransactionData{Code: 1}))
	f.Add(AppendTransactionSG(nil, BC_TRANSACTION_SG, &TransactionDataSG{})[:20])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		commands, returns := NewCommandReader(b), NewReturnReader(b)
		var again []byte
		for {
			cmd, arg, ok := commands.Next()
			ret, same, also := returns.Next()
			if ok != also || Number(cmd) != Number(ret) || !bytes.Equal(arg, same) {
				t.Fatal("the two readers differ")
			}
			if !ok {
				break
			}
			if len(arg) != cmd.Size() {
				t.Fatalf("%s has %d bytes", cmd, len(arg))
			}
			again = append(binary.LittleEndian.AppendUint32(again, uint32(cmd)), arg...)
			decodeAny(cmd, ret, arg)
		}
		if !bytes.Equal(again, b[:commands.Offset()]) {
			t.Errorf("%x read as %x", b, again)
		}
		if err := commands.Err(); (err == nil) != (len(commands.Rest()) == 0) {
			t.Errorf("%d bytes left and error %v", len(commands.Rest()), err)
		} else if err != nil && err.Error() == "" {
			t.Error("an error without words")
		}
	})
}

// decodeAny decodes arg as whoever trusts the number would.
func decodeAny(cmd Command, ret Return, arg []byte) {
	switch cmd {
	case BC_TRANSACTION, BC_REPLY:
		new(TransactionData).Decode(arg)
	case BC_TRANSACTION_SG, BC_REPLY_SG:
		new(TransactionDataSG).Decode(arg)
	case BC_INCREFS, BC_ACQUIRE, BC_RELEASE, BC_DECREFS:
		DecodeHandle(arg)
	case BC_FREE_BUFFER:
		DecodeAddress(arg)
	case BC_INCREFS_DONE, BC_ACQUIRE_DONE:
		new(PtrCookie).Decode(arg)
	case BC_REQUEST_DEATH_NOTIFICATION, BC_CLEAR_DEATH_NOTIFICATION:
		new(HandleCookie).Decode(arg)
	case BC_ATTEMPT_ACQUIRE:
		new(PriDesc).Decode(arg)
	case BC_DEAD_BINDER_DONE:
		DecodeCookie(arg)
	}
	switch ret {
	case BR_ERROR:
		DecodeError(arg)
	case BR_TRANSACTION, BR_REPLY:
		new(TransactionData).Decode(arg)
	case BR_TRANSACTION_SEC_CTX:
		new(TransactionDataSecctx).Decode(arg)
	case BR_INCREFS, BR_ACQUIRE, BR_RELEASE, BR_DECREFS:
		new(PtrCookie).Decode(arg)
	case BR_ATTEMPT_ACQUIRE:
		new(PriPtrCookie).Decode(arg)
	case BR_FROZEN_BINDER:
		new(FrozenStateInfo).Decode(arg)
	}
}
