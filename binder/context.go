package binder

import (
	"context"
	"os"
	"sync/atomic"
	"time"
)

// A Caller is who made the call that is being carried out.
type Caller struct {
	PID  int    // in our pid namespace; 0 for oneway calls, and for a process we cannot see
	EUID uint32 // the user it ran as when it opened the device

	// SecurityContext is its security label, for objects exported with RequestSecurityContext on a
	// machine that has labels; else "".
	SecurityContext string
}

// CallerFrom tells who made the call that ctx belongs to: the ctx of an OnTransact, or one made from
// it. For any other it is this process.
func CallerFrom(ctx context.Context) Caller {
	if c := running(ctx); c != nil {
		return c.caller
	}
	return self()
}

func self() Caller { return Caller{PID: os.Getpid(), EUID: uint32(os.Geteuid())} }

// callContext is the context of one call that is being carried out. It ends with the bus.
type callContext struct {
	bus    *Bus
	caller Caller

	// thread carries the call out and has its place in the driver's call chain. It is used only by
	// the goroutine that is locked to it, until over is set.
	thread *thread
	tid    int
	over   atomic.Bool

	// A call within the process has its caller's context, and belongs to the call chain of outer.
	parent context.Context
	outer  *callContext
}

// chain is the call that came from the driver and led to c, nil if none did.
func (c *callContext) chain() *callContext {
	for c != nil && c.parent != nil {
		c = c.outer
	}
	return c
}

type callKey struct{}

// running is the innermost call that ctx belongs to, nil if none.
func running(ctx context.Context) *callContext {
	if c, ok := ctx.(*callContext); ok {
		return c
	}
	c, _ := ctx.Value(callKey{}).(*callContext)
	return c
}

func (c *callContext) Deadline() (time.Time, bool) {
	if c.parent != nil {
		return c.parent.Deadline()
	}
	return time.Time{}, false
}

func (c *callContext) Done() <-chan struct{} {
	if c.parent != nil {
		return c.parent.Done()
	}
	return c.bus.done
}

func (c *callContext) Err() error {
	if c.parent != nil {
		return c.parent.Err()
	}
	select {
	case <-c.bus.done:
		return context.Canceled
	default:
		return nil
	}
}

func (c *callContext) Value(key any) any {
	if key == (callKey{}) {
		return c
	}
	if c.parent != nil {
		return c.parent.Value(key)
	}
	return nil
}
