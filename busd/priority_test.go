package busd

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// niceValues is the nice values of a world's threads, and how often somebody asked for one.
type niceValues struct {
	of    map[ThreadID]int8
	asked int
	limit int8 // the lowest that may be set, in place of lower ones
}

func (v *niceValues) Nice(tid ThreadID) (int8, bool) { v.asked++; return v.of[tid], true }

func (v *niceValues) SetNice(tid ThreadID, nice int8) { v.of[tid] = max(nice, v.limit) }

// niceWorld is a server, all of whose threads have nice value 2 by themselves, and a caller with 7.
func niceWorld(t *testing.T, lending Lending, flags ioctl.ObjectFlags) (w *world, v *niceValues, server, caller *thread, h ioctl.Handle) {
	w = newWorld(t)
	v = &niceValues{of: map[ThreadID]int8{}, limit: -20}
	server, caller = w.open().readyThread(), w.open().readyThread()
	server.Process.priorities, server.Process.lending, server.Process.nice = v, lending, 2
	caller.Process.priorities = v
	h = w.introduceAs(server, 0x10, flags, caller.client)
	v.of[server.tid], v.of[caller.tid], v.asked = 2, 7, 0
	return w, v, server, caller, h
}

func (v *niceValues) want(t *testing.T, when string, th *thread, want int8) {
	t.Helper()
	diff(t, when, want, v.of[th.tid])
}

func TestNiceValues(t *testing.T) {
	w, v, server, caller, h := niceWorld(t, LendFreely, 0x7f)
	server.begin(nil)
	caller.begin(caller.toCall(h, ""))
	tr := server.says("BR_TRANSACTION")
	v.want(t, "serving", server, 7)
	v.of[server.tid] = 11 // its own doing
	server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	v.want(t, "after the reply", server, 2)
	v.want(t, "the caller", caller, 7)

	// From now on a call costs two questions.
	for range 3 {
		v.asked = 0
		server.begin(nil)
		caller.begin(caller.toCall(h, ""))
		tr := server.says("BR_TRANSACTION")
		v.want(t, "serving", server, 7)
		server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
		v.want(t, "after the reply", server, 2)
		caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
		diff(t, "questions", 2, v.asked)
	}

	// Whatever else the thread does makes the broker look again.
	server.write(nil)
	v.of[server.tid] = 5
	server.begin(nil)
	v.want(t, "waiting", server, 2)
	caller.exchange(caller.toSend(h, ""), "BR_TRANSACTION_COMPLETE")
	server.says("BR_TRANSACTION")
	v.want(t, "serving oneway", server, 2)
	server.Process.Release()
	w.finish(caller.client)
}

// Nobody is asked for anything where nothing may be lent.
func TestNiceValuesThatMayNotBeLent(t *testing.T) {
	w, v, server, caller, h := niceWorld(t, LendNone, 0)
	server.begin(nil)
	caller.begin(caller.toCall(h, ""))
	tr := server.says("BR_TRANSACTION")
	server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	diff(t, "questions", 0, v.asked)
	v.want(t, "the server", server, 2)
	w.finish(server.client, caller.client)
}

// With a limit, a thread gets the limit where it would get less, and even where it would get what it
// has.
func TestNiceValuesWithALimit(t *testing.T) {
	w, v, server, caller, h := niceWorld(t, LendLimited, 0x7f)
	v.limit, v.of[caller.tid] = 5, -3
	server.begin(nil)
	v.want(t, "waiting", server, 5)
	caller.begin(caller.toCall(h, ""))
	tr := server.says("BR_TRANSACTION")
	v.want(t, "serving", server, 5)
	server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
	caller.says("BR_TRANSACTION_COMPLETE", "BR_REPLY")
	v.want(t, "after the reply", server, 5)
	w.finish(server.client, caller.client)
}
