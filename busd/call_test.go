package busd

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/ioctl"
)

// returns lists the codes of a BR_ stream, and answers its transaction, if it has one.
func returns(t testing.TB, b []byte) (codes []string, tr *ioctl.TransactionData) {
	t.Helper()
	r := ioctl.NewReturnReader(b)
	for code, arg, ok := r.Next(); ok; code, arg, ok = r.Next() {
		s := code.String()
		switch code {
		case ioctl.BR_TRANSACTION, ioctl.BR_REPLY:
			tr = new(ioctl.TransactionData)
			tr.Decode(arg)
		case ioctl.BR_TRANSACTION_SEC_CTX:
			var sec ioctl.TransactionDataSecctx
			sec.Decode(arg)
			tr = &sec.TransactionData
			s += fmt.Sprintf(" +%d", sec.Secctx-sec.Buffer)
		case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE, ioctl.BR_RELEASE, ioctl.BR_DECREFS:
			var pc ioctl.PtrCookie
			pc.Decode(arg)
			s += fmt.Sprintf(" %x %x", pc.Pointer, pc.Cookie)
		case ioctl.BR_DEAD_BINDER, ioctl.BR_CLEAR_DEATH_NOTIFICATION_DONE:
			s += fmt.Sprintf(" %x", ioctl.DecodeCookie(arg))
		}
		codes = append(codes, s)
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return codes, tr
}

// expect checks the codes of a BR_ stream and answers its transaction.
func expect(t testing.TB, b []byte, want ...string) *ioctl.TransactionData {
	t.Helper()
	got, tr := returns(t, b)
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("returns (-want +got):\n%s", d)
	}
	return tr
}

func TestCallAndReply(t *testing.T) {
	w := newWorld(t)
	server := w.manager()
	caller := w.openAs(2000).readyThread()

	server.begin(nil)
	caller.begin(ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, caller.put(ioctl.TransactionData{Code: 7}, []byte("question"))))
	tr := expect(t, server.end(), "BR_NOOP", "BR_TRANSACTION")
	if got := string(server.received(tr)); got != "question" || tr.Code != 7 || tr.SenderEUID != 2000 || tr.SenderPID != int32(caller.id.PID) {
		t.Errorf("received %q, %+v", got, tr)
	}
	if !caller.parked() {
		t.Fatal("the caller returned before it had a reply")
	}
	reply := ioctl.AppendFreeBuffer(nil, tr.Buffer)
	server.begin(ioctl.AppendTransaction(reply, ioctl.BC_REPLY, server.put(ioctl.TransactionData{}, []byte("answer"))))
	expect(t, server.end(), "BR_NOOP", "BR_TRANSACTION_COMPLETE")
	tr = expect(t, caller.end(), "BR_NOOP", "BR_TRANSACTION_COMPLETE", "BR_REPLY")
	if got := string(caller.received(tr)); got != "answer" {
		t.Errorf("received %q", got)
	}
	caller.write(ioctl.AppendFreeBuffer(nil, tr.Buffer))
	server.Process.Release()
	caller.Process.Release()
	w.checkEmpty()
}

// checkEmpty checks that nothing is left once all clients are gone.
func (w *world) checkEmpty() {
	w.Helper()
	type left struct {
		Totals, Procs, Users any
		Created              [statObjects]int64
	}
	got := left{Totals: w.ctx.ledger.Totals(), Procs: w.ctx.procs.first != nil, Users: len(w.bus.users)}
	for i := range got.Created {
		got.Created[i] = w.bus.stats.created[i].Load() - w.bus.stats.deleted[i].Load()
	}
	want := left{Totals: got.Totals, Procs: false, Users: 0}
	if fmt.Sprint(got.Totals) != "{0 0 0 0}" {
		w.Errorf("the ledger is left with %+v", got.Totals)
	}
	if d := cmp.Diff(want, got); d != "" {
		w.Errorf("left behind (-want +got):\n%s", d)
	}
}

// BenchmarkCall is a whole null call through the core alone: two threads' worth of ioctls.
func BenchmarkCall(b *testing.B) {
	for _, size := range []int{0, 64, 2048} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w := newWorld(b)
			server, caller := w.manager(), w.open().readyThread()
			call := ioctl.AppendFreeBuffer(nil, areaAt)
			call = ioctl.AppendTransaction(call, ioctl.BC_TRANSACTION, caller.put(ioctl.TransactionData{}, make([]byte, size)))
			answer := ioctl.AppendFreeBuffer(nil, areaAt)
			answer = ioctl.AppendTransaction(answer, ioctl.BC_REPLY, server.put(ioctl.TransactionData{}, make([]byte, size)))
			server.begin(nil)
			b.ReportAllocs()
			for b.Loop() {
				caller.begin(call)
				server.wait()
				server.begin(answer)
				server.wait() // BR_TRANSACTION_COMPLETE
				server.begin(nil)
				caller.wait()
			}
		})
	}
}
