// Package session makes the private world in which `busd run` lets a command live: a mount
// namespace with a /dev of its own where the bus stands at /dev/binderfs, and for a user without
// privilege a user namespace around it, in which the user keeps the own number.
//
// The processes are
//
//	busd run                 outside; waits, passes signals on
//	└─ session               first in the new namespaces; makes /dev, starts the rest
//	   ├─ broker             serves /dev/binderfs; never uses it
//	   ├─ service manager
//	   └─ launcher ⇒ command
//
// In a user namespace the session and the broker keep their capabilities over an exec as ambient
// ones, since only user 0 would keep them otherwise and there is none; the launcher drops them, so
// that the command has none, as before.
package session
