package parcel

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// counted is a Retainer that knows how often it is retained.
type counted struct {
	node
	held int
}

func (c *counted) RetainBinder()  { c.held++ }
func (c *counted) ReleaseBinder() { c.held-- }

func TestBindersAreHeldUntilRelease(t *testing.T) {
	c := &counted{node: node{1, 2}}
	p := New()
	p.WriteStrongBinder(c)
	p.WriteStrongBinder(c)
	if c.held != 2 {
		t.Errorf("held %d times while written twice", c.held)
	}
	if got := p.ReadStrongBinder(); got != Binder(c) { // as a call to an object of this process does
		t.Errorf("read %v back, not what was written", got)
	}
	p.Release()
	p.Release()
	if c.held != 0 {
		t.Errorf("held %d times after Release", c.held)
	}
}

func TestWeakAndStrongAreNotMixed(t *testing.T) {
	for name, write := range map[string]func(*Parcel){
		"a strong one as weak": func(p *Parcel) { p.WriteWeakBinder(&proxy{5}) },
		"a weak one as strong": func(p *Parcel) { p.WriteStrongBinder(&weakProxy{proxy{5}}) },
	} {
		p := New()
		write(p)
		if err := p.Err(); !errors.Is(err, BAD_TYPE) || p.Len() != 0 {
			t.Errorf("%s: %v, %d bytes", name, err, p.Len())
		}
	}
}

// angry fails at whatever it is asked.
type angry struct{}

var errAngry = errors.New("no")

func (angry) FlattenBinder() (ioctl.FlatObject, error)                 { return ioctl.FlatObject{}, errAngry }
func (angry) ResolveBinder(ioctl.FlatObject) (Binder, error)           { return nil, errAngry }
func (angry) TakeFile(ioctl.FDObject) (int, error)                     { return -1, errAngry }
func (angry) SetBinderStability(Stability) error                       { return errAngry }
func (a angry) resolveTo(ioctl.FlatObject) (b Binder, _ error)         { return a, nil }
func (a resolveFunc) ResolveBinder(o ioctl.FlatObject) (Binder, error) { return a(o) }

type resolveFunc func(ioctl.FlatObject) (Binder, error)

func TestErrorsOfOthersStick(t *testing.T) {
	written := New()
	defer written.Release()
	written.WriteStrongBinder(&proxy{5})
	sent := New()
	defer sent.Release()
	sent.WriteFileDescriptor(0)

	cases := map[string]func() *Parcel{
		"flatten": func() *Parcel { p := New(); p.WriteStrongBinder(angry{}); return p },
		"resolve": func() *Parcel {
			p := FromBuffer(written.Data(), written.Offsets(), ReadOptions{Resolver: angry{}})
			p.ReadStrongBinder()
			return p
		},
		"stability": func() *Parcel {
			p := FromBuffer(written.Data(), written.Offsets(), ReadOptions{Resolver: resolveFunc(angry{}.resolveTo)})
			p.ReadStrongBinder()
			return p
		},
		"take": func() *Parcel {
			p := FromBuffer(sent.Data(), sent.Offsets(), ReadOptions{Files: angry{}})
			p.ReadFileDescriptor()
			return p
		},
		"set": func() *Parcel { p := New(); p.SetErr(errAngry); return p },
	}
	for name, f := range cases {
		t.Run(name, func(t *testing.T) {
			p := f()
			defer p.Release()
			if !errors.Is(p.Err(), errAngry) {
				t.Errorf("the error is %v", p.Err())
			}
		})
	}
}

// installed plays the kernel's driver: it puts a duplicate of each descriptor of p into this
// process and writes its number into the object.
func installed(t *testing.T, p *Parcel) (data, offsets []byte, numbers []int) {
	t.Helper()
	data, offsets = bytes.Clone(p.Data()), bytes.Clone(p.Offsets())
	q := FromBuffer(data, offsets, ReadOptions{})
	for i := range len(offsets) / 8 {
		at := q.offsetOf(i)
		var obj ioctl.FDObject
		if obj.Decode(data[at:]); obj.Type != ioctl.BINDER_TYPE_FD {
			continue
		}
		fd, err := duplicate(int(obj.FD))
		if err != nil {
			t.Fatal(err)
		}
		obj.FD = uint32(fd)
		obj.Encode(data[at:])
		numbers = append(numbers, fd)
	}
	return data, offsets, numbers
}

func isOpen(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	return err == nil
}

func TestDescriptorsTravel(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()

	p := New()
	p.WriteParcelFileDescriptor(int(w.Fd()))
	p.WriteFile(w)
	own := int(p.written[1].fd)
	data, offsets, numbers := installed(t, p)
	w.Close()
	p.Release()
	if isOpen(own) {
		t.Error("Release left the parcel's duplicate open")
	}

	released := 0
	q := FromBuffer(data, offsets, ReadOptions{Files: InstalledFiles, Release: func() { released++ }})
	fd := q.ReadParcelFileDescriptor()
	f := q.ReadFile("second")
	if q.Err() != nil {
		t.Fatal(q.Err())
	}
	if q.Remaining() != 0 {
		t.Errorf("%d bytes were not read", q.Remaining())
	}
	q.Release()
	q.Release()
	if released != 1 {
		t.Errorf("the buffer was released %d times", released)
	}
	for _, n := range numbers {
		if isOpen(n) {
			t.Errorf("Release left the received descriptor %d open", n)
		}
	}
	if _, err := fmt.Fprint(f, "through "); err != nil {
		t.Error(err)
	}
	f.Close()
	unix.Write(fd, []byte("the parcel"))
	unix.Close(fd)
	if got, _ := io.ReadAll(r); string(got) != "through the parcel" {
		t.Errorf("the pipe gave %q", got)
	}
}

