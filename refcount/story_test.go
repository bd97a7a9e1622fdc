package refcount

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A story is a ledger with the processes of a test.
type story struct {
	*testing.T
	*Ledger
	tables []*Table
}

// newStory makes a ledger of n processes.
func newStory(t *testing.T, n int) (*story, []*Table) {
	s := &story{T: t, Ledger: NewLedger(nil)}
	for i := range n {
		s.tables = append(s.tables, s.NewTable(i))
	}
	return s, s.tables
}

// check verifies all invariants.
func (s *story) check() {
	s.Helper()
	if err := s.Ledger.Check(); err != nil {
		s.Fatal(err)
	}
	for i, t := range s.tables {
		if err := t.Check(); err != nil {
			s.Fatalf("process %d: %v", i, err)
		}
	}
}

// equal compares what is with what should be.
func (s *story) equal(what string, want, got any) {
	s.Helper()
	if d := cmp.Diff(want, got); d != "" {
		s.Fatalf("%s (-want +got):\n%s", what, d)
	}
	s.check()
}

// fails expects an error.
func (s *story) fails(what string, want, got error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Fatalf("%s: %v, want %v", what, got, want)
	}
	s.check()
}

// sends is from sending its object at p to the process to.
func (s *story) sends(from *Table, p Pointer, to *Table, strong bool, want Change) *Ref {
	s.Helper()
	n := from.FindNode(p)
	if n == nil {
		var err error
		if n, err = from.NewNode(p, Cookie(p)+1, 0); err != nil {
			s.Fatal(err)
		}
	} else {
		n.Pin()
	}
	r, c, err := to.IncRefFor(n, strong, true)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("sending: change", want, c)
	s.equal("sending: unpin", Change(0), n.Unpin())
	return r
}

// announces is the owner reading its node's work.
func (s *story) announces(n *Node, want Notice, wantGone bool) {
	s.Helper()
	got, gone := n.Announce()
	s.equal("announced", want.String(), got.String())
	s.equal("gone", wantGone, gone)
}

// acknowledges is a BC_INCREFS_DONE or BC_ACQUIRE_DONE.
func (s *story) acknowledges(n *Node, strong bool, want Change) {
	s.Helper()
	_, c, err := n.Owner.Done(n.Pointer, n.Cookie, strong)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("acknowledging: change", want, c)
}

// drops gives back one hold.
func (s *story) drops(r *Ref, strong bool, want Change, wantGone bool) Drop {
	s.Helper()
	d, err := r.Dec(strong)
	if err != nil {
		s.Fatal(err)
	}
	s.equal("dropping: change", want, d.Change)
	s.equal("dropping: ref gone", wantGone, d.RefGone)
	return d
}

// kills ends a process, dropping everything.
func (s *story) kills(t *Table) (deaths []*Death) {
	s.Helper()
	t.Release()
	for {
		var n *Node
		if n, _, deaths = t.OrphanNode(deaths); n == nil {
			break
		}
		s.check()
	}
	for {
		if _, _, ok := t.DropRef(); !ok {
			break
		}
		s.check()
	}
	s.equal("nodes and refs of the dead", [2]int{}, [2]int{t.NumNodes(), t.NumRefs()})
	return deaths
}

// String names the commands.
func (n Notice) String() string {
	var names []string
	for i, name := range []string{"increfs", "acquire", "release", "decrefs"} {
		if n&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " ")
}

const strong, weak = true, false

func TestHandshake(t *testing.T) {
	s, p := newStory(t, 3)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	s.announces(n, Increfs|Acquire, false)
	s.acknowledges(n, weak, 0)
	s.acknowledges(n, strong, 0)
	s.announces(n, 0, false)

	// A second holder is nobody's news.
	r2 := s.sends(p[0], 100, p[2], strong, 0)
	s.drops(r, strong, 0, true)

	s.drops(r2, strong, TellProcess, true)
	s.announces(n, Release|Decrefs, true)
	s.equal("totals", Totals{}, s.Totals())
}

