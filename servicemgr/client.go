package servicemgr

import (
	"context"
	"errors"
	"fmt"

	"github.com/fusebinder/fusebinder/binder"
	aidl "github.com/fusebinder/fusebinder/servicemgr/internal/gen/android/os"
)

// ErrNotFound: no service has that name, or the caller may not know it.
var ErrNotFound = errors.New("no such service")

// ErrUnsupported: the service manager of the bus's API level has no such method.
var ErrUnsupported = errors.New("not in this API level's service manager")

// A Client asks the service manager of a bus. Its methods may be used at the same time. Their errors
// are the manager's parcel.Status, ErrNotFound, ErrUnsupported, or package binder's;
// binder.ErrDeadObject means that the bus has no service manager.
type Client struct {
	bus     *binder.Bus
	manager binder.Binder
	level   int
}

// NewClient makes a client for the bus. It asks nothing yet: the manager may come later, and another
// may take its place.
func NewClient(bus *binder.Bus) *Client {
	return &Client{bus: bus, manager: bus.ContextManager(), level: levelOf(bus)}
}

// AddOptions say how a service is registered. The zero value is usual.
type AddOptions struct {
	AllowIsolated bool         // isolated apps may find it
	DumpPriority  DumpPriority // 0 is DUMP_FLAG_PRIORITY_DEFAULT
}

// Add gives service the name, which it takes from whoever had it.
func (c *Client) Add(ctx context.Context, name string, service binder.Binder, opts AddOptions) error {
	priority := opts.DumpPriority
	if priority == 0 {
		priority = DUMP_FLAG_PRIORITY_DEFAULT
	}
	var err error
	if c.level < levelAIDL {
		err = legacy{c.bus, c.manager}.add(ctx, name, service, opts.AllowIsolated, priority)
	} else {
		err = c.proxy().AddService(ctx, name, service, opts.AllowIsolated, int32(priority))
	}
	return c.explain(err, "add service %q", name)
}

// Get looks a service up, and asks for it to be started where the manager can do that. It answers
// ErrNotFound if there is none yet: see Wait.
func (c *Client) Get(ctx context.Context, name string) (binder.Binder, error) {
	return c.find(ctx, getService, name)
}

// Check looks a service up and starts nothing; ErrNotFound if there is none.
func (c *Client) Check(ctx context.Context, name string) (binder.Binder, error) {
	return c.find(ctx, checkService, name)
}

func (c *Client) find(ctx context.Context, m method, name string) (found binder.Binder, err error) {
	switch {
	case c.level < levelAIDL:
		found, err = legacy{c.bus, c.manager}.find(ctx, m, name)
	case m == checkService && !c.has(checkService):
		var s aidl.Service
		s, err = c.proxy().CheckService2(ctx, name)
		if here, ok := s.(aidl.ServiceServiceWithMetadata); ok { // not an accessor: that is no service of this bus
			found = here.Value.Service
		}
	case m == checkService:
		found, err = c.proxy().CheckService(ctx, name)
	default:
		found, err = c.proxy().GetService(ctx, name)
	}
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, c.explain(err, "get service %q", name)
	}
	return found, nil
}

func (c *Client) has(m method) bool {
	_, ok := codeOf(c.level, m)
	return ok
}

// List names the services whose dump priority is one of those, in order; 0 is all.
func (c *Client) List(ctx context.Context, priority DumpPriority) ([]string, error) {
	if priority == 0 {
		priority = DUMP_FLAG_PRIORITY_ALL
	}
	var names []string
	var err error
	if c.level < levelAIDL {
		names, err = legacy{c.bus, c.manager}.list(ctx, priority)
	} else {
		names, err = c.proxy().ListServices(ctx, int32(priority))
	}
	return names, c.explain(err, "list services")
}

// IsDeclared asks whether the device promises the service, running or not.
func (c *Client) IsDeclared(ctx context.Context, name string) (bool, error) {
	declared, err := c.proxy().IsDeclared(ctx, name)
	return declared, c.explain(err, "ask whether %q is declared", name)
}

// TryUnregister gives the name up again. Only the process that registered the service may, and the
// manager may refuse while the service has clients.
func (c *Client) TryUnregister(ctx context.Context, name string, service binder.Binder) error {
	err := c.proxy().TryUnregisterService(ctx, name, service)
	return c.explain(err, "unregister service %q", name)
}

// DebugInfo tells all services and the processes that registered them.
func (c *Client) DebugInfo(ctx context.Context) ([]DebugInfo, error) {
	told, err := c.proxy().GetServiceDebugInfo(ctx)
	var infos []DebugInfo
	for _, d := range told {
		infos = append(infos, DebugInfo{Name: d.Name, PID: int(d.DebugPid)})
	}
	return infos, c.explain(err, "ask for service debug info")
}

// explain says what was being done when err happened.
func (c *Client) explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
