package main

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// A state is what binder_logs/state tells, the driver's or busd's.
type state struct {
	Processes []*process `json:"processes"`
	DeadNodes []node     `json:"dead_nodes"` // objects of dead processes that somebody still refers to

	// Transactions are those under way, by number.
	Transactions []transaction `json:"transactions"`
}

// A process is one open of a device; a program may have several.
type process struct {
	PID     int      `json:"pid"`
	Program string   `json:"program,omitempty"` // filled in by whoever can see it
	Device  string   `json:"device"`
	Threads []thread `json:"threads"`
	Nodes   []node   `json:"nodes"`
	Refs    []ref    `json:"refs"`
	Buffers int      `json:"buffers"` // received and not freed, or being received
	Bytes   uint64   `json:"buffer_bytes"`
	Pending int      `json:"pending"` // transactions that no thread has taken yet
}

// Looper flags of a thread: enum in binder.c, BINDER_LOOPER_STATE_.
const looperWaiting = 0x10

type thread struct {
	TID     int  `json:"tid"`
	Waiting bool `json:"waiting"` // for work
}

// A node is an object as its owner's side sees it.
type node struct {
	ID    int   `json:"id"`
	Users []int `json:"users"` // processes that have a handle for it
}

// A ref is a handle.
type ref struct {
	Handle int  `json:"handle"`
	Node   int  `json:"node"`
	Dead   bool `json:"dead,omitempty"`
	Strong int  `json:"strong"`
	Weak   int  `json:"weak"`
}

type transaction struct {
	ID      int    `json:"id"`
	FromPID int    `json:"from_pid"`
	FromTID int    `json:"from_tid"`
	ToPID   int    `json:"to_pid"`
	ToTID   int    `json:"to_tid"` // 0: no thread has taken it
	Code    uint32 `json:"code"`
	Oneway  bool   `json:"oneway"`
	Node    int    `json:"node,omitempty"`
	Pending bool   `json:"pending"` // waits to be taken
}

// parseState reads binder_logs/state. What it does not know it passes over: releases of the driver
// differ.
func parseState(r io.Reader) (*state, error) {
	s := &state{Processes: []*process{}, DeadNodes: []node{}, Transactions: []transaction{}}
	p := &process{} // before the first one: nobody's
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		f := words(strings.Fields(lines.Text()))
		switch {
		case len(f) < 2:
		case f[0] == "proc" && len(f) == 2:
			p = &process{PID: f.number(1), Threads: []thread{}, Nodes: []node{}, Refs: []ref{}}
			s.Processes = append(s.Processes, p)
		case f[0] == "context":
			p.Device = f[1]
		case f[0] == "thread":
			flags, _ := strconv.ParseUint(f.after("l"), 16, 32)
			p.Threads = append(p.Threads, thread{TID: f.number(1), Waiting: flags&looperWaiting != 0})
		case f[0] == "node" && f[1] != "work":
			n := node{ID: f.number(1), Users: f.numbersAfter("proc")}
			if p.PID == 0 {
				s.DeadNodes = append(s.DeadNodes, n)
			} else {
				p.Nodes = append(p.Nodes, n)
			}
		case f[0] == "ref":
			p.Refs = append(p.Refs, ref{
				Handle: f.numberAfter("desc"), Node: f.numberAfter("node"), Dead: slices.Contains(f, "dead"),
				Strong: f.numberAfter("s"), Weak: f.numberAfter("w"),
			})
		case f[0] == "buffer":
			p.Buffers++
			for part := range strings.SplitSeq(f.after("size"), ":") {
				n, _ := strconv.ParseUint(part, 10, 64)
				p.Bytes += n
			}
		default:
			if t, ok := parseTransaction(f); ok {
				if t.Pending {
					p.Pending++
				}
				s.add(t)
			}
		}
	}
	return s, lines.Err()
}

// parseTransaction reads the line of a transaction:
//
//	outgoing transaction 12: from 100:101 to 200:0 code 1 flags 10 r1 node 3 size 4:0 offset 0
func parseTransaction(f words) (t transaction, ok bool) {
	at := slices.Index(f, "transaction")
	if at < 0 || at+1 >= len(f) || !strings.HasSuffix(f[at+1], ":") {
		return t, false
	}
	t.ID = f.number(at + 1)
	t.FromPID, t.FromTID = pair(f.after("from"))
	t.ToPID, t.ToTID = pair(f.after("to"))
	code, _ := strconv.ParseUint(f.after("code"), 16, 32)
	flags, _ := strconv.ParseUint(f.after("flags"), 16, 32)
	t.Code, t.Oneway = uint32(code), flags&1 != 0
	t.Node = f.numberAfter("node")
	t.Pending = f[0] == "pending"
	return t, true
}

// add counts a transaction once: the sender's side tells of it, and the receiver's.
func (s *state) add(t transaction) {
	for i := range s.Transactions {
		if have := &s.Transactions[i]; have.ID == t.ID {
			have.Pending = have.Pending || t.Pending
			have.ToTID = max(have.ToTID, t.ToTID)
			return
		}
	}
	s.Transactions = append(s.Transactions, t)
}

// words are a line's; looking up what is not there gives zero.
type words []string

func (w words) number(at int) int {
	if at >= len(w) {
		return 0
	}
	n, _ := strconv.Atoi(strings.TrimSuffix(w[at], ":"))
	return n
}

func (w words) after(name string) string {
	if at := slices.Index(w, name); at >= 0 && at+1 < len(w) {
		return w[at+1]
	}
	return ""
}

func (w words) numberAfter(name string) int {
	n, _ := strconv.Atoi(w.after(name))
	return n
}

func (w words) numbersAfter(name string) []int {
	numbers := []int{}
	if at := slices.Index(w, name); at >= 0 {
		for i := at + 1; i < len(w); i++ {
			numbers = append(numbers, w.number(i))
		}
	}
	return numbers
}

func pair(s string) (a, b int) {
	left, right, _ := strings.Cut(s, ":")
	a, _ = strconv.Atoi(left)
	b, _ = strconv.Atoi(right)
	return a, b
}
