package servicemgr

import (
	"log/slog"
	"os"
	"sync"

	"github.com/fusebinder/fusebinder/binder"
)

// ServerOptions add to Serve.
type ServerOptions struct {
	Access Access       // nil: everybody may do everything
	Log    *slog.Logger // of what AOSP logs: names taken over, odd requests, deaths; nil: none

	// SecurityContext asks the driver for callers' security labels, for Access to decide by. On a
	// kernel without labels the driver then refuses every call.
	SecurityContext bool
}

// A Server is the service manager of a bus.
type Server struct {
	access Access
	log    *slog.Logger
	level  int
	object *binder.Object

	mu       sync.Mutex
	services map[string]*registration
	waiting  map[string][]*registration // callbacks, in the order they came
	holds    map[binder.Binder]int      // how many registrations and notices need a binder

	outbox  []notice // notices to send, oldest first
	sending bool     // a goroutine is at it
}

// registration is a service that has a name, or a callback that waits for it. Each has its own link to
// the death of its binder, so a death takes what was registered with it and nothing newer.
type registration struct {
	server *Server
	name   string
	binder binder.Binder
	dead   bool // guarded by server.mu

	caller   binder.Caller // who registered
	isolated bool          // of a service: isolated apps may find it
	priority DumpPriority  // of a service
}

// BinderDied takes the registration back.
func (r *registration) BinderDied(binder.Binder) { r.server.died(r) }

// Serve makes this process the context manager of bus, and answers lookups until the bus is closed.
// Give it a bus of its own: the server closes proxies that it needs no longer. It fails with EBUSY
// when the device has a context manager already.
func Serve(bus *binder.Bus, opts ServerOptions) (*Server, error) {
	s := newServer(bus, opts)
	if err := bus.BecomeContextManager(s.object); err != nil {
		return nil, err
	}
	return s, nil
}

func newServer(bus *binder.Bus, opts ServerOptions) *Server {
	s := &Server{
		access:   opts.Access,
		log:      opts.Log,
		services: make(map[string]*registration),
		waiting:  make(map[string][]*registration),
		holds:    make(map[binder.Binder]int),
	}
	if s.access == nil {
		s.access = anybody{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.level = levelOf(bus)
	var options []binder.ExportOption
	if opts.SecurityContext {
		options = append(options, binder.RequestSecurityContext())
	}
	s.object = bus.Export(s, options...)
	self := &registration{server: s, name: "manager", binder: s.object, priority: DUMP_FLAG_PRIORITY_DEFAULT}
	self.caller.PID = os.Getpid()
	s.services[self.name] = self // as AOSP's main does
	s.holds[s.object]++
	return s
}

// levelOf is the API level of a bus.
func levelOf(bus *binder.Bus) int {
	p := bus.NewParcel()
	defer p.Release()
	return p.APILevel()
}

// Object is what stands behind handle 0.
func (s *Server) Object() *binder.Object { return s.object }

func (s *Server) drop(b binder.Binder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lockedDrop(b)
}

// lockedDrop ends a hold. With the last one the reference goes back to the driver at once, not when
// the collector finds out: the service learns that nobody needs it. That is a command that waits for
// nobody, and must be under the lock: whoever reads the binder again has to find it held or closed.
func (s *Server) lockedDrop(b binder.Binder) {
	if s.holds[b]--; s.holds[b] > 0 {
		return
	}
	delete(s.holds, b)
	if p, ok := b.(*binder.Proxy); ok {
		_ = p.Close()
	}
}

// link asks to hear of the death of r's process. Objects of our own process do not die.
func (s *Server) link(r *registration) error {
	if _, local := r.binder.(*binder.Object); local {
		return nil
	}
	return r.binder.LinkToDeath(r)
}

// leave ends what enter has begun for registrations that are out of the maps.
func (s *Server) leave(gone ...*registration) {
	for _, r := range gone {
		if r != nil {
			r.binder.UnlinkToDeath(r)
			s.drop(r.binder)
		}
	}
}

// died takes back a registration whose process is gone.
func (s *Server) died(r *registration) {
	s.mu.Lock()
	r.dead = true
	found := false
	if s.services[r.name] == r {
		delete(s.services, r.name)
		found = true
	}
	if s.lockedStopWaiting(r.name, func(w *registration) bool { return w == r }) != nil {
		found = true
	}
	s.mu.Unlock()
	if found {
		s.log.Info("a process has died", "name", r.name, "pid", r.caller.PID)
		s.drop(r.binder)
	}
}

// lockedStopWaiting takes out and returns the callbacks of a name that match.
func (s *Server) lockedStopWaiting(name string, match func(*registration) bool) (gone []*registration) {
	var kept []*registration
	for _, w := range s.waiting[name] {
		if match(w) {
			gone = append(gone, w)
		} else {
			kept = append(kept, w)
		}
	}
	if s.waiting[name] = kept; len(kept) == 0 {
		delete(s.waiting, name)
	}
	return gone
}

// InterfaceDescriptor names the interface.
func (s *Server) InterfaceDescriptor() string { return Descriptor }

var _ binder.Service = (*Server)(nil)
