package difftest

import (
	"math/rand/v2"

	"github.com/fusebinder/fusebinder/ioctl"
)

// Wide is the first seed of programs that also freeze and thaw, kill, pass arrays of descriptors
// and replace oneway calls. Those before it never do.
const Wide = 1_000_000

// Generate makes the program of a seed. The same seed always gives the same program: recorded
// answers depend on it, so a change here needs new ones.
func Generate(seed uint64) Program {
	g := &generator{rand.New(rand.NewPCG(seed, 0x62696e646572)), seed >= Wide}
	return g.program()
}

type generator struct {
	*rand.Rand
	wide bool
}

func (g *generator) one(percent int) bool { return g.IntN(100) < percent }

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

func (g *generator) program() Program {
	var p Program
	procs := 2 + g.IntN(MaxProcs-1)
	for i := range procs {
		p = append(p, g.open(i))
	}
	if !g.one(5) {
		p = append(p, g.manager(0))
	}
	if g.one(40) {
		p = append(p, Action{Do: "maxthreads", P: g.IntN(procs), N: pick[uint32](g, 0, 1, 2, 15, 1<<31)})
	}
	if g.one(15) {
		p = append(p, Action{Do: "spam", P: g.IntN(procs), N: 1})
	}
	for i := range procs {
		for t := range g.IntN(MaxThreads) {
			if g.one(70) {
				p = append(p, Action{Do: "io", P: i, T: t, Cmds: []Cmd{{C: pick(g, "ENTER_LOOPER", "ENTER_LOOPER", "REGISTER_LOOPER")}}, Read: 512 * g.IntN(2)})
			}
		}
	}
	if g.wide && g.one(80) {
		p = append(p, g.introduction(procs)...)
	}
	for range 5 + g.IntN(60) {
		a := g.action(procs)
		p = append(p, a)
		if g.wide && (a.Do == "kill" || a.Do == "close") && g.one(80) {
			p = append(p, g.open(a.P))
			if a.P == 0 && g.one(60) {
				p = append(p, g.manager(0))
				p = append(p, g.introduction(procs)...)
			}
		}
	}
	return p
}

func (g *generator) open(i int) Action {
	a := Action{Do: "open", P: i, Size: pick(g, 4096, 8192, 8192, 16384, 128<<10, 1<<20-8192, 1<<20-8192, 4<<20, 8<<20)}
	if g.one(3) {
		a.Size = 0
	}
	a.Nonblock = g.one(12)
	return a
}

func (g *generator) manager(p int) Action {
	if g.one(30) {
		return Action{Do: "manager", P: p, T: g.IntN(2)}
	}
	return Action{Do: "managerext", P: p, Ptr: g.ptr(), Cookie: g.cookie(), Flags: g.objectFlags()}
}

