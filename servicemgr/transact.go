package servicemgr

import (
	"context"
	"errors"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// call is one call of a client.
type call struct {
	caller      binder.Caller
	data, reply *parcel.Parcel
}

// handlers are the methods' implementations. Each reads all its arguments before it does anything and
// writes to the reply only once it has succeeded; an error that is a parcel.Status is an exception.
var handlers = [...]func(*Server, call) error{
	getService:                 (*Server).getService,
	checkService:               (*Server).getService, // the same: nothing is started on demand
	addService:                 (*Server).addService,
	listServices:               (*Server).listServices,
	registerForNotifications:   (*Server).registerForNotifications,
	unregisterForNotifications: (*Server).unregisterForNotifications,
	isDeclared:                 (*Server).isDeclared,
	getDeclaredInstances:       (*Server).noNames,
	updatableViaApex:           (*Server).updatableViaApex,
	getUpdatableNames:          (*Server).noNames,
	getConnectionInfo:          (*Server).getConnectionInfo,
	registerClientCallback:     (*Server).registerClientCallback,
	tryUnregisterService:       (*Server).tryUnregisterService,
	getServiceDebugInfo:        (*Server).getServiceDebugInfo,
}

// OnTransact answers a client.
func (s *Server) OnTransact(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	m, ok := methodAt(s.level, code)
	if !ok {
		return binder.ErrUnknownTransaction
	}
	if err := data.EnforceInterface(Descriptor); err != nil {
		s.log.Warn("a call that is not for the service manager", "pid", binder.CallerFrom(ctx).PID, "err", err)
		return parcel.BAD_TYPE // what AIDL's C++ stubs answer
	}
	err := handlers[m](s, call{caller: binder.CallerFrom(ctx), data: data, reply: reply})
	var status parcel.Status
	if s.level < levelAIDL && errors.As(err, &status) {
		return parcel.StatusT(-1) // service_manager.c knew no exceptions
	}
	return err
}

// ok begins the reply of a call that succeeded.
func (s *Server) ok(c call) {
	if s.level >= levelAIDL {
		c.reply.WriteNoException()
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

func (s *Server) getService(c call) error {
	name := c.data.ReadString16()
	if err := c.data.Err(); err != nil {
		return err
	}
	may := s.access.CanFind(c.caller, name)

	s.mu.Lock()
	defer s.mu.Unlock() // until the service is in the reply, which then holds it
	var found parcel.Binder
	if r := s.services[name]; r != nil && may && (r.isolated || !isIsolated(c.caller.EUID)) {
		found = r.binder
	}
	if s.level < levelAIDL && found == nil {
		c.reply.WriteInt32(0) // what service_manager.c wrote instead of an object
		return nil
	}
	s.ok(c)
	c.reply.WriteStrongBinder(found)
	return c.reply.Err()
}

func (s *Server) addService(c call) error {
	name := c.data.ReadString16()
	b, err := s.receive(c.data)
	isolated := c.data.ReadBool()
	priority := DumpPriority(c.data.ReadInt32())
	if err == nil {
		err = c.data.Err()
	}
	if err == nil {
		err = s.mayAdd(c.caller, name, b)
	}
	if err != nil {
		if b != nil {
			s.drop(b)
		}
		return err
	}
	if priority&DUMP_FLAG_PRIORITY_ALL == 0 {
		s.log.Warn("a service is added without a dump priority", "name", name)
	}

	r := &registration{server: s, name: name, binder: b, caller: c.caller, isolated: isolated, priority: priority}
	if err := s.link(r); err != nil {
		s.drop(b)
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Couldn't linkToDeath.")
	}
	s.mu.Lock()
	if r.dead {
		s.mu.Unlock()
		s.leave(r)
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
	s.ok(c)
	if s.level < levelAIDL {
		c.reply.WriteInt32(0)
	}
	return nil
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

func (s *Server) listServices(c call) error {
	at := int32(-1) // before AIDL one name was asked for at a time
	if s.level < levelAIDL {
		at = c.data.ReadInt32()
	}
	priority := DumpPriority(c.data.ReadInt32())
	if err := c.data.Err(); err != nil {
		return err
	}
	if !s.access.CanList(c.caller) {
		return errDenied
	}
	names := s.names(priority)
	if s.level < levelAIDL {
		if at < 0 || int(at) >= len(names) {
			return parcel.StatusT(-1)
		}
		c.reply.WriteString16(names[at])
		return nil
	}
	s.ok(c)
	c.reply.WriteString16Array(names)
	return nil
}

func (s *Server) registerForNotifications(c call) error {
	name := c.data.ReadString16()
	b, err := s.receive(c.data)
	if err == nil {
		err = c.data.Err()
	}
	if err == nil {
		err = s.mayWait(c.caller, name, b)
	}
	if err != nil {
		if b != nil {
			s.drop(b)
		}
		return err
	}
	w := &registration{server: s, name: name, binder: b, caller: c.caller}
	if err := s.link(w); err != nil {
		s.drop(b)
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Couldn't link to death.")
	}
	s.mu.Lock()
	if w.dead {
		s.mu.Unlock()
		s.leave(w)
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Couldn't link to death.")
	}
	s.waiting[name] = append(s.waiting[name], w)
	if r := s.services[name]; r != nil {
		s.lockedNotify(w, r)
	}
	s.mu.Unlock()
	s.ok(c)
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

func (s *Server) unregisterForNotifications(c call) error {
	name := c.data.ReadString16()
	b, err := s.receive(c.data)
	if b != nil {
		defer s.drop(b)
	}
	if err == nil {
		err = c.data.Err()
	}
	if err != nil {
		return err
	}
	if !s.access.CanFind(c.caller, name) {
		return errDenied
	}
	s.mu.Lock()
	gone := s.lockedStopWaiting(name, func(w *registration) bool { return w.binder == b })
	s.mu.Unlock()
	if gone == nil {
		return parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Nothing to unregister.")
	}
	s.leave(gone...)
	s.ok(c)
	return nil
}

// isDeclared answers false: there is no VINTF manifest.
func (s *Server) isDeclared(c call) error {
	if err := s.readFindable(c); err != nil {
		return err
	}
	s.ok(c)
	c.reply.WriteBool(false)
	return nil
}

// noNames answers an empty String[].
func (s *Server) noNames(c call) error {
	c.data.ReadString16()
	if err := c.data.Err(); err != nil {
		return err
	}
	s.ok(c)
	c.reply.WriteString16Array(nil)
	return nil
}

// updatableViaApex answers null: nothing is updatable.
func (s *Server) updatableViaApex(c call) error {
	if err := s.readFindable(c); err != nil {
		return err
	}
	s.ok(c)
	c.reply.WriteNullableString16(nil)
	return nil
}

// getConnectionInfo answers null: nothing is on a network.
func (s *Server) getConnectionInfo(c call) error {
	if err := s.readFindable(c); err != nil {
		return err
	}
	s.ok(c)
	c.reply.WriteParcelable(nil)
	return nil
}

// readFindable reads a name that the caller must be allowed to find.
func (s *Server) readFindable(c call) error {
	name := c.data.ReadString16()
	if err := c.data.Err(); err != nil {
		return err
	}
	if !s.access.CanFind(c.caller, name) {
		return errDenied
	}
	return nil
}

// registerClientCallback is refused: clients are not counted yet.
func (s *Server) registerClientCallback(call) error {
	return parcel.Exceptionf(parcel.EX_UNSUPPORTED_OPERATION, "Clients are not counted.")
}

func (s *Server) tryUnregisterService(c call) error {
	name := c.data.ReadString16()
	b, err := s.receive(c.data)
	if b != nil {
		defer s.drop(b)
	}
	if err == nil {
		err = c.data.Err()
	}
	switch {
	case err != nil:
		return err
	case b == nil:
		return parcel.Exceptionf(parcel.EX_NULL_POINTER, "Null service.")
	case !s.access.CanAdd(c.caller, name):
		return errDenied
	}
	r, err := s.unregister(name, b, c.caller)
	if err != nil {
		return err
	}
	s.leave(r)
	s.ok(c)
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

func (s *Server) getServiceDebugInfo(c call) error {
	if !s.access.CanList(c.caller) {
		return errDenied
	}
	s.ok(c)
	parcel.WriteSlice(c.reply, s.DebugInfo(), writeDebugInfo)
	return nil
}
