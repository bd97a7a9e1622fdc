package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What Linux 6.12 says, with a call under way, a oneway call that waits, and a dead object.
const driverState = `binder state:
dead nodes:
  node 31: u0000000000000007 c0000000000000000 hs 0 hw 0 ls 0 lw 0 is 1 iw 1 tr 0 proc 100
proc 100
context binder
  thread 100: l 00 need_return 0 tr 0
    outgoing transaction 12: 00000000a1b2c3d4 from 100:100 to 200:202 code 1 flags 10 pri 0:120 r1 elapsed 35ms node 3 size 4:0 offset 0
  thread 101: l 12 need_return 0 tr 0
  ref 5: desc 0 node 3 s 1 w 1 d 0000000000000000
  ref 33: desc 1 dead node 31 s 1 w 0 d 00000000deadbeef
  buffer 9: 0 size 128:8:0 delivered
proc 200
context binder
  thread 202: l 11 need_return 0 tr 0
    incoming transaction 12: 00000000a1b2c3d4 from 100:100 to 200:202 code 1 flags 10 pri 0:120 r1 elapsed 35ms node 3 size 4:0 offset 0
  node 3: u0000000000000001 c0000000000000001 hs 1 hw 1 ls 1 lw 1 is 1 iw 1 tr 0 proc 100
    pending async transaction 15: 00000000a1b2c3d5 from 100:101 to 200:0 code 5f504e47 flags 11 pri 0:120 r0 elapsed 3ms node 3 size 8:0 offset 80
  buffer 12: 0 size 4:0:0 active
  pending transaction 14: 00000000a1b2c3d6 from 100:101 to 200:0 code 2 flags 11 pri 0:120 r0 elapsed 4ms node 3 size 8:0 offset 40
  has delivered dead binder
`

func TestParseState(t *testing.T) {
	want := &state{
		DeadNodes: []node{{ID: 31, Users: []int{100}}},
		Processes: []*process{{
			PID: 100, Device: "binder",
			Threads: []thread{{TID: 100}, {TID: 101, Waiting: true}},
			Nodes:   []node{},
			Refs:    []ref{{Node: 3, Strong: 1, Weak: 1}, {Handle: 1, Node: 31, Dead: true, Strong: 1}},
			Buffers: 1, Bytes: 136,
		}, {
			PID: 200, Device: "binder",
			Threads: []thread{{TID: 202, Waiting: true}},
			Nodes:   []node{{ID: 3, Users: []int{100}}},
			Refs:    []ref{},
			Buffers: 1, Bytes: 4, Pending: 2,
		}},
		Transactions: []transaction{
			{ID: 12, FromPID: 100, FromTID: 100, ToPID: 200, ToTID: 202, Code: 1, Node: 3},
			{ID: 15, FromPID: 100, FromTID: 101, ToPID: 200, Code: 0x5f504e47, Oneway: true, Node: 3, Pending: true},
			{ID: 14, FromPID: 100, FromTID: 101, ToPID: 200, Code: 2, Oneway: true, Node: 3, Pending: true},
		},
	}
	got, err := parseState(strings.NewReader(driverState))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestPrintState(t *testing.T) {
	s, err := parseState(strings.NewReader(driverState))
	if err != nil {
		t.Fatal(err)
	}
	s.Processes[1].Program = "server"
	var out bytes.Buffer
	if err := s.print(&out, true); err != nil {
		t.Fatal(err)
	}
	want := `2 processes, 3 threads, 1 object, 2 handles, 3 transactions under way
of dead processes are still held: 1 object

PID  PROGRAM  DEVICE  THREADS  WAITING  OBJECTS  HANDLES  BUFFERS  BYTES  PENDING
100  -        binder  2        1        0        2        1        136    0
200  server   binder  1        1        1        0        1        4      2

under way:
  12: call of code 1 from 100 thread 100 to 200 (server), being served
  15: oneway call of code 1599098439 from 100 thread 101 to 200 (server), not taken yet
  14: oneway call of code 2 from 100 thread 101 to 200 (server), not taken yet

objects:
  3 of 200 (server)
      handle 0 of 100, 1 strong 1 weak
  31 of a dead process
      handle 1 of 100, 1 strong 0 weak
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("text (-want +got):\n%s", diff)
	}
}

func FuzzParseState(f *testing.F) {
	f.Add(driverState)
	f.Add("proc\nproc 1\ncontext\nthread 1: l zz\nnode : proc\nref\nbuffer x size :::\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseState(strings.NewReader(text))
		if err != nil {
			return // a line too long
		}
		if err := s.print(new(bytes.Buffer), true); err != nil {
			t.Error(err)
		}
	})
}
