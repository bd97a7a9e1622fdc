package ioctl

import (
	"bytes"
	"reflect"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// fill sets every field of v to a value of its own, all bytes different within a field.
func fill(v reflect.Value, next *uint64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name != "_" {
				fill(v.Field(i), next)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	default:
		*next++
		n := *next * 0x0123456789abcdef
		if v.CanInt() {
			v.SetInt(int64(n) >> (64 - 8*v.Type().Size()))
		} else {
			v.SetUint(n >> (64 - 8*v.Type().Size()))
		}
	}
}

// memory is the bytes of what p points to, as the kernel sees them.
func memory(p codec) []byte {
	v := reflect.ValueOf(p)
	return unsafe.Slice((*byte)(v.UnsafePointer()), v.Elem().Type().Size())
}

func TestRoundTrip(t *testing.T) {
	for _, tw := range append(twins, twin{size: SizeofDescriptorMessage, fresh: newOf[DescriptorMessage]()}) {
		t.Run(tw.name(), func(t *testing.T) {
			want := tw.fresh()
			var n uint64
			fill(reflect.ValueOf(want).Elem(), &n)

			b := make([]byte, tw.size)
			want.Encode(b)
			if !tw.packed && !bytes.Equal(b, memory(want)) {
				t.Errorf("Encode writes %x, the struct in memory is %x", b, memory(want))
			}

			got := tw.fresh()
			got.Decode(b)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("decoded again (-want +got):\n%s", diff)
			}
		})
	}
}

// Encode writes its own bytes only, all of them, and needs no more.
func TestEncodeFillsItsBytes(t *testing.T) {
	for _, tw := range twins {
		b := bytes.Repeat([]byte{0xa5}, tw.size+8)
		tw.fresh().Encode(b)
		want := append(make([]byte, tw.size), bytes.Repeat([]byte{0xa5}, 8)...)
		if !bytes.Equal(b, want) {
			t.Errorf("%s: zero struct encoded as %x", tw.name(), b)
		}
	}
}

func TestPackedStruct(t *testing.T) {
	b := make([]byte, SizeofHandleCookie)
	(&HandleCookie{Handle: 0x44332211, Cookie: 0xccbbaa9988776655}).Encode(b)
	want := []byte{0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc}
	if !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
	u := readUAPI(t)
	if got := u.offsets["binder_handle_cookie"]["cookie"]; got != 4 {
		t.Errorf("binder_handle_cookie.cookie is at %d in C, at 4 here", got)
	}
}

func TestDescriptorMessageBytes(t *testing.T) {
	b := make([]byte, SizeofDescriptorMessage)
	(&DescriptorMessage{Buffer: 0x0807060504030201, First: 0x14131211, Total: 0x24232221}).Encode(b)
	want := []byte{1, 2, 3, 4, 5, 6, 7, 8, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24}
	if !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
}

// The unions are read by what they hold.
func TestUnions(t *testing.T) {
	o := FlatObject{Binder: 0xfeedface_00000007}
	if o.Handle() != 7 || o.Pointer() != 0xfeedface_00000007 {
		t.Errorf("object: handle %d, pointer %#x", o.Handle(), o.Pointer())
	}
	tr := TransactionData{Target: 0xfeedface_00000009}
	if tr.Handle() != 9 || tr.Pointer() != 0xfeedface_00000009 {
		t.Errorf("transaction: handle %d, pointer %#x", tr.Handle(), tr.Pointer())
	}
	var d BinderfsDevice
	copy(d.Name[:], "binder\x00rubbish")
	if got := d.NameString(); got != "binder" {
		t.Errorf("device name %q", got)
	}
	for i := range d.Name {
		d.Name[i] = 'x'
	}
	if got := len(d.NameString()); got != len(d.Name) {
		t.Errorf("a name without an end has %d bytes", got)
	}
}

func TestObjectSizes(t *testing.T) {
	want := map[ObjectType]int{
		BINDER_TYPE_BINDER: 24, BINDER_TYPE_WEAK_BINDER: 24, BINDER_TYPE_HANDLE: 24, BINDER_TYPE_WEAK_HANDLE: 24,
		BINDER_TYPE_FD: 24, BINDER_TYPE_PTR: 40, BINDER_TYPE_FDA: 32, 0: 0, 0x85: 0,
	}
	for typ, size := range want {
		if typ.Size() != size {
			t.Errorf("%s has %d bytes, want %d", typ, typ.Size(), size)
		}
	}
}

// Whatever bytes come, decoding takes them, and what is encoded again decodes to the same.
func FuzzStructs(f *testing.F) {
	f.Add(make([]byte, 300))
	f.Add(bytes.Repeat([]byte{0xff}, 300))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, tw := range twins {
			if len(b) < tw.size {
				continue
			}
			first, again := tw.fresh(), tw.fresh()
			first.Decode(b)
			out := make([]byte, tw.size)
			first.Encode(out)
			again.Decode(out)
			if !reflect.DeepEqual(first, again) {
				t.Errorf("%s: %x became %x", tw.name(), b[:tw.size], out)
			}
		}
	})
}
