package busd

import "sync/atomic"

// Limits bound what one user (an effective uid) may hold of the broker's memory. 0 means the
// default; the defaults are far above what an Android userspace needs.
type Limits struct {
	Processes   int64 // devices open at once: 4096
	BufferBytes int64 // bytes in receive buffers that the user's calls fill, and 512 for each: 1 GiB
	Nodes       int64 // objects given to other processes: 1,000,000
	Handles     int64 // handles that the user's transactions gave to processes: 1,000,000
	Deaths      int64 // subscriptions to deaths and to freezing: 1,000,000
	ParkedCalls int64 // threads waiting in the device: 32,768
	Descriptors int64 // file descriptors on their way to their receivers: 4096

	// Unread is how many completions of its transactions a process may leave unread and send on:
	// 65,536.
	Unread int64
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Processes, 4096)
	def(&l.BufferBytes, 1<<30)
	def(&l.Nodes, 1_000_000)
	def(&l.Handles, 1_000_000)
	def(&l.Deaths, 1_000_000)
	def(&l.ParkedCalls, 32768)
	def(&l.Descriptors, 4096)
	def(&l.Unread, 65536)
	return l
}

// A user is what the processes of one euid hold together.
type user struct {
	uid       uint32
	processes atomic.Int64
	bytes     atomic.Int64
	nodes     atomic.Int64
	handles   atomic.Int64
	deaths    atomic.Int64
	parked    atomic.Int64
	files     atomic.Int64
}

// charge adds n to what a user holds unless that would exceed the limit.
func charge(held *atomic.Int64, n, limit int64) bool {
	if held.Add(n) > limit {
		held.Add(-n)
		return false
	}
	return true
}

// user finds or makes the account of an euid and charges it one process.
func (b *Bus) chargeProcess(uid uint32) *user {
	b.mu.Lock()
	defer b.mu.Unlock()
	u := b.users[uid]
	if u == nil {
		u = &user{uid: uid}
		b.users[uid] = u
	}
	if !charge(&u.processes, 1, b.limits.Processes) {
		return nil
	}
	return u
}

// dischargeProcess ends a process's charge, and the account when nothing is left on it.
func (b *Bus) dischargeProcess(u *user) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if u.processes.Add(-1) > 0 {
		return
	}
	// Buffers, nodes and handles can outlive their user's last process. Their ends are not noticed here,
	// but they come with the end of another process at the latest.
	for uid, u := range b.users {
		if u.unused() {
			delete(b.users, uid)
		}
	}
}

// unused says that nothing is charged to u.
func (u *user) unused() bool {
	return u.processes.Load() == 0 && u.bytes.Load() == 0 && u.nodes.Load() == 0 && u.handles.Load() == 0 && u.files.Load() == 0 && u.deaths.Load() == 0
}
