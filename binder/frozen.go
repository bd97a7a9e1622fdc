package binder

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A FrozenStateChangeCallback is told when the process of an object is frozen and thawed. It must be
// comparable; see FrozenFunc for functions.
type FrozenStateChangeCallback interface {
	// FrozenStateChanged is called with the state of now, soon after the callback was added, and
	// then after each change. The calls for one proxy come one after the other, in a goroutine of
	// their own. What changes and changes back while one of them runs is not told.
	FrozenStateChanged(who Binder, frozen bool)
}

// FrozenFunc makes a FrozenStateChangeCallback of a function. Each one it makes is equal to itself
// only: keep it for RemoveFrozenStateChangeCallback.
func FrozenFunc(f func(who Binder, frozen bool)) FrozenStateChangeCallback { return &frozenFunc{f} }

type frozenFunc struct{ f func(Binder, bool) }

func (c *frozenFunc) FrozenStateChanged(who Binder, frozen bool) { c.f(who, frozen) }

// frozen is who wants to hear of the freezing of a proxy's object. As with deaths, the driver takes
// one subscription for a handle.
type frozen struct {
	mu       sync.Mutex
	cookie   ioctl.Cookie // of the subscription, 0 if there is none
	state    frozenState
	watchers []*frozenWatcher
	telling  bool // a goroutine tells them
}

type frozenState int8

const (
	stateUnknown frozenState = iota // the driver has not told yet
	stateThawed
	stateFrozen
)

type frozenWatcher struct {
	callback FrozenStateChangeCallback
	told     frozenState
}

// AddFrozenStateChangeCallback asks for c to be told when the object's process is frozen and thawed
// (BINDER_FREEZE), beginning with how it is now. Added twice it is told twice. A proxy lives at
// least as long as somebody is to be told; that ends with the object's death, and with Close.
//
// It answers ErrDeadObject if the object is known to be dead, and a *FeatureError where the driver
// does not tell: Linux does since 6.12.
func (p *Proxy) AddFrozenStateChangeCallback(c FrozenStateChangeCallback) error {
	if c == nil || !reflect.TypeOf(c).Comparable() {
		return fmt.Errorf("add frozen state callback: %T cannot be compared, so it could not be removed: %w", c, parcel.BAD_VALUE)
	}
	f := &p.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cookie == 0 {
		if err := p.lockedWatch(); err != nil {
			return err
		}
	}
	f.watchers = append(f.watchers, &frozenWatcher{callback: c})
	p.lockedTellFrozen()
	return nil
}

// RemoveFrozenStateChangeCallback takes back one AddFrozenStateChangeCallback of c. It tells whether
// c was there; c may be being told just now.
func (p *Proxy) RemoveFrozenStateChangeCallback(c FrozenStateChangeCallback) bool {
	f := &p.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(f.watchers, func(w *frozenWatcher) bool { return w.callback == c })
	if i < 0 {
		return false
	}
	f.watchers = slices.Delete(f.watchers, i, i+1)
	if len(f.watchers) == 0 {
		p.lockedUnwatch()
	}
	return true
}

// watching is linked to the death of an object whose freezing is watched: the dead are not watched
// any more. For the context manager's proxy it also holds the handle.
type watching struct{}

func (watching) BinderDied(Binder) {}

// lockedWatch subscribes.
func (p *Proxy) lockedWatch() error {
	if err := p.LinkToDeath(watching{}); err != nil {
		return err
	}
	if !p.ref.uses.enter() {
		p.UnlinkToDeath(watching{})
		return ErrClosed
	}
	defer p.ref.uses.leave()
	f := &p.frozen
	f.state = stateUnknown
	f.cookie = p.bus.freezes.add(p)
	err := p.bus.attempt(func(out []byte) []byte {
		return ioctl.AppendHandleCookie(out, ioctl.BC_REQUEST_FREEZE_NOTIFICATION, p.freeze())
	})
	if err == nil {
		return nil
	}
	p.bus.freezes.remove(f.cookie)
	f.cookie = 0
	p.UnlinkToDeath(watching{})
	if errors.Is(err, syscall.EINVAL) { // the command is unknown: the handle is ours
		return &FeatureError{Path: p.bus.path, Feature: "freeze_notification"}
	}
	return err
}

func (p *Proxy) freeze() ioctl.HandleCookie {
	return ioctl.HandleCookie{Handle: p.ref.handle, Cookie: p.frozen.cookie}
}

// lockedUnwatch takes the subscription back. That must come before the reference is dropped: with a
// subscription that vanished the driver would refuse the BC_FREEZE_NOTIFICATION_DONE of a looper.
func (p *Proxy) lockedUnwatch() {
	f := &p.frozen
	if f.cookie == 0 {
		return
	}
	_ = p.bus.attempt(func(out []byte) []byte {
		return ioctl.AppendHandleCookie(out, ioctl.BC_CLEAR_FREEZE_NOTIFICATION, p.freeze())
	})
	p.bus.freezes.remove(f.cookie)
	f.cookie = 0
	p.UnlinkToDeath(watching{})
}

// unwatchAll forgets all callbacks.
func (p *Proxy) unwatchAll() {
	f := &p.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers = nil
	p.lockedUnwatch()
}

// frozenChanged carries out BR_FROZEN_BINDER for the subscription with that cookie.
func (p *Proxy) frozenChanged(cookie ioctl.Cookie, isFrozen bool) {
	f := &p.frozen
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.cookie != cookie { // removed at the same time
		return
	}
	f.state = stateThawed
	if isFrozen {
		f.state = stateFrozen
	}
	p.lockedTellFrozen()
}

// lockedTellFrozen sees to it that everybody hears of the state.
func (p *Proxy) lockedTellFrozen() {
	f := &p.frozen
	if f.telling || f.lockedNext() == nil {
		return
	}
	f.telling = true
	go func() {
		for p.tellFrozen() {
		}
	}()
}

// lockedNext is somebody who has not been told the state of now.
func (f *frozen) lockedNext() *frozenWatcher {
	for _, w := range f.watchers {
		if f.state != stateUnknown && w.told != f.state {
			return w
		}
	}
	return nil
}

// tellFrozen tells one callback, false if there is nobody to tell.
func (p *Proxy) tellFrozen() (again bool) {
	f := &p.frozen
	f.mu.Lock()
	w := f.lockedNext()
	if w == nil {
		f.telling = false
		f.mu.Unlock()
		return false
	}
	w.told = f.state
	f.mu.Unlock()
	again = true
	defer func() {
		if v := recover(); v != nil {
			p.bus.logPanic("FrozenStateChanged", v)
		}
	}()
	w.callback.FrozenStateChanged(p, w.told == stateFrozen)
	return again
}
