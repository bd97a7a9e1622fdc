package devicefs

import (
	"sync/atomic"
	"syscall"

	"github.com/fusebinder/fusebinder/busd"
)

// poll answers a FUSE_POLL at once. With POLL_SCHEDULE_NOTIFY the kernel wants to hear when to
// ask again.
func (r *reader) poll(h header) {
	s := r.server
	// struct fuse_poll_in: u64 fh, u64 kh, u32 flags, u32 events
	if len(h) < sizeofInHeader+24 {
		s.answered(s.wire.fail(h.unique(), syscall.EIO))
		return
	}
	in := h[sizeofInHeader:]
	o := s.opens.get(h.handle())
	if o == nil {
		// Other files are always ready. ENOSYS would turn polling off for the whole mount.
		s.answerPoll(h.unique(), 0x1|0x4) // POLLIN, POLLOUT
		return
	}
	schedule := le.Uint32(in[16:])&pollSchedule != 0
	if schedule {
		o.watcher.kh.Store(le.Uint64(in[8:]))
	}
	tid := busd.ThreadID(h.pid())
	o.threads.see(o, tid)
	s.answerPoll(h.unique(), o.process.Poll(tid, schedule))
}

// answerPoll sends struct fuse_poll_out: u32 revents, u32 padding.
func (s *Server) answerPoll(unique uint64, events uint32) {
	var m [sizeofOutHeader + sizeofPollOut]byte
	putOutHeader(m[:], len(m), 0, unique)
	le.PutUint32(m[sizeofOutHeader:], events)
	s.answered(s.wire.write(m[:]))
}

// A watcher wakes those that poll an open device. It implements busd.Watcher.
type watcher struct {
	wire wire
	kh   atomic.Uint64 // the kernel's name of the open file, 0 before anybody polls
}

// Ready sends struct fuse_notify_poll_wakeup_out: u64 kh.
func (w *watcher) Ready() {
	kh := w.kh.Load()
	if kh == 0 {
		return
	}
	var m [sizeofOutHeader + 8]byte
	putOutHeader(m[:], len(m), notifyPoll, 0)
	le.PutUint64(m[sizeofOutHeader:], kh)
	w.wire.write(m[:]) // fails when the file is closed: nobody polls it any longer
}
