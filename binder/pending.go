package binder

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// pending holds commands that nobody waits for: buffers to free, references to drop. They go out with
// the next commands of any thread, or after flushDelay at most twice. Putting commands in never
// calls the device, so the garbage collector's cleanups may.
//
// The order among them and with other commands does not matter: a reference is dropped only after
// the command that took it has been carried out, and a buffer is freed only after all references
// it brought have been taken.
type pending struct {
	n atomic.Int32 // len(buf), to look without the lock

	mu      sync.Mutex
	buf     []byte
	armed   bool // timer is running
	stopped bool
	taken   uint32 // how often buf was taken
	seen    uint32 // taken, when the timer was started
	timer   *time.Timer
}

const (
	flushDelay   = time.Millisecond
	pendingLimit = 4096 // bytes; more are sent at once
)

// start makes p ready; flush is to send what take returns.
func (p *pending) start(flush func()) {
	p.timer = time.AfterFunc(time.Hour, func() { p.tick(flush) })
	p.timer.Stop()
}

// putHandle adds a command about a handle: BC_RELEASE or BC_DECREFS.
func (p *pending) putHandle(cmd ioctl.Command, h ioctl.Handle) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lockedArm(ioctl.AppendHandle(p.buf, cmd, h))
}

// putBuffer adds BC_FREE_BUFFER.
func (p *pending) putBuffer(addr ioctl.Address) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lockedArm(ioctl.AppendFreeBuffer(p.buf, addr))
}

// putAll adds commands that were to be sent and have found no ioctl to go with.
func (p *pending) putAll(commands []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lockedArm(append(p.buf, commands...))
}

// full tells whether so much waits that it should be sent now.
func (p *pending) full() bool { return p.n.Load() >= pendingLimit }

func (p *pending) lockedArm(buf []byte) {
	p.buf = buf
	p.n.Store(int32(len(buf)))
	if !p.armed {
		p.armed, p.seen = true, p.taken
		p.timer.Reset(flushDelay)
	}
}

// take appends the waiting commands to b.
func (p *pending) take(b []byte) []byte {
	if p.n.Load() == 0 {
		return b
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	b = append(b, p.buf...)
	p.buf = p.buf[:0]
	p.n.Store(0)
	p.taken++
	return b
}

// tick sends what nobody has taken along. While somebody does take, it only looks again later.
func (p *pending) tick(flush func()) {
	p.mu.Lock()
	if p.stopped {
		p.mu.Unlock()
		return
	}
	idle := len(p.buf) == 0
	busy := p.taken != p.seen
	p.seen = p.taken
	if idle && !busy {
		p.armed = false
	} else {
		p.timer.Reset(flushDelay)
	}
	p.mu.Unlock()
	if !idle && !busy {
		flush()
	}
}

// stop ends the timer for good.
func (p *pending) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.stopped = true, true // nobody starts it again
	p.timer.Stop()
}

// flush sends the waiting commands now.
func (b *Bus) flush() {
	if !b.gate.enter() {
		return
	}
	defer b.gate.leave()
	t := b.thread()
	defer b.recycle(t)
	t.out = b.pending.take(t.out)
	_ = t.send()
}
