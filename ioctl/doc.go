// Package ioctl is the ABI of the Linux Binder driver: the bytes that go over a binder device, and
// a Device to move them. It knows nothing about what the bytes are for.
//
// The numbers, commands and structs are those of <linux/android/binder.h> and
// <linux/android/binderfs.h> up to Linux 6.18, constants under their C names and each with its C
// twin in the comment. They are the same on amd64 and arm64, for 32-bit programs too (protocol 8).
// Where no kernel is named, a constant is in Linux 6.1 and later.
//
// # The three languages of the driver
//
//   - A [Request] is the number of an ioctl. All but BINDER_WRITE_READ carry one small struct
//     and answer at once; they are methods of [Device].
//   - A [Command] (BC_) goes to the driver in the write buffer of BINDER_WRITE_READ. The Append
//     functions write them, a [CommandReader] reads them.
//   - A [Return] (BR_) comes from the driver in the read buffer. A [ReturnReader] reads
//     them; a driver writes them with the AppendReturn functions.
//
// All three are of one make, a [Number], which says how long its argument is. So a stream can be
// taken apart without knowing every word.
//
// # Structs
//
// Each struct has Decode and Encode, which take the first Sizeof… bytes of a slice, little endian,
// and panic if there are fewer: a reader's argument always has as many as its number says. They
// check nothing else; every value decodes. Structs marked [structs.HostLayout] lie in memory
// exactly as in C. HandleCookie does not: C packs it to 12 bytes.
//
// # Memory
//
// The driver reads outgoing data from the sender's memory and puts incoming data into the buffer
// that the receiver has mapped. [AddressOf] makes an address of a slice, [Device.Bytes] a slice of an
// address. A received buffer is the receiver's until it sends BC_FREE_BUFFER.
//
// # Two drivers
//
// Everything here works on the kernel's driver and on FuseBinder's, with one exception:
// [Device.SetDescriptorSocket], which the kernel's driver refuses with EINVAL because it
// installs descriptors by itself. Two requests whose argument the driver does not look at,
// BINDER_THREAD_EXIT and BINDER_SET_CONTEXT_MGR, are always sent with a pointer here: without one,
// a file system in user space never hears of them.
//
// The reports of failed transactions that Linux 6.18 sends over generic netlink
// (<linux/android/binder_netlink.h>) are no part of the device and not here.
package ioctl
