package parcel

import (
	"fmt"

	"github.com/fusebinder/fusebinder/ioctl"
)

// WriteWeakBinder writes b, whose FlattenBinder answers a weak object, or the null binder when b is
// nil: a flat_binder_object, and nothing after it at any API level. libbinder had weak binders in
// parcels until Android 10 (Parcel::writeWeakBinder), before there was stability; the driver has them
// still.
func (p *Parcel) WriteWeakBinder(b Binder) {
	const op = "write weak binder"
	if !p.writable(op) {
		return
	}
	obj := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: schedulingFlags}
	if b != nil {
		var err error
		if obj, err = b.FlattenBinder(); err != nil {
			p.fail(op, len(p.data), "", err)
			return
		}
		if obj.Type != ioctl.BINDER_TYPE_WEAK_BINDER && obj.Type != ioctl.BINDER_TYPE_WEAK_HANDLE {
			p.fail(op, len(p.data), fmt.Sprintf("%T is not weak", b), BAD_TYPE)
			return
		}
	}
	p.putObject(op, &obj, b)
}

// ReadWeakBinder reads a weak binder; the null binder is nil.
func (p *Parcel) ReadWeakBinder() Binder {
	const op = "read weak binder"
	start := p.pos
	raw := p.peek(op, ioctl.SizeofFlatObject)
	if raw == nil {
		return nil
	}
	var obj ioctl.FlatObject
	obj.Decode(raw)
	switch {
	case obj.Type == ioctl.BINDER_TYPE_BINDER && obj.Binder == 0 && obj.Cookie == 0: // null
		p.pos += ioctl.SizeofFlatObject
		return nil
	case obj.Type != ioctl.BINDER_TYPE_WEAK_BINDER && obj.Type != ioctl.BINDER_TYPE_WEAK_HANDLE:
		p.fail(op, start, fmt.Sprintf("object of type %#x stands there", uint32(obj.Type)), BAD_TYPE)
		return nil
	case (obj.Type != ioctl.BINDER_TYPE_WEAK_HANDLE || obj.Binder != 0) && !p.listed(start):
		p.fail(op, start, "the object is not in the offsets table", BAD_TYPE)
		return nil
	}
	p.pos += ioctl.SizeofFlatObject
	return p.resolveAt(op, start, &obj)
}