func (g *generator) action(procs int) Action {
	p, t := g.IntN(procs), g.IntN(MaxThreads)
	if g.one(2) {
		p = g.IntN(MaxProcs)
	}
	if g.wide && g.one(22) {
		return g.wideAction(procs, p, t)
	}
	switch n := g.IntN(1000); {
	case n < 230: // call
		cmds := append(g.chores(15), g.transaction(0))
		return Action{Do: "io", P: p, T: t, Cmds: cmds, Read: g.readSize()}
	case n < 330: // oneway
		cmds := append(g.chores(15), g.transaction(uint32(ioctl.TF_ONE_WAY)))
		if g.one(20) {
			cmds = append(cmds, g.transaction(uint32(ioctl.TF_ONE_WAY)))
		}
		read := g.readSize()
		if g.one(30) {
			read = 0
		}
		return Action{Do: "io", P: p, T: t, Cmds: cmds, Read: read}
	case n < 530: // reply
		cmds := g.chores(25)
		if g.one(60) {
			cmds = append(cmds, Cmd{C: "FREE_BUFFER", Buffer: g.IntN(3)})
		}
		c := g.transaction(0)
		c.Handle = 0
		c.C = "REPLY" + c.C[len("TRANSACTION"):]
		cmds = append(cmds, c)
		a := Action{Do: "io", P: p, T: t, Serving: !g.one(5), Cmds: cmds}
		if g.one(60) {
			a.Read = g.readSize()
		}
		return a
	case n < 700: // wait for work
		return Action{Do: "io", P: p, T: t, Cmds: g.chores(20), Read: g.readSize()}
	case n < 850: // chores alone
		a := Action{Do: "io", P: p, T: t, Cmds: append(g.chores(60), g.chore())}
		if g.one(4) {
			a.Cut = 1 + g.IntN(12)
		}
		if g.one(3) {
			a.Begin = pick[uint64](g, 4, 8, 12, 100)
		}
		return a
	case n < 870:
		return Action{Do: "exit", P: p, T: t, Serving: g.one(50)}
	case n < 890:
		return Action{Do: "interrupt", P: p, T: t}
	case n < 910:
		return Action{Do: "close", P: p}
	case n < 925:
		return g.open(p)
	case n < 930:
		return Action{Do: "flush", P: p}
	case n < 940:
		return Action{Do: "poll", P: p}
	case n < 965:
		return Action{Do: "error", P: p, T: t}
	case n < 975:
		return Action{Do: "nodeinfo", P: p, T: t, Ptr: pick[uint64](g, 0, 0, 0x1000, 0x1fff, 0x2000, 1<<64-1)}
	case n < 983:
		a := Action{Do: "refinfo", P: p * g.IntN(2), T: t, N: pick[uint32](g, 0, 1, 2, 3, 100)}
		if g.one(10) {
			a.Flags = 1
		}
		return a
	case n < 986:
		return g.manager(p)
	case n < 990:
		return Action{Do: "maxthreads", P: p, T: t, N: pick[uint32](g, 0, 1, 2)}
	case n < 993:
		return Action{Do: "spam", P: p, T: t, N: g.Uint32N(2)}
	case n < 995:
		return Action{Do: "version", P: p, T: t}
	case n < 997:
		return Action{Do: "ioctl", P: p, T: t, N: pick(g, 0xc0046263, uint32(ioctl.BINDER_SET_IDLE_TIMEOUT), uint32(ioctl.BINDER_SET_IDLE_PRIORITY), 0x40046207, 0xc0186201)}
	}
	a := Action{Do: "io", P: p, T: t, Read: g.readSize(), Filled: pick[uint64](g, 4, 4, 8, 76)}
	if a.Filled > uint64(a.Read) {
		a.Filled = 4 // the driver would write past the end
	}
	return a
}

func (g *generator) readSize() int {
	if g.one(85) {
		return 512
	}
	return pick(g, 4, 8, 12, 20, 24, 44, 48, 64, 68, 71, 72, 76, 80, 96, 256)
}

func (g *generator) ptr() uint64    { return pick[uint64](g, 0, 0x1000, 0x1000, 0x2000, 0x2000, 0x3000) }
func (g *generator) cookie() uint64 { return pick[uint64](g, 0, 0xc0, 0xc0, 0xc0, 0xc1) }

func (g *generator) handle() int64 {
	if g.wide && g.one(50) {
		return int64(-1 - g.IntN(4))
	}
	switch {
	case g.one(45):
		return 0
	case g.one(80):
		return int64(-1 - g.IntN(4))
	}
	return pick[int64](g, 1, 2, 3, 7, 1<<31, 1<<32-1)
}

func (g *generator) objectFlags() uint32 {
	if g.one(70) {
		return uint32(ioctl.FLAT_BINDER_FLAG_ACCEPTS_FDS)
	}
	return pick[uint32](g, 0, 0x7f, 0x17f, 0x113)
}

// chores are commands beside the main one, each with a chance in percent.
func (g *generator) chores(percent int) []Cmd {
	var c []Cmd
	for g.one(percent) && len(c) < 6 {
		c = append(c, g.chore())
	}
	return c
}

func (g *generator) chore() Cmd {
	if g.wide && g.one(15) {
		return g.freezeChore()
	}
	switch n := g.IntN(100); {
	case n < 25:
		c := Cmd{C: "FREE_BUFFER", Buffer: g.IntN(4)}
		if g.one(10) {
			c.Buffer = -1 - g.IntN(5)
		}
		return c
	case n < 50:
		return Cmd{C: pick(g, "INCREFS", "ACQUIRE", "ACQUIRE", "RELEASE", "RELEASE", "DECREFS"), Handle: g.handle()}
	case n < 65:
		c := Cmd{C: pick(g, "INCREFS_DONE", "ACQUIRE_DONE"), Told: 1 + g.IntN(3)}
		if g.one(15) {
			c.Told, c.Ptr, c.Cookie = 0, g.ptr(), g.cookie()
		}
		return c
	case n < 80:
		return Cmd{C: pick(g, "REQUEST_DEATH_NOTIFICATION", "REQUEST_DEATH_NOTIFICATION", "CLEAR_DEATH_NOTIFICATION"), Handle: g.handle(), Cookie: pick[uint64](g, 0xd0, 0xd0, 0xd1, 0)}
	case n < 88:
		c := Cmd{C: "DEAD_BINDER_DONE", Told: 1 + g.IntN(2)}
		if g.one(15) {
			c.Told, c.Cookie = 0, 0xd0
		}
		return c
	case n < 96:
		return Cmd{C: pick(g, "ENTER_LOOPER", "ENTER_LOOPER", "REGISTER_LOOPER", "REGISTER_LOOPER", "EXIT_LOOPER")}
	case n < 97:
		return Cmd{C: pick(g, "ACQUIRE_RESULT", "ATTEMPT_ACQUIRE")}
	case n < 98:
		return Cmd{C: "RAW", Code: pick[uint32](g, 0, 0x630b, 0x40046304^1<<31, 0x40046363, 0x720c, 0xffffffff)}
	}
	return g.transaction(uint32(ioctl.TF_ONE_WAY))
}

