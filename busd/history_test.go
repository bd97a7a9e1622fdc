package busd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A history is a few clients that do what a stream of bytes tells them, sensible or not. After
// each step the broker's invariants hold, and at the end nothing is left.
type history struct {
	*world
	choices
	clients []*player
	ticks   chan struct{} // lets the housekeeping of a history at once run
}

// choices is where a history's decisions come from.
type choices struct{ data []byte }

func (c *choices) over() bool { return len(c.data) == 0 }

// pick is a number below n.
func (c *choices) pick(n int) int {
	if len(c.data) == 0 {
		return 0
	}
	b := c.data[0]
	c.data = c.data[1:]
	return int(b) % n
}

// often is true but for one time in n.
func (c *choices) often(n int) bool { return c.pick(n) != n-1 }

// A player is a client of a history.
type player struct {
	*client
	threads []*actor
	mu      sync.Mutex
	buffers []ioctl.Address // received and not freed; guarded by mu
}

// An actor is a thread of a player.
type actor struct {
	*thread
	now      *Call // in flight; each has a Call of its own
	arg      [48]byte
	replies  atomic.Int32
	answered chan int32
}

func (a *actor) Reply(_ *Call, result int32) {
	a.replies.Add(1)
	a.answered <- result
}

const (
	players = 4
	actors  = 3
)

func newHistory(t testing.TB, data []byte) *history {
	h := &history{world: newWorld(t), choices: choices{data}}
	for range players {
		h.clients = append(h.clients, h.newPlayer())
	}
	return h
}

func (h *history) newPlayer() *player {
	p := &player{client: h.openAs(1000)}
	for fd := range uint32(3) {
		p.files[fd] = &file{}
	}
	for range actors {
		p.threads = append(p.threads, &actor{thread: p.newThread(), answered: make(chan int32, 2)})
	}
	return p
}

// offset is where an object stands that comes after the n bytes there are.
func (c *choices) offset(n int) uint64 {
	if c.often(40) {
		return uint64(n)
	}
	return []uint64{0, uint64(n) + 4, uint64(n) - 4, uint64(n) + 1, 1 << 40, ^uint64(0) - 3}[c.pick(6)]
}

// payload writes a payload with objects to the thread's memory.
func (c *choices) payload(a *actor, tr *ioctl.TransactionData) {
	var data []byte
	var offsets []uint64
	if !c.often(3) {
		data = make([]byte, 4*c.pick(250))
	}
	for range c.pick(5) {
		if !c.often(8) {
			data = append(data, make([]byte, 4*c.pick(4))...)
		}
		offsets = append(offsets, c.offset(len(data)))
		kind := c.pick(46)
		switch {
		case kind >= 44:
			data = append(data, arrayObject(uint64(c.pick(3)), uint64(c.pick(3)), uint64(c.pick(3))*4)...)
		case kind >= 40:
			data = append(data, bufferObject(memoryAt+200<<10, uint64(c.pick(5))*8, c.pick(4)-1, uint64(c.pick(4))*4)...)
		case kind < 12:
			data = append(data, strongBinder(uint64(c.pick(4))*16)...)
		case kind < 16:
			data = append(data, weakBinder(uint64(c.pick(4))*16)...)
		case kind < 28:
			data = append(data, strongHandle(ioctl.Handle(c.pick(5)))...)
		case kind < 32:
			data = append(data, weakHandle(ioctl.Handle(c.pick(5)))...)
		case kind < 36:
			data = append(data, descriptor(uint32(c.pick(4)))...)
		default:
			data = append(data, flat(objectTypes[c.pick(len(objectTypes))], uint64(c.pick(256)))...)
		}
	}
	*tr = *a.put(*tr, data[:min(len(data), 2000)], offsets...)
	switch c.pick(60) {
	case 1:
		tr.Buffer = 8
	case 2:
		tr.Offsets = memoryAt - 4
	case 3:
		tr.DataSize = ^uint64(0)
	case 4:
		tr.OffsetsSize++
	case 5:
		tr.DataSize = areaSize / 3
		tr.Buffer, tr.OffsetsSize = memoryAt+200<<10, 0 // where no thread writes
	case 6:
		tr.OffsetsSize = 1 << 62
	}
}

var flagChoices = [...]ioctl.Flags{0, 0, ioctl.TF_ONE_WAY, ioctl.TF_ACCEPT_FDS, ioctl.TF_CLEAR_BUF, ioctl.TF_ONE_WAY | ioctl.TF_CLEAR_BUF, ioctl.TF_UPDATE_TXN | ioctl.TF_ONE_WAY, ^ioctl.Flags(0)}

