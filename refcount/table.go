package refcount

// A Table is the part of the ledger that belongs to one process.
type Table struct {
	// Broker is the caller's, as given to NewTable.
	Broker any

	ledger   *Ledger
	released bool
	dropped  Handle // DropRef has come this far

	nodes tree[Node] // by Pointer

	refs    []*Ref // by Handle; nil where free
	byNode  map[*Node]*Ref
	peak    int     // the most refs since byNode was made
	handles numbers // those above 0 in use, less one

	deliveredDeaths  tree[Death] // by cookie, then by order of delivery
	deliveredFreezes tree[Freeze]
	deliveries       uint64
	deaths, freezes  int // that exist
}

// NewTable makes the table of a process. broker becomes its Broker.
func (l *Ledger) NewTable(broker any) *Table {
	return &Table{Broker: broker, ledger: l, byNode: make(map[*Node]*Ref)}
}

// Ledger is the ledger t is a part of.
func (t *Table) Ledger() *Ledger { return t.ledger }

// NumNodes is the number of nodes that t's process owns.
func (t *Table) NumNodes() int { return t.nodes.len }

// NumRefs is the number of handles that t's process holds.
func (t *Table) NumRefs() int { return len(t.byNode) }

// FindNode is the process's node at p, or nil. It does not pin it.
func (t *Table) FindNode(p Pointer) *Node { return t.nodes.find(key{major: uint64(p)}) }

// NodeFrom is the node with the lowest pointer not below p, or nil.
func (t *Table) NodeFrom(p Pointer) *Node { return t.nodes.from(key{major: uint64(p)}) }

// NodeAfter is the node with the lowest pointer above p, or nil.
func (t *Table) NodeAfter(p Pointer) *Node {
	if p == ^Pointer(0) {
		return nil
	}
	return t.NodeFrom(p + 1)
}

// NewNode makes a node at p, where there is none. It comes pinned once: Unpin it when whoever it
// is for holds it. ErrReleased: the process is dead.
func (t *Table) NewNode(p Pointer, cookie Cookie, flags uint32) (*Node, error) {
	if t.released {
		return nil, ErrReleased
	}
	if t.FindNode(p) != nil {
		panic("refcount: two nodes at one pointer")
	}
	n := &Node{
		ID: t.ledger.ids.Next(), Owner: t, Pointer: p, Cookie: cookie, Flags: flags,
		ledger: t.ledger, temporary: 1,
	}
	t.nodes.insert(&n.place, n, key{major: uint64(p)})
	t.ledger.counts.Nodes++
	return n, nil
}

// Ref is the process's ref with number h, or nil.
func (t *Table) Ref(h Handle) *Ref {
	if uint64(h) >= uint64(len(t.refs)) {
		return nil
	}
	return t.refs[h]
}

// StrongRef is the process's ref with number h, if it is held strongly.
// Otherwise ErrNoHandle or ErrWeakOnly.
func (t *Table) StrongRef(h Handle) (*Ref, error) {
	r := t.Ref(h)
	switch {
	case r == nil:
		return nil, ErrNoHandle
	case r.Strong == 0:
		return nil, ErrWeakOnly
	}
	return r, nil
}

// RefFrom is the ref with the lowest handle not below h, or nil.
func (t *Table) RefFrom(h Handle) *Ref {
	if h == 0 {
		if r := t.Ref(0); r != nil {
			return r
		}
		h = 1
	}
	n, ok := t.handles.from(uint32(h) - 1)
	if !ok {
		return nil
	}
	return t.refs[n+1]
}

// RefFor is the process's ref for n, or nil.
func (t *Table) RefFor(n *Node) *Ref { return t.byNode[n] }

// IncRefFor counts one more hold of n by the process, making the ref if there is none.
// byOwner as for Ref.Inc. ErrNotHeld (then no ref is made), or ErrReleased.
func (t *Table) IncRefFor(n *Node, strong, byOwner bool) (*Ref, Change, error) {
	if t.released {
		return nil, 0, ErrReleased
	}
	if r := t.byNode[n]; r != nil {
		c, err := r.Inc(strong, byOwner)
		return r, c, err
	}
	if n.place.value == nil {
		panic("refcount: ref for a node that is gone")
	}
	c, err := n.incInternal(strong, byOwner)
	if err != nil {
		return nil, 0, err
	}
	r := &Ref{ID: t.ledger.ids.Next(), Table: t, Node: n}
	if strong {
		r.Strong = 1
	} else {
		r.Weak = 1
	}
	t.list(r)
	if r.next = n.refs; r.next != nil {
		r.next.previous = r
	}
	n.refs = r
	n.weak++
	t.ledger.counts.Refs++
	return r, c, nil
}

