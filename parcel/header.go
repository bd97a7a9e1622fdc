package parcel

import "fmt"

// A Header is what a call begins with: the interface token that Parcel::writeInterfaceToken writes.
//
//	int32    strict mode policy, PENALTY_GATHER set
//	int32    work source uid              from API level 29
//	int32    'SYST'                       from API level 30
//	String16 interface descriptor
type Header struct {
	APILevel   int    // whose layout; 0 is the parcel's
	StrictMode uint32 // the caller's StrictMode policy
	WorkSource int32  // the uid on whose behalf the caller works, or UnsetWorkSource
	Tag        uint32 // which libbinder wrote it; 0 writes TagSystem
	Descriptor string // of the interface called
}

// UnsetWorkSource is the work source of a caller that works for itself
// (IPCThreadState::kUnsetWorkSource).
const UnsetWorkSource int32 = -1

// Tags of the builds of libbinder (kHeader in Parcel.cpp): B_PACK_CHARS of four letters.
const (
	TagSystem   uint32 = 'S'<<24 | 'Y'<<16 | 'S'<<8 | 'T'
	TagVendor   uint32 = 'V'<<24 | 'N'<<16 | 'D'<<8 | 'R'
	TagRecovery uint32 = 'R'<<24 | 'E'<<16 | 'C'<<8 | 'O'
	TagUnknown  uint32 = 'U'<<24 | 'N'<<16 | 'K'<<8 | 'N' // libbinder built for a host that is not Android
)

// WriteInterfaceToken begins a call of the interface named descriptor.
func (p *Parcel) WriteInterfaceToken(descriptor string) {
	p.WriteHeader(Header{WorkSource: UnsetWorkSource, Descriptor: descriptor})
}

// WriteHeader begins a call with h.
func (p *Parcel) WriteHeader(h Header) {
	level := h.APILevel
	if level == 0 {
		level = p.level()
	}
	p.WriteUint32(h.StrictMode | penaltyGather(level))
	if level >= levelWorkSource {
		p.WriteInt32(h.WorkSource)
	}
	if level >= levelVendorHeader {
		tag := h.Tag
		if tag == 0 {
			tag = TagSystem
		}
		p.WriteUint32(tag)
	}
	p.WriteString16(h.Descriptor)
}

// ReadHeader reads what a call begins with and leaves the judgement to the caller. StrictMode is
// as it stands there, PENALTY_GATHER included.
func (p *Parcel) ReadHeader() Header {
	h := Header{APILevel: p.level(), WorkSource: UnsetWorkSource}
	h.StrictMode = p.ReadUint32()
	if h.APILevel >= levelWorkSource {
		h.WorkSource = p.ReadInt32()
	}
	if h.APILevel >= levelVendorHeader {
		h.Tag = p.ReadUint32()
	}
	h.Descriptor = p.ReadString16()
	return h
}

// EnforceInterface reads what a call begins with and fails, with an *InterfaceError that stays the
// parcel's, unless it names descriptor (Parcel::enforceInterface). Any of the four tags will do:
// whoever is on this device speaks one ABI.
func (p *Parcel) EnforceInterface(descriptor string) error {
	if p.err != nil {
		return p.err
	}
	start := p.pos
	if p.enforceFast(descriptor) {
		return nil
	}
	p.pos = start
	h := p.ReadHeader()
	if p.err != nil {
		return p.err
	}
	wrong := &InterfaceError{Want: descriptor, Got: h}
	switch h.Tag {
	case TagSystem, TagVendor, TagRecovery, TagUnknown:
		wrong.tagOK = true
	}
	wrong.tagOK = wrong.tagOK || h.APILevel < levelVendorHeader
	if wrong.tagOK && h.Descriptor == descriptor {
		return nil
	}
	p.fail("enforce interface", start, "", wrong)
	return p.err
}

// enforceFast is the usual case of EnforceInterface, which decodes no string: our own tag, an
// ASCII name. When it says no, nothing is decided.
func (p *Parcel) enforceFast(descriptor string) bool {
	level := p.level()
	if level < levelVendorHeader {
		return false
	}
	raw := p.peek("enforce interface", 16+2*len(descriptor)+2)
	if raw == nil {
		p.err = nil
		return false
	}
	if word(raw[8:]) != TagSystem || word(raw[12:]) != uint32(len(descriptor)) {
		return false
	}
	if _, hit := p.overlaps(p.pos, p.pos+pad(len(raw))); hit {
		return false
	}
	units := raw[16:]
	for i := range len(descriptor) {
		if units[2*i] != descriptor[i] || units[2*i+1] != 0 || descriptor[i] >= 0x80 {
			return false
		}
	}
	if units[2*len(descriptor)] != 0 || units[2*len(descriptor)+1] != 0 {
		return false
	}
	p.pos += pad(len(raw))
	return true
}

// An InterfaceError says that a call was meant for another interface, or came from a peer whose
// calls begin otherwise. To libbinder peers it is PERMISSION_DENIED.
type InterfaceError struct {
	Want  string
	Got   Header
	tagOK bool
}

func (e *InterfaceError) Error() string {
	if !e.tagOK {
		return fmt.Sprintf("the call for %s begins with the tag %#x, which is none of API level %d", e.Want, e.Got.Tag, e.Got.APILevel)
	}
	return fmt.Sprintf("the call is for %q, this is %q", e.Got.Descriptor, e.Want)
}

// Unwrap makes an InterfaceError PERMISSION_DENIED, as CHECK_INTERFACE and the NDK answer it.
func (e *InterfaceError) Unwrap() error { return PERMISSION_DENIED }
