package refcount

// A Ledger is the books of one binder device.
type Ledger struct {
	ids     *IDs
	manager *Node
	dead    tree[Node] // nodes without owner that are still held, by id
	counts  Totals
}

// Totals says how many of each kind exist.
type Totals struct {
	Nodes, Refs, Deaths, Freezes int
}

// NewLedger makes empty books. Debug ids come from ids; nil means from a counter of its own.
func NewLedger(ids *IDs) *Ledger {
	if ids == nil {
		ids = new(IDs)
	}
	return &Ledger{ids: ids}
}

// Manager is the context manager's node, or nil.
func (l *Ledger) Manager() *Node { return l.manager }

// SetManager makes n, which has an owner, the context manager's node: the one handle 0 names. The
// ledger holds it as if its owner had acquired it, until the owner dies. If there is a manager
// already, it answers ErrManagerSet.
func (l *Ledger) SetManager(n *Node) error {
	if l.manager != nil {
		return ErrManagerSet
	}
	if n.Owner == nil {
		return ErrReleased
	}
	n.localStrong++
	n.localWeak++
	n.hasStrong, n.hasWeak = true, true
	l.manager = n
	return nil
}

// Totals counts what exists, dead nodes included.
func (l *Ledger) Totals() Totals { return l.counts }

// DeadBefore is, of the nodes without owner, the last whose Orphaned is below a number, or nil. From
// math.MaxInt64 on it goes through all of them, the newest dead first, also when the ledger changes in
// between.
func (l *Ledger) DeadBefore(orphaned int64) *Node {
	return l.dead.from(key{major: ^uint64(orphaned) + 1})
}
