package devicefs

// interrupt hands a FUSE_INTERRUPT to the broker. There is no answer to an INTERRUPT; above all
// never ENOSYS, which would turn interrupts off for the whole mount, for ever.
func (s *Server) interrupt(unique uint64) {
	if q := s.requests.pin(unique); q != nil {
		q.open.process.Interrupt(&q.call)
		s.requests.unpin(q)
	}
}

// pin finds a request and keeps it from being used again. An interrupt that has overtaken its
// request is remembered.
func (t *requests) pin(unique uint64) *request {
	t.mu.Lock()
	defer t.mu.Unlock()
	for q := *t.bucket(unique); q != nil; q = q.next {
		if q.unique != unique {
			continue
		}
		if q.grip != nil {
			q.grip.interrupted = true // most likely that was us: the thread is being held
			return nil
		}
		q.pins++
		return q
	}
	t.early.put(unique)
	return nil
}

// early remembers the last interrupts that came for no request we know. Most come too late, after
// the answer, and are forgotten in time: unique numbers are not used again. One that overtook its
// request (another reader has that in its hands) is found when the request is registered, which
// is very soon.
type early struct {
	ring [64]uint64
	at   int
	ttl  int // so many registrations later the ring is forgotten; 0: it is empty
}

const earlyTTL = 1024

func (e *early) put(unique uint64) {
	e.ring[e.at] = unique
	e.at = (e.at + 1) % len(e.ring)
	e.ttl = earlyTTL
}

func (e *early) take(unique uint64) bool {
	if e.ttl == 0 {
		return false
	}
	if e.ttl--; e.ttl == 0 {
		*e = early{}
		return false
	}
	for i, u := range e.ring {
		if u == unique {
			e.ring[i] = 0
			return true
		}
	}
	return false
}
