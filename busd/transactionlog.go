package busd

import (
	"fmt"
	"io"
	"sync"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A transactionLog remembers the last transactions, for binder_logs.
type transactionLog struct {
	mu      sync.Mutex
	entries [32]transactionEntry // a ring; guarded by mu
	count   uint64               // of all there ever were; guarded by mu
}

// A transactionEntry is a transaction as it was sent, or not.
type transactionEntry struct {
	id                    uint32
	kind                  string
	fromPID               ProcessID
	fromTID               ThreadID
	toPID                 ProcessID
	toTID                 ThreadID
	context               string
	node                  uint64
	handle                uint32
	dataSize, offsetsSize int32
	code                  ioctl.Return // 0: sent
	param                 int32
}

func (l *transactionLog) add(e *transactionEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries[l.count%uint64(len(l.entries))] = *e
	l.count++
}

// write tells of them, the oldest first. The driver also names a line of its source; busd has
// none, and says 0.
func (l *transactionLog) write(w io.Writer) {
	l.mu.Lock()
	entries, count := l.entries, l.count
	l.mu.Unlock()
	n := uint64(len(entries))
	for i := count - min(count, n); i < count; i++ {
		e := &entries[i%n]
		fmt.Fprintf(w, "%d: %s from %d:%d to %d:%d context %s node %d handle %d size %d:%d ret %d/%d l=0\n",
			e.id, e.kind, e.fromPID, e.fromTID, e.toPID, e.toTID, e.context, e.node, int32(e.handle), e.dataSize, e.offsetsSize, uint32(e.code), e.param)
	}
}

// WriteTransactionLog writes binder_logs/transaction_log: the last transactions.
func (b *Bus) WriteTransactionLog(w io.Writer) { b.sent.write(w) }

// WriteFailedTransactionLog writes binder_logs/failed_transaction_log: the last that failed.
func (b *Bus) WriteFailedTransactionLog(w io.Writer) { b.failed.write(w) }

// log remembers how a transaction came out: of the target no more than was found out before it
// failed. It needs the context's lock.
func (s *sending) log(f failure) {
	p := s.th.proc
	e := transactionEntry{
		id: s.id, kind: "call ", fromPID: p.id.PID, fromTID: s.th.tid, context: p.ctx.name, handle: uint32(s.tr.Target),
		dataSize: int32(s.tr.DataSize), offsetsSize: int32(s.tr.OffsetsSize), code: f.code, param: -int32(f.errno),
	}
	switch {
	case s.reply:
		e.kind = "reply"
	case s.tr.Flags&ioctl.TF_ONE_WAY != 0:
		e.kind = "async"
	}
	if s.resolved {
		e.toPID = s.to.id.PID
		if s.toThread != nil {
			e.toTID = s.toThread.tid
		}
	}
	if s.node != nil {
		e.node = uint64(s.node.ID)
	}
	p.ctx.bus.sent.add(&e)
	if f != (failure{}) {
		p.ctx.bus.failed.add(&e)
	}
}
