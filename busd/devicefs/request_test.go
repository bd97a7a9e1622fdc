package devicefs

import (
	"math/rand/v2"
	"testing"
)

// An interrupt finds its request, comes before it, or comes too late.
func TestInterruptFindsItsRequest(t *testing.T) {
	var table requests
	o := &open{server: &Server{}}

	q := table.add(o, 10, 1)
	if q.call.Interrupted {
		t.Error("interrupted without an interrupt")
	}
	if got := table.pin(10); got != q {
		t.Errorf("pin found %p, want %p", got, q)
	}
	table.remove(q)
	table.free(q)
	if again := table.add(o, 12, 1); again == q {
		t.Error("a pinned request was used again")
	}
	table.unpin(q)
	if again := table.add(o, 14, 1); again != q {
		t.Error("an unpinned request is not used again")
	}

	if table.pin(16) != nil {
		t.Error("pin found a request that is not there")
	}
	if q := table.add(o, 16, 1); !q.call.Interrupted {
		t.Error("an interrupt that came first was forgotten")
	}
	if q := table.add(o, 18, 1); q.call.Interrupted {
		t.Error("one interrupt for two requests")
	}

	table.pin(20) // too late, for one answered long ago
	for u := uint64(100); u < 100+2*earlyTTL; u += 2 {
		q := table.add(o, u, 1)
		table.remove(q)
		table.free(q)
	}
	if table.early != (early{}) {
		t.Error("interrupts that came too late are kept for ever")
	}
}

// Random histories of the table against a map.
func TestRequestTable(t *testing.T) {
	var table requests
	o := &open{server: &Server{}}
	model := map[uint64]*request{}
	r := rand.New(rand.NewPCG(1, 2))
	next := uint64(2)
	for range 50000 {
		switch {
		case r.IntN(2) == 0 && len(model) < 3000:
			model[next] = table.add(o, next, 1)
			next += 2 * (1 + r.Uint64N(3))
		default:
			for u, q := range model { // any
				if got := table.pin(u); got != q || q.unique != u {
					t.Fatalf("request %d: found %v", u, got)
				}
				table.unpin(q)
				table.remove(q)
				table.free(q)
				delete(model, u)
				break
			}
		}
	}
	n := 0
	for _, q := range table.buckets {
		for ; q != nil; q = q.next {
			if model[q.unique] != q {
				t.Errorf("request %d is in the table and should not be", q.unique)
			}
			n++
		}
	}
	if n != len(model) {
		t.Errorf("%d requests in the table, want %d", n, len(model))
	}
}

func TestOpensTable(t *testing.T) {
	var table opens
	model := map[uint64]*open{}
	r := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		if r.IntN(5) < 3 {
			o := &open{}
			h := table.add(o)
			if h == 0 || h != o.handle || model[h] != nil {
				t.Fatalf("handle %#x", h)
			}
			model[h] = o
			continue
		}
		for h, o := range model { // any
			if table.get(h) != o || table.remove(h) != o || table.remove(h) != nil || table.get(h) != nil {
				t.Fatalf("handle %#x", h)
			}
			delete(model, h)
			break
		}
	}
	for h, o := range model {
		if table.get(h) != o {
			t.Errorf("handle %#x is lost", h)
		}
	}
	for _, h := range []uint64{0, 1, ^uint64(0), 1 << 63} {
		if table.get(h) != nil {
			t.Errorf("handle %#x is known", h)
		}
	}
	n := 0
	table.each(func(*open) { n++ })
	if n != len(model) {
		t.Errorf("each found %d, want %d", n, len(model))
	}
}
