package parcel

import "sync"

// A store is the memory of a parcel being written, kept for the next one.
type store struct{ data, offsets []byte }

const (
	storeSize    = 512     // to begin with: most calls fit
	storeKeepMax = 1 << 16 // larger ones are left to the collector
)

var stores = sync.Pool{New: func() any { return &store{data: make([]byte, 0, storeSize)} }}

// put takes back the slices that began in s.
func (s *store) put(data, offsets []byte) {
	if s == nil || cap(data) > storeKeepMax || cap(offsets) > storeKeepMax {
		return
	}
	s.data, s.offsets = data[:0], offsets[:0]
	stores.Put(s)
}
