package servicemgr

import (
	"context"
	"errors"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	aidl "github.com/fusebinder/fusebinder/servicemgr/internal/gen/android/os"
)

// A Registration is a wish to hear of services that get a name. It ends with Close, or with the
// service manager, whose death nobody tells it.
type Registration struct {
	client   *Client
	name     string
	callback *callback
	object   *binder.Object // keeps the callback's object
}

// RegisterForNotifications calls f whenever a service gets the name, also at once if one has it. f is
// called in order, on a thread of the bus.
func (c *Client) RegisterForNotifications(ctx context.Context, name string, f func(name string, service binder.Binder)) (*Registration, error) {
	r := &Registration{client: c, name: name, callback: &callback{f}}
	r.object = aidl.ExportIServiceCallback(c.bus, r.callback)
	if err := c.proxy().RegisterForNotifications(ctx, name, r.callback); err != nil {
		return nil, c.explain(err, "register for notifications of %q", name)
	}
	return r, nil
}

// Close takes the wish back. A call of f may still be under way.
func (r *Registration) Close(ctx context.Context) error {
	err := r.client.proxy().UnregisterForNotifications(ctx, r.name, r.callback)
	return r.client.explain(err, "unregister for notifications of %q", r.name)
}

// callback is an aidl.IServiceCallback.
type callback struct {
	f func(name string, service binder.Binder)
}

// OnRegistration tells f.
func (c *callback) OnRegistration(_ context.Context, name string, service binder.Binder) error {
	if service != nil {
		c.f(name, service)
	}
	return nil
}

// How often Wait looks where nobody can tell it: for the service manager itself, and for services
// before Android 11.
const (
	firstLook   = 5 * time.Millisecond
	longestLook = 200 * time.Millisecond

	closePatience = 10 * time.Second
)

// Wait looks a service up and waits for it, and for the service manager, until ctx ends.
func (c *Client) Wait(ctx context.Context, name string) (binder.Binder, error) {
	for pause := firstLook; ; pause = min(2*pause, longestLook) {
		found, err := c.Get(ctx, name)
		switch {
		case err == nil:
			return found, nil
		case errors.Is(err, ErrNotFound):
			if found, err = c.hear(ctx, name); err == nil {
				return found, nil
			}
			if !errors.Is(err, ErrUnsupported) && !errors.Is(err, binder.ErrDeadObject) {
				return nil, err
			}
		case !errors.Is(err, binder.ErrDeadObject):
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, c.explain(context.Cause(ctx), "wait for service %q", name)
		case <-time.After(pause):
		}
	}
}

// hear waits for the manager to tell that the name has a service.
func (c *Client) hear(ctx context.Context, name string) (binder.Binder, error) {
	heard := make(chan binder.Binder, 1)
	r, err := c.RegisterForNotifications(ctx, name, func(_ string, service binder.Binder) {
		select {
		case heard <- service:
		default:
		}
	})
	if err != nil {
		return nil, err
	}
	died := make(chan struct{})
	death := binder.DeathFunc(func(binder.Binder) { close(died) })
	if err := c.manager.LinkToDeath(death); err != nil {
		return nil, err
	}
	defer c.manager.UnlinkToDeath(death)
	defer func() { // nobody waits for this, and it need not succeed
		go func() {
			ctx, cancel := context.WithTimeout(context.Background(), closePatience)
			defer cancel()
			_ = r.Close(ctx)
		}()
	}()
	select {
	case service := <-heard:
		return service, nil
	case <-died:
		return nil, c.explain(binder.ErrDeadObject, "wait for service %q", name)
	case <-ctx.Done():
		return nil, c.explain(context.Cause(ctx), "wait for service %q", name)
	}
}