func TestWeakHandshake(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], weak, TellThread)
	n := r.Node
	s.announces(n, Increfs, false)
	s.acknowledges(n, weak, 0)

	r2 := s.sends(p[0], 100, p[1], strong, MoveToThread)
	if r2 != r {
		t.Fatal("the same node came under another handle")
	}
	s.announces(n, Acquire, false)
	s.acknowledges(n, strong, 0)
	s.drops(r, strong, TellProcess, false)
	s.announces(n, Release, false)
	s.drops(r, weak, TellProcess, true)
	s.announces(n, Decrefs, true)
}

func TestGoneBeforeTheOwnerReads(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	s.drops(r, strong, NodeGone, true)
	s.equal("node", true, p[0].FindNode(100) == nil)
	s.equal("totals", Totals{}, s.Totals())
}

func TestDroppedBeforeAcknowledged(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	s.announces(n, Increfs|Acquire, false)
	s.drops(r, strong, 0, true) // what is pending holds it
	s.acknowledges(n, strong, TellProcess)
	s.acknowledges(n, weak, TellProcess)
	s.announces(n, Release|Decrefs, true)
}

func TestUnsentNode(t *testing.T) {
	s, p := newStory(t, 1)
	n, err := p[0].NewNode(100, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.equal("unpin", NodeGone, n.Unpin())
	s.equal("totals", Totals{}, s.Totals())
}

func TestDoneOfNothing(t *testing.T) {
	s, p := newStory(t, 2)
	n := s.sends(p[0], 100, p[1], strong, MoveToThread).Node
	done := func(ptr Pointer, c Cookie, strong bool) error {
		_, _, err := p[0].Done(ptr, c, strong)
		return err
	}
	s.fails("before it was announced", ErrNotPending, done(100, 101, strong))
	s.announces(n, Increfs|Acquire, false)
	s.fails("wrong pointer", ErrNoNode, done(99, 101, strong))
	s.fails("wrong cookie", ErrCookie, done(100, 100, strong))
	s.fails("right", nil, done(100, 101, strong))
	s.fails("twice", ErrNotPending, done(100, 101, strong))
}

func TestOnlyTheOwnerMakesStrong(t *testing.T) {
	s, p := newStory(t, 3)
	r := s.sends(p[0], 100, p[1], weak, TellThread)
	_, err := p[1].IncHandle(r.Handle, strong)
	s.fails("acquiring a weak handle", ErrWeakOnly, err)
	_, err = r.Inc(strong, false)
	s.fails("making it strong", ErrNotHeld, err)
	_, _, err = p[2].IncRefFor(r.Node, strong, false)
	s.fails("passing it on strongly", ErrNotHeld, err)
	s.equal("handles of whom it was not passed to", 0, p[2].NumRefs())
	r2, _, err := p[2].IncRefFor(r.Node, weak, false)
	s.fails("passing it on weakly", nil, err)
	s.sends(p[0], 100, p[1], strong, MoveToThread)
	_, err = r2.Inc(strong, false)
	s.fails("making it strong while another holds it", nil, err)
}

func TestUnderflow(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	_, _, err := p[1].DecHandle(r.Handle, weak)
	s.fails("giving back weak", ErrUnderflow, err)
	_, err = p[1].IncHandle(r.Handle, weak)
	s.fails("taking weak", nil, err)
	s.drops(r, strong, 0, false)
	_, _, err = p[1].DecHandle(r.Handle, strong)
	s.fails("giving back strong twice", ErrWeakOnly, err)
	_, _, err = p[1].DecHandle(r.Handle+1, weak)
	s.fails("an unknown handle", ErrNoHandle, err)
	_, _, err = p[1].DecHandle(^Handle(0), weak)
	s.fails("the last handle", ErrNoHandle, err)
	_, d, err := p[1].DecHandle(r.Handle, weak)
	s.fails("giving back weak", nil, err)
	s.equal("change", NodeGone, d.Change)
}

func TestTransactionHoldsItsTarget(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	s.announces(n, Increfs|Acquire, false)
	s.acknowledges(n, weak, 0)
	s.acknowledges(n, strong, 0)
	n.IncLocal(strong)
	s.drops(r, strong, TellProcess, true) // the caller lets go of it, or dies
	s.announces(n, 0, false)              // the driver asks again, too
	s.equal("the buffer is freed", TellProcess, n.DecLocal(strong))
	s.announces(n, Release|Decrefs, true)
}

func TestAcknowledgedDuringATransaction(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	s.announces(n, Increfs|Acquire, false)
	n.IncLocal(strong)
	s.drops(r, strong, 0, true)
	s.acknowledges(n, weak, TellProcess) // the driver counts no strong hold as a weak one here
	s.announces(n, 0, false)
	s.acknowledges(n, strong, TellProcess)
	s.announces(n, 0, false)
	s.equal("the buffer is freed", TellProcess, n.DecLocal(strong))
	s.announces(n, Release|Decrefs, true)
}

func TestPin(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], weak, TellThread)
	n := r.Node
	s.announces(n, Increfs, false)
	s.acknowledges(n, weak, 0)
	n.Pin()
	s.drops(r, weak, 0, true)
	s.announces(n, 0, false)
	s.equal("unpin", TellProcess, n.Unpin())
	s.announces(n, Decrefs, true)
}

