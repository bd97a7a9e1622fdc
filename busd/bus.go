// Package busd is the broker: the Binder driver as a library of pure state.
package busd

import "syscall"

type callState struct{}

// Config holds what an operator may set. The zero value means the defaults.
type Config struct{}

// Bus is one set of binder devices (one mount of binderfs).
type Bus struct{}

// New makes a bus without devices.
func New(cfg Config) *Bus { panic("todo") }

// AddContext makes a device: EEXIST, ENAMETOOLONG, EINVAL, ENOSPC like binderfs.
func (b *Bus) AddContext(name string) (*Context, syscall.Errno) { panic("todo") }

// Drain delivers what other goroutines left undelivered; an edge calls it on a goroutine that
// takes over while another is stuck in a client's memory.
func (b *Bus) Drain() { panic("todo") }

// Shutdown answers every parked call, and every later one, with ECONNREFUSED.
func (b *Bus) Shutdown() { panic("todo") }

// Context is one binder device: its processes and its context manager.
type Context struct{}

// Open makes a process of a client (the driver's binder_open).
func (c *Context) Open(cl Client) (*Process, syscall.Errno) { panic("todo") }

// Remove forgets the device; processes that have it open go on (binderfs's unlink).
func (c *Context) Remove() { panic("todo") }

// Process is one open of a device.
type Process struct{}

// Ioctl carries out one ioctl. It replies before it returns, or parks c and replies later.
func (p *Process) Ioctl(c *Call) { panic("todo") }

// Interrupt ends the wait of c, which has not been replied to yet (a signal came): EINTR.
// The edge makes sure that c is not replied to and used again meanwhile.
func (p *Process) Interrupt(c *Call) { panic("todo") }

// Poll answers which of PollIn and PollErr hold for a thread. With schedule, the process's
// Watcher hears when that may have changed.
func (p *Process) Poll(tid ThreadID, schedule bool) uint32 { panic("todo") }

// Flush is a close of one of the descriptors: waiting threads return to user space.
func (p *Process) Flush() { panic("todo") }

// ThreadGone tells that a thread has ended without BINDER_THREAD_EXIT.
func (p *Process) ThreadGone(tid ThreadID) { panic("todo") }

// Release is the last close: the process is dead.
func (p *Process) Release() { panic("todo") }
