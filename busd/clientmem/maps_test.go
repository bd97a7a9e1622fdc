package clientmem

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseLine(t *testing.T) {
	for _, tc := range []struct {
		line string
		want entry
		ok   bool
	}{
		{
			"7f0c5e000000-7f0c5e0fe000 r--p 00000000 00:2d 4294967297                 /dev/binderfs/binder",
			entry{0x7f0c5e000000, 0x7f0c5e0fe000, 0, Mapping{0, 0x2d, 4294967297}}, true,
		},
		{
			"55d0c1a2b000-55d0c1a2d000 r-xp 00002000 fe:01 131 /usr/bin/a b (deleted)",
			entry{0x55d0c1a2b000, 0x55d0c1a2d000, 0x2000, Mapping{0xfe, 1, 131}}, true,
		},
		{
			"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
			entry{0xffffffffff600000, 0xffffffffff601000, 0, Mapping{}}, true,
		},
		{"7f0c5e000000-7f0c5e0fe000 rw-p 00000000 00:00 0 ", entry{start: 0x7f0c5e000000, end: 0x7f0c5e0fe000}, true},
		{"7f0c5e000000-7f0c5e0fe000 rw-p 00000000 00:00 0", entry{start: 0x7f0c5e000000, end: 0x7f0c5e0fe000}, true},
		{line: ""},
		{line: "-"},
		{line: "2000-1000 r--p 00000000 00:2d 1"},
		{line: "1000-2000 r--p 00000000 00:2d x"},
		{line: "1000-2000 r--p 00000000 100000000:2d 1"},
		{line: "1000-2000 r--p 00000000"},
		{line: "1000-2000 r--p -1 00:2d 1"},
	} {
		got, ok := parseLine([]byte(tc.line))
		if ok != tc.ok {
			t.Errorf("%q: ok %v, want %v", tc.line, ok, tc.ok)
			continue
		}
		if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(entry{})); ok && d != "" {
			t.Errorf("%q (-want +got):\n%s", tc.line, d)
		}
	}
}

func TestSearch(t *testing.T) {
	ours := Mapping{0, 0x2d, 77}
	line := func(start, end, off uint64, m Mapping) string {
		return fmt.Sprintf("%x-%x r--p %08x %02x:%02x %d /x\n", start, end, off, m.Major, m.Minor, m.Inode)
	}
	for _, tc := range []struct {
		name       string
		text       string
		start, end uint64
	}{
		{"nothing", "", 0, 0},
		{"only others", line(0x1000, 0x2000, 0, Mapping{0, 0x2d, 78}) + line(0x2000, 0x3000, 0, Mapping{0, 0x2e, 77}), 0, 0},
		{"one", line(0x1000, 0x2000, 0, Mapping{0, 0x2d, 78}) + line(0x5000, 0x9000, 0, ours), 0x5000, 0x9000},
		{"split by the client", line(0x5000, 0x6000, 0, ours) + line(0x6000, 0x9000, 0x1000, ours), 0x5000, 0x9000},
		{"beginning unmapped", line(0x6000, 0x9000, 0x1000, ours), 0, 0},
		{"hole in the middle", line(0x5000, 0x6000, 0, ours) + line(0x7000, 0x9000, 0x2000, ours), 0x5000, 0x6000},
		{"mapped twice: the first counts", line(0x5000, 0x6000, 0, ours) + line(0x8000, 0x9000, 0, ours), 0x5000, 0x6000},
		{"line cut short", line(0x5000, 0x6000, 0, ours) + "6000-", 0x5000, 0x6000},
	} {
		start, end := search([]byte(tc.text), ours)
		if start != tc.start || end != tc.end {
			t.Errorf("%s: %#x-%#x, want %#x-%#x", tc.name, start, end, tc.start, tc.end)
		}
	}
}

func FuzzSearch(f *testing.F) {
	f.Add([]byte("7f0c5e000000-7f0c5e0fe000 r--p 00000000 00:2d 77 /dev/binderfs/binder\n"))
	f.Add([]byte("5000-6000 r--p 00000000 00:2d 77\n6000-9000 r--p 00001000 00:2d 77\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		start, end := search(text, Mapping{0, 0x2d, 77})
		if start > end {
			t.Errorf("%#x-%#x", start, end)
		}
	})
}
