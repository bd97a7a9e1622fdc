package refcount

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The tests here play long random histories to a ledger and to a model of it that keeps as little as
// possible and counts everything anew each time it is asked. After each event both must agree, the
// ledger's invariants must hold, and every owner must have its node's work queued whenever its idea
// of the node is wrong.

// A modelProcess is a process and, in the test's hands, the broker's queues for it.
type modelProcess struct {
	table   *Table
	refs    map[Handle]*modelRef
	todo    []any // *Node, *Death, *Freeze
	objects []held
	frozen  bool
}

type modelRef struct {
	node         *modelNode
	strong, weak int
	death        *subscription
}

type modelNode struct {
	real                 *Node
	owner                *modelProcess // nil when dead
	strong, weak, pins   int           // local
	hasStrong, hasWeak   bool
	pendStrong, pendWeak bool
}

// held is a local hold that someone will undo.
type held struct {
	node   *modelNode
	strong bool
	pin    bool
}

// A subscription remembers what its client must and must not have heard.
type subscription struct {
	cookie           Cookie
	died             bool // the owner died while it was wanted
	heard, confirmed int
	cleared, refGone bool
}

type model struct {
	*testing.T
	ledger  *Ledger
	procs   []*modelProcess
	nodes   map[*Node]*modelNode
	manager *modelNode
	queued  map[any]*modelProcess // whose list a work is on
	loose   []held                // holds of transactions in flight, and pins
	deaths  map[*Death]*subscription
	event   int
}

const modelProcesses = 4

func newModel(t *testing.T) *model {
	m := &model{
		T: t, ledger: NewLedger(nil), nodes: map[*Node]*modelNode{},
		queued: map[any]*modelProcess{}, deaths: map[*Death]*subscription{},
	}
	for range modelProcesses {
		m.procs = append(m.procs, m.newProcess())
	}
	return m
}

func (m *model) newProcess() *modelProcess {
	p := &modelProcess{refs: map[Handle]*modelRef{}}
	p.table = m.ledger.NewTable(p)
	return p
}

func (m *model) failf(format string, args ...any) {
	m.Helper()
	m.Fatalf("event %d: %s", m.event, fmt.Sprintf(format, args...))
}

func (m *model) expect(what string, want, got any) {
	m.Helper()
	if want != got {
		m.failf("%s: %v, want %v", what, got, want)
	}
}

// The model's counting.

func (m *model) refsOf(n *modelNode) (strong, all int) {
	for _, p := range m.procs {
		for _, r := range p.refs {
			if r.node == n {
				all++
				if r.strong > 0 {
					strong++
				}
			}
		}
	}
	return strong, all
}

func (m *model) isHeld(n *modelNode) bool {
	_, all := m.refsOf(n)
	return all > 0 || n.strong > 0 || n.weak > 0 || n.pins > 0
}

// settle forgets n if nobody holds it and its owner has nothing to hear.
func (m *model) settle(n *modelNode) {
	if !m.isHeld(n) && (n.owner == nil || !n.hasStrong && !n.hasWeak) {
		delete(m.nodes, n.real)
		m.unqueue(n.real)
	}
}

func (m *model) refTo(p *modelProcess, n *modelNode) (Handle, *modelRef) {
	for h, r := range p.refs {
		if r.node == n {
			return h, r
		}
	}
	return 0, nil
}

func (m *model) lowestFree(p *modelProcess, n *modelNode) Handle {
	h := Handle(1)
	if n == m.manager {
		h = 0
	}
	for p.refs[h] != nil {
		h++
	}
	return h
}

// The broker's part.

func (m *model) queue(p *modelProcess, w any) {
	if m.queued[w] != nil {
		m.failf("%T is queued twice", w)
	}
	m.queued[w] = p
	p.todo = append(p.todo, w)
}

func (m *model) unqueue(w any) {
	if p := m.queued[w]; p != nil {
		i := slices.Index(p.todo, w)
		p.todo = slices.Delete(p.todo, i, i+1)
		delete(m.queued, w)
	}
}