func TestUnreadDescriptorsAreClosed(t *testing.T) {
	p := New()
	p.WriteFileDescriptor(0)
	data, offsets, numbers := installed(t, p)
	p.Release()
	FromBuffer(data, offsets, ReadOptions{Files: InstalledFiles}).Release()
	if isOpen(numbers[0]) {
		t.Error("a descriptor that nobody read stayed open")
	}
}

// TestJavaOwnerIsTold reads a ParcelFileDescriptor whose Java owner wants to know who closes it.
func TestJavaOwnerIsTold(t *testing.T) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	p := New()
	p.WriteInt32(1) // not null
	p.WriteInt32(1) // has a status descriptor
	p.WriteFileDescriptor(0)
	p.WriteOwnedFileDescriptor(pair[1])
	unix.Close(p.ReadParcelFileDescriptor())
	if p.Err() != nil {
		t.Fatal(p.Err())
	}
	p.Release()
	got := make([]byte, 8)
	n, err := unix.Read(pair[0], got)
	if err != nil || !bytes.Equal(got[:n], []byte{0, 0, 0, 2}) { // ParcelFileDescriptor.Status.DETACHED, big-endian
		t.Errorf("the owner was told %x, %v", got[:n], err)
	}
}

func TestOwnedDescriptorsAreClosedOnFailure(t *testing.T) {
	p := New()
	p.SetErr(errAngry)
	fd, err := duplicate(0)
	if err != nil {
		t.Fatal(err)
	}
	p.WriteOwnedFileDescriptor(fd)
	if isOpen(fd) {
		t.Error("a descriptor given to a failed parcel stayed open")
	}
}

func TestLargeBlobs(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	for _, n := range []int{0, 1, BlobInPlaceLimit, BlobInPlaceLimit + 1, len(want)} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			p := New()
			defer p.Release()
			p.WriteByteBlob(want[:n])
			p.WriteInt32(7)
			if inPlace := len(p.Offsets()) == 0; inPlace != (n <= BlobInPlaceLimit) {
				t.Errorf("in place: %v", inPlace)
			}
			data, offsets, _ := installed(t, p)
			q := FromBuffer(data, offsets, ReadOptions{Files: InstalledFiles})
			defer q.Release()
			if got := q.ReadByteBlob(); !bytes.Equal(got, want[:n]) {
				t.Errorf("read %d bytes that differ from the %d written", len(got), n)
			}
			if got := q.ReadInt32(); got != 7 || q.Err() != nil {
				t.Errorf("after the blob came %d, %v", got, q.Err())
			}
		})
	}
}

// TestBlobIsSealed tries to change a blob on its way.
func TestBlobIsSealed(t *testing.T) {
	p := New()
	defer p.Release()
	p.WriteBlob(make([]byte, BlobInPlaceLimit+1))
	fd := p.written[0].fd
	if _, err := unix.Pwrite(fd, []byte{1}, 0); err != unix.EPERM {
		t.Errorf("a write gave %v", err)
	}
	if err := unix.Ftruncate(fd, 0); err != unix.EPERM {
		t.Errorf("a truncation gave %v", err)
	}
}

func TestBlobsThatCouldKill(t *testing.T) {
	loose, err := unix.MemfdCreate("loose", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(loose)
	unix.Ftruncate(loose, 1<<20)
	null, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(null)
	short, err := sealedFile([]byte("short"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(short)

	for name, fd := range map[string]int{"not sealed": loose, "no memfd": null, "too short": short} {
		t.Run(name, func(t *testing.T) {
			p := New()
			defer p.Release()
			p.WriteInt32(blobImmutable)
			p.WriteFileDescriptor(fd)
			if b := p.ReadBlob(1 << 19); b != nil || StatusOf(p.Err()) != BAD_VALUE {
				t.Errorf("read %d bytes, %v", len(b), p.Err())
			}
		})
	}
}

func TestAfterRelease(t *testing.T) {
	p := New()
	p.WriteInt32(1)
	p.Release()
	p.WriteInt32(2)
	if p.ReadInt32() != 0 || p.Len() != 0 || !errors.Is(p.Err(), ErrReleased) {
		t.Errorf("a released parcel has %d bytes and the error %v", p.Len(), p.Err())
	}
	p.Receive([]byte{1, 0, 0, 0}, nil, ReadOptions{})
	if got := p.ReadInt32(); got != 1 || p.Err() != nil {
		t.Errorf("a parcel used again read %d, %v", got, p.Err())
	}
}
