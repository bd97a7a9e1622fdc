package refcount

// A Ref is a process's hold on a node. Its exported fields are for reading.
type Ref struct {
	ID     ID
	Handle Handle
	Table  *Table // whose it is; nil once it is gone
	Node   *Node
	Strong int
	Weak   int
	Death  *Death  // the death subscription, or nil
	Freeze *Freeze // the freeze subscription, or nil
	Broker any     // the caller's, which a Drop gives back

	previous, next *Ref // of Node.refs
}

// A Drop is what followed from letting go of a ref.
type Drop struct {
	Node   *Node
	Change Change // for Node

	// RefGone: the handle is free. Broker is what the ref had. Death and Freeze are the
	// subscriptions that went with it, or nil; their work must be taken off any list.
	RefGone bool
	Broker  any
	Death   *Death
	Freeze  *Freeze
}

// NextOfNode is the next older ref of the same node, or nil.
func (r *Ref) NextOfNode() *Ref { return r.next }

// Inc counts one more hold of r. byOwner says that the node's owner itself is sending the node,
// in which case the Change may ask for its sending thread; otherwise the Change is 0.
// ErrNotHeld: r is weak and so are all others.
func (r *Ref) Inc(strong, byOwner bool) (Change, error) {
	count := &r.Weak
	if strong {
		count = &r.Strong
	}
	var c Change
	if *count == 0 {
		var err error
		if c, err = r.Node.incInternal(strong, byOwner); err != nil {
			return 0, err
		}
	}
	*count++
	return c, nil
}

// Dec counts one hold of r less. With the last one r is gone. ErrUnderflow: there was none.
func (r *Ref) Dec(strong bool) (Drop, error) {
	d := Drop{Node: r.Node}
	if strong {
		if r.Strong == 0 {
			return d, ErrUnderflow
		}
		r.Strong--
		if r.Strong == 0 {
			d.Change = r.Node.decInternal()
		}
	} else {
		if r.Weak == 0 {
			return d, ErrUnderflow
		}
		r.Weak--
	}
	if r.Strong == 0 && r.Weak == 0 {
		r.remove(&d)
	}
	return d, nil
}

// remove takes r, however often it is held, out of the ledger.
func (r *Ref) remove(d *Drop) {
	n, t := r.Node, r.Table
	t.unlist(r)
	if r.Strong > 0 {
		d.Change |= n.decInternal()
	}
	if r.previous != nil {
		r.previous.next = r.next
	} else {
		n.refs = r.next
	}
	if r.next != nil {
		r.next.previous = r.previous
	}
	r.previous, r.next = nil, nil
	n.weak--
	d.Change |= n.weakened()
	if d.Change&NodeGone != 0 {
		d.Change = NodeGone
	}
	d.RefGone, d.Broker = true, r.Broker
	if r.Death != nil {
		d.Death = r.Death
		r.Death.drop()
	}
	if r.Freeze != nil {
		d.Freeze = r.Freeze
		r.Freeze.drop()
	}
	r.Death, r.Freeze, r.Table = nil, nil, nil
	r.Strong, r.Weak = 0, 0
	n.ledger.counts.Refs--
}
