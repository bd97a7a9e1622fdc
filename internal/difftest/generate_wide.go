package difftest

import "github.com/fusebinder/fusebinder/ioctl"

// wideAction is an action of those that only programs from Wide on have.
func (g *generator) wideAction(procs, p, t int) Action {
	switch n := g.IntN(100); {
	case n < 30:
		a := Action{Do: "freeze", P: p, T: t, N: g.victim(procs), Flags: pick[uint32](g, 1, 1, 1, 0, 0, 2)}
		if g.one(15) {
			a.Cookie = 20
		}
		return a
	case n < 38:
		return Action{Do: "frozeninfo", P: p, T: t, N: g.victim(procs)}
	case n < 58: // oneway calls, of which newer ones may take the place of older ones
		flags := uint32(ioctl.TF_ONE_WAY)
		if g.one(75) {
			flags |= uint32(ioctl.TF_UPDATE_TXN)
		}
		a := Action{Do: "io", P: p, T: t, Read: 512}
		h, code := g.handle(), g.Uint32N(2)
		for range 1 + g.IntN(4) {
			c := Cmd{C: "TRANSACTION", Handle: h, Code: code, Flags: flags, Data: g.IntN(24)}
			if g.one(10) {
				c.Code++
			}
			if g.one(10) {
				c.Flags ^= uint32(ioctl.TF_UPDATE_TXN)
			}
			a.Cmds = append(a.Cmds, c)
		}
		return a
	case n < 80:
		a := Action{Do: "io", P: p, T: t, Cmds: []Cmd{g.freezeChore()}}
		a.Cmds = append(a.Cmds, g.chores(30)...)
		if g.one(50) {
			a.Read = g.readSize()
		}
		return a
	case n < 88:
		return Action{Do: "kill", P: p}
	case n < 95:
		return g.open(p)
	}
	return Action{Do: "frozeninfo", P: p, T: t, N: MaxProcs}
}

// introduction lets processes know each other: each gives the manager an object, and gets one that
// another has given it before.
func (g *generator) introduction(procs int) Program {
	var p Program
	read := func(proc int, cmds ...Cmd) { p = append(p, Action{Do: "io", P: proc, Cmds: cmds, Read: 512}) }
	p = append(p, Action{Do: "io", Cmds: []Cmd{{C: "ENTER_LOOPER"}}}) // a new thread's first read would not wait
	for i := 1; i < procs; i++ {
		flags := g.objectFlags()
		read(i, Cmd{C: "TRANSACTION", Flags: uint32(ioctl.TF_ACCEPT_FDS),
			Objs: []Obj{{K: "binder", Ptr: 0x1000 * uint64(i), Cookie: g.cookie(), Flags: flags}}})
		read(0)
		reply := Cmd{C: "REPLY", Objs: []Obj{{K: "handle", Handle: int64(-i)}}}
		p = append(p, Action{Do: "io", Serving: true, Cmds: []Cmd{{C: "ACQUIRE", Handle: int64(-i)}, {C: "FREE_BUFFER"}, reply}, Read: 512})
		read(i, Cmd{C: "INCREFS_DONE", Told: 1}, Cmd{C: "ACQUIRE_DONE", Told: 1}, Cmd{C: "ACQUIRE", Handle: -1})
		if g.one(50) {
			read(i, Cmd{C: "ENTER_LOOPER"})
		}
	}
	return p
}

// victim is a process that is frozen or thawed.
func (g *generator) victim(procs int) uint32 {
	if g.one(4) {
		return MaxProcs
	}
	return uint32(g.IntN(procs))
}

func (g *generator) freezeChore() Cmd {
	switch n := g.IntN(100); {
	case n < 45:
		return Cmd{C: "REQUEST_FREEZE_NOTIFICATION", Handle: g.handle(), Cookie: pick[uint64](g, 0xf0, 0xf0, 0xf1, 0)}
	case n < 65:
		return Cmd{C: "CLEAR_FREEZE_NOTIFICATION", Handle: g.handle(), Cookie: pick[uint64](g, 0xf0, 0xf0, 0xf1, 0)}
	case n < 95:
		return Cmd{C: "FREEZE_NOTIFICATION_DONE", Told: 1 + g.IntN(2), Cookie: 0xf0}
	}
	return Cmd{C: "FREEZE_NOTIFICATION_DONE", Cookie: 0xf1}
}

// array makes a transaction of one with an array of descriptors that the driver takes, if it takes
// descriptors at all.
func (g *generator) array(c *Cmd) {
	c.C = "TRANSACTION_SG"
	c.Flags |= uint32(ioctl.TF_ACCEPT_FDS)
	at := 8 // at 0 stands nobody's parent
	for i := range c.Objs {
		at = max(at, c.Objs[i].At+40)
	}
	at = (at + 7) &^ 7
	n := uint64(1 + g.IntN(4))
	off := pick[uint64](g, 0, 0, 4, 8)
	parent := len(c.Objs)
	c.Objs = append(c.Objs, Obj{K: "ptr", At: at, Len: int(off + 4*n + pick[uint64](g, 0, 0, 8)), Files: true, File: g.IntN(files)})
	at += 40
	if g.one(25) {
		c.Objs = append(c.Objs, Obj{K: "fd", At: at, File: g.IntN(files)})
		at += 24
	}
	c.Objs = append(c.Objs, Obj{K: "fda", At: at, Num: n, Parent: parent, Off: off})
}
