package busd

import (
	"encoding/binary"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
)

// fakeClock rings when it is told to.
type fakeClock struct {
	mu     sync.Mutex
	alarms []func() // nil: stopped
	waits  []time.Duration
}

func (c *fakeClock) AfterFunc(d time.Duration, ring func()) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := len(c.alarms)
	c.alarms, c.waits = append(c.alarms, ring), append(c.waits, d)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.alarms[i] = nil
	}
}

func (c *fakeClock) running() (rings []func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, ring := range c.alarms {
		if ring != nil {
			rings = append(rings, ring)
		}
	}
	return rings
}

// freezer is a world with a clock, a server that is being frozen while a call to it is under way,
// its caller, and who freezes.
func freezer(t *testing.T) (w *world, clock *fakeClock, server, caller, boss *thread, tr *ioctl.TransactionData) {
	w = newWorld(t)
	clock = &fakeClock{}
	w.bus.clock = clock
	server, caller, boss = w.open().readyThread(), w.open().readyThread(), w.open().readyThread()
	h := w.introduce(server, 0x10, caller.client)
	server.begin(nil)
	caller.begin(caller.toCall(h, "a call"))
	tr = server.says("BR_TRANSACTION")
	boss.startFreeze(server.client, 1, 250)
	if !boss.parked() {
		t.Fatal("BINDER_FREEZE does not wait")
	}
	w.check()
	return w, clock, server, caller, boss, tr
}

func (th *thread) startFreeze(c *client, enable, ms uint32) {
	b := make([]byte, ioctl.SizeofFreezeInfo)
	(&ioctl.FreezeInfo{PID: uint32(c.PID()), Enable: enable, TimeoutMS: ms}).Encode(b)
	th.start(ioctl.BINDER_FREEZE, b)
}

func TestFreezingWaits(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(clock *fakeClock, server, boss *thread, tr *ioctl.TransactionData)
		want syscall.Errno
	}{
		"for the answer": {func(_ *fakeClock, server, _ *thread, tr *ioctl.TransactionData) {
			server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
		}, 0},
		"for some time": {func(clock *fakeClock, _, _ *thread, _ *ioctl.TransactionData) {
			if clock.waits[0] != 250*time.Millisecond {
				t.Errorf("%v", clock.waits)
			}
			clock.running()[0]()
		}, syscall.EAGAIN},
		"for a signal": {func(_ *fakeClock, _, boss *thread, _ *ioctl.TransactionData) {
			boss.Interrupt(&boss.call)
		}, syscall.EINTR},
		"for the server's death": {func(_ *fakeClock, server, _ *thread, _ *ioctl.TransactionData) {
			server.Process.Release()
		}, 0},
		"for the caller's death": {func(clock *fakeClock, server, boss *thread, tr *ioctl.TransactionData) {
			server.exit()
		}, 0},
		"not for other work": {func(clock *fakeClock, _, boss *thread, _ *ioctl.TransactionData) {
			boss.Flush() // its threads return from reads, not from here
			if !boss.parked() {
				t.Error("a flush ended it")
			}
			boss.Interrupt(&boss.call)
		}, syscall.EINTR},
	} {
		t.Run(name, func(t *testing.T) {
			w, clock, server, caller, boss, tr := freezer(t)
			late := clock.running()
			test.end(clock, server, boss, tr)
			boss.fails(test.want)
			diff(t, "alarms left", 0, len(clock.running()))
			late[0]() // one that could not be stopped in time is nobody's
			w.check()
			diff(t, "frozen", test.want == 0 && !server.dead, server.isFrozen)
			w.finish(server.client, caller.client, boss.client)
		})
	}
}

// All opens of a process are frozen, one after the other, the youngest first.
func TestFreezingOfSeveralOpens(t *testing.T) {
	w, clock, server, caller, boss, tr := freezer(t)
	boss.Interrupt(&boss.call)
	boss.fails(syscall.EINTR)
	other, errno := w.tryOpen(Identity{PID: server.PID(), EUID: 1000})
	if errno != 0 {
		t.Fatal(errno)
	}
	second := other.readyThread()
	second.next += 50
	h := w.introduce(second, 0x20, boss.client)
	client := boss.client.newThread()
	client.write(client.toCall(h, "queued"))

	boss.startFreeze(server.client, 1, 100)
	diff(t, "frozen", []bool{true, false}, []bool{second.isFrozen, server.isFrozen})
	q := second.exchange(nil, "BR_TRANSACTION")
	second.exchange(join(free(q), second.toReply("")), "BR_TRANSACTION_COMPLETE")
	if !boss.parked() {
		t.Fatal("it does not wait for the second")
	}
	diff(t, "frozen", []bool{true, true}, []bool{second.isFrozen, server.isFrozen})
	diff(t, "alarms", 1, len(clock.running()))
	clock.running()[0]()
	boss.fails(syscall.EAGAIN)
	diff(t, "frozen", []bool{true, false}, []bool{second.isFrozen, server.isFrozen}) // as the driver has it
	server.exchange(join(free(tr), server.toReply("")), "BR_TRANSACTION_COMPLETE")
	w.check()
	w.finish(server.client, caller.client, boss.client, other)
}

