package difftest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// A Program is what to do, in order. As text it is one action a line.
type Program []Action

// Limits of a program.
const (
	MaxProcs   = 4 // processes at a time
	MaxThreads = 3 // of each
	files      = 3 // that descriptors are of
)

// An Action is one thing that one thread does.
type Action struct {
	Do string `json:"do"` // see verbs
	P  int    `json:"p"`  // the process
	T  int    `json:"t"`  // the thread; if it is busy the next that is not

	// Serving chooses, before T does, a thread that owes a reply.
	Serving bool `json:"serving,omitempty"`

	Size     int  `json:"size,omitempty"`     // open: bytes of the mapping, 0: none
	Nonblock bool `json:"nonblock,omitempty"` // open

	// io
	Cmds   []Cmd  `json:"cmds,omitempty"`
	Cut    int    `json:"cut,omitempty"`    // bytes to leave out at the end of the commands
	Begin  uint64 `json:"begin,omitempty"`  // write_consumed on the way in
	Read   int    `json:"read,omitempty"`   // bytes of the read buffer
	Filled uint64 `json:"filled,omitempty"` // read_consumed on the way in

	// the other ioctls
	N      uint32 `json:"n,omitempty"`
	Ptr    uint64 `json:"ptr,omitempty"`
	Cookie uint64 `json:"cookie,omitempty"`
	Flags  uint32 `json:"flags,omitempty"`
	Null   bool   `json:"null,omitempty"`
}

// A Cmd is one BC_ command.
type Cmd struct {
	C string `json:"c"` // without BC_; "RAW": the number in Code

	Handle  int64  `json:"h,omitempty"` // from 0 on: itself; -1-k: the k-th that the process has been given
	Ptr     uint64 `json:"ptr,omitempty"`
	Cookie  uint64 `json:"cookie,omitempty"`
	Told    int    `json:"told,omitempty"` // k > 0: the k-th thing that waits for this command, instead of Ptr and Cookie
	Code    uint32 `json:"code,omitempty"`
	Flags   uint32 `json:"flags,omitempty"`
	Buffer  int    `json:"buf,omitempty"` // FREE_BUFFER: k-th that the process holds; below 0: a wrong address
	Data    int    `json:"data,omitempty"`
	Objs    []Obj  `json:"objs,omitempty"`
	Odd     int    `json:"odd,omitempty"`   // added to offsets_size
	Extra   int64  `json:"extra,omitempty"` // added to buffers_size
	BadData bool   `json:"baddata,omitempty"`
	BadOffs bool   `json:"badoffs,omitempty"`
}

// An Obj is an object in a payload.
type Obj struct {
	K      string `json:"k"`  // binder, weak, handle, weakhandle, fd, ptr, fda, raw
	At     int    `json:"at"` // where in the payload
	Flags  uint32 `json:"flags,omitempty"`
	Ptr    uint64 `json:"ptr,omitempty"`
	Cookie uint64 `json:"cookie,omitempty"`
	Handle int64  `json:"h,omitempty"`
	File   int    `json:"file,omitempty"` // fd: which file; from 100 on: a number that is not open
	Len    int    `json:"len,omitempty"`  // ptr: bytes
	Files  bool   `json:"files,omitempty"`
	Num    uint64 `json:"num,omitempty"` // fda
	Parent int    `json:"parent,omitempty"`
	Off    uint64 `json:"off,omitempty"`
	Child  bool   `json:"child,omitempty"` // ptr: it has a parent
	Bad    bool   `json:"bad,omitempty"`   // ptr: no memory there
	Type   uint32 `json:"type,omitempty"`  // raw
}

// String is p as text.
func (p Program) String() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, a := range p {
		if err := e.Encode(a); err != nil {
			panic(err)
		}
	}
	return b.String()
}

// Parse reads a program's text. Lines that begin with # are comments.
func Parse(text []byte) (Program, error) {
	var p Program
	n := 0
	for line := range bytes.Lines(text) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		d := json.NewDecoder(bytes.NewReader(line))
		d.DisallowUnknownFields()
		var a Action
		if err := d.Decode(&a); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if _, err := d.Token(); err != io.EOF {
			return nil, fmt.Errorf("line %d: something follows the action", n)
		}
		if verbs[a.Do] == nil {
			return nil, fmt.Errorf("line %d: nobody knows how to %q", n, a.Do)
		}
		if a.P < 0 || a.P >= MaxProcs || a.T < 0 || a.T >= MaxThreads {
			return nil, fmt.Errorf("line %d: no thread %d.%d: a program has %d processes with %d threads each", n, a.P, a.T, MaxProcs, MaxThreads)
		}
		p = append(p, a)
	}
	return p, nil
}
