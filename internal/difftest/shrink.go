package difftest

// Shrink makes a smaller program that still fails: it leaves out actions, ever fewer at a time,
// then commands and objects.
func Shrink(p Program, fails func(Program) bool) Program {
	for n := len(p) / 2; n >= 1; {
		shorter := false
		for at := 0; at+n <= len(p); {
			q := append(append(Program{}, p[:at]...), p[at+n:]...)
			if fails(q) {
				p, shorter = q, true
			} else {
				at += n
			}
		}
		if !shorter || n > len(p) {
			n /= 2
		}
	}
	for i := range p {
		for k := 0; k < len(p[i].Cmds); {
			q := append(Program{}, p...)
			q[i].Cmds = append(append([]Cmd{}, p[i].Cmds[:k]...), p[i].Cmds[k+1:]...)
			if fails(q) {
				p = q
			} else {
				k++
			}
		}
		for k := range p[i].Cmds {
			for o := 0; o < len(p[i].Cmds[k].Objs); {
				q := append(Program{}, p...)
				q[i].Cmds = append([]Cmd{}, p[i].Cmds...)
				c := &q[i].Cmds[k]
				c.Objs = append(append([]Obj{}, c.Objs[:o]...), c.Objs[o+1:]...)
				if fails(q) {
					p = q
				} else {
					o++
				}
			}
		}
	}
	return p
}
