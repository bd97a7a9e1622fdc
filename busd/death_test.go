package busd

import (
	"fmt"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
)

const cookie = 0xd0

// dies is a subscriber with a handle to an owner's object.
type dies struct {
	*world
	owner, sub *thread
	h          ioctl.Handle
}

func newDies(t *testing.T) *dies {
	w := newWorld(t)
	d := &dies{world: w, owner: w.open().readyThread(), sub: w.open().readyThread()}
	d.h = w.introduce(d.owner, 0x10, d.sub.client)
	return d
}

func (d *dies) request() []byte {
	return ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: d.h, Cookie: cookie})
}

func (d *dies) clear() []byte {
	return ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: d.h, Cookie: cookie})
}

func (d *dies) done() []byte { return ioctl.AppendCookie(nil, ioctl.BC_DEAD_BINDER_DONE, cookie) }

func TestDeathInEveryOrder(t *testing.T) {
	const (
		request = iota
		wrong   // a clear with another cookie
		remove
		dead    // BC_DEAD_BINDER_DONE
		release // of the handle
		die
		read
	)
	told, cleared := fmt.Sprintf("BR_DEAD_BINDER %x", cookie), fmt.Sprintf("BR_CLEAR_DEATH_NOTIFICATION_DONE %x", cookie)
	tests := map[string]struct {
		steps []int
		want  []string // one for each read, "" if there is nothing
	}{
		"die":                               {[]int{request, die, read, dead, read}, []string{told, ""}},
		"die first":                         {[]int{die, request, read, dead}, []string{told}},
		"twice":                             {[]int{request, request, die, read, dead, request, read}, []string{told, ""}},
		"clear":                             {[]int{request, remove, read, die, read}, []string{cleared, ""}},
		"clear, and again":                  {[]int{request, remove, read, request, die, read}, []string{cleared, told}},
		"clear and request before reading":  {[]int{request, remove, request, read, remove, read}, []string{cleared, cleared}},
		"clear with another cookie":         {[]int{request, wrong, read, die, read}, []string{"", told}},
		"clear what is not there":           {[]int{remove, read}, []string{""}},
		"die, clear":                        {[]int{request, die, remove, read, read, dead, read}, []string{told, "", cleared}},
		"die, read, clear":                  {[]int{request, die, read, remove, read, dead, read}, []string{told, "", cleared}},
		"die, read, done, clear":            {[]int{request, die, read, dead, remove, read}, []string{told, cleared}},
		"done before anything":              {[]int{dead, request, dead, die, read, dead, dead}, []string{told}},
		"release":                           {[]int{request, release, die, read}, []string{""}},
		"die, release":                      {[]int{request, die, release, read}, []string{""}},
		"die, read, release":                {[]int{request, die, read, release, dead, read}, []string{told, ""}},
		"die, read, clear, release, done":   {[]int{request, die, read, remove, release, dead, read}, []string{told, cleared}},
		"die, clear, release, read, done":   {[]int{request, die, remove, release, read, dead, read}, []string{told, cleared}},
		"clear, unread":                     {[]int{request, remove}, nil},
		"die, unread":                       {[]int{request, die}, nil},
		"die, clear, unread":                {[]int{request, die, remove}, nil},
		"die, read, clear, unread":          {[]int{request, die, read, remove}, []string{told}},
		"die, read, clear, done and unread": {[]int{request, die, read, remove, dead}, []string{told}},
	}
	for name, test := range tests {
		for _, looper := range []bool{false, true} {
			t.Run(fmt.Sprint(name, looper), func(t *testing.T) {
				d := newDies(t)
				if looper {
					d.sub.write(enter)
				}
				commands := map[int][]byte{
					request: d.request(), remove: d.clear(), dead: d.done(), release: handleCommand(ioctl.BC_RELEASE, d.h),
					wrong: ioctl.AppendHandleCookie(nil, ioctl.BC_CLEAR_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: d.h, Cookie: 1}),
				}
				reads := 0
				for i, step := range test.steps {
					switch step {
					case die:
						d.owner.Process.Release()
					case read:
						d.sub.call.Nonblock = true
						d.sub.begin(nil)
						if want := test.want[reads]; want == "" {
							d.sub.fails(11) // EAGAIN
						} else {
							d.sub.says(want)
						}
						reads++
					default:
						d.sub.write(commands[step])
					}
					if err := d.ctx.check(); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
				}
				if test.steps[0] == request && test.steps[len(test.steps)-1] != die {
					d.sub.exit() // with what it has not read
					d.check()
				}
				d.finish(d.sub.client, d.owner.client)
			})
		}
	}
}

// Of many deaths each is told in a read of its own; other work is told together.
func TestDeathsOneByOne(t *testing.T) {
	w := newWorld(t)
	owner, sub := w.open().readyThread(), w.open().readyThread()
	for i := range 3 {
		h := w.introduce(owner, uint64(0x10*(i+1)), sub.client)
		sub.write(ioctl.AppendHandleCookie(nil, ioctl.BC_REQUEST_DEATH_NOTIFICATION, ioctl.HandleCookie{Handle: h, Cookie: ioctl.Cookie(i)}))
	}
	sub.begin(enter)
	owner.Process.Release()
	for i := range 3 {
		if i > 0 {
			sub.begin(nil)
		}
		sub.says(fmt.Sprintf("BR_DEAD_BINDER %x", i))
		w.check()
	}
	sub.begin(nil)
	sub.waits()
	w.finish(sub.client)
}

// Nobody can fill the broker with subscriptions whose confirmations he does not read.
func TestDeathsAreLimited(t *testing.T) {
	w := newWorld(t)
	w.bus.limits.Deaths = 10
	owner, sub := w.open().readyThread(), w.open().readyThread()
	d := &dies{w, owner, sub, w.introduce(owner, 0x10, sub.client)}
	sub.write(enter)
	for range 30 {
		sub.write(join(d.request(), d.clear()))
	}
	w.check()
	diff(t, "subscriptions", 10, w.ctx.ledger.Totals().Deaths)
	sub.exit()
	w.check()
	diff(t, "subscriptions", 0, w.ctx.ledger.Totals().Deaths)
	w.finish(sub.client, owner.client)
}
