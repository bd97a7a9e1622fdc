package parcel

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
)

// A value in an untyped List or Map says itself what it is (Parcel.writeValue, in Java alone): an
// int32 for the type and the value; from API level 33 lists and maps have their size in bytes
// between the two.
//
//	nil -1             []bool 23           []any 11
//	string 0           []byte 13           map[any]any 2
//	int32 1            []string 14         Binder 15
//	int16 5            []int32 18
//	int64 6            []int64 19
//	float32 7          []float32 32
//	float64 8          []float64 28
//	bool 9             []uint16 31
//	int8 20
//	uint16 29
const (
	valNull         = -1
	valString       = 0
	valInteger      = 1
	valMap          = 2
	valShort        = 5
	valLong         = 6
	valFloat        = 7
	valDouble       = 8
	valBoolean      = 9
	valCharSequence = 10
	valList         = 11
	valByteArray    = 13
	valStringArray  = 14
	valBinder       = 15
	valIntArray     = 18
	valLongArray    = 19
	valByte         = 20
	valBooleanArray = 23
	valDoubleArray  = 28
	valChar         = 29
	valCharArray    = 31
	valFloatArray   = 32

	levelValueSize = 33
)

// WriteValue writes a value of one of the types of the table above as an element of an untyped
// List or Map.
func (p *Parcel) WriteValue(v any) {
	switch v := v.(type) {
	case nil:
		p.WriteInt32(valNull)
	case string:
		p.WriteInt32(valString)
		p.WriteString16(v)
	case int32:
		p.WriteInt32(valInteger)
		p.WriteInt32(v)
	case int16:
		p.WriteInt32(valShort)
		p.WriteInt32(int32(v))
	case int64:
		p.WriteInt32(valLong)
		p.WriteInt64(v)
	case float32:
		p.WriteInt32(valFloat)
		p.WriteFloat32(v)
	case float64:
		p.WriteInt32(valDouble)
		p.WriteFloat64(v)
	case bool:
		p.WriteInt32(valBoolean)
		p.WriteBool(v)
	case int8:
		p.WriteInt32(valByte)
		p.WriteInt8(v)
	case uint16:
		p.WriteInt32(valChar)
		p.WriteChar(v)
	case []bool:
		p.WriteInt32(valBooleanArray)
		p.WriteBoolArray(v)
	case []byte:
		p.WriteInt32(valByteArray)
		p.WriteByteArray(v)
	case []string:
		p.WriteInt32(valStringArray)
		p.WriteString16Array(v)
	case []int32:
		p.WriteInt32(valIntArray)
		p.WriteInt32Array(v)
	case []int64:
		p.WriteInt32(valLongArray)
		p.WriteInt64Array(v)
	case []float32:
		p.WriteInt32(valFloatArray)
		p.WriteFloat32Array(v)
	case []float64:
		p.WriteInt32(valDoubleArray)
		p.WriteFloat64Array(v)
	case []uint16:
		p.WriteInt32(valCharArray)
		p.WriteCharArray(v)
	case []any:
		p.WriteInt32(valList)
		p.sized(func() { p.WriteList(v) })
	case map[any]any:
		p.WriteInt32(valMap)
		p.sized(func() { p.WriteAnyMap(v) })
	case Binder:
		p.WriteInt32(valBinder)
		p.WriteStrongBinder(v)
	default:
		p.fail("write value", len(p.data), fmt.Sprintf("a list or map cannot hold a %T", v), BAD_TYPE)
	}
}

// sized writes the size of what write writes before it, where the level has one.
func (p *Parcel) sized(write func()) {
	if p.level() < levelValueSize {
		write()
		return
	}
	e := p.BeginExtent()
	write()
	p.endSize(e)
}

