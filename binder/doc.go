// Package binder lets a Go program talk over a Binder device: the kernel's, or one that busd serves.
// It speaks the driver's public ABI and needs nothing else.
//
// A [Bus] is an open device. A program gives others an [Object] by writing it to a parcel, and calls
// what it is given, a [Proxy]; both are a [Binder]. The first object comes from the context manager,
// usually the service manager (package servicemgr):
//
//	bus, err := binder.Open("/dev/binder", binder.Options{})
//	...
//	data := bus.NewParcel()
//	data.WriteInterfaceToken("android.os.IServiceManager")
//	data.WriteString16("greeter")
//	reply, err := bus.ContextManager().Transact(ctx, binder.FIRST_CALL_TRANSACTION, data, 0)
//	data.Release()
//
// # Contexts
//
// When the context of a call ends, [Binder.Transact] returns its error at once. The other side does
// not hear of it, as the driver has no word for that: it goes on, and its late reply is thrown away.
// A call whose context has no Done channel goes out on the caller's own thread, which is cheaper by
// two switches of threads.
//
// A [Service] gets a context with each call. It tells who calls ([CallerFrom]) and carries the call
// chain: pass it on, and a call that comes back to this process while it waits is carried out by
// the very thread that waits, as on Android, so that a chain of calls needs no more threads than it
// has processes. Only the goroutine that carries out the call continues the chain; another goroutine
// that is given the context makes an ordinary call.
//
// # Threads
//
// To the driver the operating system's threads make calls and serve them. Each Bus has one thread
// that serves, and more when the driver asks for them, up to [Options].MaxThreads. OnTransact runs
// on those, locked (see runtime.LockOSThread); while all are busy, calls queue up. A call that waits
// for its reply takes a thread too, of which there are at most [Options].CallThreads.
//
// # Lifetimes
//
// A received parcel stands in the device's receive buffer, whose room others need for their calls:
// release replies. What a parcel hands out without copying ends with it. The parcel that OnTransact
// reads is released for it.
//
// An Object lives while the program holds it or others do, and a Proxy holds its object until the
// program has forgotten the Proxy or calls Close. The collector may take its time to find out that
// it has been forgotten: a program that must give objects back promptly closes their proxies. What
// nobody released is found by the collector too, parcels included; it never calls the device, so
// what it finds goes out with the next call, or some milliseconds later.
//
// A [WeakBinder] names an object, also to others, and does not keep it alive.
//
// Whoever must know that an object's process is gone, or frozen, asks to be told:
// [Binder].LinkToDeath, [Proxy.AddFrozenStateChangeCallback].
//
// # Errors
//
// A call ends with a reply, or with an error of one of these kinds, for errors.Is: [ErrDeadObject],
// [ErrFailedTransaction], [ErrFrozen], [ErrUnknownTransaction], [ErrBusy], [ErrClosed], [ErrBusGone],
// the context's error, or a parcel.StatusT that the object answered. The types [CallError],
// [StatusError], [BusyError] and [DeviceError] tell more; a [FeatureError] is what an older driver
// lacks. An exception, as AIDL has them, is part of the reply: parcel.Parcel.ReadStatus reads it.
//
// # Locks
//
//	frozen.mu            of one Proxy; held while its subscription is sent
//	  deaths.mu          likewise
//	    subscriptions.mu
//	handles.mu, nodes.mu, buffers.mu, files.mu, callThreads.mu
//	  pending.mu
//
// Locks of one line are never held together, and no lock but these two is held during an ioctl, none
// while code of others runs.
package binder
