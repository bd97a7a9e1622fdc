package binder

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// deaths is who wants to hear of the death of a proxy's object. The driver takes one subscription for
// a handle, so the first to link makes it and the last to unlink takes it back, both at once:
// the next subscription for the handle may be another proxy's.
type deaths struct {
	mu         sync.Mutex
	cookie     ioctl.Cookie // of the subscription, 0 if there is none
	recipients []DeathRecipient
	dead       bool
}

// subscriptions are the subscriptions of one bus to deaths, or to freezing. They keep their proxies alive.
type subscriptions struct {
	mu       sync.Mutex
	next     ioctl.Cookie
	byCookie map[ioctl.Cookie]*Proxy
}

func (s *subscriptions) add(p *Proxy) ioctl.Cookie {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next++
	s.byCookie[s.next] = p
	return s.next
}

func (s *subscriptions) find(c ioctl.Cookie) *Proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byCookie[c]
}

func (s *subscriptions) remove(c ioctl.Cookie) *Proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.byCookie[c]
	delete(s.byCookie, c)
	return p
}

// removeAll is every subscription there is, and none is left.
func (s *subscriptions) removeAll() map[ioctl.Cookie]*Proxy {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := maps.Clone(s.byCookie)
	clear(s.byCookie)
	return all
}

// LinkToDeath asks for r to be told when the object's process dies: see Binder. Linking twice tells
// twice. For the context manager's proxy it is the manager of now whose death is told.
func (p *Proxy) LinkToDeath(r DeathRecipient) error {
	if r == nil || !reflect.TypeOf(r).Comparable() {
		return fmt.Errorf("link to death: %T cannot be compared, so it could not be unlinked: %w", r, parcel.BAD_VALUE)
	}
	if p.ref.handle == ioctl.ContextManager {
		// The driver says nothing when there is none.
		if err := p.Ping(context.Background()); err != nil {
			return err
		}
	}
	if !p.ref.uses.enter() {
		return ErrClosed
	}
	defer p.ref.uses.leave()
	d := &p.death
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return ErrDeadObject
	}
	if d.cookie == 0 {
		d.cookie = p.bus.subscriptions.add(p)
		err := p.bus.command(func(out []byte) []byte {
			if p.ref.handle == ioctl.ContextManager {
				out = ioctl.AppendHandle(out, ioctl.BC_ACQUIRE, p.ref.handle)
			}
			return ioctl.AppendHandleCookie(out, ioctl.BC_REQUEST_DEATH_NOTIFICATION, p.subscription())
		})
		if err != nil {
			p.bus.subscriptions.remove(d.cookie)
			d.cookie = 0
			return err
		}
	}
	d.recipients = append(d.recipients, r)
	return nil
}

func (p *Proxy) subscription() ioctl.HandleCookie {
	return ioctl.HandleCookie{Handle: p.ref.handle, Cookie: p.death.cookie}
}

// UnlinkToDeath takes back one LinkToDeath of r: see Binder.
func (p *Proxy) UnlinkToDeath(r DeathRecipient) bool {
	d := &p.death
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.Index(d.recipients, r)
	if i < 0 {
		return false
	}
	d.recipients = slices.Delete(d.recipients, i, i+1)
	if len(d.recipients) == 0 {
		p.lockedUnsubscribe()
	}
	return true
}

// unlinkAll forgets all recipients.
func (p *Proxy) unlinkAll() {
	d := &p.death
	d.mu.Lock()
	defer d.mu.Unlock()
	d.recipients = nil
	p.lockedUnsubscribe()
}

func (p *Proxy) lockedUnsubscribe() {
	d := &p.death
	if d.cookie == 0 {
		return
	}
	_ = p.bus.command(func(out []byte) []byte {
		out = ioctl.AppendHandleCookie(out, ioctl.BC_CLEAR_DEATH_NOTIFICATION, p.subscription())
		if p.ref.handle == ioctl.ContextManager {
			out = ioctl.AppendHandle(out, ioctl.BC_RELEASE, p.ref.handle)
		}
		return out
	})
	p.bus.subscriptions.remove(d.cookie)
	d.cookie = 0
}

// died carries out BR_DEAD_BINDER, or the end of the bus, for the subscription with that cookie.
func (p *Proxy) died(cookie ioctl.Cookie) {
	d := &p.death
	d.mu.Lock()
	if d.cookie != cookie { // unlinked at the same time
		d.mu.Unlock()
		return
	}
	told := d.recipients
	d.recipients = nil
	d.cookie = 0
	manager := p.ref.handle == ioctl.ContextManager
	d.dead = !manager
	d.mu.Unlock()
	go func() { // recipients may call, and block
		p.unwatchAll()
		if manager {
			// Let go of this manager before anybody links to the next, which has the same handle.
			_ = p.bus.command(func(out []byte) []byte {
				return ioctl.AppendHandle(out, ioctl.BC_RELEASE, ioctl.ContextManager)
			})
		}
		for _, r := range told {
			p.bus.tell(p, r)
		}
	}()
}

func (b *Bus) tell(p *Proxy, r DeathRecipient) {
	defer func() {
		if v := recover(); v != nil {
			b.logPanic("BinderDied", v)
		}
	}()
	r.BinderDied(p)
}
