package busd

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// In its steady state the broker allocates nothing: what a transaction needs was used before.
func TestNoAllocations(t *testing.T) {
	type scene struct {
		server, caller *thread
		h              ioctl.Handle
	}
	freeFirst := ioctl.AppendFreeBuffer(nil, areaAt)
	tests := map[string]func(s *scene) func(){
		"call": func(s *scene) func() {
			call := join(freeFirst, s.caller.toCall(s.h, "question"))
			reply := join(freeFirst, s.server.toReply("answer"))
			return func() {
				s.server.begin(nil)
				s.caller.begin(call)
				s.server.wait()
				s.server.begin(reply)
				s.server.wait()
				s.caller.wait()
			}
		},
		"call with a handle": func(s *scene) func() {
			call := join(freeFirst, s.caller.toCall(s.h, strongHandle(s.h)+strongHandle(2), 0, 24))
			reply := join(freeFirst, s.server.toReply(strongBinder(0x30), 0))
			return func() {
				s.server.begin(nil)
				s.caller.begin(call)
				s.server.wait()
				s.server.begin(reply)
				s.server.wait()
				s.caller.wait()
			}
		},
		"oneway": func(s *scene) func() {
			send := s.caller.toSend(s.h, "news")
			return func() {
				s.server.begin(freeFirst)
				s.caller.begin(send)
				s.server.wait()
				s.caller.wait()
			}
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s := &scene{server: w.open().readyThread(), caller: w.open().readyThread()}
			third := w.open().readyThread()
			s.h = w.introduce(s.server, 0x10, s.caller.client)
			// What is sent along is known on both sides.
			w.introduce(third, 0x20, s.caller.client)
			w.introduce(third, 0x20, s.server.client)
			w.introduce(s.server, 0x30, s.caller.client)
			once := test(s)
			for range 20 {
				once()
			}
			w.check()
			before := w.bus.stats.created[statTransaction].Load()
			if n := testing.AllocsPerRun(200, once); n != 0 && !raceDetector {
				t.Errorf("%v allocations", n)
			}
			if n := w.bus.stats.created[statTransaction].Load() - before; n < 200 {
				t.Errorf("%d transactions: nothing was measured", n)
			}
			w.check()
		})
	}
}
