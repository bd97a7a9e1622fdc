package wire

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/fusebinder/fusebinder/aidl/gogen/internal/wire/gen/org/example/wire"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/google/go-cmp/cmp"
)

func point(x, y int32) []byte { return sized(words(x, y)) }

// fixtures are values and their bytes. The rules are AOSP's: system/tools/aidl for the order of
// calls, frameworks/native/libs/binder for what each call writes.
var fixtures = []struct {
	name, rule string
	value      parcel.Parcelable
	want       []byte
}{
	{
		"empty parcelable", "generate_cpp.cpp, BuildWriteToParcel: the size of the parcelable, itself included, and the fields",
		&wire.Old{},
		words(8, 0),
	},
	{
		"scalars", "Parcel.h: boolean, byte and char are an int32 each; long and double 8 bytes at any multiple of 4; enums as their backing type (aidl_to_cpp.cpp, ParcelWriteCastOf)",
		&wire.Scalars{Z: true, B: -1, C: 'c', I: 42, J: 1 << 40, F: 1.5, D: -2.5, S: "sé", U: "u", Be: wire.ByteEnumB, Ie: wire.IntEnumB, Le: wire.LongEnumB},
		sized(words(1, -1, 'c', 42), long(1<<40), float(1.5), double(-2.5), str("sé"), str("u"), words(-2, 0x7fffffff), long(1<<40)),
	},
	{
		"utf8InCpp", "Parcel::writeUtf8AsUtf16: the same as String",
		&wire.Scalars{U: "ü😀"},
		sized(words(0, 0, 0, 0), long(0), float(0), double(0), str(""), str("ü😀"), words(0, 0), long(0)),
	},
	{
		"arrays", "Parcel.h, writeData of vectors: length, then bytes packed and padded, int32 and larger side by side, bool and char as int32; enums as arrays of their backing type (writeEnumVector); Strings and parcelables one by one, parcelables with int32 1 (writeParcelableVector)",
		&wire.Arrays{
			Z: []bool{true, false}, B: []byte{1, 2, 255}, C: []uint16{'a', 0xffff}, I: []int32{1, -1}, J: []int64{1, -1},
			F: []float32{0.5}, D: []float64{0.25}, S: []string{"a", ""},
			Be: []wire.ByteEnum{wire.ByteEnumA, wire.ByteEnumB}, Ie: []wire.IntEnum{wire.IntEnumA}, Le: []wire.LongEnum{wire.LongEnumB},
			P: []wire.Point{{X: 1, Y: 2}}, U: []wire.Choice{wire.ChoiceNumber{Value: 9}}, T: []wire.SmallTag{wire.SmallTagBytes},
			Ls: []string{"x"}, Lp: []wire.Point{{X: 3}},
		},
		sized(
			words(2, 1, 0), words(3), padded(1, 2, 255), words(2, 'a', 0xffff), words(2, 1, -1), words(2), long(1), long(-1),
			words(1), float(0.5), words(1), double(0.25), words(2), str("a"), str(""),
			words(2), padded(1, 0xfe), words(1, 1), words(1), long(1<<40),
			words(1), present(point(1, 2)), words(1), present(words(0, 9)), words(1), padded(1),
			words(1), str("x"), words(1), present(point(3, 0)),
		),
	},
	{
		"null and nil arrays", "a vector that is not nullable is never -1: Go's nil is empty",
		&wire.Arrays{},
		sized(make([]byte, 4*16)),
	},
	{
		"nullables, null", "Parcel.h: null strings and vectors are length -1, null parcelables int32 0; Parcel::flattenBinder(nullptr): type BINDER, and stability 0",
		&wire.Nullables{},
		sized(words(-1, 0, 0, -1, -1, -1, -1, -1), words(0x73622a85, 19, 0, 0, 0, 0, 0), words(0)),
	},
	{
		"nullables, there", "aidl_to_cpp.cpp, CppNameOf: the elements of a nullable array are nullable, too",
		&wire.Nullables{
			S: parcel.Some("s"), P: &wire.Point{X: 1, Y: 2}, U: wire.ChoiceText{Value: "t"}, I: []int32{}, Ss: []*string{nil, parcel.Some("a")},
			Be: []wire.ByteEnum{wire.ByteEnumA}, Ps: []*wire.Point{nil, {X: 3, Y: 4}}, Ls: []*string{nil},
		},
		sized(
			str("s"), present(point(1, 2)), present(words(1), str("t")), words(0), words(2, -1), str("a"),
			words(1), padded(1), words(2, 0), present(point(3, 4)), words(1, -1),
			words(0x73622a85, 19, 0, 0, 0, 0, 0), words(0),
		),
	},
	{
		"fixed-size arrays", "Parcel.h, writeData of std::array: each dimension with its length, elements as in vectors",
		&wire.Fixed{
			Ii: [2][3]int32{{1, 2, 3}, {4, 5, 6}}, B: [3]byte{7, 8, 9}, Z: [2]bool{true, true}, C: [2]uint16{1, 2}, S: [2]string{"a", "b"},
			Be: [2]wire.ByteEnum{1, -2}, Ie: [2]wire.IntEnum{1, 2}, P: [2]wire.Point{{X: 1}, {Y: 1}},
			Ni: &[2]int32{1, 2}, Np: &[2][2]*wire.Point{{nil, {X: 1, Y: 1}}, {nil, nil}},
		},
		sized(
			words(2, 3, 1, 2, 3, 3, 4, 5, 6), words(3), padded(7, 8, 9), words(2, 1, 1), words(2, 1, 2), words(2), str("a"), str("b"),
			words(2), padded(1, 0xfe), words(2, 1, 2), words(2), present(point(1, 0)), present(point(0, 1)),
			words(2, 1, 2), words(2, 2, 0), present(point(1, 1)), words(2, 0, 0),
		),
	},
	{
		"nullable fixed-size arrays, null", "std::optional<std::array>: length -1",
		&wire.Fixed{},
		sized(
			words(2, 3, 0, 0, 0, 3, 0, 0, 0), words(3), padded(0, 0, 0), words(2, 0, 0), words(2, 0, 0), words(2), str(""), str(""),
			words(2), padded(0, 0), words(2, 0, 0), words(2), present(point(0, 0)), present(point(0, 0)), words(-1), words(-1),
		),
	},
	{
		"maps", "aidl_to_java.cpp, WriteToParcelFor Map: size, and for each entry writeString and the value",
		&wire.Maps{
			S: map[string]string{"b": "2", "a": "1"}, I: map[string][]int32{"k": {1}}, P: map[string]wire.Point{"p": {X: 1, Y: 2}},
			E: map[string][]wire.IntEnum{"e": {wire.IntEnumA}},
		},
		sized(
			words(2), str("a"), str("1"), str("b"), str("2"), words(1), str("k"), words(1, 1),
			words(1), str("p"), present(point(1, 2)), words(1), str("e"), words(1, 1), words(0),
		),
	},
	{
		"empty holder", "ParcelableHolder::writeToParcel: stability 0, size 0; writeParcelable before it: 1",
		&wire.Extension{Before: 1, After: 2},
		sized(words(1), words(1, 0, 0), words(2)),
	},
	{
		"held parcelable", "ParcelableHolder::writeToParcel: stability, size of what follows, name, body without presence",
		holding(&wire.Point{X: 1, Y: 2}),
		sized(words(1), words(1, 0), words(int32(len(str("org.example.wire.Point"))+12)), str("org.example.wire.Point"), point(1, 2), words(2)),
	},
	{
		"held union", "ParcelableHolder::writeToParcel: the body of a union is its tag and the value",
		holding(&wire.ChoiceHeld{Value: wire.ChoicePoint{Value: wire.Point{X: 1, Y: 2}}}),
		sized(words(1), words(1, 0), words(int32(len(str("org.example.wire.Choice"))+20)), str("org.example.wire.Choice"), words(2, 1), point(1, 2), words(2)),
	},
	{
		"held default union", "its first field",
		holding(&wire.ChoiceHeld{}),
		sized(words(1), words(1, 0), words(int32(len(str("org.example.wire.Choice"))+8)), str("org.example.wire.Choice"), words(0, 3), words(2)),
	},
	{
		"tree", "@nullable(heap=true): std::unique_ptr, written as std::optional",
		&wire.Tree{Value: 1, Right: &wire.Tree{Value: 2}},
		sized(words(1, 0), present(sized(words(2, 0, 0)))),
	},
}

