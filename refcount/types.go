package refcount

import (
	"errors"
	"sync/atomic"
)

type (
	// Handle is a process's number for a node of another process.
	Handle uint32

	// Pointer is the address by which an owner knows its node; it is never followed.
	Pointer uint64

	// Cookie is the second word of a node or of a subscription; it is never looked into.
	Cookie uint64

	// ID is a debug id, unique among all that draw from the same IDs. (The driver's has 32 bits,
	// and comes round after some hours of calls.)
	ID int64
)

// IDs hands out debug ids. All ledgers, and whatever else appears in the same logs, may share one. It
// also counts the nodes that lost their owner, so that they can be told in order.
type IDs struct{ last, orphans atomic.Int64 }

// Next is an id that was not handed out before.
func (i *IDs) Next() ID { return ID(i.last.Add(1)) }

// Change says what the caller must do for a node after a transition.
type Change uint8

const (
	// TellProcess: queue the node's work on its owner's process list and wake the owner, unless
	// the work is queued somewhere already.
	TellProcess Change = 1 << iota

	// MoveToThread: put the node's work on the list of the owner's thread that sends the node,
	// without waking it; take it off any list it was on. The owner must acquire its node before
	// the thread hears that its transaction is complete, or it could let go of it too early.
	MoveToThread

	// TellThread: queue the node's work on the list of the owner's thread that sends the node,
	// without waking it, unless the work is queued somewhere already.
	TellThread

	// NodeGone: nobody holds the node and its owner knows. Take its work off any list; it is out
	// of the ledger.
	NodeGone
)

// Errors. All but those of the broker's own making come from what a client asked; the driver
// logs them and goes on, except where the comment names an errno.
var (
	ErrNoHandle      = errors.New("no such handle")
	ErrWeakOnly      = errors.New("the handle is held weakly only")
	ErrUnderflow     = errors.New("more references given back than were taken")
	ErrNoNode        = errors.New("no such node")
	ErrCookie        = errors.New("the cookie does not match")
	ErrNotPending    = errors.New("nothing to acknowledge")
	ErrNotHeld       = errors.New("nobody holds the node strongly, so only its owner can make a strong reference") // EINVAL
	ErrManagerItself = errors.New("the context manager cannot take a handle for itself")                           // ends the ioctl: EINVAL
	ErrManagerSet    = errors.New("there is a context manager already")                                            // ends the ioctl: EBUSY
	ErrSubscribed    = errors.New("there is a subscription already")                                               // freeze: ends the ioctl, EINVAL
	ErrNotSubscribed = errors.New("there is no subscription")                                                      // freeze: ends the ioctl, EINVAL
	ErrNotDelivered  = errors.New("no delivered notification has this cookie")                                     // freeze: ends the ioctl, EINVAL
	ErrReleased      = errors.New("the process is dead")
)
