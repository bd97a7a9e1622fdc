package devicefs

import (
	"sync/atomic"
	"time"
)

// A watchdog notices that the reader has been handling one request for too long: it is stuck in
// a client's memory, which can take as long as the client likes. Then a spare reader goes on.
//
// All it costs the reader is one atomic addition before and after each request. It looks every
// two milliseconds while there is traffic and sleeps otherwise.
type watchdog struct {
	current atomic.Pointer[reader]
	dozing  atomic.Bool
	wake    chan struct{}
	traffic chan struct{} // there is some again; for trim
}

const (
	watchEvery = 2 * time.Millisecond
	dozeAfter  = 250 // looks without traffic
)

// rouse ends the watchdog's sleep.
func (w *watchdog) rouse() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// watch is the watchdog's goroutine.
func (s *Server) watch(stop <-chan struct{}) {
	w := &s.watchdog
	timer := time.NewTimer(watchEvery)
	defer timer.Stop()
	var last uint64
	var seen *reader
	idle := 0
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		r := w.current.Load()
		now := r.sequence.Load()
		stuck := now&1 == 1
		switch {
		case r != seen || now != last:
			seen, last, idle = r, now, 0
		case stuck:
			s.takeOver(r)
		default:
			if idle++; idle < dozeAfter {
				break
			}
			w.dozing.Store(true)
			if r.sequence.Load() == now && w.current.Load() == r {
				select {
				case <-stop:
					return
				case <-w.wake:
				}
				select {
				case w.traffic <- struct{}{}:
				default:
				}
			}
			w.dozing.Store(false)
			idle = 0
		}
		timer.Reset(watchEvery)
	}
}

// takeOver lets a spare read in place of r, which is stuck.
func (s *Server) takeOver(r *reader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	var spare *reader
	switch n := len(s.spares); {
	case n > 0:
		spare = s.spares[n-1]
		s.spares = s.spares[:n-1]
	case s.total < maxReaders:
		spare = s.newSpare()
	default:
		s.log.Error("every reader is stuck in a client's memory", "readers", s.total)
		return
	}
	if !s.watchdog.current.CompareAndSwap(r, spare) {
		s.spares = append(s.spares, spare)
		return
	}
	spare.wake <- struct{}{}
}
