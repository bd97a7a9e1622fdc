package wire

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fusebinder/fusebinder/aidl/gogen/internal/wire/gen/org/example/wire"
	"github.com/fusebinder/fusebinder/parcel"
)

// types are what the fuzzer reads.
var types = []func() parcel.Parcelable{
	func() parcel.Parcelable { return new(wire.Scalars) },
	func() parcel.Parcelable { return new(wire.Arrays) },
	func() parcel.Parcelable { return new(wire.Nullables) },
	func() parcel.Parcelable { return new(wire.Fixed) },
	func() parcel.Parcelable { return new(wire.Maps) },
	func() parcel.Parcelable { return new(wire.Extension) },
	func() parcel.Parcelable { return new(wire.Tree) },
	func() parcel.Parcelable { return new(wire.New) },
	func() parcel.Parcelable { return new(anyChoice) },
}

// anyChoice makes a parcelable of a union.
type anyChoice struct{ v wire.Choice }

func (c *anyChoice) WriteToParcel(p *parcel.Parcel)  { wire.WriteNullableChoice(p, c.v) }
func (c *anyChoice) ReadFromParcel(p *parcel.Parcel) { c.v = wire.ReadNullableChoice(p) }

// FuzzRoundTrip reads any bytes as any type. What can be read can be written, and is then read as
// the same, byte for byte.
func FuzzRoundTrip(f *testing.F) {
	for _, tc := range fixtures {
		for kind, make := range types {
			if reflect.TypeOf(make()) == reflect.TypeOf(tc.value) {
				f.Add(byte(kind), tc.want)
			}
		}
	}
	for _, tc := range unions {
		f.Add(byte(len(types)-1), present(tc.want))
	}
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		make := types[int(kind)%len(types)]
		v := make()
		in := parcel.FromBuffer(data, nil, parcel.ReadOptions{})
		v.ReadFromParcel(in)
		if in.Err() != nil {
			return
		}
		first := parcel.New()
		defer first.Release()
		v.WriteToParcel(first)
		if first.Err() != nil {
			t.Fatalf("%T was read but cannot be written: %v", v, first.Err())
		}
		again := make()
		again.ReadFromParcel(first)
		if first.Err() != nil || first.Remaining() != 0 {
			t.Fatalf("%T cannot be read again: %v, %d bytes are left", v, first.Err(), first.Remaining())
		}
		second := parcel.New()
		defer second.Release()
		again.WriteToParcel(second)
		if !bytes.Equal(first.Data(), second.Data()) {
			t.Fatalf("%T differs:\n% x\n% x", v, first.Data(), second.Data())
		}
	})
}
