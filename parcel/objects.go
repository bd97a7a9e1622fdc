package parcel

import (
	"encoding/binary"
	"sort"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// list puts an object at offset at, beyond all others, in the table.
func (p *Parcel) list(at int) {
	p.offsets = binary.LittleEndian.AppendUint64(p.offsets, uint64(at))
}

// writtenAt is the object that this process wrote at offset at, nil if there is none.
func (p *Parcel) writtenAt(at int) *written {
	i := sort.Search(len(p.written), func(i int) bool { return p.written[i].offset >= at })
	if i < len(p.written) && p.written[i].offset == at {
		return &p.written[i]
	}
	return nil
}

// releaseObjects gives back what the objects of p hold.
func (p *Parcel) releaseObjects() {
	releaseWritten(p.written)
	p.written = p.written[:0]
	for i, m := range p.mapped {
		unix.Munmap(m)
		p.mapped[i] = nil
	}
	p.mapped = p.mapped[:0]
	if files, ok := p.opts.Files.(FileReleaser); ok && p.received {
		p.eachFile(files.ReleaseFile)
	}
}

// releaseWritten gives back what objects written here hold.
func releaseWritten(objects []written) {
	for i := range objects {
		w := &objects[i]
		if w.fd >= 0 {
			unix.Close(w.fd)
		}
		if r, ok := w.binder.(Retainer); ok {
			r.ReleaseBinder()
		}
		*w = written{}
	}
}

// eachFile calls f for each descriptor object in the table of a received parcel, if the table is sound.
func (p *Parcel) eachFile(f func(ioctl.FDObject)) {
	if !p.sound {
		return
	}
	for i := 0; i < len(p.offsets)/8; i++ {
		at := p.offsetOf(i)
		if ioctl.ObjectType(binary.LittleEndian.Uint32(p.data[at:])) == ioctl.BINDER_TYPE_FD {
			var obj ioctl.FDObject
			obj.Decode(p.data[at:])
			f(obj)
		}
	}
}