// IncHandle is BC_ACQUIRE (strong) and BC_INCREFS: one more hold of handle h. On 0 it holds the
// context manager, making the ref; the ref it returns can then have another number, if the process
// knew the manager's node by it already. ErrNoHandle, ErrWeakOnly; ErrManagerItself.
func (t *Table) IncHandle(h Handle, strong bool) (*Ref, error) {
	if m := t.ledger.manager; h == 0 && m != nil {
		if m.Owner == t {
			return nil, ErrManagerItself
		}
		r, _, err := t.IncRefFor(m, strong, false)
		if err == nil {
			return r, nil
		}
	}
	r, err := t.held(h, strong)
	if err != nil {
		return nil, err
	}
	_, err = r.Inc(strong, false)
	return r, err
}

// DecHandle is BC_RELEASE (strong) and BC_DECREFS: one hold of handle h less.
// ErrNoHandle, ErrWeakOnly, ErrUnderflow.
func (t *Table) DecHandle(h Handle, strong bool) (*Ref, Drop, error) {
	r, err := t.held(h, strong)
	if err != nil {
		return nil, Drop{}, err
	}
	d, err := r.Dec(strong)
	return r, d, err
}

// held is the ref with number h, which must be held strongly if strong.
func (t *Table) held(h Handle, strong bool) (*Ref, error) {
	if strong {
		return t.StrongRef(h)
	}
	if r := t.Ref(h); r != nil {
		return r, nil
	}
	return nil, ErrNoHandle
}

// Done is BC_ACQUIRE_DONE (strong) and BC_INCREFS_DONE: the owner acknowledges what Announce told.
// The Change is for the node. ErrNoNode; ErrCookie and ErrNotPending, with the node and a Change: the
// driver has looked again whether somebody holds it.
func (t *Table) Done(p Pointer, cookie Cookie, strong bool) (*Node, Change, error) {
	n := t.FindNode(p)
	if n == nil {
		return nil, 0, ErrNoNode
	}
	if n.Cookie != cookie {
		return n, n.weakened(), ErrCookie
	}
	pending := &n.pendingWeak
	if strong {
		pending = &n.pendingStrong
	}
	if !*pending {
		return n, n.weakened(), ErrNotPending
	}
	*pending = false
	c := n.DecLocal(strong)
	return n, c | n.weakened(), nil
}

// list gives r the lowest free handle. Only the context manager's node may get 0.
func (t *Table) list(r *Ref) {
	if r.Node == t.ledger.manager && t.Ref(0) == nil {
		r.Handle = 0
	} else {
		r.Handle = Handle(t.handles.take()) + 1
	}
	for uint64(len(t.refs)) <= uint64(r.Handle) {
		t.refs = append(t.refs, nil)
	}
	t.refs[r.Handle] = r
	t.byNode[r.Node] = r
	t.peak = max(t.peak, len(t.byNode))
}

// Below this many refs a table does not bother to give memory back.
const shrinkFrom = 1024

// unlist frees r's handle.
func (t *Table) unlist(r *Ref) {
	if r.Handle > 0 {
		t.handles.give(uint32(r.Handle) - 1)
	}
	t.refs[r.Handle] = nil
	for len(t.refs) > 0 && t.refs[len(t.refs)-1] == nil {
		t.refs = t.refs[:len(t.refs)-1]
	}
	if cap(t.refs) > shrinkFrom && len(t.refs) < cap(t.refs)/4 {
		t.refs = append(make([]*Ref, 0, 2*len(t.refs)), t.refs...)
	}
	delete(t.byNode, r.Node)
	if len(t.byNode) == 0 && t.peak > shrinkFrom {
		t.byNode, t.peak = make(map[*Node]*Ref), 0
	}
}
