package binder

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/parcel"
)

// adapter is what generated code makes of an implementation.
type adapter struct{ implementation any }

func (a *adapter) InterfaceDescriptor() string { return "a.IThing" }
func (a *adapter) Implementation() any         { return a.implementation }
func (a *adapter) OnTransact(context.Context, Code, *parcel.Parcel, *parcel.Parcel, Flags) error {
	return nil
}

// thing is an implementation.
type thing struct{ allowed map[string]bool }

func (t *thing) CheckPermission(_ context.Context, name string) bool { return t.allowed[name] }

// TestExportOnce has one object for one implementation, for as long as somebody has it.
func TestExportOnce(t *testing.T) {
	bus := open(t, device(t), Options{})
	first, second := &thing{}, &thing{}
	o := bus.ExportOnce(&adapter{first})
	if bus.ExportOnce(&adapter{first}) != o {
		t.Error("an implementation has two objects")
	}
	if bus.ExportOnce(&adapter{second}) == o {
		t.Error("two implementations have one object")
	}
	numbers := bus.ExportOnce(&adapter{[]int{}})
	if bus.ExportOnce(&adapter{[]int{}}) == numbers {
		t.Error("implementations that cannot be compared have one object")
	}
	if got := Implementation(o, "a.IThing"); got != any(first) {
		t.Errorf("behind the object is %v", got)
	}
	if got := Implementation(o, "a.IOther"); got != nil {
		t.Errorf("as another interface it is %v", got)
	}

	gone := make(chan struct{})
	runtime.AddCleanup(first, func(struct{}) { close(gone) }, struct{}{})
	o, first = nil, nil
	for deadline := time.Now().Add(20 * time.Second); ; {
		runtime.GC()
		select {
		case <-gone:
			return
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("an object that nobody has keeps its implementation")
		}
	}
}

// TestWriteAdapter exports on the bus that the parcel is for.
func TestWriteAdapter(t *testing.T) {
	bus := open(t, device(t), Options{})
	p := bus.NewParcel()
	defer p.Release()
	mine := &thing{}
	WriteAdapter(p, &adapter{mine})
	b := ReadRequired(p)
	if p.Err() != nil || Implementation(b, "a.IThing") != any(mine) {
		t.Errorf("read back: %v, %v", b, p.Err())
	}
	nowhere := parcel.New()
	defer nowhere.Release()
	WriteAdapter(nowhere, &adapter{mine})
	if parcel.StatusOf(nowhere.Err()) != parcel.INVALID_OPERATION {
		t.Errorf("in a parcel of no bus: %v", nowhere.Err())
	}
}

func TestPermissions(t *testing.T) {
	ctx := context.Background()
	some := &thing{allowed: map[string]bool{"a": true, "b": true}}
	for _, tc := range []struct {
		name string
		err  error
		want bool
	}{
		{"all", RequireAll(ctx, some, "a", "b"), true},
		{"not all", RequireAll(ctx, some, "a", "c"), false},
		{"any", RequireAny(ctx, some, "c", "b"), true},
		{"none", RequireAny(ctx, some, "c", "d"), false},
		{"nobody to ask", RequireAll(ctx, struct{}{}, "a"), false},
		{"nobody to ask for any", RequireAny(ctx, nil, "a"), false},
	} {
		var status parcel.Status
		denied := errors.As(tc.err, &status) && status.Exception == parcel.EX_SECURITY
		if (tc.err == nil) != tc.want || !tc.want && !denied {
			t.Errorf("%s: %v", tc.name, tc.err)
		}
	}
}

// TestNoObject calls nil.
func TestNoObject(t *testing.T) {
	p := NewCall(nil, "a.IThing")
	defer p.Release()
	if _, err := Call(context.Background(), nil, 1, p, 0); parcel.StatusOf(err) != parcel.UNEXPECTED_NULL {
		t.Errorf("got %v", err)
	}
}
