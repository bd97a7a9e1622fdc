package parcel

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"github.com/fusebinder/fusebinder/ioctl"
)

// A Parcel is a message of values and objects. Writes append at its end; reads go from its start.
// The zero Parcel is empty and ready to be written. A Parcel is not safe for concurrent use.
//
// The first thing that goes wrong sticks: it stays in Err, later reads return zero values, later
// writes do nothing.
type Parcel struct {
	data    []byte // what travels as data
	offsets []byte // u64 each: where the objects are in data, ascending
	pos     int    // where the next read begins
	next    int    // index in offsets of the first object at or after pos, if reads went forward
	err     error

	written  []written // objects written here, in order of offset
	mapped   [][]byte  // blobs read, unmapped by Release
	opts     ReadOptions
	received bool // data and offsets belong to opts.Release, not to us
	sound    bool // received, and offsets passed checkOffsets
	released bool
	handOver bool       // files written are closed by Release
	handed   []*os.File // those files
	owner    any        // see SetOwner
	store    *store     // where data and offsets came from, nil if from nowhere
}

// written is an object that this process put in a parcel.
type written struct {
	offset int
	binder Binder // nil for a descriptor
	fd     int    // owned by the parcel; -1 for a binder
}

// ReadOptions say what stands behind a received parcel.
type ReadOptions struct {
	Resolver Resolver   // for binder objects; nil: reading one fails
	Files    FileSource // for file descriptors; nil: reading one fails
	APILevel int        // 0: the default, APILevel
	Release  func()     // called once by Release, after the last look at data and offsets; may be nil
}

// New makes an empty parcel.
func New() *Parcel { return &Parcel{} }

// FromBuffer makes a parcel of what was received: data and the table of its objects, 8 bytes each.
// Both stay the caller's and must not change until opts.Release is called. A table that the
// driver could not have made is the parcel's error from the start.
func FromBuffer(data, offsets []byte, opts ReadOptions) *Parcel {
	p := &Parcel{}
	p.Receive(data, offsets, opts)
	return p
}

// Receive is FromBuffer into a parcel that the caller keeps: a zero one, or one that was released.
func (p *Parcel) Receive(data, offsets []byte, opts ReadOptions) {
	*p = Parcel{data: data, offsets: offsets, opts: opts, received: true, written: p.written[:0], mapped: p.mapped[:0]}
	p.checkOffsets()
}

// checkOffsets holds the table against what the driver promises: offsets ascend, are multiples of
// 4, and a whole object of a known type stands at each, none overlapping another.
func (p *Parcel) checkOffsets() {
	const op = "check offsets"
	if len(p.data) > math.MaxInt32 {
		p.fail(op, 0, fmt.Sprintf("%d bytes of data are too many", len(p.data)), BAD_VALUE)
		return
	}
	if len(p.offsets)%8 != 0 {
		p.fail(op, 0, fmt.Sprintf("a table of %d bytes is not whole", len(p.offsets)), BAD_VALUE)
		return
	}
	end := uint64(0)
	for i := 0; i < len(p.offsets)/8; i++ {
		at := binary.LittleEndian.Uint64(p.offsets[8*i:])
		if at < end || at%4 != 0 || at > uint64(len(p.data)) || uint64(len(p.data))-at < ioctl.SizeofObjectHeader {
			p.fail(op, 0, fmt.Sprintf("object %d cannot be at offset %d", i, at), BAD_VALUE)
			return
		}
		kind := ioctl.ObjectType(binary.LittleEndian.Uint32(p.data[at:]))
		size := uint64(kind.Size())
		if size == 0 || uint64(len(p.data))-at < size {
			p.fail(op, int(at), fmt.Sprintf("no whole object of type %#x stands there", uint32(kind)), BAD_VALUE)
			return
		}
		end = at + size
	}
	p.sound = true
}

// SetAPILevel chooses the Android release whose layouts p uses; 0 is the default. Choose before
// the first write or read.
func (p *Parcel) SetAPILevel(level int) { p.opts.APILevel = level }

// APILevel is the Android release whose layouts p uses.
func (p *Parcel) APILevel() int { return p.level() }

func (p *Parcel) level() int {
	if p.opts.APILevel == 0 {
		return APILevel
	}
	return p.opts.APILevel
}

// Err is the first thing that went wrong, an *Error, or nil.
func (p *Parcel) Err() error { return p.err }

// SetErr makes err the parcel's error if it has none yet: for readers and writers built on this
// package, whose findings then stick like its own.
func (p *Parcel) SetErr(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *Parcel) fail(op string, offset int, detail string, err error) {
	if p.err == nil {
		p.err = &Error{Op: op, Offset: offset, Detail: detail, Err: err}
	}
}

// Data is what travels as the transaction's data. It is p's until p is released or written again.
func (p *Parcel) Data() []byte { return p.data }

// Offsets is what travels as the transaction's offsets, 8 bytes for each object. It is p's like Data.
func (p *Parcel) Offsets() []byte { return p.offsets }

// Len is the size of the data in bytes.
func (p *Parcel) Len() int { return len(p.data) }

// Position is where the next read begins, in bytes from the start.
func (p *Parcel) Position() int { return p.pos }

// Remaining is how many bytes are left to read.
func (p *Parcel) Remaining() int { return len(p.data) - p.pos }

// SetPosition makes the next read begin at pos, which must be within the data.
func (p *Parcel) SetPosition(pos int) {
	if p.err != nil {
		return
	}
	if pos < 0 || pos > len(p.data) {
		p.fail("set position", p.pos, fmt.Sprintf("%d is not within the %d bytes of data", pos, len(p.data)), BAD_VALUE)
		return
	}
	p.pos = pos
}

// Release gives back all that p holds: written binders, its own descriptors, mapped blobs, unread
// received descriptors, the buffer. Views that p handed out end with it. A second call does nothing.
func (p *Parcel) Release() {
	if p.released {
		return
	}
	p.released = true
	p.releaseObjects()
	for _, f := range p.handed {
		_ = f.Close()
	}
	p.handed, p.owner = nil, nil
	if p.received && p.opts.Release != nil {
		p.opts.Release()
	}
	p.store.put(p.data, p.offsets)
	p.store, p.data, p.offsets, p.pos = nil, nil, nil, 0
	p.opts = ReadOptions{}
	if p.err == nil {
		p.err = errReleased
	}
}

var errReleased error = &Error{Op: "read or write", Err: ErrReleased}
