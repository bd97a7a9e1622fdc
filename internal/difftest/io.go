package difftest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/fusebinder/fusebinder/ioctl"
)

var le = binary.LittleEndian

// nowhere is an address that nobody maps.
const nowhere = 16

// io is BINDER_WRITE_READ.
func (m *Machine) io(a *Action) {
	p, t, ok := m.choose(a)
	if !ok {
		return
	}
	w := p.workers[t]
	w.used = 0
	arg := w.take(ioctl.SizeofWriteRead)
	var stream []byte
	var ends []int // of the commands in the stream
	var said []string
	for i := range a.Cmds {
		n, s := m.encode(p, w, &a.Cmds[i], stream)
		stream = n
		ends = append(ends, len(stream))
		said = append(said, s)
	}
	if len(said) > 0 {
		fmt.Fprintf(&m.out, " %s", strings.Join(said, "; "))
	}
	size := max(0, len(stream)-a.Cut)
	wr := ioctl.WriteRead{
		WriteSize: uint64(size), WriteConsumed: a.Begin,
		ReadSize: uint64(a.Read), ReadConsumed: a.Filled,
	}
	if size > 0 {
		b := w.take(len(stream))
		copy(b, stream)
		wr.WriteBuffer = ioctl.Address(addressOf(b))
	}
	var read []byte
	if a.Read > 0 {
		read = w.take(a.Read + 4096)
		wr.ReadBuffer = ioctl.Address(addressOf(read))
	}
	wr.Encode(arg)
	th := &p.threads[t]
	state := p.state(th)
	for i := range a.Cmds {
		if a.Cmds[i].C == "TRANSACTION" || a.Cmds[i].C == "TRANSACTION_SG" {
			th.outgoing = th.outgoing || a.Cmds[i].Flags&uint32(ioctl.TF_ONE_WAY) == 0
		}
	}
	m.start(a, t, ioctl.BINDER_WRITE_READ, arg, func(w *worker) string {
		var wr ioctl.WriteRead
		wr.Decode(arg)
		var out strings.Builder
		fmt.Fprintf(&out, "%s wrote=%d/%d read=%d", errnoName(w.errno()), wr.WriteConsumed, size, wr.ReadConsumed)
		for i := range a.Cmds {
			done := uint64(ends[i]) <= wr.WriteConsumed
			if done {
				p.carriedOut(th, &a.Cmds[i])
			}
			result := errnoName(w.errno())
			if done {
				result = "done"
			}
			m.Coverage[fmt.Sprint(a.Cmds[i].kind(p), "|", state, "|", result)]++
		}
		end := min(wr.ReadConsumed, uint64(len(read)))
		if a.Filled > 0 && len(read) >= 4 {
			if code := ioctl.Return(le.Uint32(read)); !m.rush {
				fmt.Fprintf(&out, " first=%x", uint32(code))
			}
		}
		if a.Filled < end {
			codes := p.tell(m, &out, th, read[a.Filled:end])
			for _, c := range codes {
				m.Coverage[fmt.Sprint("read|", state, "|", c)]++
			}
		}
		return out.String()
	})
}

// state is what of a thread and its process decides about commands, for the coverage.
func (p *proc) state(th *thread) string {
	return fmt.Sprintf("%s in%d out%t buf%d ref%d map%t nb%t", th.looper, min(th.incoming, 2), th.outgoing,
		min(len(p.buffers), 2), min(len(p.handles), 2), p.size > 0, p.nonblock)
}

// kind is what sort of command it is, for the coverage.
func (c *Cmd) kind(p *proc) string {
	s := c.C
	switch {
	case strings.HasPrefix(s, "TRANSACTION"), strings.HasPrefix(s, "REPLY"):
		s += fmt.Sprintf(" f%x", c.Flags&0x31)
		for i, o := range c.Objs {
			if i < 2 {
				s += " " + o.K
			}
		}
		fallthrough
	case s == "ACQUIRE", s == "RELEASE", s == "INCREFS", s == "DECREFS", strings.HasSuffix(s, "NOTIFICATION"):
		switch h := p.handle(c.Handle); {
		case h == 0:
			s += " h0"
		case p.knows(h):
			s += " known"
		default:
			s += " unknown"
		}
	case c.Told > 0:
		s += " told"
	}
	return s
}

func (p *proc) knows(h uint32) bool {
	for _, k := range p.handles {
		if k == h {
			return true
		}
	}
	return false
}

// handle resolves what a program calls a handle.
func (p *proc) handle(h int64) uint32 {
	if h >= 0 {
		return uint32(h)
	}
	if len(p.handles) == 0 {
		return 0
	}
	return p.handles[int(-1-h)%len(p.handles)]
}

// carriedOut remembers what a command has changed.
func (p *proc) carriedOut(th *thread, c *Cmd) {
	switch c.C {
	case "REPLY", "REPLY_SG":
		th.incoming = max(0, th.incoming-1)
	case "REGISTER_LOOPER", "ENTER_LOOPER", "EXIT_LOOPER":
		if !strings.Contains(th.looper, c.C[:2]) {
			th.looper += c.C[:2]
		}
	}
}

