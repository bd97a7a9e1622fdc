package parcel

import (
	"encoding/binary"
	"testing"
)

// TestPicture holds the drawing in doc.go to the truth.
func TestPicture(t *testing.T) {
	p := New()
	defer p.Release()
	p.WriteInterfaceToken("ITalk")
	token := p.Len()
	p.WriteString16("hi")
	str := p.Len()
	p.WriteStrongBinder(&node{1, 2})
	if token != 28 || str != 40 || p.Len() != 68 || len(p.Offsets()) != 8 || binary.LittleEndian.Uint64(p.Offsets()) != 40 {
		t.Errorf("token ends at %d, string at %d, binder at %d, table %x", token, str, p.Len(), p.Offsets())
	}
}
