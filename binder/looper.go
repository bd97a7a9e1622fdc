package binder

import (
	"runtime"

	"github.com/fusebinder/fusebinder/ioctl"
)

// looper serves calls until the bus is closed. The first one enters by itself
// (BC_ENTER_LOOPER), the others when the driver asks for them (BC_REGISTER_LOOPER).
func (b *Bus) looper(enter ioctl.Command) {
	runtime.LockOSThread() // for ever: the thread ends with the goroutine
	if !b.gate.enter() {
		return
	}
	t := b.thread()
	t.inside = true
	returned := false
	defer func() {
		if t.abandoned {
			b.stuck.remove(t.tid)
		}
		if !returned {
			// OnTransact ended the goroutine (runtime.Goexit). Its caller is told that the call is
			// lost, and another looper takes over.
			_ = b.dev.ThreadExit()
			go b.looper(ioctl.BC_ENTER_LOOPER)
		}
		if t.inside {
			b.gate.leave()
		}
	}()
	t.out = ioctl.AppendCommand(t.out, enter)
	err := t.loop()
	returned = true
	if err != ErrClosed {
		b.fail(err)
	}
}

// loop serves calls until there is an error.
func (t *thread) loop() error {
	for {
		t.out = t.bus.pending.take(t.out)
		ret, arg, err := t.next()
		if err != nil {
			return err
		}
		if t.handle(ret, arg) {
			continue
		}
		switch ret {
		case ioctl.BR_TRANSACTION_COMPLETE, ioctl.BR_TRANSACTION_PENDING_FROZEN:
			t.confirmed()
		case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY, ioctl.BR_FROZEN_REPLY:
			t.confirmed() // whoever waited for the reply has been told
		case ioctl.BR_ERROR:
			t.bus.log.Warn("the driver reports an error", "errno", errnoOf(ioctl.DecodeError(arg)))
		default:
			t.bus.log.Warn("the driver returned what this program does not know", "return", ret)
		}
	}
}
