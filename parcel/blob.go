package parcel

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// BlobInPlaceLimit is the largest blob, in bytes, that stands in the parcel itself
// (BLOB_INPLACE_LIMIT in Parcel.cpp).
const BlobInPlaceLimit = 16 << 10

// What stands before a blob (Parcel.cpp).
const (
	blobInPlace   = 0
	blobImmutable = 1 // BLOB_ASHMEM_IMMUTABLE: a descriptor object follows
	blobMutable   = 2 // BLOB_ASHMEM_MUTABLE: the same
)

// WriteBlob writes b as Parcel::writeBlob does, without its length: int32 0 and the bytes up to
// BlobInPlaceLimit; beyond, int32 1 and the descriptor of a memfd that nobody can change any more.
func (p *Parcel) WriteBlob(b []byte) {
	const op = "write blob"
	switch {
	case p.err != nil:
	case len(b) <= BlobInPlaceLimit:
		p.WriteInt32(blobInPlace)
		p.WriteRaw(b)
	case len(b) > math.MaxInt32:
		p.fail(op, len(p.data), fmt.Sprintf("%d bytes are too many", len(b)), BAD_VALUE)
	default:
		fd, err := sealedFile(b)
		if err != nil {
			p.fail(op, len(p.data), "", err)
			return
		}
		p.WriteInt32(blobImmutable)
		p.WriteOwnedFileDescriptor(fd)
	}
}

// sealedFile is a memfd that holds b and is sealed against every change.
func sealedFile(b []byte) (fd int, err error) {
	fd, err = unix.MemfdCreate("parcel blob", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return -1, fmt.Errorf("memfd_create: %w", err)
	}
	defer func() {
		if err != nil {
			unix.Close(fd)
		}
	}()
	for at := 0; at < len(b); {
		n, err := unix.Pwrite(fd, b[at:], int64(at))
		if err != nil && err != unix.EINTR {
			return -1, fmt.Errorf("write %d bytes to a memfd: %w", len(b), err)
		}
		at += max(n, 0)
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		return -1, fmt.Errorf("seal a memfd: %w", err)
	}
	return fd, nil
}

// ReadBlob reads a blob of n bytes. It is a view that ends with the parcel and must not be written
// to; that of a mutable blob may change while one looks. A descriptor that is no memfd sealed
// against shrinking is refused: to look at it could end the process (SIGBUS).
func (p *Parcel) ReadBlob(n int) []byte {
	const op = "read blob"
	start := p.pos
	kind := p.ReadInt32()
	switch {
	case p.err != nil:
		return nil
	case kind == blobInPlace:
		return p.take(op, n)
	case kind != blobImmutable && kind != blobMutable:
		p.fail(op, start, fmt.Sprintf("it is of kind %d", kind), BAD_VALUE)
		return nil
	}
	fd := p.borrowFile(op)
	if fd < 0 {
		return nil
	}
	b, err := mapSealed(fd, n)
	if err != nil {
		p.fail(op, start, err.Error(), BAD_VALUE)
		return nil
	}
	if b != nil {
		p.mapped = append(p.mapped, b)
	}
	return b
}

// mapSealed maps the first n bytes of a memfd to be read.
func mapSealed(fd, n int) ([]byte, error) {
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil || seals&unix.F_SEAL_SHRINK == 0 {
		return nil, fmt.Errorf("its descriptor is no memfd sealed against shrinking")
	}
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return nil, fmt.Errorf("stat its descriptor: %w", err)
	}
	if n < 0 || int64(n) > stat.Size {
		return nil, fmt.Errorf("it is to have %d bytes, but has %d", n, stat.Size)
	}
	if n == 0 {
		return []byte{}[:0:0], nil
	}
	b, err := unix.Mmap(fd, 0, n, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %d bytes: %w", n, err)
	}
	return b, nil
}

// WriteByteBlob writes b as Java's Parcel.writeBlob does: int32 length, or -1 when b is nil, and
// the blob.
func (p *Parcel) WriteByteBlob(b []byte) {
	if b == nil {
		p.WriteInt32(nullLength)
		return
	}
	if len(b) > math.MaxInt32 {
		p.fail("write blob", len(p.data), fmt.Sprintf("%d bytes are too many", len(b)), BAD_VALUE)
		return
	}
	p.WriteInt32(int32(len(b)))
	p.WriteBlob(b)
}

// ReadByteBlob reads what WriteByteBlob wrote, nil for null; the view is ReadBlob's.
func (p *Parcel) ReadByteBlob() []byte {
	start := p.pos
	n := p.ReadInt32()
	switch {
	case p.err != nil || n == nullLength:
		return nil
	case n < 0:
		p.fail("read blob", start, fmt.Sprintf("its length is %d", n), BAD_VALUE)
		return nil
	}
	return p.ReadBlob(int(n))
}
