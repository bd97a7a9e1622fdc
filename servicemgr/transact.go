package servicemgr

import (
	"context"
	"errors"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	aidl "github.com/fusebinder/fusebinder/servicemgr/internal/gen/android/os"
)

// errAgain says that a binder which a call brought was closed before it was held: read again, it is
// another.
var errAgain = errors.New("read the call again")

// OnTransact answers a client.
func (s *Server) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, flags ioctl.Flags) error {
	m, ok := methodAt(s.level, code)
	if !ok {
		return binder.ErrUnknownTransaction
	}
	if err := data.EnforceInterface(Descriptor); err != nil {
		s.log.Warn("a call that is not for the service manager", "pid", binder.CallerFrom(ctx).PID, "err", err)
		return parcel.BAD_TYPE // what AIDL's C++ stubs answer
	}
	for range 3 {
		data.SetPosition(0)
		v := &visit{s: s, caller: binder.CallerFrom(ctx)}
		var err error
		if s.level < levelAIDL {
			err = v.legacy(m, data, reply)
		} else {
			err = aidl.NewIServiceManagerService(v).OnTransact(ctx, aidlCode(m), data, reply, flags)
		}
		v.end()
		if !errors.Is(err, errAgain) {
			return err
		}
	}
	return parcel.DEAD_OBJECT
}

// A visit is one call of a client: an aidl.IServiceManager.
type visit struct {
	aidl.IServiceManagerDefault
	s      *Server
	caller binder.Caller
	held   []binder.Binder // until the reply is written
}

var _ aidl.IServiceManager = (*visit)(nil)

// take holds a binder that the call brought, for as long as the call takes.
func (v *visit) take(b binder.Binder) error {
	if b == nil {
		return nil
	}
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.s.holds[b] == 0 {
		if _, err := b.FlattenBinder(); err != nil {
			return errAgain // lockedDrop closed it between our reading and now
		}
	}
	v.lockedTake(b)
	return nil
}

func (v *visit) lockedTake(b binder.Binder) {
	v.s.holds[b]++
	v.held = append(v.held, b)
}

// end lets go of what the visit held.
func (v *visit) end() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	for _, b := range v.held {
		v.s.lockedDrop(b)
	}
}

// What ServiceManager.cpp says to a caller that SELinux does not let.
var errDenied = parcel.Exceptionf(parcel.EX_SECURITY, "SELinux denied.")

// isIsolated says whether a uid is that of an isolated app (android_filesystem_config.h:
// AID_ISOLATED_START to AID_ISOLATED_END, in each user's 100000).
func isIsolated(uid uint32) bool {
	const first, last, perUser = 99000, 99999, 100000
	return uid%perUser >= first && uid%perUser <= last
}

