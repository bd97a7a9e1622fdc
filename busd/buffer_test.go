package busd

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBufferSize(t *testing.T) {
	type answer struct {
		Size uint64
		OK   bool
	}
	for _, tt := range []struct {
		data, offsets, extra uint64
		want                 answer
	}{
		{0, 0, 0, answer{8, true}},
		{1, 0, 0, answer{8, true}},
		{8, 8, 8, answer{24, true}},
		{9, 1, 1, answer{32, true}},
		{math.MaxUint64, 0, 0, answer{0, false}},
		{0, math.MaxUint64, 0, answer{0, false}},
		{0, 0, math.MaxUint64, answer{0, false}},
		{1 << 63, 1 << 63, 0, answer{0, false}},
		{1 << 63, 0, 1 << 63, answer{0, false}},
		{1 << 62, 1 << 62, 1 << 62, answer{3 << 62, true}},
		{math.MaxUint64 - 7, 8, 0, answer{0, false}},
	} {
		var got answer
		got.Size, got.OK = bufferSize(tt.data, tt.offsets, tt.extra)
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("bufferSize(%#x, %#x, %#x) (-want +got):\n%s", tt.data, tt.offsets, tt.extra, d)
		}
	}
}

// An areaStory is an allocator with the lines of a test.
type areaStory struct {
	*testing.T
	*allocator
}

func story(t *testing.T, size uint64) areaStory { return areaStory{t, newAllocator(size)} }

// takes allocates size bytes of data and expects them at off.
func (s areaStory) takes(size, off uint64) *buffer {
	s.Helper()
	b, errno := s.alloc(size, 0, 0, false, 0)
	if errno != 0 {
		s.Fatalf("alloc(%d): %v", size, errno)
	}
	if b.off != off {
		s.Fatalf("alloc(%d) at %d, want %d", size, b.off, off)
	}
	s.check()
	return b
}

// sends allocates for a oneway transaction.
func (s areaStory) sends(size uint64, sender ProcessID) *buffer {
	s.Helper()
	b, errno := s.alloc(size, 0, 0, true, sender)
	if errno != 0 {
		s.Fatalf("async alloc(%d): %v", size, errno)
	}
	return b
}

// refuses expects an error.
func (s areaStory) refuses(size uint64, async bool, want syscall.Errno) {
	s.Helper()
	if b, errno := s.alloc(size, 0, 0, async, 1); errno != want {
		s.Fatalf("alloc(%d, async %t) = %v, %v; want %v", size, async, b, errno, want)
	}
	s.check()
}

// frees releases b and expects the pages that are unused from now on.
func (s areaStory) frees(b *buffer, off, n uint64) {
	s.Helper()
	gotOff, gotN := s.release(b)
	if gotOff != off || gotN != n {
		s.Fatalf("release: unused pages [%d, +%d), want [%d, +%d)", gotOff, gotN, off, n)
	}
	s.check()
}

func (s areaStory) check() {
	s.Helper()
	if err := s.allocator.check(); err != nil {
		s.Fatal(err)
	}
}

func TestBestFit(t *testing.T) {
	s := story(t, 4*pageSize)
	a := s.takes(100, 0)
	b := s.takes(16, 104)
	c := s.takes(40, 120)
	d := s.takes(8, 160)
	s.frees(a, 0, 0) // 104 bytes at 0
	s.frees(c, 0, 0) // 40 bytes at 120
	s.takes(33, 120) // fits into both and the rest; 40 is the smallest
	s.takes(48, 0)
	s.takes(0, 48) // an address of its own
	s.takes(0, 56)
	s.frees(b, 0, 0)
	s.takes(49, 64) // the rest of a and b are one
	_ = d
}

func TestNoSpace(t *testing.T) {
	s := story(t, 2*pageSize)
	s.refuses(2*pageSize+1, false, syscall.ENOSPC)
	s.refuses(math.MaxUint64-8, false, syscall.ENOSPC)
	s.refuses(math.MaxUint64, false, syscall.EINVAL)
	s.refuses(1<<32, false, syscall.ENOSPC)
	s.refuses(1<<33+8, false, syscall.ENOSPC)
	b := s.takes(2*pageSize, 0)
	s.refuses(0, false, syscall.ENOSPC)
	s.frees(b, 0, 2*pageSize)
	s.takes(2*pageSize, 0)

	empty := story(t, 0)
	empty.refuses(0, false, syscall.ENOSPC)
	if big := story(t, 1<<40); big.size != maxArea {
		t.Errorf("an area of 1 TiB uses %d bytes, want %d", big.size, maxArea)
	}
}

