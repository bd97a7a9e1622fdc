package refcount

// A Node is an object of its owner's. Its exported fields are for reading.
type Node struct {
	ID      ID
	Owner   *Table // nil once the owner is dead
	Pointer Pointer
	Cookie  Cookie
	Flags   uint32 // flat_binder_object.flags of its first sending; not looked at here

	// Orphaned is the how manieth node, of all that share their IDs, it was to lose its owner; 0 while
	// it has one.
	Orphaned int64

	// Broker is the caller's: set it when the node is new. A pointer in it costs nothing.
	Broker any

	ledger *Ledger
	place  link[Node] // in Owner.nodes, or in ledger.dead

	refs           *Ref // newest first
	weak           int  // length of refs
	internalStrong int
	localStrong    int
	localWeak      int
	temporary      int

	hasStrong, hasWeak         bool // the owner was told of a strong, a weak hold
	pendingStrong, pendingWeak bool // and has not acknowledged it yet
}

// NodeCounts is what the books say of a node.
type NodeCounts struct {
	HasStrong, HasWeak         bool
	PendingStrong, PendingWeak bool
	LocalStrong, LocalWeak     int
	InternalStrong             int // refs that hold it strongly
	InternalWeak               int // refs
	Temporary                  int
}

// Counts is what the books say of n.
func (n *Node) Counts() NodeCounts {
	return NodeCounts{
		n.hasStrong, n.hasWeak, n.pendingStrong, n.pendingWeak,
		n.localStrong, n.localWeak, n.internalStrong, n.weak, n.temporary,
	}
}

// FirstRef is the newest ref of n; Ref.NextOfNode goes on from there.
func (n *Node) FirstRef() *Ref { return n.refs }

// Pin keeps n in the ledger, though nobody may hold it, until Unpin. The owner is not told.
func (n *Node) Pin() { n.temporary++ }

// Unpin undoes one Pin (or the one that NewNode did).
func (n *Node) Unpin() Change {
	n.temporary--
	if n.temporary < 0 {
		panic("refcount: node unpinned more often than pinned")
	}
	return n.weakened()
}

// IncLocal holds n, which has an owner, on the owner's own behalf: strongly for a transaction on
// its way to it, and for an object of its that comes back to it in a receive buffer. (A weak object
// that comes back holds it weakly.) On a node without owner it does nothing, like DecLocal.
func (n *Node) IncLocal(strong bool) {
	switch {
	case n.Owner == nil:
	case strong:
		n.localStrong++
	default:
		n.localWeak++
	}
}

// DecLocal undoes one IncLocal. If the owner died in between, its holds went with it and there is
// nothing to undo.
func (n *Node) DecLocal(strong bool) Change {
	switch {
	case n.Owner == nil:
		return 0
	case strong:
		n.localStrong--
		if n.localStrong < 0 {
			panic("refcount: local strong count below zero")
		}
		return n.strongDropped()
	default:
		n.localWeak--
		if n.localWeak < 0 {
			panic("refcount: local weak count below zero")
		}
		return n.weakened()
	}
}

// incInternal counts a ref that turned strong, or a ref that is held weakly for the first time.
func (n *Node) incInternal(strong, byOwner bool) (Change, error) {
	if !strong {
		if !n.hasWeak && byOwner {
			return TellThread, nil
		}
		return 0, nil
	}
	if !byOwner && n.internalStrong == 0 && !(n.ledger.manager == n && n.hasStrong) {
		// The owner may be letting go of the node this moment; only its own sending can make
		// a first strong hold.
		return 0, ErrNotHeld
	}
	n.internalStrong++
	if !n.hasStrong && byOwner {
		return MoveToThread, nil
	}
	return 0, nil
}

// decInternal counts a ref that is no longer strong.
func (n *Node) decInternal() Change {
	n.internalStrong--
	if n.internalStrong < 0 {
		panic("refcount: internal strong count below zero")
	}
	return n.strongDropped()
}

// strongDropped says what follows from a strong count that went down.
func (n *Node) strongDropped() Change {
	if n.localStrong > 0 || n.internalStrong > 0 {
		return 0
	}
	return n.dropped()
}

// weakened says what follows from a weak count that went down.
func (n *Node) weakened() Change {
	if n.localWeak > 0 || n.temporary > 0 || n.refs != nil {
		return 0
	}
	return n.dropped()
}

func (n *Node) dropped() Change {
	if n.place.value == nil {
		return 0 // gone already
	}
	if n.Owner != nil && (n.hasStrong || n.hasWeak) {
		return TellProcess
	}
	if n.refs != nil || n.localStrong > 0 || n.localWeak > 0 || n.temporary > 0 {
		return 0
	}
	n.remove()
	return NodeGone
}

// remove takes n out of the ledger.
func (n *Node) remove() {
	if n.Owner != nil {
		n.Owner.nodes.remove(&n.place)
	} else {
		n.ledger.dead.remove(&n.place)
	}
	n.ledger.counts.Nodes--
}

// Notice says which commands an owner must read about its node.
type Notice uint8

// The commands, in the order in which they are to be written.
const (
	Increfs Notice = 1 << iota // BR_INCREFS
	Acquire                    // BR_ACQUIRE
	Release                    // BR_RELEASE
	Decrefs                    // BR_DECREFS
)

// Announce brings the owner's idea of n up to date: what it returns must be written to the owner
// now. If gone, n is out of the ledger; its Pointer and Cookie are good for the writing still. n
// has an owner, and its work is off all lists.
func (n *Node) Announce() (notice Notice, gone bool) {
	if n.Owner == nil {
		return 0, false
	}
	strong := n.internalStrong > 0 || n.localStrong > 0
	weak := n.refs != nil || n.localWeak > 0 || n.temporary > 0 || strong
	if weak && !n.hasWeak {
		n.hasWeak, n.pendingWeak = true, true
		n.localWeak++
		notice |= Increfs
	}
	if strong && !n.hasStrong {
		n.hasStrong, n.pendingStrong = true, true
		n.localStrong++
		notice |= Acquire
	}
	if !strong && n.hasStrong {
		n.hasStrong = false
		notice |= Release
	}
	if !weak && n.hasWeak {
		n.hasWeak = false
		notice |= Decrefs
	}
	if !weak && !strong {
		n.remove()
		return notice, true
	}
	return notice, false
}
