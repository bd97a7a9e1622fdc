package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A reply is what a call brought back: its bytes, the objects in it, and what it probably means.
type reply struct {
	Size    int      `json:"size"`
	Data    []byte   `json:"data"`
	Objects []object `json:"objects"`
	Meaning string   `json:"meaning,omitempty"` // a guess
}

// An object stands in a parcel.
type object struct {
	Offset uint64 `json:"offset"`
	Is     string `json:"is"`
}

func newReply(p *parcel.Parcel) reply {
	r := reply{Size: p.Len(), Data: p.Data(), Objects: []object{}}
	for offsets := p.Offsets(); len(offsets) >= 8; offsets = offsets[8:] {
		r.Objects = append(r.Objects, describeObject(r.Data, binary.LittleEndian.Uint64(offsets)))
	}
	r.Meaning = guess(p)
	return r
}

func describeObject(data []byte, offset uint64) object {
	o := object{Offset: offset, Is: "an object that does not lie in the data"}
	if offset+ioctl.SizeofFlatObject > uint64(len(data)) || offset > uint64(len(data)) {
		return o
	}
	var flat ioctl.FlatObject
	flat.Decode(data[offset:])
	switch flat.Type {
	case ioctl.BINDER_TYPE_BINDER:
		o.Is = fmt.Sprintf("a binder of this process (%#x)", flat.Binder)
		if flat.Binder == 0 {
			o.Is = "a null binder"
		}
	case ioctl.BINDER_TYPE_HANDLE:
		o.Is = fmt.Sprintf("a binder (handle %d)", flat.Handle())
	case ioctl.BINDER_TYPE_FD:
		o.Is = "a descriptor"
	default:
		o.Is = fmt.Sprintf("an object of type %v", flat.Type)
	}
	return o
}

// guess reads the reply as generated code writes it: the exception, and one value. It says nothing
// where that does not come out even.
func guess(p *parcel.Parcel) string {
	if p.Len() < 4 {
		return ""
	}
	status := p.ReadStatus()
	if p.Err() != nil {
		return ""
	}
	if !status.OK() {
		return status.Error()
	}
	at, left := p.Position(), p.Remaining()
	if left == 0 {
		return "no exception"
	}
	if len(p.Offsets()) > 0 {
		return "no exception, and objects"
	}
	word := p.ReadInt32()
	p.SetPosition(at)
	if length := 4 + (2*(int(word)+1)+3)&^3; word > 0 && length == left {
		if text := p.ReadString16(); p.Err() == nil {
			return fmt.Sprintf("no exception, String %q", text)
		}
		return ""
	}
	switch left {
	case 4:
		return fmt.Sprintf("no exception, int %d", word)
	case 8:
		return fmt.Sprintf("no exception, long %d", p.ReadInt64())
	}
	return fmt.Sprintf("no exception, and %d bytes", left)
}

func (r reply) print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "reply of %d bytes", r.Size)
	if r.Meaning != "" {
		fmt.Fprintf(&b, ": %s", r.Meaning)
	}
	b.WriteByte('\n')
	hexdump(&b, r.Data)
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "  %04x  %s\n", o.Offset, o.Is)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// hexdump writes 16 bytes a line, in groups of 4 as they lie in memory, and as ASCII where
// printable.
func hexdump(b *strings.Builder, data []byte) {
	for at := 0; at < len(data); at += 16 {
		line := data[at:min(at+16, len(data))]
		fmt.Fprintf(b, "  %04x ", at)
		for i := range 16 {
			if i%4 == 0 {
				b.WriteByte(' ')
			}
			if i < len(line) {
				fmt.Fprintf(b, "%02x", line[i])
			} else {
				b.WriteString("  ")
			}
		}
		b.WriteString("  |")
		for _, c := range line {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b.WriteByte(c)
		}
		b.WriteString("|\n")
	}
}
