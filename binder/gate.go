package binder

import "sync/atomic"

// A gate counts who is inside and can be closed: then nobody enters any more, and last is called
// once, by whoever leaves last (or by close, if nobody is inside).
type gate struct {
	n    atomic.Int64
	last func()
}

const gateClosed = 1 << 62

// enter goes in, unless the gate is closed.
func (g *gate) enter() bool {
	if g.n.Add(1)&gateClosed == 0 {
		return true
	}
	g.leave()
	return false
}

// leave goes out again.
func (g *gate) leave() {
	if g.n.Add(-1) == gateClosed {
		g.fire()
	}
}

// close shuts the gate; false if it was shut already.
func (g *gate) close() bool {
	for {
		n := g.n.Load()
		if n&gateClosed != 0 {
			return false
		}
		if g.n.CompareAndSwap(n, n|gateClosed) {
			if n == 0 {
				g.fire()
			}
			return true
		}
	}
}

func (g *gate) closed() bool { return g.n.Load()&gateClosed != 0 }

// gateFired marks that last was called: a late enter brings the count back to gateClosed.
const gateFired = 1 << 61

func (g *gate) fire() {
	if g.n.CompareAndSwap(gateClosed, gateClosed|gateFired) && g.last != nil {
		g.last()
	}
}