// command is one command of a thread. There is one transaction at most in a stream: its payload
// has one place.
func (c *choices) command(a *actor, p *player, sent *bool) []byte {
	kind := c.pick(40)
	if *sent && kind < 14 {
		kind += 14
	}
	switch {
	case kind < 14:
		*sent = true
		tr := ioctl.TransactionData{Target: uint64(c.pick(5)), Flags: flagChoices[c.pick(len(flagChoices))]}
		c.payload(a, &tr)
		switch {
		case kind < 6:
			return ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &tr)
		case kind < 11:
			return ioctl.AppendTransaction(nil, ioctl.BC_REPLY, &tr)
		}
		sg := ioctl.TransactionDataSG{TransactionData: tr, BuffersSize: []uint64{0, 64, 96, 8, 100, 1 << 63, ^uint64(0)}[c.pick(7)]}
		return ioctl.AppendTransactionSG(nil, []ioctl.Command{ioctl.BC_TRANSACTION_SG, ioctl.BC_REPLY_SG}[c.pick(2)], &sg)
	case kind < 19:
		p.mu.Lock()
		defer p.mu.Unlock()
		addr := areaAt + ioctl.Address(c.pick(256))*8
		if n := len(p.buffers); n > 0 && c.often(10) {
			i := c.pick(n)
			addr = p.buffers[i]
			p.buffers[i] = p.buffers[n-1]
			p.buffers = p.buffers[:n-1]
		}
		return ioctl.AppendFreeBuffer(nil, addr)
	case kind < 23:
		cmd := []ioctl.Command{ioctl.BC_INCREFS, ioctl.BC_ACQUIRE, ioctl.BC_RELEASE, ioctl.BC_DECREFS}[kind-19]
		return handleCommand(cmd, ioctl.Handle(c.pick(5)))
	case kind < 27:
		cmd := []ioctl.Command{ioctl.BC_INCREFS_DONE, ioctl.BC_ACQUIRE_DONE}[kind%2]
		return done(cmd, ioctl.Pointer(c.pick(4))*16)
	case kind < 29:
		return enter
	case kind < 30:
		return ioctl.AppendCommand(nil, []ioctl.Command{ioctl.BC_REGISTER_LOOPER, ioctl.BC_EXIT_LOOPER}[c.pick(2)])
	case kind < 32:
		return ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: ioctl.Handle(c.pick(5)), Cookie: ioctl.Cookie(c.pick(2))})
	case kind < 33:
		return ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: ioctl.Handle(c.pick(5)), Cookie: ioctl.Cookie(c.pick(2))})
	case kind < 35:
		return ioctl.AppendCookie(nil, ioctl.BC_DEAD_BINDER_DONE, ioctl.Cookie(c.pick(2)))
	case kind < 37:
		return ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: ioctl.Handle(c.pick(5)), Cookie: ioctl.Cookie(c.pick(2))})
	case kind < 38:
		return ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: ioctl.Handle(c.pick(5)), Cookie: ioctl.Cookie(c.pick(2))})
	case kind < 39:
		return ioctl.AppendCookie(nil, ioctl.BC_FREEZE_NOTIFICATION_DONE, ioctl.Cookie(c.pick(2)))
	default:
		if c.often(3) {
			return nil
		}
		return []byte{byte(c.pick(256)), byte(c.pick(256)), byte(c.pick(256)), byte(c.pick(256))}
	}
}

// writeRead issues a BINDER_WRITE_READ.
func (c *choices) writeRead(a *actor, p *player) {
	var stream []byte
	sent := false
	for range c.pick(5) {
		stream = append(stream, c.command(a, p, &sent)...)
	}
	copy(a.at(a.base, 1000), stream)
	wr := ioctl.WriteRead{WriteBuffer: a.base, WriteSize: uint64(min(len(stream), 1000))}
	switch c.pick(12) {
	case 0:
	case 1:
		wr.ReadBuffer, wr.ReadSize = a.base+4096, uint64(c.pick(256))
	case 2:
		wr.ReadBuffer, wr.ReadSize, wr.ReadConsumed = a.base+4096, 1024, uint64(c.pick(256))*4
	default:
		wr.ReadBuffer, wr.ReadSize = a.base+4096, 2048
	}
	switch c.pick(60) {
	case 1:
		wr.ReadBuffer = memoryAt - 8
	case 2:
		wr.WriteBuffer = 16
	case 3:
		wr.ReadSize = ^uint64(0)
	}
	wr.Encode(a.arg[:])
	a.issueCall(ioctl.BINDER_WRITE_READ, a.arg[:], !c.often(6))
}

