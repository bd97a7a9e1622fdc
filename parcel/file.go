package parcel

import (
	"encoding/binary"
	"fmt"
	"os"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// A FileSource has the descriptors that came with a received parcel.
type FileSource interface {
	// TakeFile is the descriptor behind obj. It stays the source's: the parcel duplicates it for
	// whoever reads. It may be asked for the same object again.
	TakeFile(obj ioctl.FDObject) (fd int, err error)
}

// A FileReleaser is a FileSource that wants to hear of each descriptor object when the parcel is
// released, read or not.
type FileReleaser interface {
	FileSource
	ReleaseFile(obj ioctl.FDObject)
}

// InstalledFiles is the FileSource of the kernel's driver, which has put the descriptors into this
// process already: the object holds the number, and releasing the parcel closes it
// (Parcel::closeFileDescriptors). Never use it for bytes that did not come from the driver.
var InstalledFiles FileReleaser = installedFiles{}

type installedFiles struct{}

func (installedFiles) TakeFile(obj ioctl.FDObject) (int, error) { return int(int32(obj.FD)), nil }
func (installedFiles) ReleaseFile(obj ioctl.FDObject)           { unix.Close(int(int32(obj.FD))) }

// WriteFileDescriptor writes a duplicate of fd, which the parcel owns and closes when it is
// released; fd stays the caller's.
func (p *Parcel) WriteFileDescriptor(fd int) {
	const op = "write file descriptor"
	if !p.writable(op) {
		return
	}
	own, err := duplicate(fd)
	if err != nil {
		p.fail(op, len(p.data), fmt.Sprintf("descriptor %d", fd), err)
		return
	}
	p.WriteOwnedFileDescriptor(own)
}

// WriteOwnedFileDescriptor writes fd, which becomes the parcel's from here on, whatever happens.
func (p *Parcel) WriteOwnedFileDescriptor(fd int) {
	start := len(p.data)
	to := p.room("write file descriptor", ioctl.SizeofFDObject)
	if to == nil {
		unix.Close(fd)
		return
	}
	obj := ioctl.FDObject{Type: ioctl.BINDER_TYPE_FD, FD: uint32(fd), Cookie: 1} // cookie 1: owned, as libbinder marks it
	obj.Encode(to)
	p.list(start)
	p.written = append(p.written, written{offset: start, fd: fd})
}

// WriteFile writes a duplicate of f's descriptor; f stays the caller's and as it was,
// unless HandOver was called.
func (p *Parcel) WriteFile(f *os.File) {
	const op = "write file"
	if f != nil {
		p.keepHanded(f)
	}
	if p.err != nil {
		return
	}
	if f == nil {
		p.fail(op, len(p.data), "", UNEXPECTED_NULL)
		return
	}
	conn, err := f.SyscallConn() // f.Fd would make f blocking
	if err == nil {
		err = conn.Control(func(fd uintptr) { p.WriteFileDescriptor(int(fd)) })
	}
	if err != nil {
		p.fail(op, len(p.data), f.Name(), err)
	}
}

// WriteParcelFileDescriptor writes AIDL's ParcelFileDescriptor, not null: int32 1, int32 0 (no
// descriptor to tell of our closing), a duplicate of fd.
func (p *Parcel) WriteParcelFileDescriptor(fd int) {
	p.WriteInt32(presentFlag)
	p.WriteInt32(0)
	p.WriteFileDescriptor(fd)
}

// WriteNullableParcelFileDescriptor is WriteParcelFileDescriptor, or int32 0 for fd < 0.
func (p *Parcel) WriteNullableParcelFileDescriptor(fd int) {
	if fd < 0 {
		p.WriteInt32(nullFlag)
		return
	}
	p.WriteParcelFileDescriptor(fd)
}

// ReadFileDescriptor reads a descriptor object. The descriptor is new, close-on-exec, and the
// caller's to close; -1 if there is none.
func (p *Parcel) ReadFileDescriptor() int {
	const op = "read file descriptor"
	start := p.pos
	fd := p.borrowFile(op)
	if fd < 0 {
		return -1
	}
	own, err := duplicate(fd)
	if err != nil {
		p.fail(op, start, fmt.Sprintf("descriptor %d", fd), err)
		return -1
	}
	return own
}

// borrowFile reads a descriptor object and is the descriptor, which stays whose it is; -1 if none.
func (p *Parcel) borrowFile(op string) int {
	start := p.pos
	raw := p.peek(op, ioctl.SizeofFDObject)
	if raw == nil {
		return -1
	}
	var obj ioctl.FDObject
	obj.Decode(raw)
	if obj.Type != ioctl.BINDER_TYPE_FD || !p.listed(start) {
		p.fail(op, start, "no descriptor is listed there", BAD_TYPE)
		return -1
	}
	p.pos += ioctl.SizeofFDObject
	if w := p.writtenAt(start); w != nil {
		return w.fd
	}
	if p.opts.Files == nil {
		p.fail(op, start, "the parcel has no source of files", BAD_TYPE)
		return -1
	}
	fd, err := p.opts.Files.TakeFile(obj)
	if err != nil {
		p.fail(op, start, "", err)
		return -1
	}
	return fd
}

// ReadFile is ReadFileDescriptor as an os.File of that name, nil if there is none.
func (p *Parcel) ReadFile(name string) *os.File {
	fd := p.ReadFileDescriptor()
	if fd < 0 {
		return nil
	}
	return os.NewFile(uintptr(fd), name)
}

// ReadParcelFileDescriptor reads AIDL's ParcelFileDescriptor, which must not be null. The
// descriptor is the caller's; -1 if there is none.
func (p *Parcel) ReadParcelFileDescriptor() int {
	start := p.pos
	fd := p.ReadNullableParcelFileDescriptor()
	if fd < 0 && p.err == nil {
		p.fail("read parcel file descriptor", start, "", UNEXPECTED_NULL)
	}
	return fd
}

// ReadNullableParcelFileDescriptor is ReadParcelFileDescriptor for one that may be null: -1.
func (p *Parcel) ReadNullableParcelFileDescriptor() int {
	if !p.readPresence("read parcel file descriptor") {
		return -1
	}
	hasComm := p.ReadInt32()
	fd := p.ReadFileDescriptor()
	if fd >= 0 && hasComm != 0 {
		if comm := p.borrowFile("read status descriptor"); comm >= 0 {
			tellDetached(comm)
		}
	}
	if p.err != nil && fd >= 0 {
		unix.Close(fd)
		return -1
	}
	return fd
}

// tellDetached tells the Java owner at the other end of comm, a socket, that this process took
// over: a big-endian ParcelFileDescriptor.Status.DETACHED. libbinder fails if it cannot; a peer
// that stopped listening, or passed something that would block us, is no loss here.
func tellDetached(comm int) {
	const detached = 2
	_ = unix.Sendto(comm, binary.BigEndian.AppendUint32(nil, detached), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, nil)
}

func duplicate(fd int) (int, error) {
	return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
}