func holding(v parcel.Held) *wire.Extension {
	e := &wire.Extension{Before: 1, After: 2}
	e.Held.Set(v)
	return e
}

// unions are like fixtures: a union's body has no size.
var unions = []struct {
	name  string
	value wire.Choice
	want  []byte
}{
	{"nothing said: the first field with its default", nil, words(0, 3)},
	{"int", wire.ChoiceNumber{Value: -1}, words(0, -1)},
	{"String", wire.ChoiceText{Value: "t"}, join(words(1), str("t"))},
	{"parcelable", wire.ChoicePoint{Value: wire.Point{X: 1, Y: 2}}, join(words(2), present(point(1, 2)))},
	{"null", wire.ChoicePerhaps{}, words(3, 0)},
	{"array", wire.ChoiceNumbers{Value: []int32{1, 2}}, words(4, 2, 1, 2)},
	{"enum without a name", wire.ChoiceWhich{Value: 77}, words(5, 77)},
	{"List", wire.ChoiceTexts{Value: []string{"a"}}, join(words(6, 1), str("a"))},
}

func TestFixtures(t *testing.T) {
	for _, tc := range fixtures {
		t.Run(tc.name, func(t *testing.T) {
			p := parcel.New()
			defer p.Release()
			tc.value.WriteToParcel(p)
			if p.Err() != nil {
				t.Fatal(p.Err())
			}
			if diff := cmp.Diff(tc.want, p.Data()); diff != "" {
				t.Fatalf("rule: %s\nbytes, -want +got:\n%s", tc.rule, diff)
			}
			got := reflect.New(reflect.TypeOf(tc.value).Elem()).Interface().(parcel.Parcelable)
			got.ReadFromParcel(p)
			if p.Err() != nil || p.Remaining() != 0 {
				t.Fatalf("%v; %d bytes are left", p.Err(), p.Remaining())
			}
			again := parcel.New()
			defer again.Release()
			got.WriteToParcel(again)
			if !bytes.Equal(p.Data(), again.Data()) {
				t.Errorf("written again it differs, -want +got:\n%s", cmp.Diff(p.Data(), again.Data()))
			}
		})
	}
}