func (a *actor) issueCall(r ioctl.Request, arg []byte, nonblock bool) {
	a.now = &Call{Thread: a.tid, Request: r, Arg: arg, Nonblock: nonblock, Replier: a}
	a.replies.Store(0)
	a.Ioctl(a.now)
}

// ended takes note of the end of a call.
func (a *actor) ended(p *player, result int32) error {
	c := a.now
	a.now = nil
	if n := a.replies.Load(); n != 1 {
		return fmt.Errorf("%d replies to a call", n)
	}
	if c.Request != ioctl.BINDER_WRITE_READ || result != 0 {
		return nil
	}
	var wr ioctl.WriteRead
	wr.Decode(c.Arg)
	if wr.ReadBuffer != a.base+4096 || wr.ReadConsumed > 2048 || wr.ReadSize > 2048 {
		return nil
	}
	stream := a.at(wr.ReadBuffer, int(wr.ReadConsumed))
	r := ioctl.NewReturnReader(stream)
	for code, arg, ok := r.Next(); ok; code, arg, ok = r.Next() {
		if code == ioctl.BR_TRANSACTION || code == ioctl.BR_REPLY {
			var tr ioctl.TransactionData
			tr.Decode(arg)
			p.mu.Lock()
			p.buffers = append(p.buffers, tr.Buffer)
			p.mu.Unlock()
		}
	}
	clear(stream)
	return nil
}

// step is one step of a history.
func (h *history) step() error {
	p := h.clients[h.pick(len(h.clients))]
	a := p.threads[h.pick(len(p.threads))]
	select {
	case result := <-a.answered:
		if err := a.ended(p, result); err != nil {
			return err
		}
	default:
	}
	kind := h.pick(64)
	switch {
	case kind == 0:
		p.Flush()
		return nil
	case kind == 1:
		h.bus.Trim()
		return nil
	case kind == 2 && h.pick(3) == 0:
		return h.replace(p)
	case kind == 3:
		p.Poll(a.tid, true)
		return nil
	case kind == 4:
		p.ThreadGone(a.tid)
		return nil
	case kind == 6:
		p.giveErr = []syscall.Errno{0, syscall.EMFILE}[h.pick(2)]
		return nil
	case kind == 7:
		p.unwritable = !p.unwritable && h.pick(2) == 0
		return nil
	case kind == 5:
		h.bus.WriteState(io.Discard)
		h.bus.WriteStats(io.Discard)
		h.bus.WriteTransactions(io.Discard)
		h.bus.WriteProc(io.Discard, p.id.PID)
		return nil
	}
	if a.now != nil { // it waits
		if kind < 20 {
			p.Interrupt(a.now)
		}
		return nil
	}
	if kind < 60 {
		h.writeRead(a, p)
		return nil
	}
	h.request(a)
	return nil
}

var requestChoices = [...]ioctl.Request{
	ioctl.BINDER_THREAD_EXIT, ioctl.BINDER_SET_MAX_THREADS, ioctl.BINDER_SET_CONTEXT_MGR_EXT, ioctl.BINDER_SET_CONTEXT_MGR_EXT,
	ioctl.BINDER_ENABLE_ONEWAY_SPAM_DETECTION, ioctl.BINDER_GET_EXTENDED_ERROR, ioctl.BINDER_GET_NODE_DEBUG_INFO,
	ioctl.BINDER_GET_NODE_INFO_FOR_REF, ioctl.BINDER_VERSION, ioctl.BINDER_FREEZE, ioctl.BINDER_FREEZE, ioctl.BINDER_GET_FROZEN_INFO, 0x12345,
}

// request issues an ioctl other than BINDER_WRITE_READ.
func (c *choices) request(a *actor) {
	r := requestChoices[c.pick(len(requestChoices))]
	arg := make([]byte, max(r.Size(), 4))
	switch r {
	case ioctl.BINDER_FREEZE, ioctl.BINDER_GET_FROZEN_INFO:
		// The fields are the same in part; a time without a clock has no end.
		info := ioctl.FreezeInfo{PID: 101 + uint32(c.pick(players)), Enable: bit(c.often(2)), TimeoutMS: uint32(c.pick(2))}
		info.Encode(arg)
	default:
		arg[0] = byte(c.pick(5))
	}
	a.issueCall(r, arg, false)
}

// replace lets a client die and another one come.
func (h *history) replace(p *player) error {
	for i := range h.clients {
		if h.clients[i] == p {
			if err := p.quit(); err != nil {
				return err
			}
			h.clients[i] = h.newPlayer()
		}
	}
	return nil
}

