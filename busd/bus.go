package busd

import (
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/refcount"
)

// Bus is one set of binder devices: one mount of binderfs.
type Bus struct {
	limits Limits
	clock  Clock
	ids    refcount.IDs // debug ids of nodes, references and transactions
	stats  stats

	sent, failed transactionLog
	opens        atomic.Uint64 // ever: the ages of processes

	mu       sync.Mutex
	contexts []*Context       // by age; guarded by mu
	users    map[uint32]*user // by euid; guarded by mu
	down     bool             // Shutdown was called; guarded by mu
}

// Config holds what an operator may set. The zero value means the defaults.
type Config struct {
	Limits Limits

	// Clock ends waits that have a time limit (BINDER_FREEZE). Without one they have none.
	Clock Clock
}

// New makes a bus without devices.
func New(cfg Config) *Bus {
	return &Bus{limits: cfg.Limits.withDefaults(), clock: cfg.Clock, users: map[uint32]*user{}}
}

// MaxDeviceName is the longest name a device may have, in bytes (BINDERFS_MAX_NAME).
const MaxDeviceName = 255

// AddContext makes a device. It answers EEXIST for a name in use and ENAMETOOLONG or EINVAL
// for one that cannot be a file's name.
func (b *Bus) AddContext(name string) (*Context, syscall.Errno) {
	if len(name) > MaxDeviceName {
		return nil, syscall.ENAMETOOLONG
	}
	if name == "" {
		return nil, syscall.EINVAL
	}
	for _, c := range b.Contexts() {
		if c.name == name {
			return nil, syscall.EEXIST
		}
	}
	return b.AddDevice(name)
}

// AddDevice makes a device, whatever others are called. A device that was renamed is a context of
// its first name for ever.
func (b *Bus) AddDevice(name string) (*Context, syscall.Errno) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, syscall.ECONNREFUSED
	}
	c := &Context{bus: b, name: name, ledger: refcount.NewLedger(&b.ids)}
	b.contexts = append(b.contexts, c)
	return c, 0
}

// Contexts lists the devices that are there now, by age.
func (b *Bus) Contexts() []*Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]*Context, 0, len(b.contexts))
	for _, c := range b.contexts {
		if !c.removed {
			list = append(list, c)
		}
	}
	return list
}

// allContexts also lists removed devices that processes still have open.
func (b *Bus) allContexts() []*Context {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]*Context(nil), b.contexts...)
}

// Drain delivers what other goroutines have left undelivered. An edge calls it on a goroutine
// that takes over while another is stuck in a client's memory.
func (b *Bus) Drain() {
	for _, c := range b.allContexts() {
		c.drain()
	}
}

// Shutdown answers every parked call, and every later one, with ECONNREFUSED, which the header
// calls "the driver is no longer accepting operations from your process".
func (b *Bus) Shutdown() {
	b.mu.Lock()
	b.down = true
	b.mu.Unlock()
	for _, c := range b.allContexts() {
		c.shutdown()
	}
}

// stats counts what was created and deleted, and the commands and returns that passed.
type stats struct {
	created, deleted [statObjects]atomic.Int64
	traffic
}

// passed counts what did not last.
func (s *stats) passed(object int) {
	s.created[object].Add(1)
	s.deleted[object].Add(1)
}

// traffic counts the commands and returns that passed, of a process or of all.
type traffic struct {
	bc [maxCommand + 1]atomic.Uint32
	br [maxReturn + 1]atomic.Uint32
}

// Objects that stats counts, in the order binder_logs/stats prints them.
const (
	statProc = iota
	statThread
	statNode
	statRef
	statDeath
	statTransaction
	statTransactionComplete
	statFreeze
	statObjects
)

// The highest ordinals of a BC_ command and of a BR_ code.
const (
	maxCommand = 21
	maxReturn  = 22
)

// returned counts a return. The driver does not count BR_NOOP.
func (p *Process) returned(r ioctl.Return) {
	if n := ioctl.Number(r).Ordinal(); n <= maxReturn && r != ioctl.BR_NOOP {
		p.traffic.br[n].Add(1)
		p.ctx.bus.stats.br[n].Add(1)
	}
}

// commanded counts a command, by its ordinal: even one that only looks like it, as the driver.
func (p *Process) commanded(n int) {
	if n <= maxCommand {
		p.traffic.bc[n].Add(1)
		p.ctx.bus.stats.bc[n].Add(1)
	}
}
