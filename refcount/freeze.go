package refcount

// A Freeze is a subscription to the freezing and thawing of a node's owner. Its exported fields are
// for reading.
type Freeze struct {
	Table  *Table // who hears
	Ref    *Ref   // what it is about; nil once cleared or gone
	Cookie Cookie
	Frozen bool // what the client hears next, or heard last

	// Broker is the caller's.
	Broker any

	place    place
	confirm  bool // what is queued, or to be queued, is the confirmation of a clear
	again    bool // queue it once more when the client is done with what was delivered
	delivery link[Freeze]
}

// RequestFreeze is BC_REQUEST_FREEZE_NOTIFICATION for r; frozen is the state of the node's owner
// now. If queue, queue the subscription on the process list: the client hears of that state at
// once. (It does not if the owner is dead.) ErrSubscribed.
func (r *Ref) RequestFreeze(cookie Cookie, frozen bool) (f *Freeze, queue bool, err error) {
	if r.Freeze != nil {
		return nil, false, ErrSubscribed
	}
	f = &Freeze{Table: r.Table, Ref: r, Cookie: cookie}
	r.Freeze = f
	f.Table.freezes++
	f.Table.ledger.counts.Freezes++
	if r.Node.Owner == nil {
		return f, false, nil
	}
	f.Frozen, f.place = frozen, queued
	return f, true, nil
}

// ClearFreeze is BC_CLEAR_FREEZE_NOTIFICATION for r. If queue, queue the subscription, to confirm,
// on the process list. Otherwise it is queued already, or follows in FreezeDone.
// ErrNotSubscribed, ErrCookie.
func (r *Ref) ClearFreeze(cookie Cookie) (f *Freeze, queue bool, err error) {
	f = r.Freeze
	if f == nil {
		return nil, false, ErrNotSubscribed
	}
	if f.Cookie != cookie {
		return nil, false, ErrCookie
	}
	r.Freeze, f.Ref = nil, nil
	f.confirm = true
	switch f.place {
	case idle:
		f.place = queued
		return f, true, nil
	case delivered:
		f.again = true
	}
	return f, false, nil
}

// SetFrozen is the freezing or thawing of n's owner. It appends to freezes the subscriptions to
// queue on the process list of Freeze.Table; the others have something under way and follow.
func (n *Node) SetFrozen(frozen bool, freezes []*Freeze) []*Freeze {
	for r := n.refs; r != nil; r = r.next {
		f := r.Freeze
		if f == nil {
			continue
		}
		switch f.place {
		case idle:
			f.place = queued
			freezes = append(freezes, f)
		case delivered:
			if f.Frozen != frozen {
				f.again = true
			}
		}
		f.Frozen = frozen
	}
	return freezes
}

// Confirms tells whether what is queued is BR_CLEAR_FREEZE_NOTIFICATION_DONE, not BR_FROZEN_BINDER.
func (f *Freeze) Confirms() bool { return f.confirm }

// Deliver is called when f is taken off its list and written to its client. If confirm, the client
// gets BR_CLEAR_FREEZE_NOTIFICATION_DONE and f is gone; otherwise it gets BR_FROZEN_BINDER with
// Frozen and f waits for its FreezeDone.
func (f *Freeze) Deliver() (confirm bool) {
	if f.place != queued {
		panic("refcount: delivered a notification that was not queued")
	}
	if f.confirm {
		f.drop()
		return true
	}
	t := f.Table
	t.deliveries++
	f.place = delivered
	t.deliveredFreezes.insert(&f.delivery, f, key{uint64(f.Cookie), t.deliveries})
	return false
}

// FreezeDone is BC_FREEZE_NOTIFICATION_DONE. If queue, more has happened since: queue the
// subscription on the process list. ErrNotDelivered.
func (t *Table) FreezeDone(cookie Cookie) (f *Freeze, queue bool, err error) {
	f = t.deliveredFreezes.from(key{major: uint64(cookie)})
	if f == nil || f.Cookie != cookie {
		return nil, false, ErrNotDelivered
	}
	t.deliveredFreezes.remove(&f.delivery)
	f.place = idle
	if f.again {
		f.again, f.place = false, queued
		return f, true, nil
	}
	return f, false, nil
}

// HasDeliveredFreezes tells whether the client owes a BC_FREEZE_NOTIFICATION_DONE.
func (t *Table) HasDeliveredFreezes() bool { return t.deliveredFreezes.len > 0 }

// drop takes f out of the ledger.
func (f *Freeze) drop() {
	if f.place == delivered {
		f.Table.deliveredFreezes.remove(&f.delivery)
	}
	f.place, f.Ref = dropped, nil
	f.Table.freezes--
	f.Table.ledger.counts.Freezes--
}
