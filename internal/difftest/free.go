package difftest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// A free run lets all threads of all processes go on at once: process 0 serves, the others call it,
// and one of them may be killed in the middle. Its history depends on who is quicker, so that only
// what holds in any order is looked at.
type free struct {
	*Machine
	*rand.Rand
	threads [MaxProcs][MaxThreads]freeThread
	calls   int // that each thread of a client makes
	killAt  int // when as many calls have been made, process MaxProcs-1 is killed; 0: never
	made    int
	killed  bool

	sent      map[uint64]int // oneway calls by thread that the driver took, and
	delivered map[uint64]int // that were delivered
	last      map[uint64]uint64
	held      map[uint64]int // holds by object that their owners were told of
	wrong     []string
}

type freeThread struct {
	made    int
	seq     uint64 // of the call that is under way; 0: none
	oneway  bool
	owed    int      // BR_TRANSACTION_COMPLETE that must still come
	replies []uint64 // to be sent, of a server; it has one at most
	frees   []uint64
	acks    []ask
	arg     []byte
	read    []byte
	running bool
}

// RunFree carries out the free run of a seed and tells what was not as it has to be.
func (m *Machine) RunFree(seed uint64) (wrong []string, err error) {
	m.serial++
	name := fmt.Sprintf("difftest-%d-%d", unix.Getpid(), m.serial)
	if err := m.addDevice(name); err != nil {
		return nil, fmt.Errorf("make a device: %w", err)
	}
	m.device = m.dir + "/" + name
	m.out.Reset()
	f := &free{Machine: m, Rand: rand.New(rand.NewPCG(seed, 0x66726565)), calls: 30,
		sent: map[uint64]int{}, delivered: map[uint64]int{}, last: map[uint64]uint64{}, held: map[uint64]int{}}
	if f.IntN(2) == 0 {
		f.killAt = 1 + f.IntN(f.calls*2*MaxThreads)
	}
	for p := range MaxProcs {
		m.open(&Action{P: p, Size: 1<<20 - 8192})
	}
	if m.out.Len() > 0 {
		return nil, fmt.Errorf("open: %s", m.out.String())
	}
	if errno := f.control(0, ioctl.BINDER_SET_CONTEXT_MGR_EXT, func(arg []byte) {
		(&ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER}).Encode(arg)
	}); errno != 0 {
		return nil, fmt.Errorf("become the context manager: %w", errno)
	}
	f.run()
	for p := range m.procs {
		if m.procs[p] != nil {
			if err := m.do(p, &Action{Do: "close", P: p}); err != nil {
				return f.wrong, err
			}
		}
	}
	return f.wrong, unix.Unlink(m.device)
}

