package busd

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// Who ends, and how.
type ending struct {
	name string
	end  func(th *thread)
}

var endings = []ending{
	{"process dies", func(th *thread) { th.Process.Release() }},
	{"thread exits", func(th *thread) { th.exit() }},
	{"thread is gone", func(th *thread) { th.ThreadGone(th.tid) }},
}

// A server ends in each phase of a call.
func TestServerEnds(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			for phase := range 5 {
				t.Run(fmt.Sprint(phase), func(t *testing.T) {
					w := newWorld(t)
					server, caller := w.open().readyThread(), w.open().readyThread()
					h := w.introduce(server, 0x10, caller.client)
					f := &file{}
					caller.files[3] = f
					var want []string
					dead := []string{"BR_TRANSACTION_COMPLETE", "BR_DEAD_REPLY"}
					switch phase {
					case 0: // nothing is under way
						e.end(server)
					case 1: // queued, for whoever comes
						caller.begin(caller.toCall(h, "x"))
						e.end(server)
						if server.Process.dead {
							want = dead
						}
					case 2: // served
						caller.begin(caller.toCall(h, "x"))
						server.exchange(nil, "BR_TRANSACTION")
						e.end(server)
						want = dead
					case 3: // served, and the buffer is free already
						caller.begin(caller.toCall(h, "x"))
						server.write(free(server.exchange(nil, "BR_TRANSACTION")))
						e.end(server)
						want = dead
					case 4: // answered
						caller.begin(caller.toCall(h, "x"))
						server.exchange(nil, "BR_TRANSACTION")
						server.write(server.toReply("y"))
						e.end(server)
						want = []string{"BR_TRANSACTION_COMPLETE", "BR_REPLY"}
					}
					w.check()
					if want != nil {
						caller.says(want...)
						caller.failsWith(ioctl.BR_OK, 0)
					}
					w.finish(caller.client, server.client)
					diff(t, "descriptors", int32(0), f.open.Load())
				})
			}
		})
	}
}

// A call whose caller has died is delivered all the same; the answer goes nowhere.
func TestAnswerToTheDead(t *testing.T) {
	for _, e := range endings {
		for _, phase := range []string{"queued", "served"} {
			t.Run(e.name+", "+phase, func(t *testing.T) {
				w := newWorld(t)
				server, caller := w.open().readyThread(), w.openAs(77).readyThread()
				h := w.introduce(server, 0x10, caller.client)
				caller.write(caller.toCall(h, "x"))
				server.begin(nil)
				var tr *ioctl.TransactionData
				if phase == "served" {
					tr = server.hears("x", "BR_TRANSACTION")
				}
				e.end(caller)
				w.check()
				if phase == "queued" {
					tr = server.hears("x", "BR_TRANSACTION")
				}
				// The reply stops the commands after it, as a failure.
				copy(server.at(server.base, 4096), join(free(tr), server.toReply("y"), enter))
				server.issueWR(ioctl.WriteRead{WriteSize: 12 + 68 + 4, WriteBuffer: server.base, ReadSize: 2048, ReadBuffer: server.base + 4096})
				if r := server.wait(); r != 0 {
					t.Fatal(r)
				}
				wc, rc := server.consumed()
				diff(t, "consumed", uint64(80), wc)
				expect(t, server.at(server.base+4096, int(rc)), "BR_NOOP", "BR_TRANSACTION_COMPLETE")
				server.failsWith(ioctl.BR_OK, 0)
				w.finish(server.client, caller.client)
			})
		}
	}
}

// A reply that nobody reads goes with its receiver.
func TestReplyUnread(t *testing.T) {
	for _, e := range endings {
		t.Run(e.name, func(t *testing.T) {
			w := newWorld(t)
			server, caller := w.open().readyThread(), w.open().readyThread()
			h := w.introduce(server, 0x10, caller.client)
			caller.write(caller.toCall(h, "x"))
			server.exchange(nil, "BR_TRANSACTION")
			server.exchange(server.toReply(strongBinder(0x50), 0), "BR_INCREFS"+cookies(0x50), "BR_ACQUIRE"+cookies(0x50), "BR_TRANSACTION_COMPLETE")
			w.check()
			e.end(caller)
			w.check()
			w.finish(caller.client, server.client)
		})
	}
}

// A thread's number can belong to another thread at once.
func TestThreadGoneTooLate(t *testing.T) {
	w := newWorld(t)
	c := w.open().readyThread()
	c.begin(enter)
	c.ThreadGone(c.tid)
	c.ThreadGone(12345)
	c.waits()
	w.check()
	c.Interrupt(&c.call)
	c.fails(syscall.EINTR)
	c.ThreadGone(c.tid)
	diff(t, "threads", 0, len(c.Process.threads))
	w.finish(c.client)
	c.Process.Release() // a second time
	c.ThreadGone(c.tid)
	c.Flush()
	diff(t, "poll", uint32(PollErr), c.Poll(c.tid, true))
	c.start(ioctl.BINDER_VERSION, nil)
	c.fails(syscall.ECONNREFUSED)
	w.checkEmpty()
}

// A process dies while its calls wait and its thread is in the middle of one.
func TestReleaseEndsWaits(t *testing.T) {
	w := newWorld(t)
	c := w.open()
	a, b := c.readyThread(), c.readyThread()
	a.begin(enter)
	b.begin(nil)
	c.Process.Release()
	a.fails(syscall.EINTR)
	b.fails(syscall.EINTR)
	if !c.closed {
		t.Log("the area was never found, so not closed")
	}
	w.checkEmpty()
}