// quit releases the process; all its calls end.
func (p *player) quit() error {
	p.Process.Release()
	for _, a := range p.threads {
		if a.now == nil {
			continue
		}
		select {
		case result := <-a.answered:
			if err := a.ended(p, result); err != nil {
				return err
			}
		case <-time.After(10 * time.Second):
			return errors.New("a call of a dead process has not ended")
		}
	}
	return nil
}

// play plays a history to its end.
func play(t testing.TB, data []byte) {
	h := newHistory(t, data)
	// The first client is the manager, so that the others have somebody to talk to.
	m := h.clients[0].threads[0]
	m.start(ioctl.BINDER_SET_CONTEXT_MGR_EXT, encodeObject(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Cookie: 1}))
	m.wait()
	for n := 0; !h.over(); n++ {
		if err := errors.Join(h.step(), h.ctx.check()); err != nil {
			t.Fatalf("step %d: %v", n, err)
		}
	}
	files := map[*file]bool{}
	for _, p := range h.clients {
		for _, f := range p.files {
			files[f] = true
		}
		if err := errors.Join(p.quit(), h.ctx.check()); err != nil {
			t.Fatalf("at the end: %v", err)
		}
	}
	h.checkEmpty()
	for f := range files {
		if n := f.open.Load(); n != 0 {
			t.Errorf("a descriptor is held %d times", n)
		}
	}
}

// randomHistory is the n-th of many.
func randomHistory(n uint64, size int) []byte {
	r := rand.New(rand.NewPCG(n, 1))
	data := make([]byte, size)
	for i := 0; i+8 <= size; i += 8 {
		binary.LittleEndian.PutUint64(data[i:], r.Uint64())
	}
	return data
}

func TestHistories(t *testing.T) {
	n := uint64(100)
	if testing.Short() || raceDetector {
		n = 20
	}
	for i := range n {
		if !t.Run(fmt.Sprint(i), func(t *testing.T) { play(t, randomHistory(i, 6000)) }) {
			break
		}
	}
}

func FuzzBroker(f *testing.F) {
	for i := range uint64(8) {
		f.Add(randomHistory(1000+i, 800))
	}
	f.Fuzz(func(t *testing.T, data []byte) { play(t, data[:min(len(data), 4000)]) })
}

// TestHistoriesAtOnce lets every thread be one, and clients die in the middle of what they do.
func TestHistoriesAtOnce(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 2
	}
	for round := range rounds {
		h := newHistory(t, nil)
		h.ticks = make(chan struct{}, 1)
		m := h.clients[0].threads[0]
		m.start(ioctl.BINDER_SET_CONTEXT_MGR_EXT, encodeObject(ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, Cookie: 1}))
		m.wait()
		var wg sync.WaitGroup
		for i, p := range h.clients {
			for j, a := range p.threads {
				wg.Go(func() {
					a.act(t, h, p, choices{randomHistory(uint64(round*100+i*10+j), 6000)})
					// The last one to end takes the process with it, or the second: then the others
					// are in the middle of something.
					if j == round%actors {
						p.Process.Release()
					}
				})
			}
		}
		var aside sync.WaitGroup
		aside.Go(func() {
			for range h.ticks {
				h.bus.Trim()
				h.bus.WriteState(io.Discard)
				h.bus.WriteStats(io.Discard)
				h.bus.Drain()
			}
		})
		wg.Wait()
		close(h.ticks)
		aside.Wait()
		for _, p := range h.clients {
			p.Process.Release()
			for _, f := range p.files {
				if n := f.open.Load(); n != 0 {
					t.Errorf("a descriptor is held %d times", n)
				}
			}
		}
		h.checkEmpty()
		if t.Failed() {
			t.Fatal("in round ", round)
		}
	}
}

// act is the life of a thread among others.
func (a *actor) act(t *testing.T, h *history, p *player, c choices) {
	for !c.over() {
		switch kind := c.pick(64); {
		case kind == 0:
			p.Flush()
		case kind == 1:
			p.Poll(a.tid, true)
		case kind == 2:
			p.ThreadGone(a.tid)
		case kind < 6:
			select {
			case h.ticks <- struct{}{}:
			default:
			}
		case kind < 60:
			c.writeRead(a, p)
		default:
			c.request(a)
		}
		if a.now == nil {
			continue
		}
		var result int32
		wait := time.Duration(c.pick(100)) * time.Microsecond
		select {
		case result = <-a.answered:
		case <-time.After(wait):
			p.Interrupt(a.now)
			select {
			case result = <-a.answered:
			case <-time.After(10 * time.Second):
				t.Error("an interrupted call has not ended")
				return
			}
		}
		if err := a.ended(p, result); err != nil {
			t.Error(err)
		}
		if result == -int32(syscall.ECONNREFUSED) {
			return
		}
	}
}
