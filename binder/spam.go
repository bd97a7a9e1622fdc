package binder

import (
	"errors"
	"runtime/debug"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// OnewaySpam is a oneway call after which the driver suspects this program of filling another's
// receive buffer (BR_ONEWAY_SPAM_SUSPECT). The call itself is under way as any other.
type OnewaySpam struct {
	Handle ioctl.Handle
	Code   ioctl.Code
	Stack  string // of the goroutine that made the call
}

// detectSpam asks the driver to look, if it can.
func (b *Bus) detectSpam() error {
	if !b.opts.DetectOnewaySpam {
		return nil
	}
	err := b.dev.EnableOnewaySpamDetection(true)
	if errors.Is(err, syscall.EINVAL) {
		b.log.Debug("the driver does not detect oneway spam")
		return nil
	}
	return err
}

// suspect tells that r was answered by BR_ONEWAY_SPAM_SUSPECT.
func (b *Bus) suspect(r *request) {
	spam := OnewaySpam{Handle: r.ref.handle, Code: r.code, Stack: string(debug.Stack())}
	if b.opts.OnewaySpam == nil {
		b.log.Warn("this process fills another with oneway calls",
			"handle", spam.Handle, "code", codeName(spam.Code), "stack", spam.Stack)
		return
	}
	go func() {
		defer func() {
			if v := recover(); v != nil {
				b.logPanic("OnewaySpam", v)
			}
		}()
		b.opts.OnewaySpam(spam)
	}()
}
