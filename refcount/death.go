package refcount

// A place is where a subscription's notification is.
type place uint8

const (
	idle      place = iota
	queued          // on one of the broker's lists
	delivered       // with the client, which has not acknowledged it
	dropped         // the subscription is gone
)

// A Death is a subscription to a node's death. Its exported fields are for reading.
//
//	idle --owner dies--> queued --read--> delivered --Done--> idle
//	idle --Clear--> queued (to confirm) --read--> gone
//	queued or delivered --Clear--> the same, cleared --read, Done--> queued (to confirm) --read--> gone
type Death struct {
	Table  *Table // who hears
	Ref    *Ref   // what it is about; nil once cleared or gone
	Cookie Cookie

	// Broker is the caller's.
	Broker any

	place    place
	cleared  bool // the client no longer wants to hear
	confirm  bool // what is queued is the confirmation of that
	delivery link[Death]
}

// RequestDeath is BC_REQUEST_DEATH_NOTIFICATION for r. If queue, the owner is dead already: queue
// the subscription on the process list. ErrSubscribed: r has one already.
func (r *Ref) RequestDeath(cookie Cookie) (d *Death, queue bool, err error) {
	if r.Death != nil {
		return nil, false, ErrSubscribed
	}
	d = &Death{Table: r.Table, Ref: r, Cookie: cookie}
	r.Death = d
	d.Table.deaths++
	d.Table.ledger.counts.Deaths++
	if r.Node.Owner == nil {
		d.place = queued
		return d, true, nil
	}
	return d, false, nil
}

// ClearDeath is BC_CLEAR_DEATH_NOTIFICATION for r. If queue, queue the subscription, to confirm: on
// the calling thread's list if the thread is a looper, else on the process list. Otherwise the
// notification is on its way and the confirmation follows it: see Table.DeathDone.
// ErrNotSubscribed, ErrCookie.
func (r *Ref) ClearDeath(cookie Cookie) (d *Death, queue bool, err error) {
	d = r.Death
	if d == nil {
		return nil, false, ErrNotSubscribed
	}
	if d.Cookie != cookie {
		return nil, false, ErrCookie
	}
	r.Death, d.Ref = nil, nil
	d.cleared = true
	if d.place == idle {
		d.place, d.confirm = queued, true
		return d, true, nil
	}
	return d, false, nil
}

// Confirms tells whether what is queued is BR_CLEAR_DEATH_NOTIFICATION_DONE, not BR_DEAD_BINDER.
func (d *Death) Confirms() bool { return d.confirm }

// Cleared tells whether the client cleared the subscription.
func (d *Death) Cleared() bool { return d.cleared }

// Deliver is called when d is taken off its list and written to its client. If confirm, the client
// gets BR_CLEAR_DEATH_NOTIFICATION_DONE and d is gone; otherwise it gets BR_DEAD_BINDER and d waits
// for its DeathDone.
func (d *Death) Deliver() (confirm bool) {
	if d.place != queued {
		panic("refcount: delivered a notification that was not queued")
	}
	if d.confirm {
		d.drop()
		return true
	}
	t := d.Table
	t.deliveries++
	d.place = delivered
	t.deliveredDeaths.insert(&d.delivery, d, key{uint64(d.Cookie), t.deliveries})
	return false
}

// DeathDone is BC_DEAD_BINDER_DONE: the client has dealt with the notification, the earliest one if
// several have this cookie. If queue, it was cleared meanwhile: queue it to confirm, like ClearDeath.
// ErrNotDelivered.
func (t *Table) DeathDone(cookie Cookie) (d *Death, queue bool, err error) {
	d = t.deliveredDeaths.from(key{major: uint64(cookie)})
	if d == nil || d.Cookie != cookie {
		return nil, false, ErrNotDelivered
	}
	t.deliveredDeaths.remove(&d.delivery)
	if d.cleared {
		d.place, d.confirm = queued, true
		return d, true, nil
	}
	d.place = idle
	return d, false, nil
}

// HasDeliveredDeaths tells whether the client owes a BC_DEAD_BINDER_DONE.
func (t *Table) HasDeliveredDeaths() bool { return t.deliveredDeaths.len > 0 }

// drop takes d out of the ledger.
func (d *Death) drop() {
	if d.place == delivered {
		d.Table.deliveredDeaths.remove(&d.delivery)
	}
	d.place, d.Ref = dropped, nil
	d.Table.deaths--
	d.Table.ledger.counts.Deaths--
}
