package devicefs

import "time"

// trimEvery is how long a receive area has to be out of use before its memory goes back to the
// system, at least; at most it is twice that.
const trimEvery = 2 * time.Second

// trim gives unused memory back while there is traffic, and twice after its end.
func (s *Server) trim(stop <-chan struct{}) {
	timer := time.NewTimer(trimEvery)
	defer timer.Stop()
	quiet := 0
	for {
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		s.bus.Trim()
		if s.watchdog.dozing.Load() {
			quiet++
		} else {
			quiet = 0
		}
		if quiet > 2 {
			select {
			case <-stop:
				return
			case <-s.watchdog.traffic:
			}
			quiet = 0
		}
		timer.Reset(trimEvery)
	}
}
