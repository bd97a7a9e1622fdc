package parcel

import (
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

// nullCall is what both ends of a call without arguments do with parcels.
func nullCall(received *Parcel) {
	p := New()
	p.WriteInterfaceToken("com.example.IEcho")
	received.Receive(p.Data(), p.Offsets(), ReadOptions{})
	if err := received.EnforceInterface("com.example.IEcho"); err != nil {
		panic(err)
	}
	received.Release()
	p.Release()
}

// TestNullCallAllocates the written parcel and nothing else.
func TestNullCallAllocates(t *testing.T) {
	if testing.CoverMode() != "" || raceEnabled {
		t.Skip("the race detector and coverage allocate, too")
	}
	var received Parcel
	nullCall(&received)
	if n := testing.AllocsPerRun(1000, func() { nullCall(&received) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNullCall(b *testing.B) {
	b.ReportAllocs()
	var received Parcel
	for b.Loop() {
		nullCall(&received)
	}
}

func BenchmarkString16(b *testing.B) {
	b.ReportAllocs()
	var received Parcel
	for b.Loop() {
		p := New()
		p.WriteString16("android.os.IServiceManager")
		received.Receive(p.Data(), nil, ReadOptions{})
		if received.ReadString16() == "" {
			b.Fatal(received.Err())
		}
		received.Release()
		p.Release()
	}
}

func BenchmarkBinders(b *testing.B) {
	b.ReportAllocs()
	var received Parcel
	remote := &proxy{5}
	for b.Loop() {
		p := New()
		for range 16 {
			p.WriteStrongBinder(remote)
			p.WriteInt32(1)
		}
		received.Receive(p.Data(), p.Offsets(), ReadOptions{Resolver: same{remote}})
		for range 16 {
			received.ReadStrongBinder()
			received.ReadInt32()
		}
		if received.Err() != nil {
			b.Fatal(received.Err())
		}
		received.Release()
		p.Release()
	}
}

type same struct{ b Binder }

func (s same) ResolveBinder(ioctl.FlatObject) (Binder, error) { return s.b, nil }
