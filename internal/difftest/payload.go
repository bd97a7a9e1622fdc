package difftest

import (
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
)

// encodeTransaction appends a transaction or reply and puts its payload into memory.
func (m *Machine) encodeTransaction(p *proc, w *worker, c *Cmd, b []byte, number ioctl.Command) ([]byte, string) {
	size := c.Data
	for i := range c.Objs {
		size = max(size, c.Objs[i].At+40)
	}
	var extra uint64
	data := w.take(size)
	for i := range data {
		data[i] = byte(i*7) ^ byte(c.Code)
	}
	offsets := w.take(8 * len(c.Objs))
	for i := range c.Objs {
		o := &c.Objs[i]
		le.PutUint64(offsets[8*i:], uint64(o.At))
		extra += m.encodeObject(p, w, o, data[o.At:])
	}
	h := uint32(0)
	if number == ioctl.BC_TRANSACTION || number == ioctl.BC_TRANSACTION_SG {
		h = p.handle(c.Handle)
	}
	d := ioctl.TransactionData{
		Target: uint64(h), Code: ioctl.Code(c.Code), Flags: ioctl.Flags(c.Flags),
		DataSize: uint64(size), OffsetsSize: uint64(int64(8*len(c.Objs) + c.Odd)),
		Buffer: ioctl.Address(addressOf(data)), Offsets: ioctl.Address(addressOf(offsets)),
	}
	if c.BadData {
		d.Buffer = nowhere
	}
	if c.BadOffs {
		d.Offsets = nowhere
	}
	said := fmt.Sprintf("%s h=%d", c.C, h)
	n := len(b)
	if number == ioctl.BC_TRANSACTION_SG || number == ioctl.BC_REPLY_SG {
		b = append(b, make([]byte, ioctl.SizeofTransactionDataSG)...)
		(&ioctl.TransactionDataSG{TransactionData: d, BuffersSize: uint64(int64(extra) + c.Extra)}).Encode(b[n:])
		return b, said
	}
	b = append(b, make([]byte, ioctl.SizeofTransactionData)...)
	d.Encode(b[n:])
	return b, said
}

// encodeObject writes an object and answers how much room it needs beside the payload.
func (m *Machine) encodeObject(p *proc, w *worker, o *Obj, b []byte) uint64 {
	flat := ioctl.FlatObject{Flags: ioctl.ObjectFlags(o.Flags), Binder: o.Ptr, Cookie: ioctl.Cookie(o.Cookie)}
	switch o.K {
	case "binder":
		flat.Type = ioctl.BINDER_TYPE_BINDER
	case "weak":
		flat.Type = ioctl.BINDER_TYPE_WEAK_BINDER
	case "handle":
		flat.Type, flat.Binder = ioctl.BINDER_TYPE_HANDLE, uint64(p.handle(o.Handle))
	case "weakhandle":
		flat.Type, flat.Binder = ioctl.BINDER_TYPE_WEAK_HANDLE, uint64(p.handle(o.Handle))
	case "raw":
		flat.Type = ioctl.ObjectType(o.Type)
	case "fd":
		(&ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, PadFlags: o.Flags, FD: p.number(o.File), Cookie: ioctl.Cookie(o.Cookie)}).Encode(b)
		return 0
	case "ptr":
		buffer := w.take(o.Len)
		for i := range buffer {
			buffer[i] = byte(i*5 + 1)
		}
		if o.Files {
			for i := 0; i+4 <= len(buffer); i += 4 {
				le.PutUint32(buffer[i:], p.number(o.File))
			}
		}
		address := ioctl.Address(addressOf(buffer))
		if o.Bad {
			address = nowhere
		}
		flags := o.Flags
		if o.Child {
			flags |= uint32(ioctl.BINDER_BUFFER_FLAG_HAS_PARENT)
		}
		(&ioctl.BufferObject{Type: ioctl.BINDER_TYPE_PTR, Flags: flags, Buffer: address, Length: uint64(o.Len), Parent: uint64(o.Parent), ParentOffset: o.Off}).Encode(b)
		return (uint64(o.Len) + 7) &^ 7
	case "fda":
		(&ioctl.FDArrayObject{Type: ioctl.BINDER_TYPE_FDA, NumFDs: o.Num, Parent: uint64(o.Parent), ParentOffset: o.Off}).Encode(b)
		return 0
	}
	flat.Encode(b)
	return 0
}

// number is the actor's descriptor of a file; one that is not open for those there are not.
func (p *proc) number(file int) uint32 {
	if file >= 0 && file < files {
		return uint32(p.files[file])
	}
	if file == 101 {
		return 1<<32 - 1
	}
	return 1 << 20
}