func (m *model) change(n *Node, c Change) {
	switch {
	case c&NodeGone != 0:
		m.expect("change", NodeGone, c)
		if mn := m.nodes[n]; mn != nil && (m.isHeld(mn) || mn.owner != nil && (mn.hasStrong || mn.hasWeak)) {
			m.failf("node %d is gone, held: %+v", n.ID, mn)
		}
		m.unqueue(n)
	case c&MoveToThread != 0:
		m.unqueue(n)
		m.queue(n.Owner.Broker.(*modelProcess), n)
	case c&(TellThread|TellProcess) != 0:
		if m.queued[n] == nil {
			m.queue(n.Owner.Broker.(*modelProcess), n)
		}
	}
}

// Events.

// hold is IncRefFor on both sides.
func (m *model) hold(p *modelProcess, n *modelNode, strong, byOwner bool) {
	h, r := m.refTo(p, n)
	internal, _ := m.refsOf(n)
	refused := strong && !byOwner && internal == 0 && (r == nil || r.strong == 0) && !(n == m.manager && n.hasStrong)
	if r == nil {
		h = m.lowestFree(p, n)
	}
	got, c, err := p.table.IncRefFor(n.real, strong, byOwner)
	if refused {
		m.expect("IncRefFor", ErrNotHeld, err)
		return
	}
	m.expect("IncRefFor", nil, err)
	m.expect("handle", h, got.Handle)
	if r == nil {
		r = &modelRef{node: n}
		p.refs[h] = r
	}
	r.count(strong, 1)
	m.change(n.real, c)
}

func (r *modelRef) count(strong bool, by int) int {
	if strong {
		r.strong += by
		return r.strong
	}
	r.weak += by
	return r.weak
}

// send is p sending an object of its own to q.
func (m *model) send(p, q *modelProcess, ptr Pointer, strong bool) {
	if p == q {
		return
	}
	real := p.table.FindNode(ptr)
	var n *modelNode
	for _, candidate := range m.nodes {
		if candidate.owner == p && candidate.real.Pointer == ptr {
			n = candidate
		}
	}
	m.expect("node is known", n != nil, real != nil)
	if real == nil {
		var err error
		real, err = p.table.NewNode(ptr, Cookie(ptr)*3, 0)
		m.expect("NewNode", nil, err)
		n = &modelNode{real: real, owner: p}
		m.nodes[real] = n
	} else {
		m.expect("node", n.real, real)
		real.Pin()
	}
	n.pins++
	m.hold(q, n, strong, true)
	n.pins--
	m.change(real, real.Unpin())
	m.settle(n)
}

// pass is p sending what it has a handle for to q.
func (m *model) pass(p, q *modelProcess, h Handle, strong bool) {
	r, err := p.table.Ref(h), error(nil)
	if strong {
		r, err = p.table.StrongRef(h)
	}
	mr := p.refs[h]
	m.expect("ref can be passed", mr != nil && (!strong || mr.strong > 0), r != nil && err == nil)
	if r == nil {
		return
	}
	if mr.node.owner == q && q != nil {
		r.Node.IncLocal(strong)
		mr.node.local(strong, 1)
		q.objects = append(q.objects, held{node: mr.node, strong: strong})
	} else {
		m.hold(q, mr.node, strong, false)
	}
}

func (n *modelNode) local(strong bool, by int) {
	if strong {
		n.strong += by
	} else {
		n.weak += by
	}
}

func (m *model) inc(p *modelProcess, h Handle, strong bool) {
	var want error
	mr := p.refs[h]
	viaManager := false
	if h == 0 && m.manager != nil {
		if m.manager.owner == p {
			want, mr = ErrManagerItself, nil
		} else {
			_, r := m.refTo(p, m.manager)
			if r == nil {
				r = &modelRef{node: m.manager}
				h = m.lowestFree(p, m.manager)
				p.refs[h] = r
			} else {
				h, _ = m.refTo(p, m.manager)
			}
			mr, viaManager = r, true
		}
	}
	if want == nil && !viaManager {
		if mr == nil {
			want = ErrNoHandle
		} else if strong && mr.strong == 0 {
			want = ErrWeakOnly
		}
	}
	got, err := p.table.IncHandle(h0(viaManager, h), strong)
	m.expect("IncHandle", want, err)
	if err == nil {
		m.expect("handle", h, got.Handle)
		mr.count(strong, 1)
	}
}

