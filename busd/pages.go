package busd

import "math/bits"

// pages counts, as the driver does, which pages of an area buffers lie in. A page that no buffer lies
// in any longer is kept until it is asked back (the driver's shrinker, our Trim).
type pages struct {
	kept   [maxArea / minPage / 64]uint64 // one bit each: a buffer lies in it, or did and it is kept
	active int                            // buffers lie in them
	high   int                            // one more than the highest that was ever active
}

// minPage is the smallest page there is.
const minPage = 4096

// take counts the pages of [off, end), offsets of whole pages, in which no buffer lay so far.
func (p *pages) take(off, end uint64) {
	if off >= end {
		return
	}
	first, last := off/pageSize, end/pageSize
	p.active += int(last - first)
	p.high = max(p.high, int(last))
	for i := first; i < last; i++ {
		p.kept[i/64] |= 1 << (i % 64)
	}
}

// leave counts n bytes of whole pages in which no buffer lies any longer.
func (p *pages) leave(n uint64) { p.active -= int(n / pageSize) }

// giveBack forgets the pages that are kept. No buffer may be in use.
func (p *pages) giveBack() { clear(p.kept[:]) }

// idle is how many pages are kept and hold no buffer.
func (p *pages) idle() int {
	n := 0
	for _, w := range p.kept {
		n += bits.OnesCount64(w)
	}
	return n - p.active
}
