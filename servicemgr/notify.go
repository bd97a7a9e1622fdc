package servicemgr

import (
	"context"

	"github.com/fusebinder/fusebinder/binder"
	aidl "github.com/fusebinder/fusebinder/servicemgr/internal/gen/android/os"
)

// A notice is a call of IServiceCallback.onRegistration to be made. It holds both binders.
type notice struct {
	to      binder.Binder
	name    string
	service binder.Binder
}

// lockedNotify queues a notice to w that r has its name. Notices are sent one after the other by a
// goroutine, so that all see registrations in the order in which they happened.
func (s *Server) lockedNotify(w, r *registration) {
	s.holds[w.binder]++
	s.holds[r.binder]++
	s.outbox = append(s.outbox, notice{to: w.binder, name: r.name, service: r.binder})
	if !s.sending {
		s.sending = true
		go s.send()
	}
}

// send sends notices until there are none.
func (s *Server) send() {
	for {
		s.mu.Lock()
		if len(s.outbox) == 0 {
			s.sending = false
			s.outbox = nil
			s.mu.Unlock()
			return
		}
		n := s.outbox[0]
		s.outbox = s.outbox[1:]
		s.mu.Unlock()

		to := aidl.NewIServiceCallbackProxy(n.to)
		if err := to.OnRegistration(context.Background(), n.name, n.service); err != nil {
			s.log.Warn("a notification was not delivered", "name", n.name, "err", err)
		}

		s.mu.Lock()
		s.lockedDrop(n.to)
		s.lockedDrop(n.service)
		s.mu.Unlock()
	}
}