func h0(viaManager bool, h Handle) Handle {
	if viaManager {
		return 0
	}
	return h
}

func (m *model) dec(p *modelProcess, h Handle, strong bool) {
	mr := p.refs[h]
	var want error
	switch {
	case mr == nil:
		want = ErrNoHandle
	case strong && mr.strong == 0:
		want = ErrWeakOnly
	case !strong && mr.weak == 0:
		want = ErrUnderflow
	}
	_, d, err := p.table.DecHandle(h, strong)
	m.expect("DecHandle", want, err)
	if err != nil {
		return
	}
	mr.count(strong, -1)
	gone := mr.strong+mr.weak == 0
	m.expect("ref gone", gone, d.RefGone)
	if gone {
		delete(p.refs, h)
	}
	m.dropped(d, mr)
}

// dropped is what the broker does with a Drop.
func (m *model) dropped(d Drop, mr *modelRef) {
	m.change(d.Node, d.Change)
	m.expect("death went with its ref", mr.death != nil && d.RefGone, d.Death != nil)
	if d.Death != nil {
		m.unqueue(d.Death)
		m.deaths[d.Death].refGone = true
	}
	if d.Freeze != nil {
		m.unqueue(d.Freeze)
	}
	m.settle(mr.node)
}

// read is p reading its oldest work.
func (m *model) read(p *modelProcess) {
	if len(p.todo) == 0 {
		return
	}
	w := p.todo[0]
	m.unqueue(w)
	switch w := w.(type) {
	case *Node:
		n := m.nodes[w]
		if n == nil {
			m.failf("node %d is gone and was queued", w.ID)
		}
		internal, all := m.refsOf(n)
		strong := internal > 0 || n.strong > 0
		weak := strong || all > 0 || n.weak > 0 || n.pins > 0
		var want Notice
		if weak && !n.hasWeak {
			want |= Increfs
			n.hasWeak, n.pendWeak = true, true
			n.weak++
		}
		if strong && !n.hasStrong {
			want |= Acquire
			n.hasStrong, n.pendStrong = true, true
			n.strong++
		}
		if !strong && n.hasStrong {
			want |= Release
			n.hasStrong = false
		}
		if !weak && n.hasWeak {
			want |= Decrefs
			n.hasWeak = false
		}
		got, gone := w.Announce()
		m.expect("announced", want, got)
		m.expect("node gone", !weak, gone)
		m.settle(n)
	case *Death:
		s := m.deaths[w]
		if w.Deliver() {
			s.confirmed++
		} else {
			s.heard++
		}
	case *Freeze:
		w.Deliver()
	}
}

func (m *model) done(p *modelProcess, ptr Pointer, cookie Cookie, strong bool) {
	var n *modelNode
	for _, candidate := range m.nodes {
		if candidate.owner == p && candidate.real.Pointer == ptr {
			n = candidate
		}
	}
	var want error
	switch {
	case n == nil:
		want = ErrNoNode
	case n.real.Cookie != cookie:
		want = ErrCookie
	case strong && !n.pendStrong, !strong && !n.pendWeak:
		want = ErrNotPending
	}
	real, c, err := p.table.Done(ptr, cookie, strong)
	m.expect("Done", want, err)
	if err != nil {
		return
	}
	if strong {
		n.pendStrong = false
	} else {
		n.pendWeak = false
	}
	n.local(strong, -1)
	m.change(real, c)
	m.settle(n)
}

// call is a transaction in flight, and its end.
func (m *model) call(p *modelProcess, h Handle) {
	r, err := p.table.StrongRef(h)
	if err != nil || r.Node.Owner == nil {
		return
	}
	n := m.nodes[r.Node]
	r.Node.IncLocal(strong)
	n.strong++
	m.loose = append(m.loose, held{node: n, strong: true})
	r.Node.Pin()
	n.pins++
	m.loose = append(m.loose, held{node: n, pin: true})
}

func (m *model) undo(h held) {
	n := h.node
	if h.pin {
		n.pins--
		m.change(n.real, n.real.Unpin())
	} else {
		if n.owner != nil {
			n.local(h.strong, -1)
		}
		m.change(n.real, n.real.DecLocal(h.strong))
	}
	m.settle(n)
}

