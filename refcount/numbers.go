package refcount

import "math/bits"

// numbers is a set of small numbers that hands out the lowest one not in it.
//
// levels[0] has a bit for each number; a bit of the level above says that a word of 64 bits is
// full. Words beyond a level's end are empty. So taking and giving back cost one word a level:
// three levels for 262,144 numbers.
type numbers struct {
	levels [][]uint64
}

const full = ^uint64(0)

// take adds the lowest number that is not in the set.
func (s *numbers) take() uint32 {
	top := len(s.levels) - 1
	if top < 0 {
		s.levels = append(s.levels, nil)
		top = 0
	} else if l := s.levels[top]; len(l) > 0 && l[0] == full {
		s.levels = append(s.levels, []uint64{1})
		top++
	}
	n := 0
	for i := top; i >= 0; i-- {
		if n == len(s.levels[i]) {
			s.levels[i] = append(s.levels[i], 0)
		}
		n = n*64 + bits.TrailingZeros64(^s.levels[i][n])
	}
	for i, at := 0, n; i <= top; i, at = i+1, at/64 {
		word := &s.levels[i][at/64]
		*word |= 1 << (at % 64)
		if *word != full {
			break
		}
	}
	return uint32(n)
}

// give takes n out of the set.
func (s *numbers) give(n uint32) {
	wasFull := true
	at := int(n)
	for i := 0; i < len(s.levels) && wasFull; i, at = i+1, at/64 {
		word := &s.levels[i][at/64]
		wasFull = *word == full
		*word &^= 1 << (at % 64)
	}
	for i, l := range s.levels {
		for len(l) > 0 && l[len(l)-1] == 0 {
			l = l[:len(l)-1]
		}
		s.levels[i] = l
	}
}

// from is the lowest number in the set that is not below n.
func (s *numbers) from(n uint32) (uint32, bool) {
	if len(s.levels) == 0 {
		return 0, false
	}
	words := s.levels[0]
	mask := full << (n % 64)
	for i := int(n / 64); i < len(words); i++ {
		if w := words[i] & mask; w != 0 {
			return uint32(i*64 + bits.TrailingZeros64(w)), true
		}
		mask = full
	}
	return 0, false
}
