package busd

import (
	"fmt"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

func TestOnewayOneAtATimeForEachNode(t *testing.T) {
	w := newWorld(t)
	server, other := w.open().readyThread(), (*thread)(nil)
	other = server.client.readyThread()
	caller := w.open().readyThread()
	one, two := w.introduce(server, 0x10, caller.client), w.introduce(server, 0x20, caller.client)

	for i := range 3 {
		caller.exchange(caller.toSend(one, fmt.Sprint("one ", i)), "BR_TRANSACTION_COMPLETE")
	}
	caller.exchange(caller.toSend(two, "two"), "BR_TRANSACTION_COMPLETE")
	w.check()

	server.begin(enter)
	first := server.hears("one 0", "BR_TRANSACTION")
	if first.SenderPID != 0 || first.SenderEUID != 1000 || first.Pointer() != 0x10 {
		t.Errorf("received %+v", first)
	}
	other.begin(enter)
	second := other.hears("two", "BR_TRANSACTION")
	other.begin(nil)
	other.waits() // "one 1" waits for the buffer of "one 0"
	server.write(free(second))
	other.waits()
	server.write(free(first))
	w.check()
	tr := other.hears("one 1", "BR_TRANSACTION")
	other.begin(free(tr))
	tr = other.hears("one 2", "BR_TRANSACTION")
	other.begin(free(tr))
	other.waits()
	w.check()

	// A call does not wait for oneway transactions.
	caller.exchange(caller.toSend(one, "a"), "BR_TRANSACTION_COMPLETE")
	tr = other.hears("a", "BR_TRANSACTION")
	server.begin(nil)
	caller.begin(caller.toCall(one, "b"))
	server.hears("b", "BR_TRANSACTION")
	server.exchange(server.toReply(""), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	other.write(free(tr))
	w.finish(server.client, caller.client)
}

func TestOnewayMayUseHalfOfTheArea(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	big := make([]byte, 2000)

	sent := 0
	for ; sent < 100; sent++ {
		caller.begin(caller.toSend(h, string(big)))
		if codes, _ := returns(t, caller.end()); codes[1] != "BR_TRANSACTION_COMPLETE" {
			break
		}
	}
	if want := areaSize / 2 / 2000; sent != want {
		t.Errorf("%d oneway transactions fit, want %d", sent, want)
	}
	caller.failsWith(ioctl.BR_FAILED_REPLY, 28)
	w.check()
	// A call has the other half.
	caller.begin(caller.toCall(h, string(big)))
	caller.waits()
	w.finish(server.client, caller.client)
}

// The sender of too many oneway transactions is told so, if it asked for it.
func TestOnewaySpamIsTold(t *testing.T) {
	for _, asked := range []bool{true, false} {
		t.Run(fmt.Sprint(asked), func(t *testing.T) {
			w := newWorld(t)
			server, caller := w.open().readyThread(), w.open().readyThread()
			h := w.introduce(server, 0x10, caller.client)
			if asked {
				if errno := caller.ioctl(ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, word(1)); errno != 0 {
					t.Fatal(errno)
				}
			}
			got := map[string]int{}
			for range 16 {
				caller.begin(caller.toSend(h, string(make([]byte, 2000))))
				codes, _ := returns(t, caller.end())
				got[codes[1]]++
			}
			want := map[string]int{"BR_TRANSACTION_COMPLETE": 16}
			if asked {
				want = map[string]int{"BR_TRANSACTION_COMPLETE": 15, "BR_ONEWAY_SPAM_SUSPECT": 1}
			}
			diff(t, "returns", want, got)
			w.finish(caller.client, server.client)
		})
	}
}

// The end of the thread that received a oneway transaction does not matter to the next.
func TestOnewayOutlivesItsThread(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	server.begin(enter)
	for i := range 3 {
		caller.exchange(caller.toSend(h, fmt.Sprint(i)), "BR_TRANSACTION_COMPLETE")
	}
	first := server.hears("0", "BR_TRANSACTION")
	server.exit()
	w.check()
	other := server.client.readyThread()
	other.begin(free(first))
	other.hears("1", "BR_TRANSACTION")
	w.check()
	server.Process.Release() // with one delivered and one behind it
	w.check()
	caller.exchange(caller.toSend(h, "3"), "BR_DEAD_REPLY")
	w.finish(caller.client)
}