// ReadValue reads a value of one of the types of the table above.
func (p *Parcel) ReadValue() any {
	start := p.pos
	kind := p.ReadInt32()
	if p.err != nil {
		return nil
	}
	if (kind == valList || kind == valMap) && p.level() >= levelValueSize {
		p.ReadInt32() // the size: what follows is read anyway
	}
	switch kind {
	case valNull:
		return nil
	case valString:
		if s := p.ReadNullableString16(); s != nil {
			return *s
		}
		return nil
	case valInteger:
		return p.ReadInt32()
	case valShort:
		return int16(p.ReadInt32())
	case valLong:
		return p.ReadInt64()
	case valFloat:
		return p.ReadFloat32()
	case valDouble:
		return p.ReadFloat64()
	case valBoolean:
		return p.ReadBool()
	case valByte:
		return p.ReadInt8()
	case valChar:
		return p.ReadChar()
	case valCharSequence:
		return p.readValueText(start)
	case valBooleanArray:
		return p.ReadBoolArray()
	case valByteArray:
		return p.ReadByteArray()
	case valStringArray:
		return p.ReadString16Array()
	case valIntArray:
		return p.ReadInt32Array()
	case valLongArray:
		return p.ReadInt64Array()
	case valFloatArray:
		return p.ReadFloat32Array()
	case valDoubleArray:
		return p.ReadFloat64Array()
	case valCharArray:
		return p.ReadCharArray()
	case valList:
		return p.ReadList()
	case valMap:
		return p.ReadAnyMap()
	case valBinder:
		if b := p.ReadNullableStrongBinder(); b != nil {
			return b
		}
		return nil
	}
	p.fail("read value", start, fmt.Sprintf("values of type %d are not known", kind), BAD_TYPE)
	return nil
}

// readValueText reads the text of a CharSequence, before which the type stands for the presence.
func (p *Parcel) readValueText(start int) any {
	kind := p.ReadInt32()
	s := p.ReadNullableString8()
	if s == nil {
		return nil
	}
	if kind != plainText && p.ReadInt32() != styledText {
		p.fail("read value", start, "the text has styles, which only Java can read", BAD_TYPE)
	}
	return *s
}

// WriteList writes AIDL's untyped List: int32 n and n values (Parcel.writeList).
func (p *Parcel) WriteList(v []any) { WriteSlice(p, v, (*Parcel).WriteValue) }

// WriteNullableList is WriteList, or int32 -1 when v is nil.
func (p *Parcel) WriteNullableList(v []any) { WriteNullableSlice(p, v, (*Parcel).WriteList) }

// ReadList reads an untyped List; nil when it is null, which Java does not forbid.
func (p *Parcel) ReadList() []any { return ReadNullableSlice(p, readValues) }

func readValues(p *Parcel) []any { return ReadSlice(p, (*Parcel).ReadValue) }

// WriteNullableAnyMap is WriteAnyMap, or int32 -1 when m is nil.
func (p *Parcel) WriteNullableAnyMap(m map[any]any) {
	if m == nil {
		p.WriteInt32(nullLength)
		return
	}
	p.WriteAnyMap(m)
}

// WriteAnyMap writes AIDL's untyped Map: int32 n and n times two values (Parcel.writeMap). Entries
// are ordered by their keys' types and texts, so that equal maps give equal bytes.
func (p *Parcel) WriteAnyMap(m map[any]any) {
	if len(m) > math.MaxInt32 {
		p.fail("write map", len(p.data), "too many entries", BAD_VALUE)
		return
	}
	p.WriteInt32(int32(len(m)))
	keys := make([]any, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compareKeys)
	for _, k := range keys {
		p.WriteValue(k)
		p.WriteValue(m[k])
	}
}

func compareKeys(a, b any) int {
	return cmp.Or(cmp.Compare(fmt.Sprintf("%T", a), fmt.Sprintf("%T", b)), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
}

// ReadAnyMap reads an untyped Map; nil when it is null, which Java does not forbid. A key that Go cannot compare, such as an
// array, is an error.
func (p *Parcel) ReadAnyMap() map[any]any {
	if p.ReadNull() {
		return nil
	}
	n, ok := p.readLength("read map", 8, false)
	if !ok {
		return nil
	}
	m := make(map[any]any, min(n, 64))
	for range n {
		start := p.pos
		k := p.ReadValue()
		if k != nil && !reflect.TypeOf(k).Comparable() {
			p.fail("read map", start, fmt.Sprintf("a key of type %T", k), BAD_TYPE)
		}
		v := p.ReadValue()
		if p.err != nil {
			return nil
		}
		m[k] = v
	}
	return m
}
