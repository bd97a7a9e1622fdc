package busd

import (
	"encoding/binary"
	"fmt"
	"io"
	"syscall"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A transaction is a call, a oneway call or a reply, from the moment its bytes have been copied
// until it was answered or delivered. A call is on two stacks: that of the thread it came from,
// linked by fromParent, and, once delivered, that of the thread that serves it, by toParent.
type transaction struct {
	link
	id    uint32
	code  ioctl.Code
	flags ioctl.Flags
	reply bool

	from       *Thread // whom to answer: nil for oneway calls and replies, and when it has died
	fromParent *transaction
	depth      int      // how many calls it is nested in
	to         *Process // nil when the process or thread that had it has died
	toThread   *Thread
	toParent   *transaction
	sender     *Process // for the log and the receiver: who sent it
	senderTID  ThreadID
	senderEUID uint32

	nice      int8          // the sender's, of a call to who may be lent it; binder_logs call it pri
	ownNice   int8          // the receiver's, to be given back with the reply
	borrowed  bool          // ownNice is known
	nodeFlags uint32        // of the target of a call
	begun     time.Duration // by sinceStart

	buf    *buffer // nil once the receiver has freed it
	secctx ioctl.Address

	files       []File   // descriptors on their way
	fileOffsets []uint32 // where in the buffer their numbers belong, and inArray

	next *transaction // in the context's list of unused ones
}

func (t *transaction) oneway() bool { return t.flags&ioctl.TF_ONE_WAY != 0 }

// print tells of the transaction. Where the driver shows an address of its own, the number of the
// transaction stands once more. The sender's nice value is 0 where busd had no need to know it.
func (t *transaction) print(w io.Writer, p *Process, prefix string) {
	toPID, toTID := ProcessID(0), ThreadID(0)
	if t.to != nil {
		toPID = t.to.id.PID
	}
	if t.toThread != nil {
		toTID = t.toThread.tid
	}
	needReply := bit(!t.reply && !t.oneway())
	fmt.Fprintf(w, "%s %d: %016x from %d:%d to %d:%d code %x flags %x pri %d r%d elapsed %dms", prefix, t.id, t.id,
		t.sender.id.PID, t.senderTID, toPID, toTID, uint32(t.code), uint32(t.flags), t.nice, needReply, (sinceStart() - t.begun).Milliseconds())
	switch b := t.buf; {
	case t.to != p: // the buffer is another's
		fmt.Fprintln(w)
	case b == nil:
		fmt.Fprintln(w, " buffer free")
	default:
		if b.node != nil {
			fmt.Fprintf(w, " node %d", b.node.ID)
		}
		fmt.Fprintf(w, " size %d:%d offset %x\n", b.dataSize, b.offsetsSize, b.off)
	}
}

// sinceStart is a clock for what binder_logs tells of times.
func sinceStart() time.Duration { return time.Since(start) }

var start = time.Now()

// maxDepth is how deep calls may be nested. Two clients that call each other back could otherwise
// fill the broker with transactions that nobody pays for, and make all others wait while it looks
// through them.
const maxDepth = 1000

// newTransaction takes an unused transaction of the context, or makes one.
func (ctx *Context) newTransaction() *transaction {
	ctx.bus.stats.created[statTransaction].Add(1)
	t := ctx.spare
	if t == nil {
		t = &transaction{}
		t.work = t
		return t
	}
	ctx.spare, t.next = t.next, nil
	ctx.spares--
	return t
}

// maxSpareTransactions is how many unused transactions a context keeps.
const maxSpareTransactions = 1024

// free ends a transaction; its buffer, if it still has one, goes on without it.
func (t *transaction) free(ctx *Context) {
	if t.to != nil {
		t.to.outstanding--
		t.to.settled()
	}
	t.detachBuffer()
	t.closeFiles(ctx)
	ctx.bus.stats.deleted[statTransaction].Add(1)
	*t = transaction{link: link{work: t.work}, files: t.files, fileOffsets: t.fileOffsets, next: ctx.spare}
	if ctx.spares < maxSpareTransactions {
		ctx.spares++
		ctx.spare = t
	}
}

// detachBuffer lets the buffer outlive the transaction.
func (t *transaction) detachBuffer() {
	if t.buf != nil {
		t.buf.transaction = nil
		t.buf = nil
	}
}

// closeFiles lets go of the broker's copies of the descriptors.
func (t *transaction) closeFiles(ctx *Context) {
	if len(t.files) == 0 {
		return
	}
	t.sender.user.files.Add(-int64(len(t.files)))
	ctx.closing = append(ctx.closing, t.files...)
	clear(t.files)
	t.files, t.fileOffsets = t.files[:0], t.fileOffsets[:0]
	if cap(t.files) > maxSpareObjects {
		t.files, t.fileOffsets = nil, nil
	}
}

// popFrom takes t off the stack of the thread that waits for its answer.
func (t *transaction) popFrom() {
	for p := &t.from.stack; *p != nil; {
		if *p == t {
			*p = t.fromParent
			break
		}
		if (*p).toThread == t.from {
			p = &(*p).toParent
		} else {
			p = &(*p).fromParent
		}
	}
	t.from = nil
}

// sendFailedReply answers a call with an error code, or, when the caller has died meanwhile, the
// call that the caller was serving, and so on up. The transactions end.
func (t *transaction) sendFailedReply(ctx *Context, code ioctl.Return) {
	for t != nil {
		if th := t.from; th != nil {
			t.popFrom()
			if th.replyError.code == 0 {
				th.replyError.code = code
				th.enqueue(&th.replyError.link)
				th.wake()
			}
			t.free(ctx)
			return
		}
		up := t.fromParent
		t.free(ctx)
		t = up
	}
}

// cleanup ends a transaction that was not delivered.
func (t *transaction) cleanup(ctx *Context, code ioctl.Return) {
	if !t.reply && !t.oneway() {
		t.sendFailedReply(ctx, code)
	} else {
		t.free(ctx)
	}
}

// cancel ends a transaction whose receiver has died.
func (t *transaction) cancel(p *Process) {
	b := t.buf
	t.cleanup(p.ctx, ioctl.BR_DEAD_REPLY)
	if b != nil { // see abandon
		p.freeBuffer(b)
	}
}

// abandon lets the buffers of what the thread has not read outlive it: with BINDER_THREAD_EXIT
// the driver forgets them, and nobody can free them before the process ends. When a thread is found
// dead, of which the driver would never know, there is no need to follow it.
func (th *Thread) abandon() {
	for l := th.todo.first; l != nil; l = l.next {
		if t, ok := l.work.(*transaction); ok && t.buf != nil {
			t.buf.lost = true
			t.detachBuffer()
		}
	}
}

// deliver writes the transaction to the receiver. It counts as received once the bytes have
// reached the receiver's memory: see commit.
func (t *transaction) deliver(th *Thread, r *reading) bool {
	tr := ioctl.TransactionData{
		Code: t.code, Flags: t.flags, SenderEUID: th.proc.id.UIDs.Inside(t.senderEUID),
		DataSize: t.buf.dataSize, OffsetsSize: t.buf.offsetsSize,
		Buffer: th.proc.area.Address() + ioctl.Address(t.buf.off),
	}
	tr.Offsets = tr.Buffer + ioctl.Address(align8(t.buf.dataSize))
	code := ioctl.BR_REPLY
	if n := t.buf.node; n != nil {
		code = ioctl.BR_TRANSACTION
		tr.Target, tr.Cookie = uint64(n.Pointer), ioctl.Cookie(n.Cookie)
	}
	if t.from != nil {
		tr.SenderPID = th.proc.pidOf(&t.from.proc.id)
	}
	if t.secctx != 0 {
		code = ioctl.BR_TRANSACTION_SEC_CTX
	}
	r.putTransaction(code, &tr, t.secctx)
	r.call.state.work = t
	return true
}

// commit makes a transaction received whose stream was written to the receiver's memory, or
// fails it when the memory could not be written.
func (th *Thread) commit(t *transaction, written bool) {
	ctx := th.proc.ctx
	if th.dead {
		t.cancel(th.proc)
		return
	}
	if !written {
		// The driver forgets the buffer: see abandon.
		t.buf.lost = true
		t.detachBuffer()
		t.cleanup(ctx, ioctl.BR_FAILED_REPLY)
		return
	}
	t.buf.userFree = true
	if t.reply || t.oneway() {
		t.free(ctx)
		return
	}
	t.toParent, t.toThread = th.stack, th
	th.stack = t
}

// giveFiles installs the transaction's descriptors in the receiver and writes their numbers into
// the buffer. The context is locked, and unlocked meanwhile: it may block. The transaction is in
// no queue then, so that nobody else ends it; its receiver may die.
func (t *transaction) giveFiles(th *Thread) syscall.Errno {
	p, ctx := th.proc, th.proc.ctx
	area, start := p.area, t.buf.off
	p.pin()
	ctx.mu.Unlock()
	fds := make([]uint32, len(t.files))
	installed, errno := p.files.Give(th.tid, area.Address()+ioctl.Address(start), t.files, fds)
	var arrays []uint32
	if errno == 0 {
		bytes := area.Bytes()
		first, end := uint64(0), uint64(0) // written and not yet published
		for i, place := range t.fileOffsets {
			at := start + uint64(place&^inArray)
			binary.LittleEndian.PutUint32(bytes[at:], fds[i])
			if at != end {
				if first < end {
					area.Publish(int(first), int(end-first))
				}
				first = at
			}
			end = at + 4
			if place&inArray != 0 {
				arrays = append(arrays, fds[i])
			}
		}
		area.Publish(int(first), int(end-first))
	}
	ctx.mu.Lock()
	if t.buf != nil {
		t.buf.arrays, t.buf.installed = arrays, installed
	}
	p.unpin()
	t.closeFiles(ctx)
	return errno
}

// refuse ends a transaction whose descriptors could not be installed in the receiver: a caller
// hears BR_FAILED_REPLY, and so does the receiver of a reply. It reports whether the read ends.
func (t *transaction) refuse(th *Thread, r *reading) bool {
	b, reply := t.buf, t.reply
	t.cleanup(th.proc.ctx, ioctl.BR_FAILED_REPLY)
	th.proc.freeBuffer(b)
	if reply {
		r.put(ioctl.BR_FAILED_REPLY)
	}
	return reply
}
