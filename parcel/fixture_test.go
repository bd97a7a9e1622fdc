package parcel

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
)

// A node is a local object as a runtime would flatten it, and a proxy a remote one.
type node struct {
	pointer ioctl.Pointer
	cookie  ioctl.Cookie
}

func (n *node) FlattenBinder() (ioctl.FlatObject, error) {
	return ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER, Flags: 0x113, Binder: uint64(n.pointer), Cookie: n.cookie}, nil
}

type proxy struct{ handle ioctl.Handle }

func (r *proxy) FlattenBinder() (ioctl.FlatObject, error) {
	return ioctl.FlatObject{Type: ioctl.BINDER_TYPE_HANDLE, Flags: 0x13, Binder: uint64(r.handle)}, nil
}

type weakNode struct{ node }

func (n *weakNode) FlattenBinder() (ioctl.FlatObject, error) {
	obj, err := n.node.FlattenBinder()
	obj.Type = ioctl.BINDER_TYPE_WEAK_BINDER
	return obj, err
}

type weakProxy struct{ proxy }

func (r *weakProxy) FlattenBinder() (ioctl.FlatObject, error) {
	obj, err := r.proxy.FlattenBinder()
	obj.Type = ioctl.BINDER_TYPE_WEAK_HANDLE
	return obj, err
}

type vintfNode struct{ node }

func (*vintfNode) BinderStability() Stability { return StabilityVINTF }

// directory resolves what node and proxy flatten to.
type directory struct{}

func (directory) ResolveBinder(obj ioctl.FlatObject) (Binder, error) {
	switch obj.Type {
	case ioctl.BINDER_TYPE_HANDLE:
		return &proxy{obj.Handle()}, nil
	case ioctl.BINDER_TYPE_WEAK_HANDLE:
		return &weakProxy{proxy{obj.Handle()}}, nil
	case ioctl.BINDER_TYPE_WEAK_BINDER:
		return &weakNode{node{obj.Pointer(), obj.Cookie}}, nil
	}
	return &node{obj.Pointer(), obj.Cookie}, nil
}