func TestTransactionOutlivesTheOwner(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	n.Pin()
	n.IncLocal(strong)
	s.kills(p[0])
	s.equal("the owner's holds", Change(0), n.DecLocal(strong))
	s.drops(r, strong, 0, true)
	s.equal("unpin", NodeGone, n.Unpin())
	s.equal("totals", Totals{}, s.Totals())
}

func TestLowestFreeHandle(t *testing.T) {
	s, p := newStory(t, 2)
	var refs []*Ref
	for i := range 200 {
		r := s.sends(p[0], Pointer(i), p[1], strong, MoveToThread)
		s.equal("handle", Handle(i+1), r.Handle)
		refs = append(refs, r)
	}
	for _, h := range []int{150, 3, 64, 65} {
		s.drops(refs[h-1], strong, NodeGone, true)
	}
	for i, want := range []Handle{3, 64, 65, 150, 201} {
		s.equal("handle", want, s.sends(p[0], Pointer(1000+i), p[1], strong, MoveToThread).Handle)
	}
}

func TestContextManager(t *testing.T) {
	s, p := newStory(t, 4)
	_, err := p[1].IncHandle(0, strong)
	s.fails("without a manager", ErrNoHandle, err)

	manager := func(t *Table, ptr Pointer) *Node {
		n, err := t.NewNode(ptr, 0, 0)
		if err != nil {
			s.Fatal(err)
		}
		s.fails("becoming the manager", nil, s.SetManager(n))
		s.fails("a second manager", ErrManagerSet, s.SetManager(n))
		s.equal("unpin", Change(0), n.Unpin())
		return n
	}
	first := manager(p[0], 0)
	_, err = p[0].IncHandle(0, weak)
	s.fails("the manager itself", ErrManagerItself, err)

	s.equal("another's handle", Handle(1), s.sends(p[2], 100, p[1], strong, MoveToThread).Handle)
	r, err := p[1].IncHandle(0, strong)
	s.fails("acquiring 0", nil, err)
	s.equal("node", first.ID, r.Node.ID)
	s.equal("handle", Handle(0), r.Handle)
	s.announces(first, 0, false) // its owner is taken to have acquired it

	// It dies; who holds it keeps 0 for the dead node, others get the new manager there.
	s.kills(p[0])
	s.equal("manager", true, s.Manager() == nil)
	_, err = p[1].IncHandle(0, strong)
	s.fails("acquiring the dead manager", nil, err)
	second := manager(p[3], 7)
	r1, err := p[1].IncHandle(0, strong)
	s.fails("acquiring 0 while it is taken", nil, err)
	s.equal("handle", Handle(2), r1.Handle)
	s.equal("node", second.ID, r1.Node.ID)
	r2, err := p[2].IncHandle(0, weak)
	s.fails("acquiring 0", nil, err)
	s.equal("handle", Handle(0), r2.Handle)
}

