package wire

import (
	"context"
	"testing"

	"github.com/fusebinder/fusebinder/aidl/gogen/internal/wire/gen/org/example/wire"
	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/binder/bindertest"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// taker implements IFive.
type taker struct{}

func (taker) Take(_ context.Context, n int32, s string, v wire.Five) (int32, error) {
	return n + int32(len(s)) + v.A, nil
}

var five = wire.Five{A: 1, B: 2, C: "three", D: true, E: 5}

func generated(ctx context.Context, p wire.IFive) error {
	_, err := p.Take(ctx, 1, "hello", five)
	return err
}

// byHand is the same call with Transact alone: the least that it takes.
func byHand(ctx context.Context, bus *binder.Bus, b binder.Binder) error {
	data := bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken(wire.IFiveDescriptor)
	data.WriteInt32(1)
	data.WriteString16("hello")
	data.WriteInt32(1)
	start := data.BeginExtent()
	data.WriteInt32(five.A)
	data.WriteInt64(five.B)
	data.WriteString16(five.C)
	data.WriteBool(five.D)
	data.WriteFloat64(five.E)
	data.EndExtent(start)
	reply, err := b.Transact(ctx, binder.FIRST_CALL_TRANSACTION, data, 0)
	if err != nil {
		return err
	}
	defer reply.Release()
	reply.ReadInt32()
	reply.ReadInt32()
	return reply.Err()
}

// onTransact is a service by hand that reads nothing.
func onTransact(_ context.Context, _ binder.Code, _, reply *parcel.Parcel, _ binder.Flags) error {
	reply.WriteInt32(0)
	reply.WriteInt32(7)
	return nil
}

// TestAllocations holds a generated call, both sides, to three objects more than Transact between
// hands that read nothing: the strings that arrive are two of them.
func TestAllocations(t *testing.T) {
	bus := bindertest.New(t).Open()
	ctx := t.Context()
	// Within the process, where nothing else allocates.
	mine := wire.NewIFiveProxy(wire.ExportIFive(bus, taker{}))
	raw := bus.Export(binder.ServiceFunc(onTransact))
	want := testing.AllocsPerRun(1000, func() {
		if err := byHand(ctx, bus, raw); err != nil {
			t.Fatal(err)
		}
	})
	got := testing.AllocsPerRun(1000, func() {
		if err := generated(ctx, mine); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("by hand %v, generated %v", want, got)
	if got > want+3 && !raceEnabled {
		t.Errorf("a generated call allocates %v objects, one by hand %v", got, want)
	}
}

// BenchmarkCall is a call to another thread of the process, over the bus.
func BenchmarkCall(b *testing.B) {
	bus := bindertest.New(b)
	server, client := bus.Open(), bus.Open()
	ctx := context.Background()
	get := func(name string, o *binder.Object) binder.Binder {
		if err := servicemgr.NewClient(server).Add(ctx, name, o, servicemgr.AddOptions{}); err != nil {
			b.Fatal(err)
		}
		remote, err := servicemgr.NewClient(client).Get(ctx, name)
		if err != nil {
			b.Fatal(err)
		}
		return remote
	}
	b.Run("generated", func(b *testing.B) {
		p := wire.NewIFiveProxy(get("five", wire.ExportIFive(server, taker{})))
		b.ReportAllocs()
		for b.Loop() {
			if err := generated(ctx, p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("byhand", func(b *testing.B) {
		raw := get("raw", server.Export(binder.ServiceFunc(onTransact)))
		b.ReportAllocs()
		for b.Loop() {
			if err := byHand(ctx, client, raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// answering is an object that answers at once.
type answering struct {
	binder.Binder
	reply []byte
}

func (a *answering) Transact(context.Context, binder.Code, *parcel.Parcel, binder.Flags) (*parcel.Parcel, error) {
	return parcel.FromBuffer(a.reply, nil, parcel.ReadOptions{}), nil
}

// BenchmarkMarshal is what the generated code itself costs: the proxy's side, and the service's.
func BenchmarkMarshal(b *testing.B) {
	ctx := context.Background()
	b.Run("proxy", func(b *testing.B) {
		p := wire.NewIFiveProxy(&answering{reply: words(0, 7)})
		b.ReportAllocs()
		for b.Loop() {
			if err := generated(ctx, p); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parcelable", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p := parcel.New()
			p.WriteInt32(1)
			five.WriteToParcel(p)
			var v wire.Five
			v.ReadFromParcel(p)
			p.Release()
		}
	})
}
