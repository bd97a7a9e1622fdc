// Package servicemgr finds services by name: the object behind handle 0 of a bus, and a client of
// it. Both speak android.os.IServiceManager, so a Go Client works with Android's servicemanager and
// libbinder's or libgbinder's clients work with the Server.
//
//	manager := servicemgr.NewClient(bus)
//	err := manager.Add(ctx, "com.example.echo", bus.Export(echo), servicemgr.AddOptions{})
//	...
//	echo, err := manager.Wait(ctx, "com.example.echo")
//
// # The server
//
// Serve makes a program the context manager of its bus. A name is bound to a service until its
// process dies, another service takes the name, or the owner gives it up; as long, the server holds
// a strong reference to the service. Whoever registered for notifications of a name is told by a
// oneway call, in the order in which it happened, that a service has got it; also at once, when one
// has it already.
//
// What AOSP decides by SELinux and by app uids, an Access decides here; without one everybody may do
// everything. There is no VINTF manifest: nothing is declared, nothing updatable, nothing connectable.
// Clients of services are not counted yet: RegisterClientCallback answers
// EX_UNSUPPORTED_OPERATION, and TryUnregister takes the word of the service that nobody needs it.
//
// # API levels
//
// The codes of the methods moved with Android releases (see codes), and before Android 11 there was
// no AIDL: replies had no status, and a list was asked for name by name. Client and Server follow the
// API level of their bus, binder.Options.APILevel, from 26 to 36. In Android 15
// the codes changed between the first release and the quarterly ones: 35 is the latter, 34 the former.
package servicemgr