func TestOwnerDeath(t *testing.T) {
	s, p := newStory(t, 3)
	r1 := s.sends(p[0], 100, p[1], strong, MoveToThread)
	r2 := s.sends(p[0], 100, p[2], weak, TellThread)
	lone := s.sends(p[0], 200, p[1], strong, MoveToThread)
	d1, queue, err := r1.RequestDeath(7)
	s.fails("request", nil, err)
	s.equal("queue", false, queue)
	s.drops(lone, strong, NodeGone, true)

	deaths := s.kills(p[0])
	s.equal("deaths", true, len(deaths) == 1 && deaths[0] == d1)
	s.equal("dead node", r1.Node.ID, s.DeadBefore(math.MaxInt64).ID)
	s.equal("confirms", false, d1.Deliver())

	_, queue, err = r2.RequestDeath(8) // late
	s.fails("late request", nil, err)
	s.equal("queue", true, queue)

	s.drops(r1, strong, 0, true)
	d := s.drops(r2, weak, NodeGone, true)
	s.equal("the subscription that went with it", Cookie(8), d.Death.Cookie)
	s.equal("totals", Totals{}, s.Totals())
	_, _, err = p[1].DeathDone(7) // it went with its ref
	s.fails("done", ErrNotDelivered, err)

	_, err = p[0].NewNode(1, 1, 0)
	s.fails("a node of the dead", ErrReleased, err)
	n := s.sends(p[1], 1, p[2], strong, MoveToThread).Node
	_, _, err = p[0].IncRefFor(n, strong, true)
	s.fails("a handle for the dead", ErrReleased, err)
}

// TestDeathSubscription tells each way of a subscription in a line: "request", "clear", "dies",
// "read" (the queued notification is read) and "done", and what each answers.
func TestDeathSubscription(t *testing.T) {
	for _, tt := range []struct{ name, steps, want string }{
		{"cleared while alive", "request clear read", "ok queue confirmed"},
		{"hears", "request dies read done", "ok queue dead ok"},
		{"clears afterwards", "request dies read done clear read", "ok queue dead ok queue confirmed"},
		{"clears before it reads", "request dies clear read done read", "ok queue ok dead queue confirmed"},
		{"clears before it is done", "request dies read clear done read", "ok queue dead ok queue confirmed"},
		{"asks too late", "dies request read done", "none queue dead ok"},
		{"asks twice", "request request clear", "ok subscribed queue"},
		{"asks again", "request clear request dies read read", "ok queue ok queue confirmed dead"},
		{"asks again after the death", "request dies clear request read read done done read", "ok queue ok queue dead dead queue ok confirmed"},
		{"clears nothing", "clear", "not-subscribed"},
		{"clears twice", "request clear clear", "ok queue not-subscribed"},
		{"wrong cookie", "request clear-other clear", "ok cookie queue"},
		{"done for nothing", "request done dies done read done done", "ok not-delivered queue not-delivered dead ok not-delivered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, p := newStory(t, 2)
			r := s.sends(p[0], 100, p[1], strong, MoveToThread)
			var todo []*Death
			var got []string
			answer := func(d *Death, queue bool, err error) string {
				switch {
				case err != nil:
					return map[error]string{ErrSubscribed: "subscribed", ErrNotSubscribed: "not-subscribed", ErrCookie: "cookie", ErrNotDelivered: "not-delivered"}[err]
				case queue:
					todo = append(todo, d)
					return "queue"
				}
				return "ok"
			}
			for _, step := range strings.Fields(tt.steps) {
				a := ""
				switch step {
				case "request":
					a = answer(r.RequestDeath(7))
				case "clear":
					a = answer(r.ClearDeath(7))
				case "clear-other":
					a = answer(r.ClearDeath(8))
				case "done":
					a = answer(p[1].DeathDone(7))
				case "dies":
					a = "none"
					if deaths := s.kills(p[0]); len(deaths) > 0 {
						todo = append(todo, deaths...)
						a = "queue"
					}
				case "read":
					a = "dead"
					confirms := todo[0].Confirms()
					if todo[0].Deliver() {
						a = "confirmed"
					}
					s.equal("confirms", confirms, a == "confirmed")
					todo = todo[1:]
				}
				got = append(got, a)
				s.check()
			}
			s.equal("answers", tt.want, strings.Join(got, " "))
			s.kills(p[1])
			s.kills(p[0])
			s.equal("totals", Totals{}, s.Totals())
		})
	}
}

