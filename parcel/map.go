package parcel

import (
	"maps"
	"math"
	"slices"
)

// WriteMap writes AIDL's Map<String, V>, which only Java has besides: an int32, the number of
// entries, and for each a String and what write writes (aidl_to_java.cpp). The keys are in order,
// so that equal maps give equal bytes.
func WriteMap[V any](p *Parcel, m map[string]V, write func(*Parcel, V)) {
	if len(m) > math.MaxInt32 {
		p.fail("write map", len(p.data), "too many entries", BAD_VALUE)
		return
	}
	p.WriteInt32(int32(len(m)))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		p.WriteString16(k)
		write(p, m[k])
	}
}

// ReadMap reads a Map<String, V> that must not be null. Of two entries with one key the last holds.
func ReadMap[V any](p *Parcel, read func(*Parcel) V) map[string]V {
	n, ok := p.readLength("read map", 8, false)
	if !ok {
		return nil
	}
	m := make(map[string]V, min(n, 64))
	for range n {
		k := p.ReadString16()
		v := read(p)
		if p.err != nil {
			return nil
		}
		m[k] = v
	}
	return m
}

// WriteNullableMap is WriteMap, or int32 -1 when m is nil.
func WriteNullableMap[V any](p *Parcel, m map[string]V, write func(*Parcel, V)) {
	if m == nil {
		p.WriteInt32(nullLength)
		return
	}
	WriteMap(p, m, write)
}

// ReadNullableMap is ReadMap, or nil when the map is null.
func ReadNullableMap[V any](p *Parcel, read func(*Parcel) V) map[string]V {
	if p.ReadNull() {
		return nil
	}
	return ReadMap(p, read)
}
