// Package oracle boots a real kernel that has the binder driver, so that tests can ask it.
//
// The kernel is a User Mode Linux: an ordinary program of this machine, built once by build.sh
// from the kernel source that Debian packages, and kept in Dir. It has one virtual processor and
// slow system calls, and starts in half a second: an oracle of behaviour, never of speed.
//
// Run puts a program into an initial file system of its own, with the init of this package, and
// boots. There, as root, the program finds the driver's binderfs at /dev/binderfs.
package oracle