// TestFreezeSubscription is like TestDeathSubscription.
func TestFreezeSubscription(t *testing.T) {
	for _, tt := range []struct{ name, steps, want string }{
		{"hears the state at once", "request read done freeze read done", "queue thawed ok queue frozen ok"},
		{"hears the newest only", "request freeze thaw freeze read done", "queue ok ok ok frozen ok"},
		{"hears again what changed meanwhile", "request read freeze done read done", "queue thawed ok queue frozen ok"},
		{"hears again what changed back", "request read freeze thaw done read done", "queue thawed ok ok queue thawed ok"},
		{"no news", "request read thaw done", "queue thawed ok ok"},
		{"clears", "request read done clear read", "queue thawed ok queue confirmed"},
		{"clears before it reads", "request clear read", "queue ok confirmed"},
		{"clears before it is done", "request read clear done read", "queue thawed ok queue confirmed"},
		{"asks twice", "request request", "queue subscribed"},
		{"the owner is dead", "dies request clear read", "ok ok queue confirmed"},
		{"wrong cookie", "request clear-other", "queue cookie"},
		{"clears nothing", "clear", "not-subscribed"},
		{"done for nothing", "request done", "queue not-delivered"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, p := newStory(t, 2)
			r := s.sends(p[0], 100, p[1], strong, MoveToThread)
			var todo []*Freeze
			var got []string
			answer := func(f *Freeze, queue bool, err error) string {
				switch {
				case err != nil:
					return map[error]string{ErrSubscribed: "subscribed", ErrNotSubscribed: "not-subscribed", ErrCookie: "cookie", ErrNotDelivered: "not-delivered"}[err]
				case queue:
					todo = append(todo, f)
					return "queue"
				}
				return "ok"
			}
			for _, step := range strings.Fields(tt.steps) {
				a := ""
				switch step {
				case "request":
					a = answer(r.RequestFreeze(7, false))
				case "clear":
					a = answer(r.ClearFreeze(7))
				case "clear-other":
					a = answer(r.ClearFreeze(8))
				case "done":
					a = answer(p[1].FreezeDone(7))
				case "dies":
					s.kills(p[0])
					a = "ok"
				case "freeze", "thaw":
					a = "ok"
					if fs := r.Node.SetFrozen(step == "freeze", nil); len(fs) > 0 {
						todo = append(todo, fs...)
						a = "queue"
					}
				case "read":
					a = "thawed"
					if todo[0].Frozen {
						a = "frozen"
					}
					confirms := todo[0].Confirms()
					if todo[0].Deliver() {
						a = "confirmed"
					}
					s.equal("confirms", confirms, a == "confirmed")
					todo = todo[1:]
				}
				got = append(got, a)
				s.check()
			}
			s.equal("answers", tt.want, strings.Join(got, " "))
			s.kills(p[1])
			s.kills(p[0])
			s.equal("totals", Totals{}, s.Totals())
		})
	}
}

// TestMany takes a process of many handles and many nodes apart; it would not end in reasonable time
// if that cost were quadratic.
func TestMany(t *testing.T) {
	const many = 100_000
	l := NewLedger(nil)
	server, client, other := l.NewTable(nil), l.NewTable(nil), l.NewTable(nil)
	for i := range many {
		n, _ := server.NewNode(Pointer(i*8), 0, 0)
		client.IncRefFor(n, strong, true)
		n.Unpin()
		n.Announce()
		server.Done(n.Pointer, 0, weak)
		server.Done(n.Pointer, 0, strong)

		n, _ = client.NewNode(Pointer(many-i), 0, 0)
		r, _, _ := other.IncRefFor(n, strong, true)
		n.Unpin()
		r.RequestDeath(1)
	}
	client.Release()
	var deaths []*Death
	for n := client.nodes.from(key{}); n != nil; {
		n, _, deaths = client.OrphanNode(deaths)
	}
	told, refs := 0, 0
	for want := Handle(1); ; want++ {
		r, d, ok := client.DropRef()
		if !ok {
			break
		}
		if r.Handle != want {
			t.Fatalf("dropped handle %d, want %d", r.Handle, want)
		}
		refs++
		if d.Change == TellProcess {
			told++
		}
	}
	if len(deaths) != many || told != many || refs != many {
		t.Errorf("%d deaths, %d owners told, %d refs; want %d of each", len(deaths), told, refs, many)
	}
	for _, d := range deaths {
		d.Deliver()
	}
	for range deaths { // they all have the same cookie
		if _, _, err := other.DeathDone(1); err != nil {
			t.Fatal(err)
		}
	}
	for _, table := range []*Table{server, client, other} {
		if err := table.Check(); err != nil {
			t.Error(err)
		}
	}
	if client.refs != nil && cap(client.refs) > 2*shrinkFrom {
		t.Errorf("an empty table keeps room for %d handles", cap(client.refs))
	}
}

