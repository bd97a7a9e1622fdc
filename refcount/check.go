package refcount

import "fmt"

// Check verifies the invariants of t's nodes, refs and subscriptions; tests call it. It looks at
// everything.
func (t *Table) Check() error {
	nodes := 0
	for n := t.nodes.from(key{}); n != nil; n = t.NodeAfter(n.Pointer) {
		nodes++
		if n.Owner != t {
			return fmt.Errorf("node %d: in the table of another owner", n.ID)
		}
		if err := n.check(); err != nil {
			return err
		}
		if n.Pointer == ^Pointer(0) {
			break
		}
	}
	if nodes != t.nodes.len {
		return fmt.Errorf("%d nodes in the tree, counted %d", nodes, t.nodes.len)
	}

	refs, deaths, freezes := 0, 0, 0
	for h, r := range t.refs {
		if h > 0 {
			if n, ok := t.handles.from(uint32(h) - 1); (ok && n == uint32(h)-1) != (r != nil) {
				return fmt.Errorf("handle %d: the set of numbers and the table disagree", h)
			}
		}
		if r == nil {
			continue
		}
		refs++
		if err := r.check(t, Handle(h)); err != nil {
			return err
		}
		if r.Death != nil {
			deaths++
		}
		if r.Freeze != nil {
			freezes++
		}
	}
	switch {
	case refs != len(t.byNode):
		return fmt.Errorf("%d refs by handle, %d by node", refs, len(t.byNode))
	case len(t.refs) > 0 && t.refs[len(t.refs)-1] == nil:
		return fmt.Errorf("the table of handles ends with a free one")
	case deaths > t.deaths || freezes > t.freezes:
		return fmt.Errorf("%d deaths and %d freezes, counted %d and %d", deaths, freezes, t.deaths, t.freezes)
	}
	return nil
}

// Check verifies the invariants of the nodes without owner and of the totals.
func (l *Ledger) Check() error {
	for n := l.dead.from(key{}); n != nil; n = l.DeadBefore(n.Orphaned) {
		if n.Owner != nil {
			return fmt.Errorf("node %d: among the dead, with an owner", n.ID)
		}
		if err := n.check(); err != nil {
			return err
		}
	}
	if m := l.manager; m != nil && (m.Owner == nil || !m.hasStrong || !m.hasWeak) {
		return fmt.Errorf("node %d: the context manager's, and not held", m.ID)
	}
	if c := l.counts; min(c.Nodes, c.Refs, c.Deaths, c.Freezes, c.Nodes-l.dead.len) < 0 {
		return fmt.Errorf("a total below zero: %+v", c)
	}
	return nil
}

func (n *Node) check() error {
	strong, weak := 0, 0
	var previous *Ref
	for r := n.refs; r != nil; previous, r = r, r.next {
		weak++
		if r.Strong > 0 {
			strong++
		}
		if r.Node != n || r.previous != previous || r.Table == nil || r.Table.Ref(r.Handle) != r {
			return fmt.Errorf("node %d: its ref %d is not in order", n.ID, r.ID)
		}
	}
	c := n.Counts()
	held := weak > 0 || c.Temporary > 0 || c.LocalStrong > 0 || c.LocalWeak > 0
	switch {
	case min(c.LocalStrong, c.LocalWeak, c.InternalStrong, c.InternalWeak, c.Temporary) < 0:
		return fmt.Errorf("node %d: a count below zero: %+v", n.ID, c)
	case strong != c.InternalStrong || weak != c.InternalWeak:
		return fmt.Errorf("node %d: %d refs, %d of them strong, counted %+v", n.ID, weak, strong, c)
	case n.Owner == nil && (c.LocalStrong != 0 || c.LocalWeak != 0):
		return fmt.Errorf("node %d: held by an owner that is dead: %+v", n.ID, c)
	case c.PendingStrong && (!c.HasStrong || c.LocalStrong == 0), c.PendingWeak && (!c.HasWeak || c.LocalWeak == 0):
		return fmt.Errorf("node %d: what is pending is not held: %+v", n.ID, c)
	case !held && (n.Owner == nil || !c.HasStrong && !c.HasWeak):
		return fmt.Errorf("node %d: nobody holds it: %+v", n.ID, c)
	}
	return nil
}

func (r *Ref) check(t *Table, h Handle) error {
	n := r.Node
	switch {
	case r.Table != t || r.Handle != h || t.byNode[n] != r:
		return fmt.Errorf("ref %d: handle %d of its table is not it", r.ID, h)
	case r.Strong < 0 || r.Weak < 0 || r.Strong+r.Weak == 0:
		return fmt.Errorf("ref %d: strong %d, weak %d", r.ID, r.Strong, r.Weak)
	case r.previous == nil && n.refs != r, r.previous != nil && r.previous.next != r:
		return fmt.Errorf("ref %d: not among the refs of node %d", r.ID, n.ID)
	case n.place.value != n:
		return fmt.Errorf("ref %d: its node %d is gone", r.ID, n.ID)
	}
	if d := r.Death; d != nil && (d.Ref != r || d.Table != t || d.cleared || d.confirm || d.place == dropped || d.place != idle && n.Owner != nil) {
		return fmt.Errorf("ref %d: its death subscription is not in order: %+v", r.ID, d)
	}
	if f := r.Freeze; f != nil && (f.Ref != r || f.Table != t || f.confirm || f.place == dropped) {
		return fmt.Errorf("ref %d: its freeze subscription is not in order: %+v", r.ID, f)
	}
	return nil
}
