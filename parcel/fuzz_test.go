package parcel

import (
	"bytes"
	"encoding/binary"
	"math"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// reads is everything that can be asked of a parcel, numbered for the fuzzer.
var reads = []func(p *Parcel, arg byte){
	func(p *Parcel, _ byte) { p.ReadInt32() },
	func(p *Parcel, _ byte) { p.ReadUint64() },
	func(p *Parcel, _ byte) { p.ReadFloat32() },
	func(p *Parcel, _ byte) { p.ReadFloat64() },
	func(p *Parcel, _ byte) { p.ReadBool() },
	func(p *Parcel, _ byte) { p.ReadChar() },
	func(p *Parcel, _ byte) { p.ReadInt8() },
	func(p *Parcel, _ byte) { p.ReadString16() },
	func(p *Parcel, _ byte) { p.ReadNullableString16() },
	func(p *Parcel, _ byte) { p.ReadUTF16() },
	func(p *Parcel, _ byte) { p.ReadString8() },
	func(p *Parcel, _ byte) { p.ReadNullableString8() },
	func(p *Parcel, _ byte) { p.ReadByteArray() },
	func(p *Parcel, _ byte) { p.ReadInt32Array() },
	func(p *Parcel, _ byte) { p.ReadInt64Array() },
	func(p *Parcel, _ byte) { p.ReadFloat32Array() },
	func(p *Parcel, _ byte) { p.ReadFloat64Array() },
	func(p *Parcel, _ byte) { p.ReadBoolArray() },
	func(p *Parcel, _ byte) { p.ReadCharArray() },
	func(p *Parcel, _ byte) { p.ReadString16Array() },
	func(p *Parcel, _ byte) { p.ReadStrongBinderArray() },
	func(p *Parcel, _ byte) { ReadNullableSlice(p, (*Parcel).ReadInt32Array) },
	func(p *Parcel, _ byte) { ReadSlice(p, readPoint) },
	func(p *Parcel, _ byte) { p.ReadNullableParcelable(&point{}) },
	func(p *Parcel, _ byte) { p.ReadStrongBinder() },
	func(p *Parcel, _ byte) { p.ReadNullableStrongBinder() },
	func(p *Parcel, _ byte) { unix.Close(p.ReadFileDescriptor()) },
	func(p *Parcel, _ byte) { unix.Close(p.ReadNullableParcelFileDescriptor()) },
	func(p *Parcel, _ byte) { p.ReadHeader() },
	func(p *Parcel, _ byte) { p.EnforceInterface("a.b") },
	func(p *Parcel, _ byte) { p.ReadStatus() },
	func(p *Parcel, arg byte) { p.ReadBlob(int(int8(arg))) },
	func(p *Parcel, _ byte) { p.ReadByteBlob() },
	func(p *Parcel, arg byte) { p.ReadRaw(int(int8(arg))) },
	func(p *Parcel, arg byte) { p.SetPosition(int(int8(arg))) },
	func(p *Parcel, _ byte) { p.ReadPresent() },
	func(p *Parcel, _ byte) { p.ReadNull() },
	func(p *Parcel, _ byte) { p.ReadCharSequence() },
	func(p *Parcel, _ byte) { p.ReadValue() },
	func(p *Parcel, _ byte) { p.ReadList() },
	func(p *Parcel, _ byte) { p.ReadAnyMap() },
	func(p *Parcel, _ byte) { p.ReadInt8Array() },
	func(p *Parcel, _ byte) { p.ReadWeakBinder() },
	func(p *Parcel, arg byte) { p.ReadHolder(&Holder{}, arg&1 != 0) },
	func(p *Parcel, _ byte) { ReadMap(p, (*Parcel).ReadValue) },
	func(p *Parcel, _ byte) { ReadEnumSlice[int64](p) },
	func(p *Parcel, _ byte) { ReadFixedArray(p, make([]int32, 2), (*Parcel).ReadInt32Array) },
}

// standardInput gives the reader descriptor 0, whatever the object says.
type standardInput struct{}

func (standardInput) TakeFile(ioctl.FDObject) (int, error) { return 0, nil }
func (standardInput) ReleaseFile(ioctl.FDObject)           {}

// FuzzRead runs a program of reads, two bytes each, over any parcel: it may fail, and must neither
// panic nor leave the data, and says where it failed.
func FuzzRead(f *testing.F) {
	seed := New()
	seed.WriteInterfaceToken("a.b")
	seed.WriteString16("x😀")
	seed.WriteStrongBinder(&proxy{5})
	seed.WriteStrongBinder(nil)
	seed.WriteWeakBinder(&weakProxy{proxy{6}})
	seed.WriteFileDescriptor(0)
	seed.WriteInt64Array([]int64{1, 2})
	seed.WriteStatus(ServiceSpecific(1, "m"))
	f.Add(seed.Data(), seed.Offsets(), []byte{29, 0, 7, 0, 24, 0, 25, 0, 26, 0, 14, 0, 30, 0}, byte(0))
	seed.Release()
	for i := range reads {
		f.Add([]byte{1, 0, 0, 0, 2, 0, 0, 0, 0x61, 0, 0, 0}, []byte{}, []byte{byte(i), 4, 34, 0, byte(i), 0}, byte(0))
	}
	f.Add([]byte("\x85*hs\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x0c"), make([]byte, 8), []byte{24, 0, 34, 0, 0, 0}, byte(31))
	f.Fuzz(func(t *testing.T, data, offsets, program []byte, level byte) {
		before := bytes.Clone(data)
		released := 0
		p := FromBuffer(data, offsets, ReadOptions{Resolver: directory{}, Files: standardInput{}, APILevel: int(level), Release: func() { released++ }})
		for ; len(program) >= 2; program = program[2:] {
			at := p.Position()
			bad := p.Err()
			reads[int(program[0])%len(reads)](p, program[1])
			if p.Position() < 0 || p.Position() > len(data) {
				t.Fatalf("position %d of %d", p.Position(), len(data))
			}
			if bad != nil && (p.Err() != bad || p.Position() != at) {
				t.Fatalf("after %v: %v at %d", bad, p.Err(), p.Position())
			}
		}
		if e, ok := p.Err().(*Error); p.Err() != nil && (!ok || e.Op == "" || e.Err == nil || e.Error() == "") {
			t.Fatalf("the error %#v says too little", p.Err())
		}
		p.Release()
		if released != 1 {
			t.Fatalf("released %d times", released)
		}
		if !bytes.Equal(before, data) {
			t.Fatal("reading changed the data")
		}
	})
}

// values has one of each kind of value; FuzzRoundTrip fills it from bytes.
type values struct {
	I32    int32
	I64    int64
	F32    uint32 // bits, so that NaN equals NaN
	F64    uint64
	Bool   bool
	Char   uint16
	I8     int8
	S16    string
	S8     string
	Null   *string
	Units  []uint16
	Bytes  []byte
	I32s   []int32
	I64s   []int64
	Bools  []bool
	Chars  []uint16
	Strs   []string
	Handle uint32
	Status Status
	Blob   []byte
}

func (v *values) WriteToParcel(p *Parcel) {
	p.WriteInt32(v.I32)
	p.WriteInt64(v.I64)
	p.WriteFloat32(math.Float32frombits(v.F32))
	p.WriteFloat64(math.Float64frombits(v.F64))
	p.WriteBool(v.Bool)
	p.WriteChar(v.Char)
	p.WriteInt8(v.I8)
	p.WriteString16(v.S16)
	p.WriteString8(v.S8)
	p.WriteNullableString16(v.Null)
	p.WriteUTF16(v.Units)
	p.WriteByteArray(v.Bytes)
	p.WriteInt32Array(v.I32s)
	p.WriteStrongBinder(&proxy{ioctl.Handle(v.Handle)})
	p.WriteInt64Array(v.I64s)
	p.WriteBoolArray(v.Bools)
	p.WriteCharArray(v.Chars)
	p.WriteString16Array(v.Strs)
	p.WriteStatus(v.Status)
	p.WriteByteBlob(v.Blob)
}

func (v *values) ReadFromParcel(p *Parcel) {
	v.I32 = p.ReadInt32()
	v.I64 = p.ReadInt64()
	v.F32 = math.Float32bits(p.ReadFloat32())
	v.F64 = math.Float64bits(p.ReadFloat64())
	v.Bool = p.ReadBool()
	v.Char = p.ReadChar()
	v.I8 = p.ReadInt8()
	v.S16 = p.ReadString16()
	v.S8 = p.ReadString8()
	v.Null = p.ReadNullableString16()
	v.Units = p.ReadUTF16()
	v.Bytes = p.ReadByteArray()
	v.I32s = p.ReadInt32Array()
	if b, ok := p.ReadStrongBinder().(*proxy); ok {
		v.Handle = uint32(b.handle)
	}
	v.I64s = p.ReadInt64Array()
	v.Bools = p.ReadBoolArray()
	v.Chars = p.ReadCharArray()
	v.Strs = p.ReadString16Array()
	v.Status = p.ReadStatus()
	v.Blob = bytes.Clone(p.ReadByteBlob())
}

// FuzzRoundTrip writes values, reads them, and writes them again: the same values, the same bytes.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{}, byte(0))
	f.Add([]byte("\x01\x02\x03\x04 hello, wörld 😀 and some more bytes to spread over the fields\xff\xfe"), byte(31))
	f.Fuzz(func(t *testing.T, source []byte, level byte) {
		want := fill(source)
		p := New()
		defer p.Release()
		p.SetAPILevel(int(level))
		p.WriteParcelable(want)
		if p.Err() != nil {
			t.Fatal(p.Err())
		}
		if len(p.Data())%4 != 0 {
			t.Fatalf("%d bytes are no multiple of 4", len(p.Data()))
		}
		q := FromBuffer(p.Data(), p.Offsets(), ReadOptions{Resolver: directory{}, APILevel: int(level)})
		var got values
		q.ReadParcelable(&got)
		if q.Err() != nil || q.Remaining() != 0 {
			t.Fatalf("%v; %d bytes are left", q.Err(), q.Remaining())
		}
		if diff := cmp.Diff(want, &got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		r := New()
		defer r.Release()
		r.SetAPILevel(int(level))
		r.WriteParcelable(&got)
		if !bytes.Equal(p.Data(), r.Data()) || !bytes.Equal(p.Offsets(), r.Offsets()) {
			t.Fatalf("written again it differs:\n% x\n% x", p.Data(), r.Data())
		}
	})
}

// fill spreads source over the fields of a values.
func fill(source []byte) *values {
	next := func(n int) []byte {
		b := make([]byte, n)
		source = source[copy(b, source):]
		return b
	}
	length := func() int { return int(next(1)[0] % 17) }
	text := func() string {
		s := string(next(length()))
		if !utf8.ValidString(s) {
			return string([]rune(s)) // each stray byte as U+FFFD, which is how it comes back
		}
		return s
	}
	v := &values{Units: []uint16{}, Bytes: []byte{}, I32s: []int32{}, I64s: []int64{}, Bools: []bool{}, Chars: []uint16{}, Strs: []string{}}
	v.I32, v.I64 = int32(binary.LittleEndian.Uint32(next(4))), int64(binary.LittleEndian.Uint64(next(8)))
	v.F32, v.F64 = binary.LittleEndian.Uint32(next(4))&^0x7f800000, binary.LittleEndian.Uint64(next(8))
	v.Bool, v.Char, v.I8 = next(1)[0]&1 != 0, binary.LittleEndian.Uint16(next(2)), int8(next(1)[0])
	v.S16, v.S8 = text(), string(next(length()))
	if length() > 8 {
		s := text()
		v.Null = &s
		v.Blob = next(length())
		v.Status = Status{Exception: EX_SERVICE_SPECIFIC, Code: v.I32, Message: text()}
	}
	v.Bytes = next(length())
	for range length() {
		v.Units = append(v.Units, binary.LittleEndian.Uint16(next(2)))
		v.I32s = append(v.I32s, int32(binary.LittleEndian.Uint32(next(4))))
		v.I64s = append(v.I64s, int64(binary.LittleEndian.Uint64(next(8))))
		v.Bools = append(v.Bools, next(1)[0]&1 != 0)
		v.Chars = append(v.Chars, binary.LittleEndian.Uint16(next(2)))
		v.Strs = append(v.Strs, text())
	}
	v.Handle = binary.LittleEndian.Uint32(next(4))
	return v
}

// TestReadsAreComplete fails when a Read method is added and the fuzzer does not know it.
func TestReadsAreComplete(t *testing.T) {
	elsewhere := map[string]bool{ // or read by another that is listed
		"ReadUint32": true, "ReadInt64": true, "ReadByteView": true, "ReadFile": true,
		"ReadParcelFileDescriptor": true, "ReadParcelable": true, "ReadExtent": true,
		"ReadNullableCharSequence": true, "ReadForeign": true, "ReadParcelFile": true, "ReadNullableParcelFile": true, "ReadRawFile": true,
	}
	kind := reflect.TypeFor[*Parcel]()
	n := 0
	for i := range kind.NumMethod() {
		if name := kind.Method(i).Name; len(name) > 4 && name[:4] == "Read" && !elsewhere[name] {
			n++
		}
	}
	if want := len(reads) - 7; n != want { // EnforceInterface, SetPosition and the five generic functions are no Read methods
		t.Errorf("the fuzzer knows %d Read methods of %d", want, n)
	}
}