func TestCursors(t *testing.T) {
	s, p := newStory(t, 2)
	for _, ptr := range []Pointer{30, 10, ^Pointer(0), 0, 20} {
		s.sends(p[0], ptr, p[1], strong, MoveToThread)
	}
	var nodes []Pointer
	for n := p[0].NodeFrom(0); n != nil; n = p[0].NodeAfter(n.Pointer) {
		nodes = append(nodes, n.Pointer)
	}
	s.equal("nodes", []Pointer{0, 10, 20, 30, ^Pointer(0)}, nodes)

	s.drops(p[1].Ref(2), strong, NodeGone, true)
	var refs []Handle
	for r := p[1].RefFrom(0); r != nil; r = p[1].RefFrom(r.Handle + 1) {
		refs = append(refs, r.Handle)
	}
	s.equal("refs", []Handle{1, 3, 4, 5}, refs)

	s.kills(p[0])
	var dead []ID
	for n := s.DeadBefore(math.MaxInt64); n != nil; n = s.DeadBefore(n.Orphaned) {
		dead = append(dead, n.ID)
	}
	s.equal("dead nodes", 4, len(dead))
}

func TestBrokerBugsPanic(t *testing.T) {
	for _, tt := range []struct {
		name string
		bug  func(s *story, a *Table, r *Ref)
	}{
		{"unpin", func(s *story, a *Table, r *Ref) { r.Node.Unpin() }},
		{"strong", func(s *story, a *Table, r *Ref) { r.Node.DecLocal(strong) }},
		{"weak", func(s *story, a *Table, r *Ref) { r.Node.DecLocal(weak) }},
		{"two nodes", func(s *story, a *Table, r *Ref) { a.NewNode(100, 0, 0) }},
		{"orphan of the living", func(s *story, a *Table, r *Ref) { a.OrphanNode(nil) }},
		{"drop of the living", func(s *story, a *Table, r *Ref) { r.Table.DropRef() }},
		{"unqueued death", func(s *story, a *Table, r *Ref) { d, _, _ := r.RequestDeath(1); d.Deliver() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, p := newStory(t, 2)
			r := s.sends(p[0], 100, p[1], strong, MoveToThread)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			tt.bug(s, p[0], r)
		})
	}
}

func TestCountingDoesNotAllocate(t *testing.T) {
	s, p := newStory(t, 2)
	r := s.sends(p[0], 100, p[1], strong, MoveToThread)
	n := r.Node
	n.Announce()
	round := func() {
		p[1].IncHandle(r.Handle, strong)
		p[1].DecHandle(r.Handle, strong)
		p[1].IncRefFor(n, weak, true)
		p[1].DecHandle(r.Handle, weak)
		n.Pin()
		n.IncLocal(strong)
		n.DecLocal(strong)
		n.Unpin()
		n.Announce()
		p[0].FindNode(100)
	}
	if allocs := testing.AllocsPerRun(100, round); allocs != 0 {
		t.Errorf("%v allocations, want 0", allocs)
	}
}

func BenchmarkCounting(b *testing.B) {
	for _, others := range []int{0, 100_000} {
		l := NewLedger(nil)
		owner, holder := l.NewTable(nil), l.NewTable(nil)
		var r *Ref
		for i := range others + 1 {
			n, _ := owner.NewNode(Pointer(i), 0, 0)
			r, _, _ = holder.IncRefFor(n, strong, true)
			n.Unpin()
		}
		name := func(what string) string { return fmt.Sprintf("%s/others=%d", what, others) }
		b.Run(name("handle"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				holder.IncHandle(r.Handle, strong)
				holder.DecHandle(r.Handle, strong)
			}
		})
		b.Run(name("sent"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n := owner.FindNode(r.Node.Pointer)
				n.Pin()
				again, _, _ := holder.IncRefFor(n, strong, true)
				n.Unpin()
				again.Dec(strong)
			}
		})
		b.Run(name("new"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, _ := owner.NewNode(1<<40, 0, 0)
				r, _, _ := holder.IncRefFor(n, strong, true)
				n.Unpin()
				r.Dec(strong)
			}
		})
	}
}