func (m *model) request(p *modelProcess, h Handle, cookie Cookie) {
	r, mr := p.table.Ref(h), p.refs[h]
	if r == nil {
		return
	}
	d, queue, err := r.RequestDeath(cookie)
	if mr.death != nil {
		m.expect("RequestDeath", ErrSubscribed, err)
		return
	}
	m.expect("RequestDeath", nil, err)
	m.expect("queue", mr.node.owner == nil, queue)
	mr.death = &subscription{cookie: cookie, died: queue}
	m.deaths[d] = mr.death
	if queue {
		m.queue(p, d)
	}
}

func (m *model) clear(p *modelProcess, h Handle, cookie Cookie) {
	r, mr := p.table.Ref(h), p.refs[h]
	if r == nil {
		return
	}
	d, queue, err := r.ClearDeath(cookie)
	switch {
	case mr.death == nil:
		m.expect("ClearDeath", ErrNotSubscribed, err)
		return
	case mr.death.cookie != cookie:
		m.expect("ClearDeath", ErrCookie, err)
		return
	}
	m.expect("ClearDeath", nil, err)
	mr.death.cleared = true
	mr.death = nil
	if queue {
		m.queue(p, d)
	}
}

func (m *model) kill(i int) {
	p := m.procs[i]
	p.table.Release()
	if m.manager != nil && m.manager.owner == p {
		m.manager = nil
	}
	var want int
	var deaths []*Death
	var orphans int
	for {
		var n *Node
		var gone bool
		n, gone, deaths = p.table.OrphanNode(deaths)
		if n == nil {
			break
		}
		orphans++
		mn := m.nodes[n]
		mn.owner, mn.strong, mn.weak = nil, 0, 0
		mn.hasStrong, mn.hasWeak = false, false
		mn.pendStrong, mn.pendWeak = false, false
		m.unqueue(n)
		for _, q := range m.procs {
			if _, r := m.refTo(q, mn); r != nil && r.death != nil {
				r.death.died = true
				want++
			}
		}
		m.expect("orphan gone", !m.isHeld(mn), gone)
		m.settle(mn)
	}
	m.expect("deaths", want, len(deaths))
	for _, d := range deaths {
		m.queue(d.Table.Broker.(*modelProcess), d)
	}
	last := -1
	for {
		r, d, ok := p.table.DropRef()
		if !ok {
			break
		}
		if int(r.Handle) <= last {
			m.failf("handle %d dropped after %d", r.Handle, last)
		}
		last = int(r.Handle)
		mr := p.refs[r.Handle]
		delete(p.refs, r.Handle)
		m.dropped(d, mr)
	}
	m.expect("refs that were not dropped", 0, len(p.refs))
	for len(p.todo) > 0 {
		w := p.todo[0]
		if d, ok := w.(*Death); ok && !d.Confirms() && !d.Cleared() {
			m.failf("a notification outlived its ref")
		}
		m.unqueue(w)
	}
	m.procs[i] = m.newProcess()
}

func (m *model) becomeManager(p *modelProcess) {
	if m.manager != nil {
		return
	}
	n, err := p.table.NewNode(1<<20+Pointer(m.event), 0, 0)
	m.expect("NewNode", nil, err)
	m.expect("SetManager", nil, m.ledger.SetManager(n))
	mn := &modelNode{real: n, owner: p, strong: 1, weak: 1, hasStrong: true, hasWeak: true}
	m.nodes[n], m.manager = mn, mn
	m.expect("unpin", Change(0), n.Unpin())
}

func (m *model) freezes(p *modelProcess, h Handle, what byte) {
	r := p.table.Ref(h)
	if r == nil {
		return
	}
	switch what % 4 {
	case 0, 1:
		frozen := r.Node.Owner != nil && r.Node.Owner.Broker.(*modelProcess).frozen
		if f, queue, _ := r.RequestFreeze(Cookie(h), frozen); queue {
			m.queue(p, f)
		}
	case 2:
		if f, queue, _ := r.ClearFreeze(Cookie(h)); queue {
			m.queue(p, f)
		}
	case 3:
		p.frozen = !p.frozen
		for n := p.table.NodeFrom(0); n != nil; n = p.table.NodeAfter(n.Pointer) {
			for _, f := range n.SetFrozen(p.frozen, nil) {
				m.queue(f.Table.Broker.(*modelProcess), f)
			}
		}
	}
}

