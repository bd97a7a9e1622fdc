// Package difftest compares two binder drivers: it makes up programs, runs them on both and
// compares everything a client can see.
//
// A Program is a list of actions of a few processes (opens of a device) and their threads. Run
// carries it out in lock-step: one action, then it waits until nothing moves any more, so that
// the history is the same each time. Generate makes a program of a seed, Shrink a small one of a
// large one. RunFree is another kind: nobody waits for anybody, and only what holds in any order is
// looked at.
//
// # What is left out of a history
//
// A history is compared as text. What two drivers, or two runs, cannot have in common is not in it:
//
//   - Addresses in a receive buffer are told from its beginning ("@"): each run maps it elsewhere.
//   - Addresses of a client's own memory are never told: only the client knows them anyway.
//   - A sender's pid is told as "self", the one process that carries everything out.
//   - Descriptors are told by the file behind them: their numbers depend on what else is open.
//   - The id in an extended error is told as set or not: ids number all that the driver ever made.
//   - When a close wakes all threads of a process, BR_SPAWN_LOOPER counts as BR_NOOP: it goes to the
//     last to leave, and they leave in any order.
//
// Where a difference is none of the drivers', Compare and TwoAwake say so, each with its reason.
//
// A thread that ends without a word is not generated (the kernel's driver learns of it only when
// the process ends), nor are objects that ask for the caller's security label, which the kernel of
// the oracle does not have, nor reads of one to three bytes, past the end of which the driver writes.
package difftest
