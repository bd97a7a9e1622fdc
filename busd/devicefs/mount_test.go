package devicefs

import (
	"strings"
	"testing"
)

const mountinfo = `22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
23 22 0:5 / /dev rw,nosuid master:2 - devtmpfs devtmpfs rw,size=1k
60 22 0:40 / /mnt/a\040b rw,nosuid - fuse.busd busd rw
61 22 0:41 / /mnt/twice rw - tmpfs none rw
62 61 0:42 / /mnt/twice rw,nosuid - fuse.busd busd rw
63 22 0:43 /sub /mnt/back\134slash rw - fuse.x y rw
`

func TestFindMount(t *testing.T) {
	for _, tc := range []struct {
		dir  string
		id   mountID
		kind string
	}{
		{"/", mountID{254, 1}, "ext4"},
		{"/mnt/a b", mountID{0, 40}, "fuse.busd"},
		{"/mnt/twice", mountID{0, 42}, "fuse.busd"},
		{`/mnt/back\slash`, mountID{0, 43}, "fuse.x"},
		{"/mnt", mountID{}, ""},
		{"", mountID{}, ""},
	} {
		id, kind, err := findMount(strings.NewReader(mountinfo), tc.dir)
		if id != tc.id || kind != tc.kind || err != nil {
			t.Errorf("%q: %v %q %v, want %v %q", tc.dir, id, kind, err, tc.id, tc.kind)
		}
	}
}

func FuzzFindMount(f *testing.F) {
	f.Add(mountinfo, "/mnt/a b")
	f.Add(`1 2 3:4 / \1`, `\1`)
	f.Add("1 2 : / x - ", "x")
	f.Fuzz(func(t *testing.T, text, dir string) {
		findMount(strings.NewReader(text), dir)
	})
}
