package refcount

// The death of a process goes in steps, so that a table of 100,000 can be taken apart with pauses:
// Release once, then OrphanNode until it has no more, then DropRef until it has no more.

// Release marks t's process as dead: it gets no more nodes and handles, and it is no longer the
// context manager.
func (t *Table) Release() {
	t.released = true
	if m := t.ledger.manager; m != nil && m.Owner == t {
		t.ledger.manager = nil
	}
}

// OrphanNode takes one node from its dead owner, or returns nil when there is none left. The node's
// work must be taken off any list and what waits for the node be cancelled. If gone, nobody held
// it; otherwise it stays, without owner, as long as somebody does. It appends to deaths the
// subscriptions whose notification must now be queued on the process list of Death.Table.
func (t *Table) OrphanNode(deaths []*Death) (n *Node, gone bool, _ []*Death) {
	if !t.released {
		panic("refcount: orphaned a node of a living process")
	}
	n = t.nodes.from(key{})
	if n == nil {
		return nil, false, deaths
	}
	t.nodes.remove(&n.place)
	n.Owner = nil
	n.localStrong, n.localWeak = 0, 0
	n.pendingStrong, n.pendingWeak = false, false
	if n.refs == nil && n.temporary == 0 {
		t.ledger.counts.Nodes--
		return n, true, deaths
	}
	n.Orphaned = t.ledger.ids.orphans.Add(1)
	t.ledger.dead.insert(&n.place, n, key{major: ^uint64(n.Orphaned)})
	for r := n.refs; r != nil; r = r.next {
		if d := r.Death; d != nil {
			d.place = queued
			deaths = append(deaths, d)
		}
	}
	return n, false, deaths
}

// DropRef takes one handle from its dead process, the lowest, whatever its counts; ok is false when
// there is none left, and the table is empty.
func (t *Table) DropRef() (r *Ref, d Drop, ok bool) {
	if !t.released {
		panic("refcount: dropped a ref of a living process")
	}
	r = t.RefFrom(t.dropped)
	if r == nil {
		t.forget()
		return nil, Drop{}, false
	}
	t.dropped = r.Handle
	d.Node = r.Node
	r.remove(&d)
	return r, d, true
}

// forget drops the subscriptions that outlived their refs: those cleared and not yet confirmed.
func (t *Table) forget() {
	t.ledger.counts.Deaths -= t.deaths
	t.ledger.counts.Freezes -= t.freezes
	t.deaths, t.freezes = 0, 0
	t.deliveredDeaths, t.deliveredFreezes = tree[Death]{}, tree[Freeze]{}
}
