package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFresh holds the generated code of this repository to what aidlgen writes today.
func TestFresh(t *testing.T) {
	const module = "github.com/fusebinder/fusebinder/"
	for _, tc := range []struct{ dir, gen, args string }{
		{"aidl/gogen/internal/wire", "gen", "-I aidl aidl"},
		{"servicemgr", "internal/gen", "-I aidl aidl"},
		{"examples/aidl", "gen/v1", "--frozen aidl_api/notes/1"},
		{"examples/aidl", "gen/v2", "--frozen aidl_api/notes/2"},
	} {
		t.Run(tc.dir+"/"+tc.gen, func(t *testing.T) {
			t.Chdir(filepath.Join("../..", tc.dir))
			out := t.TempDir()
			var said bytes.Buffer
			args := append(strings.Fields(tc.args), "-o", out, "--import", module+tc.dir+"/"+tc.gen)
			if status := run(args, nil, &said, &said); status != 0 {
				t.Fatalf("aidlgen %s: status %d\n%s", tc.args, status, said.String())
			}
			want, got := tree(t, out), tree(t, tc.gen)
			for name := range want {
				if want[name] != got[name] {
					t.Errorf("%s is not what aidlgen writes: run go generate ./%s", name, tc.dir)
				}
			}
			for name := range got {
				if _, ok := want[name]; !ok {
					t.Errorf("%s is not written by aidlgen any more", name)
				}
			}
		})
	}
}

// tree is the files below a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[rel] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