func TestUnions(t *testing.T) {
	for _, tc := range unions {
		t.Run(tc.name, func(t *testing.T) {
			p := parcel.New()
			defer p.Release()
			wire.WriteChoice(p, tc.value)
			// generate_cpp.cpp, UnionWriter: writeInt32(tag), the value; as a parcelable int32 1 first.
			if diff := cmp.Diff(present(tc.want), p.Data()); diff != "" {
				t.Fatalf("bytes, -want +got:\n%s", diff)
			}
			want := tc.value
			if want == nil {
				want = wire.NewChoice()
			}
			if diff := cmp.Diff(want, wire.ReadChoice(p)); diff != "" || p.Err() != nil {
				t.Errorf("%v\n-want +got:\n%s", p.Err(), diff)
			}
		})
	}
}

// TestUnknown is what a reader makes of what only newer writers know.
func TestUnknown(t *testing.T) {
	p := parcel.New()
	defer p.Release()
	p.WriteRaw(present(words(7, 1)))
	if got := wire.ReadChoice(p); got != nil || parcel.StatusOf(p.Err()) != parcel.BAD_VALUE {
		t.Errorf("an unknown tag reads as %v, %v; generate_cpp.cpp, UnionReader: BAD_VALUE", got, p.Err())
	}
	if got, want := wire.IntEnum(77).String(), "IntEnum(77)"; got != want {
		t.Errorf("an enum without a name is %q, want %q", got, want)
	}
}

