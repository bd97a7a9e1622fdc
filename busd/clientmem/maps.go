package clientmem

import (
	"bytes"
	"os"
	"strconv"

	"github.com/fusebinder/fusebinder/busd"
)

// find looks for a file's mapping in a process and answers where it begins and ends: 0, 0 if it
// is not mapped. Neighbouring pieces of the same mapping (the client may have split it with
// mprotect or madvise) count as one.
func find(pid busd.ProcessID, m Mapping) (start, end uint64, err error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(int(pid)) + "/maps")
	if err != nil {
		return 0, 0, err
	}
	start, end = search(text, m)
	return start, end, nil
}

// search is find in the text of a maps file.
func search(text []byte, m Mapping) (start, end uint64) {
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		e, ok := parseLine(line)
		if !ok || e.Mapping != m {
			continue
		}
		switch {
		case start == end && e.offset == 0:
			start, end = e.start, e.end
		case start != end && e.start == end && e.offset == end-start:
			end = e.end
		}
	}
	return start, end
}

// entry is one line of a maps file.
type entry struct {
	start, end, offset uint64
	Mapping
}

// parseLine reads a line such as
//
//	7f0c5e000000-7f0c5e0fe000 r--p 00000000 00:2d 4294967297    /dev/binderfs/binder
func parseLine(line []byte) (e entry, ok bool) {
	var b []byte
	if b, line, ok = bytes.Cut(line, []byte("-")); !ok {
		return e, false
	}
	if e.start, ok = number(b, 16); !ok {
		return e, false
	}
	if b, line, ok = bytes.Cut(line, []byte(" ")); !ok {
		return e, false
	}
	if e.end, ok = number(b, 16); !ok || e.end < e.start {
		return e, false
	}
	if _, line, ok = bytes.Cut(line, []byte(" ")); !ok { // permissions
		return e, false
	}
	if b, line, ok = bytes.Cut(line, []byte(" ")); !ok {
		return e, false
	}
	if e.offset, ok = number(b, 16); !ok {
		return e, false
	}
	if b, line, ok = bytes.Cut(line, []byte(":")); !ok {
		return e, false
	}
	v, ok := number(b, 16)
	if !ok || v>>32 != 0 {
		return e, false
	}
	e.Major = uint32(v)
	if b, line, ok = bytes.Cut(line, []byte(" ")); !ok {
		return e, false
	}
	if v, ok = number(b, 16); !ok || v>>32 != 0 {
		return e, false
	}
	e.Minor = uint32(v)
	b, _, _ = bytes.Cut(line, []byte(" "))
	e.Inode, ok = number(b, 10)
	return e, ok
}

func number(b []byte, base int) (uint64, bool) {
	v, err := strconv.ParseUint(string(b), base, 64)
	return v, err == nil
}
