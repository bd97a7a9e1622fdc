package servicemgr

import (
	"context"
	"errors"
	"fmt"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
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
	err := c.call(ctx, addService, func(p *parcel.Parcel) {
		p.WriteString16(name)
		p.WriteStrongBinder(service)
		p.WriteBool(opts.AllowIsolated)
		p.WriteInt32(int32(priority))
	}, func(p *parcel.Parcel) {
		if c.level < levelAIDL {
			p.SetErr(p.ReadStatus().Err())
		}
	})
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

func (c *Client) find(ctx context.Context, m method, name string) (binder.Binder, error) {
	var found binder.Binder
	err := c.call(ctx, m, func(p *parcel.Parcel) { p.WriteString16(name) }, func(p *parcel.Parcel) {
		if c.level < levelAIDL && p.Remaining() < ioctl.SizeofFlatObject {
			return
		}
		var err error
		if found, err = binder.ReadBinder(p); err != nil {
			p.SetErr(err)
		}
	})
	if err == nil && found == nil {
		err = ErrNotFound
	}
	if err != nil {
		return nil, c.explain(err, "get service %q", name)
	}
	return found, nil
}

// List names the services whose dump priority is one of those, in order; 0 is all.
func (c *Client) List(ctx context.Context, priority DumpPriority) ([]string, error) {
	if priority == 0 {
		priority = DUMP_FLAG_PRIORITY_ALL
	}
	if c.level < levelAIDL {
		return c.listOneByOne(ctx, priority)
	}
	var names []string
	err := c.call(ctx, listServices,
		func(p *parcel.Parcel) { p.WriteInt32(int32(priority)) },
		func(p *parcel.Parcel) { names = p.ReadString16Array() })
	return names, c.explain(err, "list services")
}

// listOneByOne asks as libbinder did before Android 11: until the manager refuses.
func (c *Client) listOneByOne(ctx context.Context, priority DumpPriority) (names []string, err error) {
	for {
		var name string
		err := c.call(ctx, listServices, func(p *parcel.Parcel) {
			p.WriteInt32(int32(len(names)))
			p.WriteInt32(int32(priority))
		}, func(p *parcel.Parcel) { name = p.ReadString16() })
		var refused *binder.StatusError
		switch {
		case errors.As(err, &refused):
			return names, nil
		case err != nil:
			return nil, c.explain(err, "list services")
		}
		names = append(names, name)
	}
}

// IsDeclared asks whether the device promises the service, running or not.
func (c *Client) IsDeclared(ctx context.Context, name string) (bool, error) {
	var declared bool
	err := c.call(ctx, isDeclared,
		func(p *parcel.Parcel) { p.WriteString16(name) },
		func(p *parcel.Parcel) { declared = p.ReadBool() })
	return declared, c.explain(err, "ask whether %q is declared", name)
}

// TryUnregister gives the name up again. Only the process that registered the service may, and the
// manager may refuse while the service has clients.
func (c *Client) TryUnregister(ctx context.Context, name string, service binder.Binder) error {
	err := c.call(ctx, tryUnregisterService, func(p *parcel.Parcel) {
		p.WriteString16(name)
		p.WriteStrongBinder(service)
	}, nil)
	return c.explain(err, "unregister service %q", name)
}

// DebugInfo tells all services and the processes that registered them.
func (c *Client) DebugInfo(ctx context.Context) ([]DebugInfo, error) {
	var infos []DebugInfo
	err := c.call(ctx, getServiceDebugInfo, nil, func(p *parcel.Parcel) { infos = parcel.ReadSlice(p, readDebugInfo) })
	return infos, c.explain(err, "ask for service debug info")
}

// call makes one call: write writes the arguments, read reads the results.
func (c *Client) call(ctx context.Context, m method, write, read func(*parcel.Parcel)) error {
	code, ok := codeOf(c.level, m)
	if !ok {
		return fmt.Errorf("API level %d: %w", c.level, ErrUnsupported)
	}
	data := c.bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken(Descriptor)
	if write != nil {
		write(data)
	}
	if err := data.Err(); err != nil {
		return err
	}
	reply, err := c.manager.Transact(ctx, code, data, 0)
	if err != nil {
		return err
	}
	defer reply.Release()
	if c.level >= levelAIDL {
		if err := reply.ReadStatus().Err(); err != nil {
			return err
		}
	}
	if read != nil {
		read(reply)
	}
	return reply.Err()
}

// explain says what was being done when err happened.
func (c *Client) explain(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
