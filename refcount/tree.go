package refcount

import "math/rand/v2"

// A tree keeps values in the order of their keys. The links live in the values, so it allocates
// nothing. It is a treap: random priorities keep it balanced whatever keys a client chooses.
type tree[V any] struct {
	root *link[V]
	len  int
}

// A link is a value's place in a tree.
type link[V any] struct {
	left, right *link[V]
	value       *V // nil while in no tree
	key         key
	priority    uint32
}

// A key orders values: by major, then by minor.
type key struct{ major, minor uint64 }

func (k key) less(o key) bool {
	return k.major < o.major || k.major == o.major && k.minor < o.minor
}

// insert adds v, whose link is l, under a key that no other value has.
func (t *tree[V]) insert(l *link[V], v *V, k key) {
	l.value, l.key, l.priority = v, k, rand.Uint32()
	p := &t.root
	for *p != nil && (*p).priority >= l.priority {
		if k.less((*p).key) {
			p = &(*p).left
		} else {
			p = &(*p).right
		}
	}
	low, high := &l.left, &l.right
	for n := *p; n != nil; {
		if n.key.less(k) {
			*low, low, n = n, &n.right, n.right
		} else {
			*high, high, n = n, &n.left, n.left
		}
	}
	*low, *high = nil, nil
	*p = l
	t.len++
}

// remove takes out the value whose link is l.
func (t *tree[V]) remove(l *link[V]) {
	p := &t.root
	for *p != l {
		if *p == nil {
			panic("refcount: removed from a tree it is not in")
		}
		if l.key.less((*p).key) {
			p = &(*p).left
		} else {
			p = &(*p).right
		}
	}
	a, b := l.left, l.right
	for a != nil && b != nil {
		if a.priority >= b.priority {
			*p, p, a = a, &a.right, a.right
		} else {
			*p, p, b = b, &b.left, b.left
		}
	}
	if a == nil {
		a = b
	}
	*p = a
	*l = link[V]{}
	t.len--
}

// from is the value with the lowest key that is not below k, or nil.
func (t *tree[V]) from(k key) *V {
	var best *V
	for n := t.root; n != nil; {
		if n.key.less(k) {
			n = n.right
		} else {
			best, n = n.value, n.left
		}
	}
	return best
}

// find is the value with key k, or nil.
func (t *tree[V]) find(k key) *V {
	for n := t.root; n != nil; {
		switch {
		case n.key == k:
			return n.value
		case k.less(n.key):
			n = n.left
		default:
			n = n.right
		}
	}
	return nil
}
