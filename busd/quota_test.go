package busd

import (
	"strings"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// Each limit, met and let go of again.
func TestLimits(t *testing.T) {
	type scene struct {
		*world
		server, caller *thread
		h              ioctl.Handle
	}
	refused := func(s *scene, stream []byte, errno syscall.Errno) {
		s.Helper()
		s.caller.exchange(stream, "BR_FAILED_REPLY")
		s.caller.failsWith(ioctl.BR_FAILED_REPLY, errno)
		s.check()
	}
	const complete = "BR_TRANSACTION_COMPLETE"
	tests := map[string]struct {
		limits Limits
		story  func(s *scene)
	}{
		"processes": {Limits{Processes: 3}, func(s *scene) {
			var opened []*client
			for range 3 {
				c, errno := s.tryOpen(Identity{EUID: 2000})
				if errno != 0 {
					s.Fatal(errno)
				}
				opened = append(opened, c)
			}
			if _, errno := s.tryOpen(Identity{EUID: 2000}); errno != syscall.EMFILE {
				s.Errorf("one more: %v", errno)
			}
			s.openAs(3000).Process.Release() // another user
			opened[0].Process.Release()
			s.openAs(2000).Process.Release()
			opened[1].Process.Release()
			opened[2].Process.Release()
		}},
		"bytes": {Limits{BufferBytes: 2 * (bufferCost + 1000)}, func(s *scene) {
			big := strings.Repeat("x", 1000)
			s.caller.exchange(s.caller.toSend(s.h, big), complete)
			s.caller.exchange(s.caller.toSend(s.h, big), complete)
			refused(s, s.caller.toSend(s.h, ""), syscall.ENOSPC)
			other := s.openAs(3000).readyThread()
			other.exchange(other.toSend(s.introduceQuietly(s.h, s.caller.client, other.client), ""), complete)
			s.server.write(free(s.server.exchange(nil, "BR_TRANSACTION")))
			s.caller.exchange(s.caller.toSend(s.h, ""), complete)
			other.Process.Release()
		}},
		"empty buffers": {Limits{BufferBytes: 20 * (bufferCost + 8)}, func(s *scene) {
			for range 20 {
				s.caller.exchange(s.caller.toSend(s.h, ""), complete)
			}
			refused(s, s.caller.toSend(s.h, ""), syscall.ENOSPC)
		}},
		"nodes": {Limits{Nodes: 2}, func(s *scene) {
			two := strongBinder(0x100) + strongBinder(0x200)
			refused(s, s.caller.toSend(s.h, two+strongBinder(0x300), 0, 24, 48), syscall.ENOMEM)
			s.caller.begin(s.caller.toSend(s.h, two, 0, 24))
			s.caller.end()
			refused(s, s.caller.toSend(s.h, strongBinder(0x300), 0), syscall.ENOMEM)
			s.caller.exchange(s.caller.toSend(s.h, two, 0, 24), complete) // nothing new
		}},
		"handles": {Limits{Handles: 2}, func(s *scene) {
			two := strongBinder(0x100) + weakBinder(0x200)
			refused(s, s.caller.toSend(s.h, two+strongBinder(0x300), 0, 24, 48), syscall.ENOMEM)
			s.caller.exchange(s.caller.toSend(s.h, two, 0, 24), "BR_INCREFS 100 101", "BR_ACQUIRE 100 101", "BR_INCREFS 200 201", complete)
			refused(s, s.caller.toSend(s.h, strongBinder(0x300), 0), syscall.ENOMEM)
			s.caller.exchange(s.caller.toSend(s.h, two, 0, 24), complete) // nothing new
			other := s.openAs(3000).readyThread()
			other.exchange(other.toSend(s.introduceQuietly(s.h, s.server.client, other.client), ""), complete)
			other.Process.Release()
		}},
		"parked calls": {Limits{ParkedCalls: 2}, func(s *scene) {
			a, b, c := s.caller, s.caller.client.readyThread(), s.caller.client.readyThread()
			a.begin(enter)
			b.begin(nil)
			c.begin(nil)
			c.fails(syscall.EAGAIN)
			s.server.begin(enter)
			s.server.waits()
			a.Interrupt(&a.call)
			a.fails(syscall.EINTR)
			c.begin(nil)
			c.waits()
		}},
		"descriptors": {Limits{Descriptors: 2}, func(s *scene) {
			f := &file{}
			s.caller.files[3] = f
			two := descriptor(3) + descriptor(3)
			refused(s, s.caller.toSend(s.h, two+descriptor(3), 0, 24, 48), syscall.EMFILE)
			diff(s, "open", int32(0), f.open.Load())
			s.caller.exchange(s.caller.toSend(s.h, two, 0, 24), complete)
			refused(s, s.caller.toSend(s.h, descriptor(3), 0), syscall.EMFILE)
			diff(s, "open", int32(2), f.open.Load())
			s.server.exchange(nil, "BR_TRANSACTION")
			diff(s, "open", int32(0), f.open.Load())
			s.caller.exchange(s.caller.toSend(s.h, descriptor(3), 0), complete)
		}},
		"unread": {Limits{Unread: 3}, func(s *scene) {
			for range 3 {
				s.caller.write(s.caller.toSend(s.h, ""))
			}
			s.caller.write(s.caller.toSend(s.h, ""))
			s.caller.exchange(nil, complete, complete, complete, "BR_FAILED_REPLY")
			s.caller.failsWith(ioctl.BR_FAILED_REPLY, syscall.ENOMEM)
			s.caller.exchange(s.caller.toSend(s.h, ""), complete)
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.bus.limits = test.limits.withDefaults()
			s := &scene{world: w, server: w.openAs(1000).readyThread(), caller: w.openAs(2000).readyThread()}
			s.h = w.introduceAs(s.server, 0x10, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, s.caller.client)
			if name == "processes" {
				s.caller.Process.Release()
			}
			test.story(s)
			w.finish(s.caller.client, s.server.client)
		})
	}
}

// What a client's buffers cost is on its account until they are freed, though it is dead.
func TestAccountOutlivesItsProcesses(t *testing.T) {
	w := newWorld(t)
	server, caller := w.openAs(1000).readyThread(), w.openAs(2000).readyThread()
	h := w.introduce(server, 0x10, caller.client)
	caller.exchange(caller.toSend(h, "x"), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	caller.Process.Release()
	diff(t, "accounts", 2, len(w.bus.users))
	server.write(free(tr))
	w.finish(server.client)
}

// Trim gives back the memory of those that have had nothing for a while.
func TestTrim(t *testing.T) {
	w := newWorld(t)
	server, caller := w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	w.bus.Trim() // nothing yet
	caller.exchange(caller.toSend(h, "secret"), "BR_TRANSACTION_COMPLETE")
	tr := server.exchange(nil, "BR_TRANSACTION")
	trimmed := func(want bool) {
		t.Helper()
		diff(t, "trimmed", want, string(server.received(tr)) != "secret")
	}
	w.bus.Trim()
	w.bus.Trim()
	trimmed(false) // in use
	server.write(free(tr))
	trimmed(false)
	w.bus.Trim()
	trimmed(true)
	w.check()
	// A buffer since the last call keeps it.
	caller.exchange(caller.toSend(h, "secret"), "BR_TRANSACTION_COMPLETE")
	tr = server.exchange(nil, "BR_TRANSACTION")
	server.write(free(tr))
	w.bus.Trim()
	trimmed(false)
	w.bus.Trim()
	trimmed(true)
	w.finish(server.client, caller.client)
}

// A buffer with very many objects is given back in pieces, whoever gives it back.
func TestManyObjects(t *testing.T) {
	const n = 3*releaseChunk + 7
	for _, end := range []string{"freed", "refused", "receiver dies", "sender dies"} {
		t.Run(end, func(t *testing.T) {
			w := newWorld(t)
			server, caller := w.open().readyThread(), w.open().readyThread()
			h := w.introduce(server, 0x10, caller.client)
			object := strongHandle(h)
			last := object
			if end == "refused" {
				last = strongHandle(99)
			}
			payload := strings.Repeat(object, n-1) + last
			// Beyond what belongs to threads.
			at := memoryAt + 100<<10
			copy(caller.at(at, len(payload)), payload)
			tr := ioctl.TransactionData{Target: uint64(h), Flags: ioctl.TF_ONE_WAY, Buffer: at, DataSize: uint64(len(payload)), Offsets: at + 50<<10, OffsetsSize: 8 * n}
			var offsets []byte
			for _, off := range counting(n, 24) {
				offsets = append(offsets, word(uint32(off))...)
				offsets = append(offsets, 0, 0, 0, 0)
			}
			copy(caller.at(tr.Offsets, len(offsets)), offsets)
			stream := ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &tr)
			if end == "refused" {
				caller.exchange(stream, "BR_FAILED_REPLY")
				w.finish(caller.client, server.client)
				return
			}
			caller.exchange(stream, "BR_TRANSACTION_COMPLETE")
			got := server.exchange(nil, "BR_TRANSACTION")
			w.check()
			switch end {
			case "freed":
				server.write(free(got))
				diff(t, "buffers", 0, server.alloc.inUse)
				w.finish(caller.client, server.client)
			case "receiver dies":
				w.finish(server.client, caller.client)
			case "sender dies":
				w.finish(caller.client, server.client)
			}
		})
	}
}