func TestUnusedPages(t *testing.T) {
	s := story(t, 8*pageSize)
	a := s.takes(pageSize/2, 0)
	b := s.takes(2*pageSize, pageSize/2) // pages 0 to 2
	c := s.takes(pageSize, 5*pageSize/2) // pages 2 and 3
	d := s.takes(8, 7*pageSize/2)        // page 3
	s.frees(b, pageSize, pageSize)       // 0 is a's, 2 is c's
	s.frees(c, 2*pageSize, pageSize)     // 3 is d's
	s.frees(a, 0, pageSize)              // and nothing that was unused already
	s.frees(d, 3*pageSize, pageSize)
	e := s.takes(8*pageSize, 0)
	s.frees(e, 0, 8*pageSize)
}

func TestOnewayHalf(t *testing.T) {
	s := story(t, 4*pageSize)
	s.refuses(2*pageSize+8, true, syscall.ENOSPC)
	b := s.sends(2*pageSize, 1)
	s.refuses(0, true, syscall.ENOSPC)
	s.takes(2*pageSize, 2*pageSize) // a call may use the rest
	s.frees(b, 0, 2*pageSize)
	s.sends(2*pageSize, 1)
}

func TestOnewaySpam(t *testing.T) {
	t.Run("bytes", func(t *testing.T) {
		s := story(t, 400*pageSize)
		s.sends(58*pageSize, 7)
		s.sends(101*pageSize, 1) // more than a quarter
		if b := s.sends(8, 1); b.spamSuspect {
			t.Error("suspected while a tenth of the area is left")
		}
		shortage := s.sends(pageSize, 7)
		if shortage.spamSuspect {
			t.Error("suspected a sender with less than a quarter")
		}
		if b := s.sends(8, 1); !b.spamSuspect {
			t.Error("did not suspect a sender with more than a quarter")
		}
		if b := s.sends(8, 1); b.spamSuspect {
			t.Error("suspected twice in one shortage")
		}
		s.release(shortage)
		s.release(s.next(0))
		s.sends(8, 7) // the shortage is over
		s.sends(62*pageSize, 7)
		if b := s.sends(8, 1); !b.spamSuspect {
			t.Error("did not suspect in the second shortage")
		}
	})
	t.Run("buffers", func(t *testing.T) {
		s := story(t, 400*pageSize)
		s.sends(90*pageSize, 7)
		s.sends(80*pageSize, 8)
		for i := range 51 {
			if b := s.sends(0, 1); b.spamSuspect {
				t.Errorf("suspected with %d buffers before", i)
			}
		}
		if b := s.sends(0, 1); !b.spamSuspect {
			t.Error("did not suspect with 51 buffers before")
		}
	})
	// The driver's own answers, found by comparing random programs: the struct that the sender used
	// before makes it a suspect with its first oneway buffer, one nobody used does not.
	t.Run("a buffer of the same sender's before", func(t *testing.T) {
		for _, before := range []ProcessID{0, 1, 7} {
			s := story(t, 2*pageSize)
			if before != 0 {
				s.release(s.sends(8, before))
			}
			if b := s.sends(pageSize-8, 1); b.spamSuspect != (before == 1) {
				t.Errorf("used by %d before: suspected %v", before, b.spamSuspect)
			}
		}
	})
}

func TestClaim(t *testing.T) {
	s := story(t, pageSize)
	b := s.takes(64, 0)
	claims := func(off uint64, want syscall.Errno) {
		t.Helper()
		got, errno := s.claim(off)
		if errno != want {
			t.Fatalf("claim(%d): %v, want %v", off, errno, want)
		}
		if errno == 0 && got != b {
			t.Fatal("claim answered another buffer")
		}
	}
	claims(0, syscall.EPERM) // not delivered yet
	b.userFree = true
	claims(8, syscall.ENOENT)
	claims(64, syscall.ENOENT)
	claims(math.MaxUint64, syscall.ENOENT)
	claims(0, 0)
	claims(0, syscall.EPERM) // being freed
	s.frees(b, 0, pageSize)
	claims(0, syscall.ENOENT)
	if s.takes(64, 0).userFree {
		t.Error("a new buffer may be freed by the client")
	}
}

func TestBufferIsEmptyWhenNew(t *testing.T) {
	s := story(t, pageSize)
	b := s.sends(8, 3)
	b.spamSuspect, b.userFree, b.clear, b.transaction = true, true, true, &transaction{}
	s.release(b)
	b = s.takes(16, 0)
	if b.spamSuspect || b.userFree || b.async || b.sender != 0 || b.transaction != nil || b.clear {
		t.Errorf("something is left of the last use: %+v", b)
	}
}