// TestOldAndNew has a parcelable that grew: what is unknown is skipped, what is missing has its
// default (generate_cpp.cpp, BuildReadFromParcel).
func TestOldAndNew(t *testing.T) {
	p := parcel.New()
	defer p.Release()
	(&wire.Old{A: 1}).WriteToParcel(p)
	(&wire.New{A: 2, B: 3, C: "c"}).WriteToParcel(p)
	p.WriteInt32(99)

	var fresh wire.New
	fresh.ReadFromParcel(p)
	want := wire.NewNew()
	want.A = 1
	if diff := cmp.Diff(want, fresh); diff != "" {
		t.Errorf("an old one read as a new one, -want +got:\n%s", diff)
	}
	if want.B != 5 || want.C != "new" || want.D.Y != 7 || want.E != (wire.ChoiceNumber{Value: 3}) || len(want.F) != 2 || *want.G != "g" {
		t.Errorf("defaults: %v", want)
	}
	var old wire.Old
	old.ReadFromParcel(p)
	if diff := cmp.Diff(wire.Old{A: 2}, old); diff != "" {
		t.Errorf("a new one read as an old one, -want +got:\n%s", diff)
	}
	if end := p.ReadInt32(); end != 99 || p.Err() != nil {
		t.Errorf("after them: %d, %v", end, p.Err())
	}
}

// TestWrongLength has an array of another length than its type says.
func TestWrongLength(t *testing.T) {
	p := parcel.New()
	defer p.Release()
	p.WriteRaw(sized(words(2, 3, 1, 2, 3, 2, 4, 5)))
	var v wire.Fixed
	v.ReadFromParcel(p)
	if parcel.StatusOf(p.Err()) != parcel.BAD_VALUE {
		t.Errorf("got %v, want BAD_VALUE (Parcel.h, readData of std::array)", p.Err())
	}
}

// TestHolder reads what is held as what it is, as something else, and passes it on unread.
func TestHolder(t *testing.T) {
	p := parcel.New()
	defer p.Release()
	holding(&wire.Point{X: 1, Y: 2}).WriteToParcel(p)
	var got wire.Extension
	got.ReadFromParcel(p)
	var old wire.Old
	if ok, err := got.Held.Get(&old); ok || err != nil {
		t.Errorf("a Point is an Old: %v, %v", ok, err)
	}
	var pt wire.Point
	if ok, err := got.Held.Get(&pt); !ok || err != nil || pt != (wire.Point{X: 1, Y: 2}) {
		t.Errorf("got %v, %v, %v", pt, ok, err)
	}
	if diff := cmp.Diff(*holding(&pt), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	again := parcel.New()
	defer again.Release()
	got.WriteToParcel(again)
	if !bytes.Equal(p.Data(), again.Data()) {
		t.Errorf("passed on it differs")
	}
}

// TestHeldUnion reads a held union as what it is and as something else.
func TestHeldUnion(t *testing.T) {
	p := parcel.New()
	defer p.Release()
	holding(&wire.ChoiceHeld{Value: wire.ChoiceText{Value: "x"}}).WriteToParcel(p)
	var got wire.Extension
	got.ReadFromParcel(p)
	var pt wire.Point
	if ok, err := got.Held.Get(&pt); ok || err != nil {
		t.Errorf("a Choice is a Point: %v, %v", ok, err)
	}
	var c wire.ChoiceHeld
	if ok, err := got.Held.Get(&c); !ok || err != nil || c.Value != (wire.ChoiceText{Value: "x"}) {
		t.Errorf("got %v, %v, %v", c.Value, ok, err)
	}
}

// TestStrings is what people see.
func TestStrings(t *testing.T) {
	for _, tc := range []struct {
		got  any
		want string
	}{
		{wire.NewPoint(), "Point{x: 0, y: 7}"},
		{wire.ChoicePoint{Value: wire.Point{X: 1}}, "Choice{point: Point{x: 1, y: 0}}"},
		{wire.Tree{Left: &wire.Tree{}}, "Tree{value: 0, left: Tree{value: 0, left: null, right: null}, right: null}"},
		{wire.IntEnumA, "A"},
		{holding(&wire.Point{}).Held, "Point{x: 0, y: 0}"},
	} {
		if got := tc.got.(interface{ String() string }).String(); got != tc.want {
			t.Errorf("got %s, want %s", got, tc.want)
		}
	}
}