func (f *free) complain(format string, args ...any) {
	if len(f.wrong) < 20 {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

// control is an ioctl that does not wait, by the first thread of a process that has nothing to do.
func (f *free) control(p int, request ioctl.Request, fill func(arg []byte)) unix.Errno {
	w := f.procs[p].workers[0]
	w.used = 0
	arg := w.take(max(64, request.Size()))
	fill(arg)
	_, errno := w.call(unix.SYS_IOCTL, uintptr(f.procs[p].fd), uintptr(request), uintptr(addressOf(arg)))
	return errno
}

// run goes on until everybody has made its calls and all of them have had their effect.
func (f *free) run() {
	deadline := time.Now().Add(3 * patience)
	for i := 0; ; i++ {
		moved := false
		for p, pr := range f.procs {
			for t := range MaxThreads {
				if pr == nil {
					break
				}
				th := &f.threads[p][t]
				if th.running && !pr.workers[t].busy() {
					th.running = false
					f.collect(p, t)
				}
				if !th.running && f.next(p, t) {
					moved = true
				}
			}
		}
		if f.killAt > 0 && !f.killed && f.made >= f.killAt {
			f.killed, moved = true, true
			f.kill(&Action{P: MaxProcs - 1})
		}
		switch {
		case moved:
			i = 0
		case f.finished():
			f.inspect()
			return
		case time.Now().After(deadline):
			f.complain("not finished in time: %s", f.left())
			return
		}
		pause(i)
	}
}

// id names a thread in payloads; objects of its are at id<<12.
func id(p, t int) uint64 { return uint64(p*MaxThreads+t) + 1 }

// next has a thread do what it has to; false: it has nothing to do.
func (f *free) next(p, t int) bool {
	th, pr := &f.threads[p][t], f.procs[p]
	w := pr.workers[t]
	w.used = 0
	var b []byte
	for _, a := range th.acks {
		c := ioctl.BC_INCREFS_DONE
		if a.acquire {
			c = ioctl.BC_ACQUIRE_DONE
		}
		b = ioctl.AppendPtrCookie(b, c, ioctl.PtrCookie{Pointer: ioctl.Pointer(a.ptr), Cookie: ioctl.Cookie(a.cookie)})
	}
	for _, address := range th.frees {
		b = ioctl.AppendFreeBuffer(b, ioctl.Address(address))
	}
	th.acks, th.frees = nil, nil
	switch {
	case p == 0:
		for _, seq := range th.replies {
			b = f.transaction(b, w, ioctl.BC_REPLY, 0, seq, 0, false)
			th.owed++
		}
		th.replies = nil
	case th.seq != 0 || th.owed > 0: // waits for the end of its call
	case th.made < f.calls:
		th.made++
		f.made++
		th.oneway = f.IntN(3) == 0
		flags := ioctl.Flags(0)
		if th.oneway {
			flags = ioctl.TF_ONE_WAY
		}
		th.seq = uint64(th.made)
		th.owed++
		b = f.transaction(b, w, ioctl.BC_TRANSACTION, flags, th.seq, id(p, t), f.IntN(4) == 0)
	case t == 0 && f.unbalanced(p): // to hear of what it may let go
	case len(b) > 0: // somebody else hears of it
		th.post(pr, w, b, 0)
		return true
	default:
		return false
	}
	th.post(pr, w, b, 512)
	return true
}

func (th *freeThread) post(p *proc, w *worker, commands []byte, room int) {
	buffer := w.take(len(commands) + 1)
	copy(buffer, commands)
	th.read = w.take(room + 1)[:room]
	th.arg = w.take(ioctl.SizeofWriteRead)
	wr := ioctl.WriteRead{WriteSize: uint64(len(commands)), WriteBuffer: ioctl.Address(addressOf(buffer)),
		ReadSize: uint64(room), ReadBuffer: ioctl.Address(addressOf(th.read))}
	wr.Encode(th.arg)
	th.running = true
	w.start(unix.SYS_IOCTL, uintptr(p.fd), uintptr(ioctl.BINDER_WRITE_READ), uintptr(addressOf(th.arg)))
}

// transaction appends a call or reply: whose and the how manieth, sometimes an object, and more.
func (f *free) transaction(b []byte, w *worker, c ioctl.Command, flags ioctl.Flags, seq, who uint64, object bool) []byte {
	data, offsets := w.take(40+f.IntN(500)), []byte(nil)
	le.PutUint64(data, who)
	le.PutUint64(data[8:], seq)
	if object {
		(&ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Binder: who << 12, Cookie: ioctl.Cookie(who)}).Encode(data[16:])
		offsets = w.take(8)
		le.PutUint64(offsets, 16)
	}
	d := ioctl.TransactionData{Flags: flags, Code: ioctl.Code(seq), DataSize: uint64(len(data)), OffsetsSize: uint64(len(offsets)),
		Buffer: ioctl.Address(addressOf(data))}
	if object {
		d.Offsets = ioctl.Address(addressOf(offsets))
	}
	return ioctl.AppendTransaction(b, c, &d)
}

// collect looks at what a thread has read.
func (f *free) collect(p, t int) {
	th, pr, who := &f.threads[p][t], f.procs[p], id(p, t)
	var wr ioctl.WriteRead
	wr.Decode(th.arg)
	if errno := pr.workers[t].errno(); errno != 0 || wr.WriteConsumed != wr.WriteSize {
		f.complain("%d.%d: %v, %d of %d bytes written", p, t, errno, wr.WriteConsumed, wr.WriteSize)
	}
	r := ioctl.NewReturnReader(th.read[:min(int(wr.ReadConsumed), len(th.read))])
	for {
		code, arg, ok := r.Next()
		if !ok {
			break
		}
		switch code {
		case ioctl.BR_NOOP, ioctl.BR_SPAWN_LOOPER:
		case ioctl.BR_TRANSACTION_COMPLETE:
			if th.owed--; th.owed < 0 {
				f.complain("%d.%d: a completion too many", p, t)
			}
			if th.oneway && th.seq != 0 {
				f.sent[who]++
				th.seq = 0
			}
		case ioctl.BR_FAILED_REPLY, ioctl.BR_DEAD_REPLY:
			f.complain("%d.%d: %v to call %d", p, t, code, th.seq)
			th.seq, th.owed = 0, 0
		case ioctl.BR_TRANSACTION, ioctl.BR_REPLY:
			var d ioctl.TransactionData
			d.Decode(arg)
			th.frees = append(th.frees, uint64(d.Buffer))
			data := pr.view(uint64(d.Buffer), 16)
			if data == nil {
				f.complain("%d.%d: a payload outside the buffer", p, t)
				continue
			}
			from, seq := le.Uint64(data), le.Uint64(data[8:])
			switch {
			case code == ioctl.BR_REPLY:
				if th.seq == 0 || th.oneway || seq != th.seq || th.owed != 0 {
					f.complain("%d.%d: reply %d to call %d, completions owed %d", p, t, seq, th.seq, th.owed)
				}
				th.seq = 0
			case p != 0:
				f.complain("%d.%d: a call though it serves nothing", p, t)
			case d.Flags&ioctl.TF_ONE_WAY == 0:
				th.replies = append(th.replies, seq)
			default:
				if seq <= f.last[from] {
					f.complain("oneway call %d of thread %d came after call %d", seq, from, f.last[from])
				}
				f.last[from] = seq
				f.delivered[from]++
			}
		case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE, ioctl.BR_RELEASE, ioctl.BR_DECREFS:
			var k ioctl.PtrCookie
			k.Decode(arg)
			if uint64(k.Pointer) != uint64(k.Cookie)<<12 {
				f.complain("%d.%d: object %x with cookie %x", p, t, k.Pointer, k.Cookie)
			}
			switch code {
			case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE:
				f.held[uint64(k.Pointer)]++
				th.acks = append(th.acks, ask{code == ioctl.BR_ACQUIRE, uint64(k.Pointer), uint64(k.Cookie)})
			default:
				if f.held[uint64(k.Pointer)]--; f.held[uint64(k.Pointer)] < 0 {
					f.complain("object %x was let go more often than held", k.Pointer)
				}
			}
		default:
			f.complain("%d.%d: %v in %x", p, t, code, th.read[:min(int(wr.ReadConsumed), len(th.read))])
			return
		}
	}
}

// unbalanced says whether a client still believes that somebody holds an object of its.
func (f *free) unbalanced(p int) bool {
	for t := range MaxThreads {
		if f.held[id(p, t)<<12] > 0 {
			return true
		}
	}
	return false
}

// finished says whether the servers wait, and nothing is left for anybody to do.
func (f *free) finished() bool { return f.left() == "" }

func (f *free) left() string {
	var s strings.Builder
	for p := range f.procs {
		for t := range MaxThreads {
			th, who := &f.threads[p][t], id(p, t)
			switch {
			case f.procs[p] == nil:
			case p == 0 && (th.owed > 0 || !th.running || len(th.replies) > 0):
				fmt.Fprintf(&s, " server %d owes", t)
			case p == 0:
			case th.running, th.made < f.calls, th.seq != 0, th.owed > 0:
				fmt.Fprintf(&s, " client %d.%d is at call %d", p, t, th.made)
			case f.sent[who] > f.delivered[who]:
				fmt.Fprintf(&s, " %d oneway calls of %d.%d, %d delivered", f.sent[who], p, t, f.delivered[who])
			case f.unbalanced(p):
				fmt.Fprintf(&s, " process %d has objects that are held", p)
			}
		}
	}
	return s.String()
}

// inspect looks whether something is left.
func (f *free) inspect() {
	for p, pr := range f.procs {
		if p == 0 || pr == nil {
			continue
		}
		for t := range MaxThreads {
			if f.sent[id(p, t)] != f.delivered[id(p, t)] {
				f.complain("%d.%d: %d oneway calls taken, %d delivered", p, t, f.sent[id(p, t)], f.delivered[id(p, t)])
			}
		}
		var i ioctl.NodeDebugInfo
		errno := f.control(p, ioctl.BINDER_GET_NODE_DEBUG_INFO, func([]byte) {})
		i.Decode(pr.workers[0].arena)
		if errno != 0 || i.Pointer != 0 {
			f.complain("process %d: %v, object %x is left", p, errno, i.Pointer)
		}
	}
}
