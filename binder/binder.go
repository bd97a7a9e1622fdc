package binder

import (
	"context"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A Binder is an object that can be called: an *Object of this process or a *Proxy for one of
// another. Two are the same object if and only if they are equal (==).
type Binder interface {
	parcel.Binder

	// Transact calls the object: code says which method, data holds its arguments (nil: none),
	// flags are TF_ bits. It returns the reply, which the caller releases; with TF_ONE_WAY it
	// returns nil as soon as the driver has taken the call.
	//
	// When ctx ends, Transact returns ctx's error; the call goes on on the other side. A ctx that
	// OnTransact was given carries the call chain: pass it on.
	//
	// Errors are *CallError, *StatusError, *BusyError, *DeviceError, ErrClosed, or the parcel's.
	// The data is the caller's again when Transact returns.
	Transact(ctx context.Context, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, error)

	// LinkToDeath asks to be told once when the object's process dies. It answers ErrDeadObject if
	// it is dead already. A proxy lives at least as long as somebody is linked.
	LinkToDeath(r DeathRecipient) error

	// UnlinkToDeath takes back one LinkToDeath of r. It tells whether r was linked; if not, r may
	// be being told just now.
	UnlinkToDeath(r DeathRecipient) bool

	// Descriptor is the name of the object's interface, such as "android.os.IServiceManager".
	Descriptor(ctx context.Context) (string, error)

	// Ping asks whether the object is there to answer.
	Ping(ctx context.Context) error
}

// A Service is what answers the calls of an object.
type Service interface {
	// OnTransact carries out one call. data is read from its start; it and what it hands out
	// without copying end with the return. reply is empty and ignored for oneway calls. ctx knows
	// the caller (CallerFrom) and carries the call chain; it ends when the bus is closed.
	//
	// An error becomes the reply: a parcel.Status is written as an exception, all others travel as
	// a status code: a *StatusError or parcel.StatusT as itself, a syscall.Errno as its negative,
	// others as UNKNOWN_ERROR. A panic is logged and answered with an exception.
	//
	// OnTransact runs on a thread of the pool: several calls may run at the same time, except
	// oneway calls of one object, which come one after the other.
	OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error
}

// ServiceFunc makes a Service of a function.
type ServiceFunc func(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error

// OnTransact calls f.
func (f ServiceFunc) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error {
	return f(ctx, code, data, reply, flags)
}

// A DeathRecipient is told when the process of an object dies. It must be comparable; see DeathFunc
// for functions.
type DeathRecipient interface {
	// BinderDied is called once, in a goroutine of its own.
	BinderDied(who Binder)
}

// DeathFunc makes a DeathRecipient of a function. Each one it makes is equal to itself only: keep it
// for UnlinkToDeath.
func DeathFunc(f func(who Binder)) DeathRecipient { return &deathFunc{f} }

type deathFunc struct{ f func(Binder) }

func (d *deathFunc) BinderDied(who Binder) { d.f(who) }