// encode appends a command to a stream, with its payload in the worker's memory, and tells what
// has been resolved.
func (m *Machine) encode(p *proc, w *worker, c *Cmd, b []byte) ([]byte, string) {
	number, ok := commands[c.C]
	if !ok {
		return le.AppendUint32(b, c.Code), fmt.Sprintf("%#x", c.Code)
	}
	b = le.AppendUint32(b, uint32(number))
	switch number {
	case ioctl.BC_TRANSACTION, ioctl.BC_REPLY, ioctl.BC_TRANSACTION_SG, ioctl.BC_REPLY_SG:
		return m.encodeTransaction(p, w, c, b, number)
	case ioctl.BC_INCREFS, ioctl.BC_ACQUIRE, ioctl.BC_RELEASE, ioctl.BC_DECREFS:
		h := p.handle(c.Handle)
		return le.AppendUint32(b, h), fmt.Sprint(c.C, " ", h)
	case ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.BC_CLEAR_DEATH_NOTIFICATION,
		ioctl.BC_REQUEST_FREEZE_NOTIFICATION, ioctl.BC_CLEAR_FREEZE_NOTIFICATION:
		h := p.handle(c.Handle)
		return le.AppendUint64(le.AppendUint32(b, h), c.Cookie), fmt.Sprintf("%s %d %x", c.C, h, c.Cookie)
	case ioctl.BC_INCREFS_DONE, ioctl.BC_ACQUIRE_DONE:
		ptr, cookie := c.Ptr, c.Cookie
		if c.Told > 0 {
			if k, ok := p.asked(number == ioctl.BC_ACQUIRE_DONE, c.Told-1); ok {
				ptr, cookie = k.ptr, k.cookie
			}
		}
		return le.AppendUint64(le.AppendUint64(b, ptr), cookie), fmt.Sprintf("%s %x %x", c.C, ptr, cookie)
	case ioctl.BC_DEAD_BINDER_DONE, ioctl.BC_FREEZE_NOTIFICATION_DONE:
		cookie, told := c.Cookie, &p.deaths
		if number == ioctl.BC_FREEZE_NOTIFICATION_DONE {
			told = &p.freezes
		}
		if c.Told > 0 && len(*told) > 0 {
			k := (c.Told - 1) % len(*told)
			cookie = (*told)[k]
			*told = append((*told)[:k:k], (*told)[k+1:]...)
		}
		return le.AppendUint64(b, cookie), fmt.Sprintf("%s %x", c.C, cookie)
	case ioctl.BC_FREE_BUFFER:
		address := uint64(0)
		switch {
		case c.Buffer >= 0 && len(p.buffers) > 0:
			k := c.Buffer % len(p.buffers)
			address = p.buffers[k]
			p.buffers = append(p.buffers[:k:k], p.buffers[k+1:]...)
			return le.AppendUint64(b, address), fmt.Sprintf("%s @%d", c.C, address-p.base)
		case c.Buffer == -2:
			address = p.base + 8
		case c.Buffer == -3 && len(p.buffers) > 0:
			address = p.buffers[0] + 8
		case c.Buffer == -4:
			address = p.base
		case c.Buffer == -5:
			address = 1<<63 + 64
		}
		return le.AppendUint64(b, address), fmt.Sprint(c.C, " wrong")
	case ioctl.BC_ACQUIRE_RESULT:
		return le.AppendUint32(b, c.Code), c.C
	case ioctl.BC_ATTEMPT_ACQUIRE:
		return le.AppendUint64(b, uint64(c.Code)), c.C
	}
	return b, c.C
}

// asked takes the k-th BR_INCREFS or BR_ACQUIRE that has not been acknowledged.
func (p *proc) asked(acquire bool, k int) (ask, bool) {
	n := 0
	for _, a := range p.asks {
		if a.acquire == acquire {
			n++
		}
	}
	if n == 0 {
		return ask{}, false
	}
	k %= n
	for i, a := range p.asks {
		if a.acquire != acquire {
			continue
		}
		if k == 0 {
			p.asks = append(p.asks[:i:i], p.asks[i+1:]...)
			return a, true
		}
		k--
	}
	return ask{}, false
}

// commands are the commands by name, without BC_.
var commands = func() map[string]ioctl.Command {
	names := map[string]ioctl.Command{}
	for _, c := range []ioctl.Command{
		ioctl.BC_TRANSACTION, ioctl.BC_REPLY, ioctl.BC_ACQUIRE_RESULT, ioctl.BC_FREE_BUFFER,
		ioctl.BC_INCREFS, ioctl.BC_ACQUIRE, ioctl.BC_RELEASE, ioctl.BC_DECREFS, ioctl.BC_INCREFS_DONE,
		ioctl.BC_ACQUIRE_DONE, ioctl.BC_ATTEMPT_ACQUIRE, ioctl.BC_REGISTER_LOOPER, ioctl.BC_ENTER_LOOPER,
		ioctl.BC_EXIT_LOOPER, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.BC_CLEAR_DEATH_NOTIFICATION,
		ioctl.BC_DEAD_BINDER_DONE, ioctl.BC_TRANSACTION_SG, ioctl.BC_REPLY_SG,
		ioctl.BC_REQUEST_FREEZE_NOTIFICATION, ioctl.BC_CLEAR_FREEZE_NOTIFICATION, ioctl.BC_FREEZE_NOTIFICATION_DONE,
	} {
		names[strings.TrimPrefix(c.String(), "BC_")] = c
	}
	return names
}()