// step plays one event of four bytes.
func (m *model) step(e []byte) {
	p, q := m.procs[e[1]%modelProcesses], m.procs[e[2]%modelProcesses]
	h, small, strong := Handle(e[2]>>2%8), Pointer(e[3]%6), e[3]&0x80 != 0
	switch e[0] % 32 {
	case 0, 1, 2, 3, 4:
		m.send(p, q, small, strong)
	case 5, 6, 7:
		m.pass(p, q, Handle(e[3]%8), strong)
	case 8, 9:
		m.inc(p, h, strong)
	case 10, 11, 12, 13:
		m.dec(p, h, strong)
	case 14, 15, 16, 17, 18:
		m.read(p)
	case 19, 20, 21:
		m.done(p, small, Cookie(small)*3+Cookie(e[2]/250), strong)
	case 22:
		m.call(p, h)
	case 23, 24:
		if len(m.loose) > 0 {
			i := int(e[2]) % len(m.loose)
			h := m.loose[i]
			m.loose = slices.Delete(m.loose, i, i+1)
			m.undo(h)
		}
	case 25:
		if len(p.objects) > 0 { // a buffer is freed
			h := p.objects[0]
			p.objects = p.objects[1:]
			m.undo(h)
		}
	case 26, 27:
		m.request(p, h, Cookie(e[3]%4))
	case 28:
		m.clear(p, h, Cookie(e[3]%4))
	case 29:
		if d, queue, err := p.table.DeathDone(Cookie(e[3] % 4)); err == nil && queue {
			m.queue(p, d)
		}
	case 30:
		m.freezes(p, h, e[3])
		if f, queue, err := p.table.FreezeDone(Cookie(e[3] >> 2 % 8)); err == nil && queue {
			m.queue(p, f)
		}
	case 31:
		switch {
		case e[3] < 40:
			m.kill(int(e[1] % modelProcesses))
		case e[3] < 120:
			m.becomeManager(p)
		}
	}
}