// checkPages counts the pages that buffers lie in.
func (a *allocator) checkPages() error {
	active, next := 0, uint64(0) // pages below next are counted
	for b := a.first; b != nil; b = b.after {
		if !b.extent.inUse {
			continue
		}
		from, to := max(next, b.off/pageSize), pageUp(b.end())/pageSize
		for i := from; i < to; i++ {
			active++
			if a.pages.kept[i/64]&(1<<(i%64)) == 0 {
				return fmt.Errorf("page %d: in use and not kept", i)
			}
		}
		next = max(next, to)
	}
	if active != a.pages.active || a.pages.idle() < 0 || a.pages.high < int(next) {
		return fmt.Errorf("%d pages in use up to %d, counted %d and %d, idle %d", active, next, a.pages.active, a.pages.high, a.pages.idle())
	}
	return nil
}

// check verifies what must always hold of an allocator.
func (a *allocator) check() error {
	var at, async uint64
	var used, free int
	senders := map[ProcessID]asyncUse{}
	var before *buffer
	for b := a.first; b != nil; before, b = b, b.after {
		switch {
		case b.before != before:
			return fmt.Errorf("buffer at %d: wrong neighbour before it", b.off)
		case b.off != at:
			return fmt.Errorf("buffer at %d, want %d", b.off, at)
		case b.size == 0 || b.size%8 != 0:
			return fmt.Errorf("buffer at %d: %d bytes", b.off, b.size)
		case before != nil && !before.extent.inUse && !b.extent.inUse:
			return fmt.Errorf("two free extents side by side at %d", b.off)
		}
		if b.extent.inUse {
			used++
			if size, _ := bufferSize(b.dataSize, b.offsetsSize, b.extraSize); size != b.size {
				return fmt.Errorf("buffer at %d: %d bytes, want %d", b.off, b.size, size)
			}
			if a.lookup(b.off) != b {
				return fmt.Errorf("buffer at %d: not found", b.off)
			}
			if b.async {
				async += b.size
				u := senders[b.sender]
				senders[b.sender] = asyncUse{u.buffers + 1, u.bytes + b.size}
			}
		} else {
			free++
			if a.free.from(freeKey(b)) != b {
				return fmt.Errorf("free extent at %d: not found", b.off)
			}
		}
		at += b.size
	}
	if at != a.size {
		return fmt.Errorf("extents end at %d, want %d", at, a.size)
	}
	if used != a.inUse || count(a.used.root) != used || count(a.free.root) != free {
		return fmt.Errorf("%d in use, %d free; counted %d, trees have %d and %d", used, free, a.inUse, count(a.used.root), count(a.free.root))
	}
	if err := a.checkPages(); err != nil && a.size%pageSize == 0 {
		return err
	}
	if a.asyncFree+async != a.size/2 {
		return fmt.Errorf("oneway: %d in use and %d free, want %d together", async, a.asyncFree, a.size/2)
	}
	for id, u := range a.senders {
		if u != senders[id] {
			return fmt.Errorf("sender %d has %+v, counted %+v", id, senders[id], u)
		}
		delete(senders, id)
	}
	if len(senders) > 0 {
		return fmt.Errorf("senders not counted: %v", senders)
	}
	return nil
}

func count(b *buffer) int {
	if b == nil {
		return 0
	}
	return 1 + count(b.left) + count(b.right)
}

// A naiveArea is an allocator that anyone can see is right: a map of units of 8 bytes.
type naiveArea struct {
	owner     []int // 0 is free
	asyncFree uint64
	last      int
	async     map[int]uint64 // how much of asyncFree a buffer took
}

// best is the lowest of the smallest runs of free units that n fit into, or -1.
func (m *naiveArea) best(n int) int {
	best, bestLen := -1, math.MaxInt
	for i := 0; i < len(m.owner); {
		j := i
		for j < len(m.owner) && m.owner[j] == 0 {
			j++
		}
		if j-i >= n && j-i < bestLen {
			best, bestLen = i, j-i
		}
		i = max(j, i+1)
	}
	return best
}

func (m *naiveArea) alloc(data, offsets, extra uint64, async bool) (off uint64, id int, errno syscall.Errno) {
	size := max((data+7)/8*8+(offsets+7)/8*8+(extra+7)/8*8, 8)
	if async && size > m.asyncFree {
		return 0, 0, syscall.ENOSPC
	}
	n := int(size / 8)
	at := m.best(n)
	if at < 0 {
		return 0, 0, syscall.ENOSPC
	}
	m.last++
	for i := at; i < at+n; i++ {
		m.owner[i] = m.last
	}
	if async {
		m.asyncFree -= size
		m.async[m.last] = size
	}
	return uint64(at) * 8, m.last, 0
}