// Of oneway calls to a frozen process only the last of its kind is kept.
func TestOutdatedTransactions(t *testing.T) {
	w := newWorld(t)
	server, caller, boss := w.open().readyThread(), w.open().readyThread(), w.open().readyThread()
	h := w.introduceAs(server, 0x10, ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS, caller.client)
	f := &file{}
	caller.files[3] = f
	boss.startFreeze(server.client, 1, 0)
	boss.fails(0)
	flags := ioctl.TF_ONE_WAY | ioctl.TF_UPDATE_TXN
	for range 5 {
		payload := descriptor(3) + strongBinder(0x50)
		caller.begin(caller.transaction(ioctl.BC_TRANSACTION, h, flags, payload, 0, 24))
		codes, _ := returns(t, caller.end())
		diff(t, "the last return", "BR_TRANSACTION_PENDING_FROZEN", codes[len(codes)-1])
		w.check()
	}
	diff(t, "descriptors on their way", int32(2), f.open.Load())
	diff(t, "buffers", 2, server.alloc.inUse)
	diff(t, "outstanding", 2, server.outstanding)
	server.write(free(server.exchange(nil, "BR_TRANSACTION")))
	server.write(free(server.exchange(nil, "BR_TRANSACTION")))
	w.finish(server.client, caller.client, boss.client)
}

// Subscriptions go with what they hang on.
func TestFreezeSubscriptionsEnd(t *testing.T) {
	request := func(h ioctl.Handle, cookie ioctl.Cookie) []byte {
		return ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: h, Cookie: cookie})
	}
	for name, end := range map[string]func(server, watcher, boss *thread, h ioctl.Handle){
		"queued, subscriber dies":    func(_, watcher, _ *thread, _ ioctl.Handle) { watcher.Process.Release() },
		"queued, owner dies":         func(server, _, _ *thread, _ ioctl.Handle) { server.Process.Release() },
		"queued, handle is given up": func(_, watcher, _ *thread, h ioctl.Handle) { watcher.write(handleCommand(ioctl.BC_RELEASE, h)) },
		"delivered, subscriber dies": func(_, watcher, boss *thread, _ ioctl.Handle) {
			watcher.begin(nil)
			watcher.end()
			watcher.Process.Release()
		},
		"delivered and cleared, subscriber dies": func(_, watcher, boss *thread, h ioctl.Handle) {
			watcher.begin(nil)
			watcher.end()
			watcher.write(ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: h, Cookie: 7}))
			watcher.Process.Release()
		},
		"queued and cleared, subscriber dies": func(_, watcher, _ *thread, h ioctl.Handle) {
			watcher.write(ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_FREEZE_NOTIFICATION, ioctl.HandleCookie{Handle: h, Cookie: 7}))
			watcher.Process.Release()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			server, watcher, boss := w.open().readyThread(), w.open().readyThread(), w.open().readyThread()
			h := w.introduce(server, 0x10, watcher.client)
			watcher.write(request(h, 7))
			boss.startFreeze(server.client, 1, 0)
			boss.fails(0)
			w.check()
			end(server, watcher, boss, h)
			w.check()
			boss.startFreeze(server.client, 0, 0)
			boss.wait()
			w.check()
			w.finish(server.client, watcher.client, boss.client)
		})
	}
}

func TestFrozenInfo(t *testing.T) {
	w, _, server, caller, boss, _ := freezer(t)
	boss.Interrupt(&boss.call)
	boss.fails(syscall.EINTR)
	if errno := boss.ioctl(ioctl.BINDER_GET_FROZEN_INFO, word(uint32(server.PID()))); errno != 0 {
		t.Fatal(errno)
	}
	diff(t, "sync", uint32(2), binary.LittleEndian.Uint32(boss.arg[4:]))
	diff(t, "of nobody", syscall.EINVAL, boss.ioctl(ioctl.BINDER_GET_FROZEN_INFO, word(9999)))
	w.finish(server.client, caller.client, boss.client)
}
