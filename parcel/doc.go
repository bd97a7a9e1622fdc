// Package parcel turns values into the bytes of a Binder transaction and back, as Android's
// libbinder lays them out, so that a peer written in C++, Java or Rust reads what Go wrote.
//
// # Layout
//
// A parcel is data and a table of offsets. Everything is little-endian and begins at a multiple of
// 4 bytes; what is shorter is padded with zeros. This is the call ITalk.say("hi", callback), 68
// bytes and one offset:
//
//	data                                                            table
//	 0  00 00 00 80               strict mode policy             ╮
//	 4  ff ff ff ff               work source: none              │
//	 8  54 53 59 53               'SYST'                         │ interface token
//	12  05 00 00 00               5 units                        │
//	16  49 00 54 00 61 00         "ITa"                          │
//	22  6c 00 6b 00 00 00         "lk", NUL                      ╯
//	28  02 00 00 00               2 units                        ╮
//	32  68 00 69 00 00 00 00 00   "hi", NUL, padding             ╯ String
//	40  85 2a 62 73 13 01 00 00   BINDER_TYPE_BINDER, flags      ╮   ┌──────────┐
//	48  .. .. .. .. .. .. .. ..   pointer                        │ ◄─┤ 40 (u64) │
//	56  .. .. .. .. .. .. .. ..   cookie                         │   └──────────┘
//	64  0c 00 00 00               stability: system              ╯ IBinder
//
// Value by value, with Go's name for it:
//
//	Int32, Uint32, Float32    4 bytes
//	Int64, Uint64, Float64    8 bytes, at any multiple of 4
//	Bool, Char, Int8          an int32
//	String16                  int32 number of UTF-16 units, the units, NUL; -1 alone is null
//	String8                   int32 number of bytes, the bytes, NUL; -1 alone is null
//	ByteArray                 int32 n, n bytes
//	Int32Array, Int64Array,
//	Float32Array, ...         int32 n, the elements side by side
//	BoolArray, CharArray      int32 n, n times an int32, as both Java and C++ have it
//	other arrays and lists    int32 n, each element as it stands alone; n = -1 is null
//	Parcelable                int32 1 and what it writes; 0 alone is null
//	Extent                    int32 size, itself included, and the fields of a structured parcelable
//	StrongBinder              a flat_binder_object of 24 bytes and an int32, its stability
//	FileDescriptor            a binder_fd_object of 24 bytes
//	ParcelFileDescriptor      int32 1, int32 0, FileDescriptor; 0 alone is null
//	Blob                      up to 16 KiB: int32 0, the bytes; beyond: int32 1, FileDescriptor
//	Header                    see there: what a call begins with
//	Status                    see Parcel.WriteStatus: what a reply begins with
//
// The table tells the driver where objects stand. It lists neither null binders nor handle 0.
//
// # API levels
//
// Four things moved between Android releases; APILevel is the one that holds by default, and a
// peer of another release needs Parcel.SetAPILevel or ReadOptions.APILevel:
//
//	28, Android 9     an exception has a remote stack trace (an empty one, from here)
//	29, Android 10    the token has a work source
//	30, Android 11    the token has 'SYST'; a binder has its stability, the level
//	31, Android 12    the stability is a Category: version 1, the level in the top byte
//	33, Android 13    it is the level again
//
// # Errors
//
// The first error sticks: generated code reads all fields in a row and looks at Parcel.Err once.
// An Error names the operation and the offset; its cause is what libbinder would have returned.
// Reading never trusts what it reads: lengths are held against the bytes that are left before
// memory is allocated, objects are read only where the table lists them and numbers only where it
// does not, and no bytes make a read panic.
//
// # Ownership
//
// A parcel owns its memory, duplicates of the descriptors written to it, and a hold on the binders
// written to it, until Release. Descriptors that are read belong to the reader; binders that are
// read are as the Resolver made them; byte views and blobs end with Release. A parcel that is
// forgotten without Release leaks its descriptors, no more.
package parcel
