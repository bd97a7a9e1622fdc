package parcel

import (
	"bytes"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// held is a parcelable with an object and a file.
type held struct {
	Number int32
	Binder Binder
	File   *os.File
}

func (h *held) WriteToParcel(p *Parcel) {
	p.WriteInt32(h.Number)
	p.WriteStrongBinder(h.Binder)
	p.WriteParcelFile(h.File)
}

func (h *held) ReadFromParcel(p *Parcel) {
	h.Number = p.ReadInt32()
	h.Binder = p.ReadStrongBinder()
	h.File = p.ReadParcelFile()
}

func (*held) ParcelableDescriptor() string { return "a.Held" }
func (*held) ParcelableVINTF() bool        { return false }

// TestHolderWithObjects passes a holder on, unread, with the object and the file in it.
func TestHolderWithObjects(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	want := &held{Number: 7, Binder: &proxy{5}, File: write}
	var h Holder
	h.Set(want)
	var alone held
	if ok, err := h.Get(&alone); !ok || err != nil || alone != *want {
		t.Errorf("before it is sent: %v, %v, %v", alone, ok, err)
	}

	first := New()
	first.WriteHolder(&h, false)
	if first.Err() != nil {
		t.Fatal(first.Err())
	}
	var received Holder
	first.ReadHolder(&received, false)
	if first.Err() != nil || first.Remaining() != 0 {
		t.Fatal(first.Err(), first.Remaining())
	}
	first.Release() // what was received lives on
	write.Close()

	second := New()
	second.WriteHolder(&received, false)
	if second.Err() != nil {
		t.Fatal(second.Err())
	}
	if n := len(second.Offsets()) / 8; n != 2 {
		t.Errorf("%d objects went on, want 2", n)
	}
	var last Holder
	second.ReadHolder(&last, false)
	second.Release()
	var got held
	if ok, err := last.Get(&got); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got.Number != 7 || got.Binder != want.Binder {
		t.Errorf("got %v", got)
	}
	if _, err := got.File.WriteString("x"); err != nil {
		t.Error(err)
	}
	got.File.Close()
	if _, err := read.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if name := last.Name(); name != "a.Held" {
		t.Errorf("it holds %q", name)
	}
}

func TestHolderStability(t *testing.T) {
	var h Holder
	h.Set(&held{})
	p := New()
	defer p.Release()
	p.WriteHolder(&h, true)
	if StatusOf(p.Err()) != BAD_VALUE {
		t.Errorf("a parcelable that is not stable in a holder that is: %v", p.Err())
	}
	q := New()
	defer q.Release()
	q.WriteHolder(&Holder{}, true)
	q.ReadHolder(&h, false)
	if StatusOf(q.Err()) != BAD_VALUE {
		t.Errorf("a stable holder read as one that is not: %v", q.Err())
	}
}

// TestValues has the bytes of untyped values (Parcel.java, writeValue), before and after lists and
// maps got their size.
func TestValues(t *testing.T) {
	for _, tc := range []struct {
		level int
		value any
		want  []byte
	}{
		{34, nil, le(-1)},
		{34, "a", append(le(0, 1), 'a', 0, 0, 0)},
		{34, int32(1), le(1, 1)},
		{34, int16(-1), le(5, -1)},
		{34, int64(1), le(6, 1, 0)},
		{34, true, le(9, 1)},
		{34, int8(-1), le(20, -1)},
		{34, uint16('c'), le(29, 'c')},
		{34, float32(0.5), le(7, 0x3f000000)},
		{34, float64(0.5), le(8, 0, 0x3fe00000)},
		{34, []byte{1}, le(13, 1, 1)},
		{34, []int32{1}, le(18, 1, 1)},
		{34, []int64{1}, le(19, 1, 1, 0)},
		{34, []bool{true}, le(23, 1, 1)},
		{34, []string{"a"}, append(le(14, 1, 1), 'a', 0, 0, 0)},
		{34, []float32{0.5}, le(32, 1, 0x3f000000)},
		{34, []float64{0.5}, le(28, 1, 0, 0x3fe00000)},
		{34, []uint16{1}, le(31, 1, 1)},
		{34, []any{int32(1)}, le(11, 12, 1, 1, 1)},
		{34, map[any]any{int32(1): "a"}, append(le(2, 24, 1, 1, 1, 0, 1), 'a', 0, 0, 0)},
		{32, []any{int32(1)}, le(11, 1, 1, 1)},
		{32, map[any]any{}, le(2, 0)},
	} {
		p := New()
		p.SetAPILevel(tc.level)
		p.WriteValue(tc.value)
		if diff := cmp.Diff(tc.want, p.Data()); diff != "" || p.Err() != nil {
			t.Errorf("%T: %v, -want +got:\n%s", tc.value, p.Err(), diff)
		}
		if diff := cmp.Diff(tc.value, p.ReadValue()); diff != "" || p.Err() != nil || p.Remaining() != 0 {
			t.Errorf("%T read: %v, -want +got:\n%s", tc.value, p.Err(), diff)
		}
		p.Release()
	}
	p := New()
	defer p.Release()
	p.WriteValue(struct{}{})
	if StatusOf(p.Err()) != BAD_TYPE {
		t.Errorf("a struct as a value: %v", p.Err())
	}
}

func le(words ...int32) []byte {
	p := New()
	for _, w := range words {
		p.WriteInt32(w)
	}
	return bytes.Clone(p.Data())
}

func TestCharSequence(t *testing.T) {
	for _, tc := range []struct {
		level int
		want  []byte
	}{
		{34, append(le(1, 1, 1), 'a', 0, 0, 0)}, // TextUtils.writeToParcel: writeString8
		{29, append(le(1, 1, 1), 'a', 0, 0, 0)}, // writeString: UTF-16, by chance the same
	} {
		p := New()
		p.SetAPILevel(tc.level)
		p.WriteCharSequence("a")
		if diff := cmp.Diff(tc.want, p.Data()); diff != "" {
			t.Errorf("level %d, -want +got:\n%s", tc.level, diff)
		}
		p.Release()
	}
	styled := New()
	defer styled.Release()
	styled.WriteInt32(1)
	styled.WriteInt32(0)
	styled.WriteString8("bold")
	styled.WriteInt32(7)
	if styled.ReadCharSequence(); StatusOf(styled.Err()) != BAD_TYPE {
		t.Errorf("styled text: %v", styled.Err())
	}
}

// TestHandOver closes the files that are handed over, once, and no others.
func TestHandOver(t *testing.T) {
	mine, given := open(t), open(t)
	p := New()
	p.WriteParcelFile(mine)
	p.HandOver()
	p.WriteParcelFile(given)
	p.WriteFile(given)
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	p.Release()
	if err := mine.Close(); err != nil {
		t.Errorf("a file that was not handed over: %v", err)
	}
	if err := given.Close(); err == nil {
		t.Error("a file that was handed over is still open")
	}
}

func open(t *testing.T) *os.File {
	t.Helper()
	f, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestEqualAndDescribe has values that reflection must not look into.
func TestEqualAndDescribe(t *testing.T) {
	a, b := &proxy{5}, &proxy{5}
	file := open(t)
	defer file.Close()
	for _, tc := range []struct {
		x, y any
		want bool
	}{
		{held{Binder: a}, held{Binder: a}, true},
		{held{Binder: a}, held{Binder: b}, false},
		{held{File: file}, held{File: file}, true},
		{held{File: file}, held{}, false},
		{[]any{int32(1), "a"}, []any{int32(1), "a"}, true},
		{[]int32(nil), []int32{}, true},
		{map[string][]int32{"a": {1}}, map[string][]int32{"a": {1}}, true},
		{map[string][]int32{"a": {1}}, map[string][]int32{"b": {1}}, false},
		{Some("a"), Some("a"), true},
		{Some("a"), (*string)(nil), false},
		{int32(1), int64(1), false},
		{nil, nil, true},
	} {
		if got := Equal(tc.x, tc.y); got != tc.want {
			t.Errorf("Equal(%v, %v) is %v", tc.x, tc.y, got)
		}
	}
	got := Describe("T", "a", int32(1), "b", "x", "c", []string{"y"}, "d", (*string)(nil), "e", Some("z"), "f", Hidden, "g", Binder(a), "h", [2]bool{true})
	want := `T{a: 1, b: "x", c: ["y"], d: null, e: "z", f: [hidden], g: *parcel.proxy, h: [true, false]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
