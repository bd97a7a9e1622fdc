// Package refcount is Binder's ledger: which process owns which node, which process holds which
// handle, how strongly, and who wants to hear of whose death.
//
// It is state and nothing else. It takes no lock (the caller holds the bus's), does no I/O, queues
// no work and calls nobody back: each transition changes the ledger and returns what must be told
// to whom. Counting references that exist allocates nothing.
//
// # Who is who
//
//	Ledger   one binder device: its context manager, its dead nodes
//	Table    one process: the nodes it owns, by Pointer; the refs it holds, by Handle and by Node
//	Node     an object that its owner sent at least once
//	Ref      a process's hold on a node of another; its number there is the Handle
//	Death    what a process asked to hear when the node of one of its refs loses its owner
//	Freeze   what a process asked to hear when that owner is frozen and thawed
//
// # Counts
//
// A Ref counts how often its process holds it strongly and weakly. A Node counts:
//
//	internal strong  the refs that hold it strongly at least once
//	refs             all refs: this is its weak count
//	local strong,    holds of the owner itself: transactions on their way to it, objects in its
//	local weak       receive buffers, BR_ACQUIRE and BR_INCREFS it has not acknowledged
//	temporary        holds of the broker for the length of one operation (Pin)
//
// The owner has its own idea of the node's counts, which the node remembers as hasStrong and
// hasWeak. Where the two differ the owner must be told: a transition says so in its Change, the
// broker queues the node's work, and when the owner reads, Node.Announce says which of
// BR_INCREFS, BR_ACQUIRE, BR_RELEASE and BR_DECREFS it gets.
//
//	first hold by others      Announce: BR_INCREFS, BR_ACQUIRE    hasWeak, hasStrong, both pending
//	owner acknowledges        Done: BC_INCREFS_DONE, BC_ACQUIRE_DONE
//	last strong hold gone     Announce: BR_RELEASE
//	last hold gone            Announce: BR_DECREFS; the node is gone
//
// # Invariants
//
// Check verifies, among others: no count is below zero; internal strong equals the number of refs
// that are held strongly; a process has at most one ref for a node; handles are the lowest free,
// and 0 names only a node that is or was the context manager; a pending announcement is held by
// a local count.
//
// The rules are those of the Linux driver (drivers/android/binder.c, Linux 6.12 and later).
package refcount