// TestFixtures holds what is written against bytes worked out by hand from the rule named, which
// is a function of AOSP's frameworks/native/libs/binder at android-14.0.0_r55 unless it says
// otherwise, and reads them back.
func TestFixtures(t *testing.T) {
	text := "hi"
	cases := []struct {
		name    string
		rule    string
		level   int
		write   func(*Parcel)
		data    string // hexadecimal; blanks are for people
		offsets string
		read    func(*Parcel) any
		want    any
	}{
		{
			name: "int32", rule: "Parcel::writeAligned",
			write: func(p *Parcel) { p.WriteInt32(-2) },
			data:  "feffffff",
			read:  func(p *Parcel) any { return p.ReadInt32() }, want: int32(-2),
		}, {
			name: "uint32", rule: "Parcel::writeUint32",
			write: func(p *Parcel) { p.WriteUint32(0xcafe0001) },
			data:  "0100feca",
			read:  func(p *Parcel) any { return p.ReadUint32() }, want: uint32(0xcafe0001),
		}, {
			name: "int64 at a multiple of 4", rule: "Parcel::writeAligned: the position is not moved",
			write: func(p *Parcel) { p.WriteInt32(1); p.WriteInt64(-2) },
			data:  "01000000 feffffffffffffff",
			read:  func(p *Parcel) any { return []any{p.ReadInt32(), p.ReadInt64()} }, want: []any{int32(1), int64(-2)},
		}, {
			name: "uint64", rule: "Parcel::writeUint64",
			write: func(p *Parcel) { p.WriteUint64(1 << 63) },
			data:  "0000000000000080",
			read:  func(p *Parcel) any { return p.ReadUint64() }, want: uint64(1 << 63),
		}, {
			name: "float", rule: "Parcel::writeFloat",
			write: func(p *Parcel) { p.WriteFloat32(1.5) },
			data:  "0000c03f",
			read:  func(p *Parcel) any { return p.ReadFloat32() }, want: float32(1.5),
		}, {
			name: "double", rule: "Parcel::writeDouble",
			write: func(p *Parcel) { p.WriteFloat64(-math.Pi) },
			data:  "182d4454fb2109c0",
			read:  func(p *Parcel) any { return p.ReadFloat64() }, want: -math.Pi,
		}, {
			name: "bool", rule: "Parcel::writeBool: int32(val)",
			write: func(p *Parcel) { p.WriteBool(true); p.WriteBool(false) },
			data:  "01000000 00000000",
			read:  func(p *Parcel) any { return []any{p.ReadBool(), p.ReadBool()} }, want: []any{true, false},
		}, {
			name: "char", rule: "Parcel::writeChar: int32(char16_t)",
			write: func(p *Parcel) { p.WriteChar('é') },
			data:  "e9000000",
			read:  func(p *Parcel) any { return p.ReadChar() }, want: uint16('é'),
		}, {
			name: "byte", rule: "Parcel::writeByte: int32(int8_t), so the sign spreads",
			write: func(p *Parcel) { p.WriteInt8(-3) },
			data:  "fdffffff",
			read:  func(p *Parcel) any { return p.ReadInt8() }, want: int8(-3),
		}, {
			name: "String16 of even length", rule: "Parcel::writeString16: length, units, NUL unit, pad_size",
			write: func(p *Parcel) { p.WriteString16("hi") },
			data:  "02000000 6800 6900 0000 0000",
			read:  func(p *Parcel) any { return p.ReadString16() }, want: "hi",
		}, {
			name: "String16 of odd length", rule: "Parcel::writeString16",
			write: func(p *Parcel) { p.WriteString16("abc") },
			data:  "03000000 6100 6200 6300 0000",
			read:  func(p *Parcel) any { return p.ReadString16() }, want: "abc",
		}, {
			name: "empty String16", rule: "Parcel::writeString16: the NUL is there all the same",
			write: func(p *Parcel) { p.WriteString16("") },
			data:  "00000000 0000 0000",
			read:  func(p *Parcel) any { return p.ReadString16() }, want: "",
		}, {
			name: "null String16", rule: "Parcel::writeString16: -1",
			write: func(p *Parcel) { p.WriteNullableString16(nil) },
			data:  "ffffffff",
			read:  func(p *Parcel) any { return p.ReadNullableString16() }, want: (*string)(nil),
		}, {
			name: "nullable String16", rule: "Parcel.h writeData(optional): as the value",
			write: func(p *Parcel) { p.WriteNullableString16(&text) },
			data:  "02000000 6800 6900 0000 0000",
			read:  func(p *Parcel) any { return p.ReadNullableString16() }, want: &text,
		}, {
			name: "String16 beyond the first plane", rule: "Parcel::writeUtf8AsUtf16: the length counts units",
			write: func(p *Parcel) { p.WriteString16("a😀") },
			data:  "03000000 6100 3dd8 00de 0000",
			read:  func(p *Parcel) any { return p.ReadString16() }, want: "a😀",
		}, {
			name: "lone surrogates", rule: "Parcel::writeString16 copies units as they are",
			write: func(p *Parcel) { p.WriteUTF16([]uint16{0xd800, 'x', 0xdc00}) },
			data:  "03000000 00d8 7800 00dc 0000",
			read:  func(p *Parcel) any { return p.ReadString16() }, want: "\ufffdx\ufffd",
		}, {
			name: "units", rule: "Parcel::readString16Inplace",
			write: func(p *Parcel) { p.WriteUTF16([]uint16{0xd800}) },
			data:  "01000000 00d8 0000",
			read:  func(p *Parcel) any { return p.ReadUTF16() }, want: []uint16{0xd800},
		}, {
			name: "String8", rule: "Parcel::writeString8: length, bytes, NUL, pad_size",
			write: func(p *Parcel) { p.WriteString8("né") },
			data:  "03000000 6ec3a900",
			read:  func(p *Parcel) any { return p.ReadString8() }, want: "né",
		}, {
			name: "null String8", rule: "Parcel::writeString8: -1",
			write: func(p *Parcel) { p.WriteNullableString8(nil); p.WriteNullableString8(&text) },
			data:  "ffffffff 02000000 68690000",
			read:  func(p *Parcel) any { return []any{p.ReadNullableString8(), p.ReadNullableString8()} },
			want:  []any{(*string)(nil), &text},
		}, {
			name: "byte[]", rule: "Parcel::writeByteArray: length, bytes, zero padding (writeInplace)",
			write: func(p *Parcel) { p.WriteByteArray([]byte{1, 2, 3, 4, 5}) },
			data:  "05000000 01020304 05000000",
			read:  func(p *Parcel) any { return p.ReadByteArray() }, want: []byte{1, 2, 3, 4, 5},
		}, {
			name: "int[]", rule: "Parcel.h writeData(vector) of a pointer equivalent type",
			write: func(p *Parcel) { p.WriteInt32Array([]int32{1, -1}) },
			data:  "02000000 01000000 ffffffff",
			read:  func(p *Parcel) any { return p.ReadInt32Array() }, want: []int32{1, -1},
		}, {
			name: "long[]", rule: "the same; no padding before the elements",
			write: func(p *Parcel) { p.WriteInt64Array([]int64{1}) },
			data:  "01000000 0100000000000000",
			read:  func(p *Parcel) any { return p.ReadInt64Array() }, want: []int64{1},
		}, {
			name: "float[]", rule: "the same",
			write: func(p *Parcel) { p.WriteFloat32Array([]float32{1.5}) },
			data:  "01000000 0000c03f",
			read:  func(p *Parcel) any { return p.ReadFloat32Array() }, want: []float32{1.5},
		}, {
			name: "double[]", rule: "the same",
			write: func(p *Parcel) { p.WriteFloat64Array([]float64{2}) },
			data:  "01000000 0000000000000040",
			read:  func(p *Parcel) any { return p.ReadFloat64Array() }, want: []float64{2},
		}, {
			name: "boolean[]", rule: "Parcel.h writeData(vector<bool>): an int32 for each",
			write: func(p *Parcel) { p.WriteBoolArray([]bool{true, false}) },
			data:  "02000000 01000000 00000000",
			read:  func(p *Parcel) any { return p.ReadBoolArray() }, want: []bool{true, false},
		}, {
			name: "char[]", rule: "Parcel.h writeData(vector<char16_t>): an int32 for each",
			write: func(p *Parcel) { p.WriteCharArray([]uint16{'a', 0xffff}) },
			data:  "02000000 61000000 ffff0000",
			read:  func(p *Parcel) any { return p.ReadCharArray() }, want: []uint16{'a', 0xffff},
		}, {
			name: "String[]", rule: "Parcel.h writeData(vector<String16>)",
			write: func(p *Parcel) { p.WriteString16Array([]string{"a", ""}) },
			data:  "02000000 01000000 6100 0000 00000000 0000 0000",
			read:  func(p *Parcel) any { return p.ReadString16Array() }, want: []string{"a", ""},
		}, {
			name: "null and empty int[]", rule: "kNullVectorSize -1",
			write: func(p *Parcel) {
				WriteNullableSlice(p, nil, (*Parcel).WriteInt32Array)
				WriteNullableSlice(p, []int32{}, (*Parcel).WriteInt32Array)
			},
			data: "ffffffff 00000000",
			read: func(p *Parcel) any {
				return [][]int32{ReadNullableSlice(p, (*Parcel).ReadInt32Array), ReadNullableSlice(p, (*Parcel).ReadInt32Array)}
			},
			want: [][]int32{nil, {}},
		}, {
			name: "parcelables", rule: "kNonNullParcelableFlag 1, kNullParcelableFlag 0; structured ones begin with their size",
			write: func(p *Parcel) { p.WriteParcelable(&point{3, 4}); p.WriteParcelable(nil) },
			data:  "01000000 0c000000 03000000 04000000 00000000",
			read: func(p *Parcel) any {
				var v, w point
				return []any{p.ReadNullableParcelable(&v), v.X, v.Y, p.ReadNullableParcelable(&w)}
			},
			want: []any{true, int32(3), int32(4), false},
		}, {
			name: "list of parcelables", rule: "Parcel.h writeData(vector<Parcelable>)",
			write: func(p *Parcel) { WriteSlice(p, []*point{{1, 2}}, writePoint) },
			data:  "01000000 01000000 0c000000 01000000 02000000",
			read:  func(p *Parcel) any { return ReadSlice(p, readPoint) }, want: []*point{{1, 2}},
		}, {
			name: "local binder", rule: "Parcel::flattenBinder, writeObject, finishFlattenBinder; SYSTEM 0b001100",
			write:   func(p *Parcel) { p.WriteStrongBinder(&node{0x10, 0x20}) },
			data:    "852a6273 13010000 1000000000000000 2000000000000000 0c000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return p.ReadStrongBinder() }, want: &node{0x10, 0x20},
		}, {
			name: "proxy after an int32", rule: "the same; the offset is the object's",
			write:   func(p *Parcel) { p.WriteInt32(7); p.WriteStrongBinder(&proxy{5}) },
			data:    "07000000 852a6873 13000000 0500000000000000 0000000000000000 0c000000",
			offsets: "0400000000000000",
			read:    func(p *Parcel) any { p.ReadInt32(); return p.ReadStrongBinder() }, want: &proxy{5},
		}, {
			name: "the context manager", rule: "Parcel::writeObject: a union of 0 is not listed",
			write: func(p *Parcel) { p.WriteStrongBinder(&proxy{0}) },
			data:  "852a6873 13000000 0000000000000000 0000000000000000 0c000000",
			read:  func(p *Parcel) any { return p.ReadStrongBinder() }, want: &proxy{0},
		}, {
			name: "null binder", rule: "Parcel::flattenBinder: schedBits, not listed; UNDECLARED 0",
			write: func(p *Parcel) { p.WriteStrongBinder(nil) },
			data:  "852a6273 13000000 0000000000000000 0000000000000000 00000000",
			read:  func(p *Parcel) any { return p.ReadNullableStrongBinder() }, want: Binder(nil),
		}, {
			name: "weak local binder", rule: "flatten_binder(wp) (android-10): the object, and no more",
			write:   func(p *Parcel) { p.WriteWeakBinder(&weakNode{node{0x10, 0x20}}) },
			data:    "852a6277 13010000 1000000000000000 2000000000000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return p.ReadWeakBinder() }, want: &weakNode{node{0x10, 0x20}},
		}, {
			name: "weak proxy before an int32", rule: "the same",
			write:   func(p *Parcel) { p.WriteWeakBinder(&weakProxy{proxy{5}}); p.WriteInt32(7) },
			data:    "852a6877 13000000 0500000000000000 0000000000000000 07000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return []any{p.ReadWeakBinder(), p.ReadInt32()} },
			want:    []any{Binder(&weakProxy{proxy{5}}), int32(7)},
		}, {
			name: "the context manager, weakly", rule: "Parcel::writeObject: a union of 0 is not listed",
			write: func(p *Parcel) { p.WriteWeakBinder(&weakProxy{proxy{0}}) },
			data:  "852a6877 13000000 0000000000000000 0000000000000000",
			read:  func(p *Parcel) any { return p.ReadWeakBinder() }, want: &weakProxy{proxy{0}},
		}, {
			name: "weak null binder", rule: "flatten_binder(wp): type BINDER, not listed",
			write: func(p *Parcel) { p.WriteWeakBinder(nil) },
			data:  "852a6273 13000000 0000000000000000 0000000000000000",
			read:  func(p *Parcel) any { return p.ReadWeakBinder() }, want: Binder(nil),
		}, {
			name: "VINTF binder", rule: "Stability.h VINTF 0b111111",
			write:   func(p *Parcel) { p.WriteStrongBinder(&vintfNode{node{1, 2}}) },
			data:    "852a6273 13010000 0100000000000000 0200000000000000 3f000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return p.ReadStrongBinder() }, want: &node{1, 2},
		}, {
			name: "binder of Android 12", rule: "Stability.cpp (android-12): Category{version 1, reserved, level}", level: 31,
			write:   func(p *Parcel) { p.WriteStrongBinder(&proxy{5}) },
			data:    "852a6873 13000000 0500000000000000 0000000000000000 0100000c",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return p.ReadStrongBinder() }, want: &proxy{5},
		}, {
			name: "null binder of Android 12L", rule: "Stability::getCategory(nullptr): version 1, UNDECLARED", level: 32,
			write: func(p *Parcel) { p.WriteStrongBinder(nil) },
			data:  "852a6273 13000000 0000000000000000 0000000000000000 01000000",
			read:  func(p *Parcel) any { return p.ReadNullableStrongBinder() }, want: Binder(nil),
		}, {
			name: "binder of Android 11", rule: "Stability::get (android-11): the level", level: 30,
			write:   func(p *Parcel) { p.WriteStrongBinder(&proxy{5}) },
			data:    "852a6873 13000000 0500000000000000 0000000000000000 0c000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return p.ReadStrongBinder() }, want: &proxy{5},
		}, {
			name: "binder of Android 10", rule: "flatten_binder (android-10): nothing follows", level: 29,
			write:   func(p *Parcel) { p.WriteStrongBinder(&proxy{5}); p.WriteStrongBinder(nil) },
			data:    "852a6873 13000000 0500000000000000 0000000000000000 852a6273 13000000 0000000000000000 0000000000000000",
			offsets: "0000000000000000",
			read:    func(p *Parcel) any { return []any{p.ReadStrongBinder(), p.ReadNullableStrongBinder()} },
			want:    []any{&proxy{5}, Binder(nil)},
		}, {
			name: "IBinder[]", rule: "Parcel.h writeData(vector<sp<IBinder>>)",
			write:   func(p *Parcel) { p.WriteStrongBinderArray([]Binder{&proxy{5}}) },
			data:    "01000000 852a6873 13000000 0500000000000000 0000000000000000 0c000000",
			offsets: "0400000000000000",
			read:    func(p *Parcel) any { return p.ReadStrongBinderArray() }, want: []Binder{&proxy{5}},
		}, {
			name: "interface token", rule: "Parcel::writeInterfaceToken: policy|GATHER, work source, SYST, name",
			write: func(p *Parcel) { p.WriteInterfaceToken("a.b") },
			data:  "00000080 ffffffff 54535953 03000000 6100 2e00 6200 0000",
			read:  func(p *Parcel) any { return p.EnforceInterface("a.b") }, want: error(nil),
		}, {
			name: "interface token of Android 10", rule: "the same (android-10): no SYST", level: 29,
			write: func(p *Parcel) { p.WriteInterfaceToken("a.b") },
			data:  "00000080 ffffffff 03000000 6100 2e00 6200 0000",
			read:  func(p *Parcel) any { return p.EnforceInterface("a.b") }, want: error(nil),
		}, {
			name: "interface token of Android 9", rule: "the same (android-9): no work source, GATHER is 0x40<<16", level: 28,
			write: func(p *Parcel) { p.WriteInterfaceToken("a.b") },
			data:  "00004000 03000000 6100 2e00 6200 0000",
			read:  func(p *Parcel) any { return p.EnforceInterface("a.b") }, want: error(nil),
		}, {
			name: "header", rule: "Parcel::writeInterfaceToken",
			write: func(p *Parcel) {
				p.WriteHeader(Header{StrictMode: 1, WorkSource: 10001, Tag: TagVendor, Descriptor: "é"})
			},
			data: "01000080 11270000 52444e56 01000000 e900 0000",
			read: func(p *Parcel) any { return p.ReadHeader() },
			want: Header{APILevel: 34, StrictMode: 0x80000001, WorkSource: 10001, Tag: TagVendor, Descriptor: "é"},
		}, {
			name: "no exception", rule: "Status::writeToParcel: EX_NONE alone",
			write: func(p *Parcel) { p.WriteNoException() },
			data:  "00000000",
			read:  func(p *Parcel) any { return p.ReadStatus() }, want: Status{},
		}, {
			name: "exception", rule: "Status::writeToParcel: code, message, empty stack trace",
			write: func(p *Parcel) { p.WriteStatus(Exceptionf(EX_SECURITY, "no")) },
			data:  "ffffffff 02000000 6e00 6f00 0000 0000 00000000",
			read:  func(p *Parcel) any { return p.ReadStatus() }, want: Status{Exception: EX_SECURITY, Message: "no"},
		}, {
			name: "exception of Android 8.1", rule: "Status::writeToParcel (android-8.1): no stack trace", level: 27,
			write: func(p *Parcel) { p.WriteStatus(Exceptionf(EX_SECURITY, "no")) },
			data:  "ffffffff 02000000 6e00 6f00 0000 0000",
			read:  func(p *Parcel) any { return p.ReadStatus() }, want: Status{Exception: EX_SECURITY, Message: "no"},
		}, {
			name: "service specific error", rule: "Status::writeToParcel: the code comes last",
			write: func(p *Parcel) { p.WriteStatus(ServiceSpecific(42, "")) },
			data:  "f8ffffff 00000000 0000 0000 00000000 2a000000",
			read:  func(p *Parcel) any { return p.ReadStatus() }, want: ServiceSpecific(42, ""),
		}, {
			name: "exception with a parcelable", rule: "Status::writeToParcel: an empty blob",
			write: func(p *Parcel) { p.WriteStatus(Exceptionf(EX_PARCELABLE, "")) },
			data:  "f7ffffff 00000000 0000 0000 00000000 00000000",
			read:  func(p *Parcel) any { return p.ReadStatus() }, want: Exceptionf(EX_PARCELABLE, ""),
		}, {
			name: "small blob", rule: "Parcel::writeBlob: BLOB_INPLACE 0, bytes, pad_size",
			write: func(p *Parcel) { p.WriteBlob([]byte{9}) },
			data:  "00000000 09000000",
			read:  func(p *Parcel) any { return p.ReadBlob(1) }, want: []byte{9},
		}, {
			name: "Java's blobs", rule: "android_os_Parcel_writeBlob: length or -1, then Parcel::writeBlob",
			write: func(p *Parcel) { p.WriteByteBlob([]byte{9}); p.WriteByteBlob(nil) },
			data:  "01000000 00000000 09000000 ffffffff",
			read:  func(p *Parcel) any { return [][]byte{p.ReadByteBlob(), p.ReadByteBlob()} }, want: [][]byte{{9}, nil},
		}, {
			name: "null ParcelFileDescriptor", rule: "kNullParcelableFlag",
			write: func(p *Parcel) { p.WriteNullableParcelFileDescriptor(-1) },
			data:  "00000000",
			read:  func(p *Parcel) any { return p.ReadNullableParcelFileDescriptor() }, want: -1,
		}, {
			name: "raw bytes", rule: "Parcel::write: padded, no length",
			write: func(p *Parcel) { p.WriteRaw([]byte{1, 2}); p.WriteInt32(3) },
			data:  "01020000 03000000",
			read:  func(p *Parcel) any { return []any{p.ReadRaw(2), p.ReadInt32()} }, want: []any{[]byte{1, 2}, int32(3)},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := New()
			defer p.Release()
			p.SetAPILevel(c.level)
			dirty(p)
			c.write(p)
			if err := p.Err(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(unhex(t, c.data), p.Data()); diff != "" {
				t.Errorf("data, by %s (-want +got):\n%s", c.rule, diff)
			}
			if diff := cmp.Diff(unhex(t, c.offsets), append([]byte{}, p.Offsets()...)); diff != "" {
				t.Errorf("offsets, by %s (-want +got):\n%s", c.rule, diff)
			}

			q := FromBuffer(unhex(t, c.data), unhex(t, c.offsets), ReadOptions{Resolver: directory{}, APILevel: c.level})
			defer q.Release()
			got := c.read(q)
			if err := q.Err(); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(weakNode{}, weakProxy{}, node{}, proxy{})); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			if q.Remaining() != 0 {
				t.Errorf("%d bytes were not read", q.Remaining())
			}
		})
	}
}

// dirty gives p memory that is not zero, so that padding which nobody wrote shows.
func dirty(p *Parcel) {
	p.writable("")
	for i, all := 0, p.data[:cap(p.data)]; i < len(all); i++ {
		all[i] = 0xaa
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// point is a structured parcelable as AIDL would generate it.
type point struct{ X, Y int32 }

func (v *point) WriteToParcel(p *Parcel) {
	e := p.BeginExtent()
	p.WriteInt32(v.X)
	p.WriteInt32(v.Y)
	p.EndExtent(e)
}

func (v *point) ReadFromParcel(p *Parcel) {
	e := p.ReadExtent()
	if p.More(e) {
		v.X = p.ReadInt32()
	}
	if p.More(e) {
		v.Y = p.ReadInt32()
	}
	p.LeaveExtent(e)
}

func writePoint(p *Parcel, v *point) { p.WriteParcelable(v) }

func readPoint(p *Parcel) *point {
	var v point
	p.ReadParcelable(&v)
	return &v
}
