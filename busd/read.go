package busd

import (
	"encoding/binary"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// minRoom is what must be left of a read buffer for another work to be begun: the longest
// command, whatever the work is (the driver's rule).
const minRoom = 4 + ioctl.SizeofTransactionDataSecctx

// maxStream bounds what one read returns, however large its buffer.
const maxStream = 64 << 10

// A reading is a BR_ stream as it grows.
type reading struct {
	call *Call
	proc *Process
}

func putReturn(b []byte, code ioctl.Return) { binary.LittleEndian.PutUint32(b, uint32(code)) }

// put appends a code without an argument.
func (r *reading) put(code ioctl.Return) {
	s := &r.call.state
	s.out = binary.LittleEndian.AppendUint32(s.out, uint32(code))
	r.proc.returned(code)
}

// putWord appends a code with a 64-bit argument.
func (r *reading) putWord(code ioctl.Return, word uint64) {
	r.put(code)
	r.call.state.out = binary.LittleEndian.AppendUint64(r.call.state.out, word)
}

// putPtrCookie appends a code that names a node of the reader's.
func (r *reading) putPtrCookie(code ioctl.Return, ptr ioctl.Pointer, cookie ioctl.Cookie) {
	r.putWord(code, uint64(ptr))
	r.call.state.out = binary.LittleEndian.AppendUint64(r.call.state.out, uint64(cookie))
}

// putFrozen appends BR_FROZEN_BINDER.
func (r *reading) putFrozen(info ioctl.FrozenStateInfo) {
	s := &r.call.state
	s.out = ioctl.AppendReturnFrozen(s.out, info)
	r.proc.returned(ioctl.BR_FROZEN_BINDER)
}

// putTransaction appends BR_TRANSACTION, BR_TRANSACTION_SEC_CTX or BR_REPLY.
func (r *reading) putTransaction(code ioctl.Return, tr *ioctl.TransactionData, secctx ioctl.Address) {
	r.put(code)
	s := &r.call.state
	n := len(s.out)
	s.out = append(s.out, zeros[:ioctl.SizeofTransactionData]...)
	tr.Encode(s.out[n:])
	if code == ioctl.BR_TRANSACTION_SEC_CTX {
		s.out = binary.LittleEndian.AppendUint64(s.out, uint64(secctx))
	}
}

var zeros [ioctl.SizeofTransactionData]byte

// room is what is left of the client's read buffer.
func (r *reading) room() uint64 {
	s := &r.call.state
	total := min(s.wr.ReadSize-min(s.wr.ReadSize, s.wr.ReadConsumed), maxStream)
	return total - min(total, uint64(len(s.out)))
}

// read fills the ready call's stream with the thread's work and then, if the thread may, with the
// process's. It answers false when there was nothing and the call waits again.
func (th *Thread) read(c *Call) bool {
	s, p := &c.state, th.proc
	ctx := p.ctx
	if s.out == nil {
		s.out = s.inline[:0]
	}
	s.out, s.stored, s.noStart = s.out[:0], 0, false
	r := &s.reading
	*r = reading{call: c, proc: p}

	ctx.mu.Lock()
	if s.wr.ReadConsumed == 0 {
		r.put(ioctl.BR_NOOP)
	}
	for last := false; !last; {
		var q *queue
		switch {
		case th.dead:
			s.result = -int32(syscall.EINTR)
		case !th.todo.empty():
			q = &th.todo
		case s.waitProc && !p.todo.empty():
			q = &p.todo
		case s.wr.ReadConsumed+uint64(len(s.out)) == 4 && !th.needReturn:
			th.wait(c)
			ctx.mu.Unlock()
			return false
		}
		if q == nil || r.room() < minRoom {
			break
		}
		l := q.pop()
		if th.todo.empty() {
			th.processTodo = false
		}
		if t, ok := l.work.(*transaction); ok && len(t.files) > 0 {
			errno := t.giveFiles(th)
			if th.dead {
				t.cancel(p)
				continue
			}
			if errno != 0 {
				last = t.refuse(th, r)
				continue
			}
		}
		told := ioctl.Return(0)
		n, ok := l.work.(*notice)
		if ok {
			told = n.code
		}
		last = l.work.deliver(th, r)
		if th.sureToStore(c) {
			continue
		}
		// What cannot be written is lost, and ends the read; what is behind it stays.
		ctx.mu.Unlock()
		ok = th.store(c)
		ctx.mu.Lock()
		if !ok {
			s.result = -int32(syscall.EFAULT)
			if told != 0 {
				n.code = told // never told: the thread stays as it is
			}
			break
		}
	}
	first := ioctl.Return(0)
	if s.result == 0 && p.requested == 0 && p.waiting.first == nil && p.started < p.maxThreads && th.looper&(looperRegistered|looperEntered) != 0 {
		p.requested++
		first = ioctl.BR_SPAWN_LOOPER
		p.returned(first)
	}
	ctx.mu.Unlock()

	if first != 0 {
		// It takes the place of whatever stands first in the client's buffer: of BR_NOOP, unless
		// the client made us begin further in.
		if s.wr.ReadConsumed == 0 && s.stored == 0 && len(s.out) >= 4 {
			putReturn(s.out, first)
		} else {
			code := make([]byte, 4)
			putReturn(code, first)
			n, _ := p.memory.Write(th.tid, code, s.wr.ReadBuffer)
			s.noStart = n < len(code)
		}
	}
	return true
}