// find is the service of that name if the caller may have it, nil if there is none.
func (v *visit) find(name string) binder.Binder {
	s := v.s
	may := s.access.CanFind(v.caller, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.services[name]
	if r == nil || !may || isIsolated(v.caller.EUID) && !r.isolated {
		return nil
	}
	v.lockedTake(r.binder) // the reply holds it afterwards
	return r.binder
}

// GetService answers nil if there is none: nothing is started on demand.
func (v *visit) GetService(_ context.Context, name string) (binder.Binder, error) {
	return v.find(name), nil
}

// CheckService is GetService.
func (v *visit) CheckService(_ context.Context, name string) (binder.Binder, error) {
	return v.find(name), nil
}

// GetService2 is GetService for those who want to know what kind of service it is.
func (v *visit) GetService2(_ context.Context, name string) (aidl.Service, error) {
	return aidl.ServiceServiceWithMetadata{Value: aidl.ServiceWithMetadata{Service: v.find(name)}}, nil
}

// CheckService2 is GetService2.
func (v *visit) CheckService2(ctx context.Context, name string) (aidl.Service, error) {
	return v.GetService2(ctx, name)
}

// AddService gives a service a name.
func (v *visit) AddService(_ context.Context, name string, b binder.Binder, allowIsolated bool, dumpPriority int32) error {
	if err := v.take(b); err != nil {
		return err
	}
	s := v.s
	if err := s.mayAdd(v.caller, name, b); err != nil {
		return err
	}
	priority := DumpPriority(dumpPriority)
	if priority&DUMP_FLAG_PRIORITY_ALL == 0 {
		s.log.Warn("a service is added without a dump priority", "name", name)
	}
	r := &registration{server: s, name: name, binder: b, caller: v.caller, isolated: allowIsolated, priority: priority}
	if !s.enter(r) {
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Couldn't linkToDeath.")
	}
	old := s.services[name]
	s.services[name] = r
	for _, w := range s.waiting[name] {
		s.lockedNotify(w, r)
	}
	s.mu.Unlock()
	if old != nil {
		s.log.Warn("a service takes another's name", "name", name,
			"pid", r.caller.PID, "uid", r.caller.EUID, "old pid", old.caller.PID, "old uid", old.caller.EUID)
		s.leave(old)
	}
	return nil
}

// enter holds and links what is registered. If it lives, s is locked when enter returns true.
func (s *Server) enter(r *registration) bool {
	s.mu.Lock()
	s.holds[r.binder]++
	s.mu.Unlock()
	if err := s.link(r); err != nil {
		s.drop(r.binder)
		return false
	}
	s.mu.Lock()
	if r.dead {
		s.mu.Unlock()
		s.leave(r)
		return false
	}
	return true
}

func (s *Server) mayAdd(caller binder.Caller, name string, b binder.Binder) error {
	if !s.access.CanAdd(caller, name) {
		return errDenied
	}
	if b == nil {
		return parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Null binder.")
	}
	return s.checkName(name)
}

func (s *Server) checkName(name string) error {
	if err := CheckName(name); err != nil {
		s.log.Warn("an invalid service name", "err", err)
		return parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")
	}
	return nil
}

// ListServices answers names in order.
func (v *visit) ListServices(_ context.Context, dumpPriority int32) ([]string, error) {
	if !v.s.access.CanList(v.caller) {
		return nil, errDenied
	}
	return v.s.names(DumpPriority(dumpPriority)), nil
}

// binderOf is the object behind a callback.
func (v *visit) binderOf(c aidl.IServiceCallback) binder.Binder {
	switch c := c.(type) {
	case nil:
		return nil
	case binder.Remote:
		return c.AsBinder()
	}
	return aidl.ExportIServiceCallback(v.s.object.Bus(), c) // of this process: what it is already
}

// RegisterForNotifications tells callback whenever a service gets the name, also now.
func (v *visit) RegisterForNotifications(_ context.Context, name string, callback aidl.IServiceCallback) error {
	b := v.binderOf(callback)
	if err := v.take(b); err != nil {
		return err
	}
	s := v.s
	if err := s.mayWait(v.caller, name, b); err != nil {
		return err
	}
	w := &registration{server: s, name: name, binder: b, caller: v.caller}
	if !s.enter(w) {
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Couldn't link to death.")
	}
	defer s.mu.Unlock()
	s.waiting[name] = append(s.waiting[name], w)
	if r := s.services[name]; r != nil {
		s.lockedNotify(w, r)
	}
	return nil
}

func (s *Server) mayWait(caller binder.Caller, name string, b binder.Binder) error {
	switch {
	case !s.access.CanFind(caller, name):
		return parcel.Exceptionf(parcel.EX_SECURITY, "SELinux")
	case isIsolated(caller.EUID):
		return parcel.Exceptionf(parcel.EX_SECURITY, "isolated app")
	}
	if err := s.checkName(name); err != nil {
		return err
	}
	if b == nil {
		return parcel.Exceptionf(parcel.EX_NULL_POINTER, "Null callback.")
	}
	return nil
}

// UnregisterForNotifications takes RegisterForNotifications back.
func (v *visit) UnregisterForNotifications(_ context.Context, name string, callback aidl.IServiceCallback) error {
	b := v.binderOf(callback)
	if err := v.take(b); err != nil {
		return err
	}
	s := v.s
	if !s.access.CanFind(v.caller, name) {
		return errDenied
	}
	s.mu.Lock()
	gone := s.lockedStopWaiting(name, func(w *registration) bool { return w.binder == b })
	s.mu.Unlock()
	if gone == nil {
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Nothing to unregister.")
	}
	s.leave(gone...)
	return nil
}

// mayFind refuses callers that may not find the name.
func (v *visit) mayFind(name string) error {
	if !v.s.access.CanFind(v.caller, name) {
		return errDenied
	}
	return nil
}

// IsDeclared answers false: there is no VINTF manifest.
func (v *visit) IsDeclared(_ context.Context, name string) (bool, error) {
	return false, v.mayFind(name)
}

// GetDeclaredInstances answers none.
func (v *visit) GetDeclaredInstances(context.Context, string) ([]string, error) { return nil, nil }

// UpdatableViaApex answers null: nothing is updatable.
func (v *visit) UpdatableViaApex(_ context.Context, name string) (*string, error) {
	return nil, v.mayFind(name)
}

// GetUpdatableNames answers none.
func (v *visit) GetUpdatableNames(context.Context, string) ([]string, error) { return nil, nil }

// GetConnectionInfo answers null: nothing is on a network.
func (v *visit) GetConnectionInfo(_ context.Context, name string) (*aidl.ConnectionInfo, error) {
	return nil, v.mayFind(name)
}

// RegisterClientCallback is refused: clients are not counted yet.
func (v *visit) RegisterClientCallback(context.Context, string, binder.Binder, aidl.IClientCallback) error {
	return parcel.Exceptionf(parcel.EX_UNSUPPORTED_OPERATION, "Clients are not counted.")
}

// TryUnregisterService takes a name back.
func (v *visit) TryUnregisterService(_ context.Context, name string, b binder.Binder) error {
	if err := v.take(b); err != nil {
		return err
	}
	switch {
	case b == nil:
		return parcel.Exceptionf(parcel.EX_NULL_POINTER, "Null service.")
	case !v.s.access.CanAdd(v.caller, name):
		return errDenied
	}
	r, err := v.s.unregister(name, b, v.caller)
	if err != nil {
		return err
	}
	v.s.leave(r)
	return nil
}

// unregister takes a service out of the names.
func (s *Server) unregister(name string, b binder.Binder, caller binder.Caller) (*registration, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.services[name]
	switch {
	case r == nil:
		return nil, parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Service not registered.")
	case r.caller.PID != caller.PID:
		return nil, parcel.Exceptionf(parcel.EX_UNSUPPORTED_OPERATION, "Service can only unregister itself.")
	case r.binder != b:
		return nil, parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Different service registered under this name.")
	}
	delete(s.services, name)
	return r, nil
}

// GetServiceDebugInfo tells all services.
func (v *visit) GetServiceDebugInfo(context.Context) ([]aidl.ServiceDebugInfo, error) {
	if !v.s.access.CanList(v.caller) {
		return nil, errDenied
	}
	var infos []aidl.ServiceDebugInfo
	for _, d := range v.s.DebugInfo() {
		infos = append(infos, aidl.ServiceDebugInfo{Name: d.Name, DebugPid: int32(d.PID)})
	}
	return infos, nil
}