func (g *generator) transaction(flags uint32) Cmd {
	c := Cmd{C: "TRANSACTION", Handle: g.handle(), Code: g.Uint32N(100), Flags: flags}
	c.Flags |= pick[uint32](g, 0, 0, 0x10, 0x10, 0x10, 0x30, 0x40)
	if g.one(3) {
		c.Flags ^= pick[uint32](g, 1, 4, 8, 1<<31)
	}
	switch {
	case g.one(15):
		c.Data = pick(g, 1, 3, 4, 7, 2000, 2040, 2048, 3960, 4000, 4088, 4096, 4097, 8000, 8192, 65536, 520<<10, 1<<20-8192)
	case g.one(70):
		c.Data = g.IntN(64)
	}
	at := 0
	for g.one(35) && len(c.Objs) < 5 {
		o := g.object()
		o.At = at
		if g.one(4) {
			o.At = pick(g, 0, 2, 4, at+8, at+1)
		}
		at = o.At + pick(g, 24, 24, 24, 32, 40)
		c.Objs = append(c.Objs, o)
	}
	if g.wide {
		c.Code %= 3 // often the same
		if g.one(10) {
			c.Flags |= uint32(ioctl.TF_UPDATE_TXN)
		}
		if g.one(12) {
			g.array(&c)
			return c
		}
	}
	if g.one(12) {
		c.C = "TRANSACTION_SG"
		g.gather(&c)
	}
	if g.one(2) {
		c.Odd = pick(g, -8, -1, 1, 4, 8, 1<<40)
	}
	if g.one(1) {
		c.BadData = true
	}
	if g.one(1) {
		c.BadOffs = true
	}
	return c
}

func (g *generator) object() Obj {
	switch n := g.IntN(100); {
	case n < 45:
		return Obj{K: pick(g, "binder", "binder", "binder", "weak"), Ptr: g.ptr(), Cookie: g.cookie(), Flags: g.objectFlags()}
	case n < 80:
		return Obj{K: pick(g, "handle", "handle", "handle", "weakhandle"), Handle: g.handle(), Cookie: g.cookie(), Flags: g.objectFlags()}
	case n < 95:
		return Obj{K: "fd", File: pick(g, 0, 0, 1, 2, 0, 1, 2, 100, 101), Cookie: g.cookie()}
	}
	return Obj{K: "raw", Type: pick(g, 0, uint32(ioctl.BINDER_TYPE_FDA), uint32(ioctl.BINDER_TYPE_PTR), 0x12345678), Ptr: g.ptr()}
}

// gather adds scatter-gather objects, most of which fit together.
func (g *generator) gather(c *Cmd) {
	at := 0
	for _, o := range c.Objs {
		at = max(at, o.At+40)
	}
	at = (at + 3) &^ 3
	parent := -1
	for range g.IntN(4) {
		if parent >= 0 && g.one(35) {
			c.Objs = append(c.Objs, Obj{K: "fda", At: at, Num: pick[uint64](g, 0, 1, 2, 3, 1<<62), Parent: parent, Off: pick[uint64](g, 0, 0, 4, 8, 2)})
			at += 32
			continue
		}
		o := Obj{K: "ptr", At: at, Len: pick(g, 0, 1, 8, 16, 24, 64, 100, 4096), Files: g.one(40), File: g.IntN(files)}
		if parent >= 0 && g.one(60) {
			o.Child, o.Parent, o.Off = true, parent, pick[uint64](g, 0, 8, 8, 16, 56, 4096)
			if g.one(10) {
				o.Parent = pick(g, 0, 1, 9)
			}
		}
		o.Bad = g.one(2)
		c.Objs = append(c.Objs, o)
		parent = len(c.Objs) - 1
		at += 40
	}
	if g.one(8) {
		c.Extra = pick[int64](g, -8, 8, 4096, 4, -1<<20, 1<<40)
	}
}