// compare verifies that the ledger and the model agree.
func (m *model) compare() {
	m.Helper()
	if err := m.ledger.Check(); err != nil {
		m.failf("%v", err)
	}
	refs, deaths := 0, 0
	for i, p := range m.procs {
		if err := p.table.Check(); err != nil {
			m.failf("process %d: %v", i, err)
		}
		type ref struct {
			Node         ID
			Strong, Weak int
			Death        bool
		}
		want, got := map[Handle]ref{}, map[Handle]ref{}
		for h, r := range p.refs {
			want[h] = ref{r.node.real.ID, r.strong, r.weak, r.death != nil}
		}
		for r := p.table.RefFrom(0); r != nil; r = p.table.RefFrom(r.Handle + 1) {
			got[r.Handle] = ref{r.Node.ID, r.Strong, r.Weak, r.Death != nil}
			refs++
			if r.Death != nil {
				deaths++
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			m.failf("handles of process %d (-want +got):\n%s", i, d)
		}
	}
	m.expect("refs", refs, m.ledger.Totals().Refs)
	m.expect("nodes", len(m.nodes), m.ledger.Totals().Nodes)
	m.expect("deaths are counted", true, deaths <= m.ledger.Totals().Deaths)
	for real, n := range m.nodes {
		internal, all := m.refsOf(n)
		want := NodeCounts{n.hasStrong, n.hasWeak, n.pendStrong, n.pendWeak, n.strong, n.weak, internal, all, n.pins}
		if n.owner == nil {
			c := real.Counts() // what the owner knew does not count any more
			want.HasStrong, want.HasWeak = c.HasStrong, c.HasWeak
			m.expect("dead node has no owner", true, real.Owner == nil)
		} else {
			m.expect("node", real, n.owner.table.FindNode(real.Pointer))
		}
		if d := cmp.Diff(want, real.Counts()); d != "" {
			m.failf("node %d (-want +got):\n%s", real.ID, d)
		}
		// Whoever is misinformed will hear.
		strong := internal > 0 || n.strong > 0
		weak := strong || all > 0 || n.weak > 0
		if n.owner != nil && m.queued[real] == nil && n.pins == 0 && (strong != n.hasStrong || weak != n.hasWeak) {
			m.failf("node %d: its owner is not told: %+v", real.ID, real.Counts())
		}
	}
}

// finish lets everybody read and acknowledge all there is, kills all, and expects nothing left.
func (m *model) finish() {
	for _, h := range m.loose {
		m.undo(h)
	}
	m.loose = nil
	for busy := true; busy; {
		busy = false
		for _, p := range m.procs {
			for len(p.todo) > 0 {
				busy = true
				m.read(p)
			}
			for c := range Cookie(4) {
				for {
					d, queue, err := p.table.DeathDone(c)
					if err != nil {
						break
					}
					busy = true
					if queue {
						m.queue(p, d)
					}
				}
			}
			m.expect("has delivered deaths", false, p.table.HasDeliveredDeaths())
		}
		m.compare()
	}
	living := map[*Table]bool{}
	for _, p := range m.procs {
		living[p.table] = true
	}
	for d, s := range m.deaths {
		if !living[d.Table] {
			continue
		}
		m.expect("heard more often than once", false, s.heard > 1 || s.confirmed > 1)
		m.expect("heard of a death that was none", false, s.heard > 0 && !s.died)
		if !s.refGone {
			m.expect("heard of the death", s.died, s.heard == 1)
			m.expect("confirmed", s.cleared, s.confirmed == 1)
		}
	}
	for i := range m.procs {
		m.kill(i)
		m.compare()
	}
	m.expect("nodes of the model", 0, len(m.nodes))
	m.expect("totals", Totals{}, m.ledger.Totals())
	m.expect("work", 0, len(m.queued))
}

func play(t *testing.T, history []byte) {
	m := newModel(t)
	for ; len(history) >= 4; history = history[4:] {
		m.event++
		m.step(history[:4])
		m.compare()
	}
	m.finish()
}

func TestHistories(t *testing.T) {
	histories, events := 40, 500
	if testing.Short() {
		histories = 15
	}
	for seed := range histories {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(uint64(seed), 7))
			history := make([]byte, 4*events)
			for i := range history {
				history[i] = byte(r.Uint32())
			}
			play(t, history)
		})
	}
}

func FuzzHistory(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0x81, 14, 0, 0, 0, 19, 0, 0, 1, 26, 1, 4, 1, 31, 0, 0, 0, 14, 1, 0, 0})
	f.Add([]byte{31, 0, 0, 100, 8, 1, 0, 0x80, 31, 0, 0, 0, 31, 2, 0, 100, 8, 1, 0, 0x80})
	f.Fuzz(func(t *testing.T, history []byte) {
		play(t, history[:min(len(history), 4*300)])
	})
}

// TestNumbers plays takes and gives to the set and to a map.
func TestNumbers(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s numbers
	in := map[uint32]bool{}
	lowest := func() uint32 {
		n := uint32(0)
		for in[n] {
			n++
		}
		return n
	}
	for i := range 8_000 {
		grow := i/2000%2 == 0 // up and back
		if len(in) == 0 || grow == (r.IntN(4) > 0) {
			want := lowest()
			if got := s.take(); got != want {
				t.Fatalf("step %d: took %d, want %d", i, got, want)
			}
			in[want] = true
		} else {
			all := slices.Sorted(maps.Keys(in))
			n := all[r.IntN(len(all))]
			s.give(n)
			delete(in, n)
		}
		if i%100 == 0 {
			var got []uint32
			for n, ok := s.from(0); ok; n, ok = s.from(n + 1) {
				got = append(got, n)
			}
			if d := cmp.Diff(slices.Sorted(maps.Keys(in)), got); d != "" {
				t.Fatalf("step %d: numbers (-want +got):\n%s", i, d)
			}
		}
	}
	for n := range in {
		s.give(n)
	}
	for range 300_000 { // a third level
		s.take()
	}
	s.give(262_143)
	if got := s.take(); got != 262_143 {
		t.Errorf("took %d, want 262143", got)
	}
}
