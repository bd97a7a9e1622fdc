package wire

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/fusebinder/fusebinder/aidl/gogen/internal/wire/gen/org/example/wire"
	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/binder/bindertest"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
	"github.com/google/go-cmp/cmp"
)

// recorder is an object that remembers the bytes of the call and answers with others.
type recorder struct {
	binder.Binder
	code  binder.Code
	flags binder.Flags
	data  []byte
	reply []byte
}

func (r *recorder) Transact(_ context.Context, code binder.Code, data *parcel.Parcel, flags binder.Flags) (*parcel.Parcel, error) {
	r.code, r.flags, r.data = code, flags, slices.Clone(data.Data())
	if flags&binder.OneWay != 0 {
		return nil, nil
	}
	return parcel.FromBuffer(r.reply, nil, parcel.ReadOptions{}), nil
}

// token is what a call begins with: Parcel::writeInterfaceToken of Android 14.
func token(descriptor string) []byte {
	return join(words(-0x80000000, -1, 'S'<<24|'Y'<<16|'S'<<8|'T'), str(descriptor))
}

func TestCallBytes(t *testing.T) {
	r := &recorder{}
	p := wire.NewIWireProxy(r)
	ctx := t.Context()
	check := func(t *testing.T, code binder.Code, flags binder.Flags, err error, args ...[]byte) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if r.code != code || r.flags != flags|binder.ClearBuffer { // @SensitiveData: FLAG_CLEAR_BUF
			t.Errorf("code %d flags %#x", r.code, r.flags)
		}
		if diff := cmp.Diff(join(token("org.example.wire.IWire"), join(args...)), r.data); diff != "" {
			t.Errorf("the call, -want +got:\n%s", diff)
		}
	}
	t.Run("in", func(t *testing.T) {
		r.reply = words(0, 42) // generate_cpp.cpp, HandleServerTransaction: the status, then the result
		got, err := p.Call(ctx, 1, "a", wire.Point{X: 2, Y: 3})
		check(t, 1, 0, err, words(1), str("a"), present(point(2, 3)))
		if got != 42 {
			t.Errorf("got %d", got)
		}
	})
	t.Run("oneway", func(t *testing.T) {
		check(t, 2, binder.OneWay, p.Forget(ctx, 7), words(7))
	})
	t.Run("out and inout", func(t *testing.T) {
		// An out array is its length on the way in, any other out argument nothing (BuildClientTransaction);
		// on the way back the result stands first, then what is out, in order.
		r.reply = join(words(0), str("r"), words(1), str("x"), present(point(1, 1)), present(point(2, 2)))
		result, repeated, inout, out, err := p.Reverse(ctx, []string{"i"}, 5, wire.Point{X: 9})
		check(t, 3, 0, err, words(1), str("i"), words(5), present(point(9, 0)))
		got := []any{result, repeated, inout, out}
		if diff := cmp.Diff([]any{"r", []string{"x"}, wire.Point{X: 1, Y: 1}, wire.Point{X: 2, Y: 2}}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("null", func(t *testing.T) {
		r.reply = words(0, 0)
		got, err := p.Perhaps(ctx, nil, nil, nil)
		check(t, 4, 0, err, words(0, -1, -1))
		if got != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("fixed-size out array", func(t *testing.T) {
		// Its length is known: nothing on the way in.
		r.reply = words(0, 3, 1, 2, 3, 3, 4, 5, 6)
		result, repeated, err := p.Fix(ctx, [3]int32{7, 8, 9})
		check(t, 6, 0, err, words(3, 7, 8, 9))
		if result != [3]int32{1, 2, 3} || repeated != [3]int32{4, 5, 6} {
			t.Errorf("got %v, %v", result, repeated)
		}
	})
	t.Run("out List", func(t *testing.T) {
		r.reply = join(words(0, 0, 1), str("l"))
		_, repeated, err := p.List(ctx, nil)
		check(t, 7, 0, err, words(0))
		if diff := cmp.Diff([]string{"l"}, repeated); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("CharSequence", func(t *testing.T) {
		// aidl_to_java.cpp: int32 1 before it; TextUtils.writeToParcel: int32 1, writeString8.
		r.reply = join(words(0, 1, 1, 2), padded('h', 'i', 0))
		got, err := p.Text(ctx, "a")
		check(t, 11, 0, err, words(1, 1, 1), padded('a', 0))
		if got != "hi" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("Map", func(t *testing.T) {
		// Parcel.writeMap: size and writeValue of keys and values: VAL_STRING 0, VAL_INTEGER 1.
		r.reply = join(words(0, 1, 0), str("k"), words(11, 12, 1, 9, 1)) // VAL_LIST 11, its size, one VAL_BOOLEAN 9
		got, err := p.Map(ctx, map[any]any{"a": int32(1)})
		check(t, 12, 0, err, words(1, 0), str("a"), words(1, 1))
		if diff := cmp.Diff(map[any]any{"k": []any{true}}, got); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("List", func(t *testing.T) {
		r.reply = words(0, -1)
		got, err := p.Values(ctx, []any{nil, []any{int64(1)}})
		check(t, 13, 0, err, words(2, -1, 11, 16, 1, 6), long(1))
		if got != nil {
			t.Errorf("got %v", got)
		}
	})
	t.Run("exception", func(t *testing.T) {
		r.reply = join(words(-8), str("m"), words(0, 17)) // Status::writeToParcel: EX_SERVICE_SPECIFIC
		_, err := p.Choose(ctx, nil)
		var status parcel.Status
		if !errors.As(err, &status) || status != parcel.ServiceSpecific(17, "m") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("written codes, and a descriptor of its own", func(t *testing.T) {
		r.reply = words(0)
		if err := wire.NewICodesProxy(r).Later(ctx); err != nil || r.code != 101 {
			t.Errorf("code %d, %v", r.code, err)
		}
		if diff := cmp.Diff(token("org.example.IOther"), r.data); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// impl is an implementation of all that is tested.
type impl struct {
	wire.IWireDefault
	allowed []string
	others  []wire.IWire
	objects wire.Objects
}

func (i *impl) CheckPermission(_ context.Context, name string) bool {
	return slices.Contains(i.allowed, name)
}
func (i *impl) Call(_ context.Context, n int32, s string, p wire.Point) (int32, error) {
	return n + int32(len(s)) + p.X, nil
}
func (i *impl) Reverse(_ context.Context, in []string, n int, p wire.Point) (string, []string, wire.Point, wire.Point, error) {
	return "r", in[:n], wire.Point{X: p.Y, Y: p.X}, wire.NewPoint(), nil
}
func (i *impl) Choose(_ context.Context, c wire.Choice) (wire.Choice, error) { return c, nil }
func (i *impl) Self(_ context.Context, other wire.IWire) (wire.IWire, error) {
	i.others = append(i.others, other)
	return i, nil
}
func (i *impl) Owned(_ context.Context, f *os.File) (*os.File, error) { return f, nil }
func (i *impl) Raw(_ context.Context, f *os.File) (*os.File, error)   { return f, nil }
func (i *impl) Objects(_ context.Context, o wire.Objects) error       { i.objects = o; return nil }
func (i *impl) Needs(context.Context) error                           { return nil }
func (i *impl) NeedsAny(context.Context) error                        { return nil }

// TestCalls calls an object of another process of the bus.
func TestCalls(t *testing.T) {
	bus := bindertest.New(t)
	server, client := bus.Open(), bus.Open()
	i := &impl{}
	object := wire.ExportIWire(server, i)
	ctx := t.Context()
	if err := servicemgr.NewClient(server).Add(ctx, "wire", object, servicemgr.AddOptions{}); err != nil {
		t.Fatal(err)
	}
	remote, err := servicemgr.NewClient(client).Get(ctx, "wire")
	if err != nil {
		t.Fatal(err)
	}
	p := wire.NewIWireProxy(remote)

	if got, err := p.Call(ctx, 1, "ab", wire.Point{X: 4}); got != 7 || err != nil {
		t.Errorf("Call: %v, %v", got, err)
	}
	s, list, inout, out, err := p.Reverse(ctx, []string{"x", "y"}, 1, wire.Point{X: 1, Y: 2})
	if diff := cmp.Diff([]any{"r", []string{"x"}, wire.Point{X: 2, Y: 1}, wire.Point{Y: 7}}, []any{s, list, inout, out}); diff != "" || err != nil {
		t.Errorf("Reverse: %v, -want +got:\n%s", err, diff)
	}
	if _, err := p.Perhaps(ctx, nil, nil, nil); !errors.Is(err, binder.ErrUnknownTransaction) {
		t.Errorf("what the service does not have: %v", err)
	}
	for _, c := range []wire.Choice{wire.ChoiceText{Value: "t"}, wire.ChoiceTexts{Value: []string{"a"}}} {
		if got, err := p.Choose(ctx, c); err != nil || cmp.Diff(c, got) != "" {
			t.Errorf("Choose %v: %v, %v", c, got, err)
		}
	}

	t.Run("permissions", func(t *testing.T) {
		var status parcel.Status
		if err := p.Needs(ctx); !errors.As(err, &status) || status.Exception != parcel.EX_SECURITY {
			t.Errorf("without the permission: %v", err)
		}
		if err := p.NeedsAny(ctx); !errors.As(err, &status) || status.Exception != parcel.EX_SECURITY {
			t.Errorf("without any of the permissions: %v", err)
		}
		i.allowed = []string{"android.permission.INTERNET", "a.b.OTHER"}
		if err := errors.Join(p.Needs(ctx), p.NeedsAny(ctx)); err != nil {
			t.Errorf("with the permissions: %v", err)
		}
	})

	t.Run("interfaces", func(t *testing.T) {
		mine := &impl{}
		for range 2 {
			if got, err := p.Self(ctx, mine); got != wire.IWire(p) || err != nil {
				t.Errorf("the object returns itself: %v, %v", got, err)
			}
		}
		if len(i.others) != 2 || i.others[0] != i.others[1] {
			t.Errorf("one implementation is two objects: %v", i.others)
		}
		if _, err := p.Self(ctx, p); err != nil || i.others[2] != wire.IWire(i) {
			t.Errorf("an object that comes home is itself: %v, %v", i.others[2], err)
		}
		if got := wire.AsIWire(object); got != wire.IWire(i) {
			t.Errorf("AsIWire: %v", got)
		}
		if wire.AsIWire(nil) != nil {
			t.Error("AsIWire(nil) is not nil")
		}
	})

	t.Run("files", func(t *testing.T) {
		for name, call := range map[string]func(context.Context, *os.File) (*os.File, error){"ParcelFileDescriptor": p.Owned, "FileDescriptor": p.Raw} {
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			back, err := call(ctx, write)
			write.Close()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := back.WriteString("there"); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			back.Close()
			// The service's copy is closed, too, or this would never end.
			if text, err := io.ReadAll(read); string(text) != "there" || err != nil {
				t.Errorf("%s: read %q, %v", name, text, err)
			}
			read.Close()
		}
	})

	t.Run("objects in parcelables", func(t *testing.T) {
		file, err := os.CreateTemp(t.TempDir(), "")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		mine := &impl{}
		v := wire.Objects{
			Binder: remote, Binders: []binder.Binder{remote}, Wire: mine, Wires: []wire.IWire{p, mine},
			File: file, Files: []*os.File{file, file},
		}
		if err := p.Objects(ctx, v); err != nil {
			t.Fatal(err)
		}
		got := i.objects
		if got.Binder != binder.Binder(object) || got.Wires[0] != wire.IWire(i) || got.Wire != got.Wires[1] || got.Perhaps != nil || len(got.Files) != 2 {
			t.Errorf("got %v", got)
		}
		if cmp.Diff(v, v) != "" || cmp.Diff(v, got) == "" {
			t.Error("go-cmp does not tell Objects apart")
		}
		v.Wire = nil
		if err := p.Objects(ctx, v); parcel.StatusOf(err) != parcel.UNEXPECTED_NULL {
			t.Errorf("nil where null must not be: %v", err)
		}
	})

	t.Run("stability", func(t *testing.T) {
		if got := wire.ExportICodes(server, wire.ICodesDefault{}).BinderStability(); got != parcel.StabilityVINTF {
			t.Errorf("a @VintfStability object has stability %v", got)
		}
	})
}
