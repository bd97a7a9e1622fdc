package parcel

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A Held is a parcelable that a Holder can hold: it knows its AIDL name and whether it is stable
// between images (@VintfStability). Generated parcelables are Helds.
type Held interface {
	Parcelable
	ParcelableDescriptor() string
	ParcelableVINTF() bool
}

// A Holder is AIDL's ParcelableHolder: room for one parcelable of a type that the holder's own
// interface does not know. The zero Holder is empty.
//
// What was received stays as it came until Get names a type, and goes on as it came if nobody does.
type Holder struct {
	value Held
	raw   *Parcel // name and body; nil if empty
}

// Set makes h hold v, which must not change any more; nil empties it.
func (h *Holder) Set(v Held) { *h = Holder{value: v} }

// Empty says whether h holds nothing.
func (h *Holder) Empty() bool { return h.value == nil && h.raw == nil }

// Get copies what h holds into v if it is of v's type. It is false for an empty holder and for
// parcelables of another type.
func (h *Holder) Get(v Held) (bool, error) {
	if h.value != nil {
		if reflect.TypeOf(h.value) != reflect.TypeOf(v) {
			return false, nil
		}
		reflect.ValueOf(v).Elem().Set(reflect.ValueOf(h.value).Elem())
		return true, nil
	}
	if h.raw == nil {
		return false, nil
	}
	defer runtime.KeepAlive(h.raw) // what it holds ends with it
	view := h.view()
	if name := view.ReadString16(); view.err != nil || name != v.ParcelableDescriptor() {
		return false, view.err
	}
	v.ReadFromParcel(view)
	return view.err == nil, view.err
}

// Name is the AIDL name of the parcelable held, "" if h is empty.
func (h *Holder) Name() string {
	switch {
	case h.value != nil:
		return h.value.ParcelableDescriptor()
	case h.raw != nil:
		return h.view().ReadString16()
	}
	return ""
}

// view is the received content, to be read from its start.
func (h *Holder) view() *Parcel {
	view := *h.raw
	view.pos, view.next, view.err = 0, 0, nil
	return &view
}

// Equal says whether both hold the same: equal values, or the same bytes.
func (h Holder) Equal(o Holder) bool {
	switch {
	case h.value != nil && o.value != nil:
		return Equal(h.value, o.value)
	case h.raw != nil && o.raw != nil:
		return bytes.Equal(h.raw.data, o.raw.data)
	case h.Empty() || o.Empty():
		return h.Empty() && o.Empty()
	case h.value == nil:
		return o.Equal(h)
	}
	// One was received, the other was not.
	v := reflect.New(reflect.TypeOf(h.value).Elem()).Interface().(Held)
	ok, err := o.Get(v)
	return ok && err == nil && Equal(h.value, v)
}

// String names what is held.
func (h Holder) String() string {
	switch {
	case h.value != nil:
		return fmt.Sprint(reflect.ValueOf(h.value).Elem())
	case h.raw != nil:
		return h.Name() + "{...}"
	}
	return "{}"
}

// WriteHolder writes a holder (ParcelableHolder::writeToParcel), present as a parcelable is:
//
//	int32    1
//	int32    stability: 1 for a holder in a @VintfStability parcelable, else 0
//	int32    size of what follows; 0 ends an empty holder
//	String16 AIDL name of the parcelable
//	         its body
func (p *Parcel) WriteHolder(h *Holder, vintf bool) {
	const op = "write parcelable holder"
	p.WriteInt32(presentFlag)
	p.WriteBool(vintf)
	if h.Empty() {
		p.WriteInt32(0)
		return
	}
	if h.value != nil && vintf && !h.value.ParcelableVINTF() {
		p.fail(op, len(p.data), h.value.ParcelableDescriptor()+" is not @VintfStability, as its holder is", BAD_VALUE)
		return
	}
	size := p.BeginExtent()
	if h.value != nil {
		p.WriteString16(h.value.ParcelableDescriptor())
		h.value.WriteToParcel(p)
	} else {
		p.appendFrom(op, h.raw, 0, len(h.raw.data))
		runtime.KeepAlive(h.raw)
	}
	p.endSize(size)
}

// ReadHolder reads a holder.
func (p *Parcel) ReadHolder(h *Holder, vintf bool) {
	const op = "read parcelable holder"
	*h = Holder{}
	if !p.RequirePresent() {
		return
	}
	start := p.pos
	if stability := p.ReadInt32(); p.err == nil && (stability != 0) != vintf {
		p.fail(op, start, fmt.Sprintf("its stability is %d", stability), BAD_VALUE)
	}
	start = p.pos
	size := int(p.ReadInt32())
	switch {
	case p.err != nil || size == 0:
		return
	case size < 0 || size%4 != 0 || size > p.Remaining():
		p.fail(op, start, fmt.Sprintf("its size is %d, but %d bytes are left", size, p.Remaining()), BAD_VALUE)
		return
	}
	raw := New()
	raw.SetAPILevel(p.level())
	raw.opts.Resolver = p.opts.Resolver // for the context manager, which no table lists
	raw.appendFrom(op, p, p.pos, size)
	if raw.err != nil {
		p.SetErr(raw.err)
		raw.Release()
		return
	}
	p.pos += size
	// The holder owns descriptors and holds binders until nobody has it any more; its copy has the
	// same memory, so the parcel itself must not give that back.
	raw.store = nil
	h.raw = raw
	runtime.AddCleanup(raw, releaseWritten, raw.written)
}

// appendFrom writes n bytes of src from an offset on, with the objects that stand there
// (Parcel::appendFrom).
func (p *Parcel) appendFrom(op string, src *Parcel, from, n int) {
	start := len(p.data)
	to := p.room(op, n)
	if to == nil {
		return
	}
	copy(to, src.data[from:from+n])
	for i := range len(src.offsets) / 8 {
		at := src.offsetOf(i)
		if at+src.sizeAt(at) <= from || at >= from+n {
			continue
		}
		if at < from || at+src.sizeAt(at) > from+n {
			p.fail(op, at, "it cuts an object in two", BAD_VALUE)
			return
		}
		p.appendObject(op, src, at, start+at-from)
		if p.err != nil {
			return
		}
	}
}

// appendObject makes the copy at offset at an object of p.
func (p *Parcel) appendObject(op string, src *Parcel, from, at int) {
	view := *src
	view.pos, view.next, view.err = from, 0, nil
	switch kind := ioctl.ObjectType(word(src.data[from:])); kind {
	case ioctl.BINDER_TYPE_FD:
		fd := view.ReadFileDescriptor()
		if fd < 0 {
			p.SetErr(view.err)
			return
		}
		object := ioctl.FDObject{Type: kind, FD: uint32(fd), Cookie: 1}
		object.Encode(p.data[at:])
		p.written = append(p.written, written{offset: at, fd: fd})
	case ioctl.BINDER_TYPE_BINDER, ioctl.BINDER_TYPE_HANDLE:
		b := view.ReadNullableStrongBinder()
		if b == nil {
			p.SetErr(view.err)
			return
		}
		obj, err := b.FlattenBinder()
		if err != nil {
			p.fail(op, at, "", err)
			return
		}
		obj.Encode(p.data[at:])
		p.written = append(p.written, written{offset: at, binder: b, fd: -1})
		if r, ok := b.(Retainer); ok {
			r.RetainBinder()
		}
	default:
		p.fail(op, from, fmt.Sprintf("an object of type %#x cannot be held", uint32(kind)), BAD_TYPE)
		return
	}
	p.list(at)
}
