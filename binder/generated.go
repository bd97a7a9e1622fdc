package binder

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"weak"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// What follows is for code that aidlgen generates.

// Code and Flags of a transaction.
type (
	Code  = ioctl.Code
	Flags = ioctl.Flags
)

// Flags of calls.
const (
	OneWay      = ioctl.TF_ONE_WAY   // the call returns when the driver has taken it
	ClearBuffer = ioctl.TF_CLEAR_BUF // the driver wipes the call when it is over (@SensitiveData)
)

// The codes of the methods that versioned interfaces have besides their own (AOSP: aidl.cpp,
// kGetInterfaceVersionId and kGetInterfaceHashId).
const (
	GET_INTERFACE_VERSION_TRANSACTION = FIRST_CALL_TRANSACTION + 16777214
	GET_INTERFACE_HASH_TRANSACTION    = FIRST_CALL_TRANSACTION + 16777213
)

// NewCall begins a call of b, whose interface has that descriptor. The caller releases the parcel.
func NewCall(b Binder, descriptor string) *parcel.Parcel {
	var p *parcel.Parcel
	switch b := b.(type) {
	case *Proxy:
		p = b.bus.NewParcel()
	case *Object:
		p = b.bus.NewParcel()
	case interface{ NewParcel() *parcel.Parcel }: // somebody who stands between
		p = b.NewParcel()
	default:
		p = parcel.New()
		if b == nil {
			p.SetErr(fmt.Errorf("call of %s: there is no object: %w", descriptor, parcel.UNEXPECTED_NULL))
		}
	}
	p.WriteInterfaceToken(descriptor)
	return p
}

// Call makes a call that NewCall began. It returns the reply after its status, to be released by the
// caller; an exception is a parcel.Status.
func Call(ctx context.Context, b Binder, code Code, data *parcel.Parcel, flags Flags) (*parcel.Parcel, error) {
	if err := data.Err(); err != nil {
		return nil, err
	}
	reply, err := b.Transact(ctx, code, data, flags)
	if err != nil {
		return nil, err
	}
	status := reply.ReadStatus()
	err = reply.Err()
	if err == nil {
		err = status.Err()
	}
	if err != nil {
		reply.Release()
		return nil, err
	}
	return reply, nil
}

// CallOneWay makes a call that NewCall began and that has no reply. It returns when the driver has
// taken the call.
func CallOneWay(ctx context.Context, b Binder, code Code, data *parcel.Parcel, flags Flags) error {
	if err := data.Err(); err != nil {
		return err
	}
	reply, err := b.Transact(ctx, code, data, flags|OneWay)
	if reply != nil {
		reply.Release()
	}
	return err
}

// A Remote is a generated proxy: it knows the object it stands for.
type Remote interface {
	AsBinder() Binder
}

// An Adapter is a generated Service: it knows the implementation that it calls.
type Adapter interface {
	Service
	InterfaceDescriptor() string
	Implementation() any
}

// exported is an implementation of an interface. One that is several interfaces is an object for
// each.
type exported struct {
	implementation any
	descriptor     string
}

// exports are the objects of implementations, for as long as they live.
type exports struct {
	mu      sync.Mutex
	objects map[exported]weak.Pointer[Object]
}

// ExportOnce is Export for a generated adapter: an implementation that has been exported before, and
// whose object lives, keeps its object. The options are those of the first time. An implementation
// that holds its own Object is kept, with it, as long as the bus: use Export for such a one.
func (b *Bus) ExportOnce(a Adapter, opts ...ExportOption) *Object {
	key := exported{a.Implementation(), a.InterfaceDescriptor()}
	if key.implementation == nil || !reflect.ValueOf(key.implementation).Comparable() {
		return b.Export(a, opts...) // it cannot be told from another
	}
	b.exports.mu.Lock()
	defer b.exports.mu.Unlock()
	if o := b.exports.objects[key].Value(); o != nil {
		return o
	}
	o := b.Export(a, opts...)
	if b.exports.objects == nil {
		b.exports.objects = make(map[exported]weak.Pointer[Object])
	}
	b.exports.objects[key] = weak.Make(o)
	runtime.AddCleanup(o, b.forgetExport, key)
	return o
}

func (b *Bus) forgetExport(key exported) {
	b.exports.mu.Lock()
	defer b.exports.mu.Unlock()
	if b.exports.objects[key].Value() == nil {
		delete(b.exports.objects, key)
	}
}

// WriteAdapter writes an implementation of this program to p, exporting it on the bus that p is
// for.
func WriteAdapter(p *parcel.Parcel, a Adapter, opts ...ExportOption) {
	bus, _ := p.Owner().(*Bus)
	if bus == nil {
		p.SetErr(fmt.Errorf("write %s: an object of this program in a parcel of no bus: %w", a.InterfaceDescriptor(), parcel.INVALID_OPERATION))
		return
	}
	p.WriteStrongBinder(bus.ExportOnce(a, opts...))
}

// Implementation is what stands behind b if it is an object of this process with a generated
// adapter for that descriptor; else nil.
func Implementation(b Binder, descriptor string) any {
	if o, ok := b.(*Object); ok {
		if a, ok := o.service.(Adapter); ok && a.InterfaceDescriptor() == descriptor {
			return a.Implementation()
		}
	}
	return nil
}

// ReadRequired reads a binder that must not be null.
func ReadRequired(p *parcel.Parcel) Binder {
	b, _ := p.ReadStrongBinder().(Binder)
	if b == nil {
		p.SetErr(fmt.Errorf("read strong binder: it cannot be called: %w", parcel.BAD_TYPE))
	}
	return b
}

// ReadNullable reads a binder; nil if it is null.
func ReadNullable(p *parcel.Parcel) Binder {
	b, err := ReadBinder(p)
	if err != nil {
		p.SetErr(err)
		return nil
	}
	return b
}

// WriteRequired writes a binder that must not be nil.
func WriteRequired(p *parcel.Parcel, b Binder) {
	if b == nil {
		p.SetErr(fmt.Errorf("write strong binder: it must not be nil: %w", parcel.UNEXPECTED_NULL))
		return
	}
	p.WriteStrongBinder(b)
}

// WriteNullable writes a binder, nil as null.
func WriteNullable(p *parcel.Parcel, b Binder) {
	if b == nil {
		p.WriteStrongBinder(nil)
		return
	}
	p.WriteStrongBinder(b)
}

// Unknown says whether a call ended because the object does not know the method: it is of an older
// version of the interface.
func Unknown(err error) bool { return errors.Is(err, ErrUnknownTransaction) }
