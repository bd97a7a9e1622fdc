// Package privatebus gives a test a Binder bus of its own. The broker is the test binary, run again as
// a process of its own in a mount namespace of its own, because a process must not use a mount that
// it serves: so importing this package makes a program that becomes a broker when the environment
// says so, before its main function and its flags. Where BINDER_BUSD names a busd, that is the broker.
//
// The mount is seen by nobody else and cannot outlive the broker. Tests reach it through
// /proc/PID/root. Where a user may not mount, the whole test binary is run again first, in a user
// namespace in which it may.
package privatebus
