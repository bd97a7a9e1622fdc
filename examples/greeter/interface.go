package main

import (
	"context"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// The two interfaces of this example, as AIDL would have them:
//
//	interface IGreeter {
//		void greet(IListener listener);   // calls the listener back before it returns
//		ParcelFileDescriptor letter();
//		oneway void leave();              // ends the greeter's process
//	}
//	interface IListener {
//		void hear(String what);
//	}
const (
	greeterName = "org.example.IGreeter"

	greet  = binder.FIRST_CALL_TRANSACTION
	letter = binder.FIRST_CALL_TRANSACTION + 1
	leave  = binder.FIRST_CALL_TRANSACTION + 2

	listenerName = "org.example.IListener"

	hear = binder.FIRST_CALL_TRANSACTION
)

// call makes one call the way AIDL does: the interface's name before the arguments, an exception
// (none, it is hoped) before the results. write and read may be nil.
func call(ctx context.Context, bus *binder.Bus, on binder.Binder, name string, code ioctl.Code, flags ioctl.Flags, write, read func(*parcel.Parcel)) error {
	data := bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken(name)
	if write != nil {
		write(data)
	}
	reply, err := on.Transact(ctx, code, data, flags)
	if err != nil || reply == nil { // a oneway call has no reply
		return err
	}
	defer reply.Release()
	if err := reply.ReadStatus().Err(); err != nil {
		return err
	}
	if read != nil {
		read(reply)
	}
	return reply.Err()
}