// free also answers the pages in which the buffer was and nothing is now.
func (m *naiveArea) free(id int) (pages []uint64) {
	seen := map[uint64]bool{}
	for i, o := range m.owner {
		if o == id {
			m.owner[i] = 0
			seen[uint64(i)*8/pageSize] = true
		}
	}
	for p := range seen {
		if !slices.ContainsFunc(m.owner[p*pageSize/8:(p+1)*pageSize/8], func(o int) bool { return o != 0 }) {
			pages = append(pages, p)
		}
	}
	slices.Sort(pages)
	m.asyncFree += m.async[id]
	delete(m.async, id)
	return pages
}

// areaHistory plays a history, three bytes an event, to an allocator and to the naive one.
func areaHistory(t *testing.T, history []byte) {
	const pages = 4
	a := newAllocator(pages * pageSize)
	m := &naiveArea{owner: make([]int, pages*pageSize/8), asyncFree: pages * pageSize / 2, async: map[int]uint64{}}
	type held struct {
		b  *buffer
		id int
	}
	var all []held
	for i := 0; i+2 < len(history); i += 3 {
		op, x, y := history[i], uint64(history[i+1]), uint64(history[i+2])
		if op%8 < 3 && len(all) > 0 {
			k := int(x) % len(all)
			h := all[k]
			all = slices.Delete(all, k, k+1)
			var got []uint64
			off, n := a.release(h.b)
			for p := off; p < off+n; p += pageSize {
				got = append(got, p/pageSize)
			}
			if d := cmp.Diff(m.free(h.id), got); d != "" {
				t.Fatalf("event %d: unused pages (-want +got):\n%s", i/3, d)
			}
		} else {
			data, offsets, extra := x*uint64(op&0x70)/16+y, y/4, x&y
			async := op&0x80 != 0
			b, errno := a.alloc(data, offsets, extra, async, ProcessID(y%20))
			off, id, want := m.alloc(data, offsets, extra, async)
			if errno != want {
				t.Fatalf("event %d: alloc: %v, want %v", i/3, errno, want)
			}
			if errno != 0 {
				continue
			}
			if b.off != off {
				t.Fatalf("event %d: alloc at %d, want %d", i/3, b.off, off)
			}
			if end := b.extraOff() + align8(extra); end > b.end() || b.offsetsOff() < b.off+data {
				t.Fatalf("event %d: parts of %d to %d reach %d", i/3, b.off, b.end(), end)
			}
			all = append(all, held{b, id})
		}
		if err := a.check(); err != nil {
			t.Fatalf("event %d: %v", i/3, err)
		}
	}
	for _, h := range all {
		a.release(h.b)
	}
	if err := a.check(); err != nil {
		t.Fatal(err)
	}
	if a.inUse != 0 || a.first.size != a.size || a.asyncFree != a.size/2 {
		t.Errorf("something is left: %d buffers, first extent %d bytes, oneway %d bytes", a.inUse, a.first.size, a.asyncFree)
	}
}

func TestAllocatorHistories(t *testing.T) {
	histories := 60
	if testing.Short() {
		histories = 10
	}
	for seed := range histories {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		history := make([]byte, 3*400)
		for i := range history {
			history[i] = byte(r.Uint32())
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) { areaHistory(t, history) })
	}
}

func FuzzAllocator(f *testing.F) {
	f.Add([]byte{0x10, 200, 100, 0x90, 255, 255, 0, 0, 0, 0, 0, 0})
	f.Add(slices.Repeat([]byte{0xf7, 255, 255}, 12))
	f.Fuzz(func(t *testing.T, history []byte) {
		areaHistory(t, history[:min(len(history), 3*200)])
	})
}

func TestAllocatorDoesNotAllocate(t *testing.T) {
	a := newAllocator(1 << 20)
	var held [64]*buffer
	round := func() {
		for i := range held {
			held[i], _ = a.alloc(uint64(i)*24, 16, 0, i%2 == 0, ProcessID(i%8))
		}
		for i := range held { // every other first, so that extents split and join
			a.release(held[i*37%64])
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n != 0 {
		t.Errorf("%v allocations a round of 64 buffers, want 0", n)
	}
}

func BenchmarkAllocator(b *testing.B) {
	for _, others := range []int{0, 1000} {
		b.Run(fmt.Sprintf("others=%d", others), func(b *testing.B) {
			a := newAllocator(4 << 20)
			for i := range others { // holes of 256 bytes between them
				hole, _ := a.alloc(256, 0, 0, false, 0)
				a.alloc(uint64(i%64)*8, 0, 0, false, 0)
				defer a.release(hole)
			}
			b.ReportAllocs()
			for b.Loop() {
				x, _ := a.alloc(128, 16, 0, false, 0)
				a.release(x)
			}
		})
	}
}
