package parcel

// A CharSequence is text that may have styles, in Java alone: int32 1 before it as before a
// parcelable, then int32 1 for plain text or 0 for styled, and the text (TextUtils.writeToParcel):
// a String8 from API level 30, a String before.

const (
	levelTextString8 = 30
	styledText       = 0
	plainText        = 1
)

// WriteCharSequence writes AIDL's CharSequence, without styles.
func (p *Parcel) WriteCharSequence(s string) {
	p.WriteInt32(presentFlag)
	p.WriteInt32(plainText)
	if p.level() >= levelTextString8 {
		p.WriteString8(s)
	} else {
		p.WriteString16(s)
	}
}

// WriteNullableCharSequence is WriteCharSequence, or int32 0 for nil.
func (p *Parcel) WriteNullableCharSequence(s *string) {
	if s == nil {
		p.WriteInt32(nullFlag)
		return
	}
	p.WriteCharSequence(*s)
}

// ReadCharSequence reads the text of a CharSequence that must not be null. Styles, whose layout
// only Java knows, are an error.
func (p *Parcel) ReadCharSequence() string {
	start := p.pos
	s := p.ReadNullableCharSequence()
	if s == nil {
		if p.err == nil {
			p.fail("read char sequence", start, "", UNEXPECTED_NULL)
		}
		return ""
	}
	return *s
}

// ReadNullableCharSequence is ReadCharSequence for one that may be null: nil.
func (p *Parcel) ReadNullableCharSequence() *string {
	if !p.readPresence("read char sequence") {
		return nil
	}
	kind := p.ReadInt32()
	var s *string
	if p.level() >= levelTextString8 {
		s = p.ReadNullableString8()
	} else {
		s = p.ReadNullableString16()
	}
	if s == nil || p.err != nil {
		return nil
	}
	if kind != plainText {
		start := p.pos
		if p.ReadInt32() != styledText && p.err == nil { // 0 ends the styles
			p.fail("read char sequence", start, "it has styles, which only Java can read", BAD_TYPE)
		}
	}
	return s
}
