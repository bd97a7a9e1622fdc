package busd

// Trim gives the memory of receive areas back to the system where no buffer is in use and none
// was made since the call before. The broker has no clock: an edge calls it now and then.
func (b *Bus) Trim() {
	for _, c := range b.allContexts() {
		for p := c.nextToTrim(); p != nil; p = c.nextToTrim() {
			p.trim()
		}
		c.drain()
		c.mu.Lock()
		for p := c.procs.first; p != nil; p = p.next {
			p.used = false
		}
		c.mu.Unlock()
	}
}

// nextToTrim finds an idle process with memory to give back, and pins it.
func (c *Context) nextToTrim() *Process {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := c.procs.first; p != nil; p = p.next {
		if p.dirty && !p.used && p.alloc.inUse == 0 && !p.trimming {
			p.trimming, p.dirty = true, false
			p.alloc.pages.giveBack()
			p.pin()
			p.trimMu.Lock() // free: it is held only while trimming
			return p
		}
	}
	return nil
}

func (p *Process) trim() {
	p.area.Discard(0, len(p.area.Bytes()))
	p.ctx.mu.Lock()
	p.trimming = false
	p.trimMu.Unlock()
	p.unpin()
	p.ctx.mu.Unlock()
}

// awaitTrim lets a trimming of the area end before a buffer is made in it. The context is
// locked, and unlocked meanwhile.
func (p *Process) awaitTrim() {
	for p.trimming {
		p.ctx.mu.Unlock()
		p.trimMu.Lock()
		//lint:ignore SA2001 waiting is all that is wanted
		p.trimMu.Unlock()
		p.ctx.mu.Lock()
	}
}
