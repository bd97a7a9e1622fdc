package difftest

import (
	"fmt"
	"hash/fnv"
	"strings"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// tell writes out what a thread has read, remembers what of it later actions can use, and answers
// the names of the returns.
func (p *proc) tell(m *Machine, out *strings.Builder, th *thread, b []byte) (codes []string) {
	r := ioctl.NewReturnReader(b)
	for {
		code, arg, ok := r.Next()
		if !ok {
			break
		}
		if code == ioctl.BR_SPAWN_LOOPER && m.rush {
			code = ioctl.BR_NOOP
		}
		name := strings.TrimPrefix(code.String(), "BR_")
		codes = append(codes, name)
		fmt.Fprintf(out, "\n    %s", name)
		switch code {
		case ioctl.BR_TRANSACTION, ioctl.BR_TRANSACTION_SEC_CTX, ioctl.BR_REPLY:
			var d ioctl.TransactionData
			d.Decode(arg)
			if code == ioctl.BR_REPLY {
				th.outgoing = false
			} else if d.Flags&ioctl.TF_ONE_WAY == 0 {
				th.incoming++
			}
			p.tellTransaction(m, out, &d)
		case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE, ioctl.BR_RELEASE, ioctl.BR_DECREFS:
			var k ioctl.PtrCookie
			k.Decode(arg)
			fmt.Fprintf(out, " %x %x", k.Pointer, k.Cookie)
			if code == ioctl.BR_INCREFS || code == ioctl.BR_ACQUIRE {
				p.asks = append(p.asks, ask{code == ioctl.BR_ACQUIRE, uint64(k.Pointer), uint64(k.Cookie)})
			}
		case ioctl.BR_DEAD_BINDER:
			cookie := le.Uint64(arg)
			p.deaths = append(p.deaths, cookie)
			fmt.Fprintf(out, " %x", cookie)
		case ioctl.BR_FROZEN_BINDER:
			var i ioctl.FrozenStateInfo
			i.Decode(arg)
			p.freezes = append(p.freezes, uint64(i.Cookie))
			fmt.Fprintf(out, " %x %d", i.Cookie, i.IsFrozen)
		case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY, ioctl.BR_FROZEN_REPLY:
			th.outgoing = false
		default:
			if len(arg) > 0 {
				fmt.Fprintf(out, " %x", arg)
			}
		}
	}
	if rest := r.Rest(); len(rest) > 0 {
		fmt.Fprintf(out, "\n    and %x", rest)
	}
	return codes
}

// view is a copy of n bytes of what the process has received.
func (p *proc) view(address, n uint64) []byte {
	off := address - p.base
	if address < p.base || off > p.size || n > p.size-off || n > 1<<30 {
		return nil
	}
	b := make([]byte, n)
	if n == 0 {
		return b
	}
	local := []unix.Iovec{{Base: &b[0], Len: n}}
	if got, err := unix.ProcessVMReadv(p.pid, local, []unix.RemoteIovec{{Base: uintptr(address), Len: int(n)}}, 0); err != nil || uint64(got) != n {
		return nil
	}
	return b
}

func (p *proc) tellTransaction(m *Machine, out *strings.Builder, d *ioctl.TransactionData) {
	sender := fmt.Sprint(d.SenderPID)
	for i, a := range m.actors {
		if int(d.SenderPID) == a.pid {
			sender = fmt.Sprint("of", i)
		}
	}
	fmt.Fprintf(out, " target=%x cookie=%x code=%d flags=%x pid=%s euid=%d data=@%d+%d offsets=@%d+%d", d.Target, d.Cookie,
		d.Code, d.Flags, sender, d.SenderEUID, uint64(d.Buffer)-p.base, d.DataSize, uint64(d.Offsets)-p.base, d.OffsetsSize)
	p.buffers = append(p.buffers, uint64(d.Buffer))
	data := p.view(uint64(d.Buffer), d.DataSize)
	if data == nil && d.DataSize > 0 {
		out.WriteString(" outside")
		return
	}
	index := p.receiveFiles(uint64(d.Buffer))
	offsets := p.view(uint64(d.Offsets), d.OffsetsSize&^7)
	var objects []ioctl.BufferObject
	for i := 0; i+8 <= len(offsets); i += 8 {
		at := le.Uint64(offsets[i:])
		objects = append(objects, ioctl.BufferObject{})
		if at+24 > uint64(len(data)) {
			fmt.Fprintf(out, "\n      object at %d", at)
			continue
		}
		b := data[at:]
		switch t := ioctl.ObjectType(le.Uint32(b)); t {
		case ioctl.BINDER_TYPE_FD:
			var o ioctl.FDObject
			o.Decode(b)
			fmt.Fprintf(out, "\n      fd at %d flags=%x file=%s cookie=%x", at, o.PadFlags, p.file(m, o.FD, index, true), o.Cookie)
			le.PutUint32(b[8:], 0) // told
		case ioctl.BINDER_TYPE_PTR:
			if len(b) < ioctl.SizeofBufferObject {
				break
			}
			var o ioctl.BufferObject
			o.Decode(b)
			objects[len(objects)-1] = o
			content := p.view(uint64(o.Buffer), o.Length)
			fmt.Fprintf(out, "\n      ptr at %d flags=%x buffer=@%d+%d parent=%d+%d", at, o.Flags, uint64(o.Buffer)-p.base, o.Length, o.Parent, o.ParentOffset)
			p.tellBytes(out, p.hideArrays(m, content, uint64(i/8), offsets, data))
			le.PutUint64(b[8:], 0)
		case ioctl.BINDER_TYPE_FDA:
			if len(b) < ioctl.SizeofFDArrayObject {
				break
			}
			var o ioctl.FDArrayObject
			o.Decode(b)
			fmt.Fprintf(out, "\n      fda at %d num=%d parent=%d+%d", at, o.NumFDs, o.Parent, o.ParentOffset)
			if o.Parent >= uint64(len(objects)) || o.NumFDs > 1000 {
				break
			}
			array := p.view(uint64(objects[o.Parent].Buffer)+o.ParentOffset, 4*o.NumFDs)
			for k := 0; k+4 <= len(array); k += 4 {
				fmt.Fprintf(out, " %s", p.file(m, le.Uint32(array[k:]), index, false))
			}
		default:
			var o ioctl.FlatObject
			o.Decode(b)
			fmt.Fprintf(out, "\n      %v at %d flags=%x %x cookie=%x", t, at, o.Flags, o.Binder, o.Cookie)
			if t == ioctl.BINDER_TYPE_HANDLE || t == ioctl.BINDER_TYPE_WEAK_HANDLE {
				p.learn(uint32(o.Handle()))
			}
		}
	}
	p.tellBytes(out, data)
}

// hideArrays clears, in a copy of a buffer's content, the descriptors that arrays put there: their
// numbers are told by their files.
func (p *proc) hideArrays(m *Machine, content []byte, parent uint64, offsets, data []byte) []byte {
	for i := 0; i+8 <= len(offsets); i += 8 {
		at := le.Uint64(offsets[i:])
		if at+ioctl.SizeofFDArrayObject > uint64(len(data)) || ioctl.ObjectType(le.Uint32(data[at:])) != ioctl.BINDER_TYPE_FDA {
			continue
		}
		var o ioctl.FDArrayObject
		o.Decode(data[at:])
		if o.Parent != parent || o.ParentOffset > uint64(len(content)) || o.NumFDs > uint64(len(content)) {
			continue
		}
		b := content[o.ParentOffset:]
		clear(b[:min(uint64(len(b)), 4*o.NumFDs)])
	}
	return content
}

func (p *proc) learn(h uint32) {
	if !p.knows(h) {
		p.handles = append(p.handles, h)
	}
}

// tellBytes writes short content in full, of long content the hash. Words that are addresses in the
// receive buffer are told from its beginning.
func (p *proc) tellBytes(out *strings.Builder, b []byte) {
	for i := 0; i+8 <= len(b); i += 8 {
		if a := le.Uint64(b[i:]); a >= p.base && a < p.base+p.size {
			le.PutUint64(b[i:], 0xaddd<<48|(a-p.base))
		}
	}
	if len(b) <= 128 {
		fmt.Fprintf(out, " [%x]", b)
		return
	}
	h := fnv.New64a()
	h.Write(b)
	fmt.Fprintf(out, " [%x...%x]", b[:16], h.Sum64())
}
