package parcel

import (
	"os"
	"slices"
)

// HandOver makes the parcel close every os.File that is written to it from here on when it is
// released: what a method returns is handed over, as Java's PARCELABLE_WRITE_RETURN_VALUE has it.
func (p *Parcel) HandOver() { p.handOver = true }

// keepHanded remembers f, if it is to be closed.
func (p *Parcel) keepHanded(f *os.File) {
	if p.handOver && !slices.Contains(p.handed, f) {
		p.handed = append(p.handed, f)
	}
}

// WriteParcelFile writes AIDL's ParcelFileDescriptor with a duplicate of f's descriptor; f, which
// must not be nil, stays the caller's and as it was, unless HandOver was called.
func (p *Parcel) WriteParcelFile(f *os.File) {
	p.WriteInt32(presentFlag)
	p.WriteInt32(0)
	p.WriteFile(f)
}

// WriteNullableParcelFile is WriteParcelFile, or int32 0 for nil.
func (p *Parcel) WriteNullableParcelFile(f *os.File) {
	if f == nil {
		p.WriteInt32(nullFlag)
		return
	}
	p.WriteParcelFile(f)
}

// ReadParcelFile reads AIDL's ParcelFileDescriptor, which must not be null. The file is the
// caller's; nil if there is none.
func (p *Parcel) ReadParcelFile() *os.File { return newFile(p.ReadParcelFileDescriptor()) }

// ReadNullableParcelFile is ReadParcelFile for one that may be null: nil.
func (p *Parcel) ReadNullableParcelFile() *os.File {
	return newFile(p.ReadNullableParcelFileDescriptor())
}

// ReadRawFile reads AIDL's FileDescriptor. The file is the caller's; nil if there is none.
func (p *Parcel) ReadRawFile() *os.File { return newFile(p.ReadFileDescriptor()) }

func newFile(fd int) *os.File {
	if fd < 0 {
		return nil
	}
	return os.NewFile(uintptr(fd), "parcel")
}
