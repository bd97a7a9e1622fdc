package aidl_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl"
)

// TestStranger asks AOSP's own compiler, as Debian packages it (aidl, Android
// 10), about each file of testdata/stranger.txtar, and compares what it holds
// valid. It knows no enums, unions, nested types or constant expressions, so
// the files have none. Where later versions of AOSP judge otherwise, the file
// begins with a comment "// since N: accepted" or "// since N: refused" that
// says so, and the test holds us to that.
func TestStranger(t *testing.T) {
	stranger, err := exec.LookPath("aidl")
	if err != nil {
		t.Skip("Debian's package aidl is not installed: apt-get install aidl")
	}
	a, err := txtar.ParseFile("testdata/stranger.txtar")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range a.Files {
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	fsys, _ := archive(a)
	for _, f := range a.Files {
		t.Run(strings.TrimSuffix(f.Name, ".aidl"), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, stranger, "--lang=java", "-I", ".", "-o", "out", f.Name)
			cmd.Dir = dir
			output, err := cmd.CombinedOutput()
			want := err == nil
			line, _, _ := strings.Cut(string(f.Data), "\n")
			if strings.HasPrefix(line, "// since ") {
				later := strings.Contains(line, ": accepted")
				if later == want {
					t.Errorf("the stranger holds this %t already; the comment is wrong", want)
				}
				want = later
			}
			_, list := load(t, aidl.Options{Files: []string{f.Name}, FS: fsys})
			if got := !list.HasErrors(); got != want {
				t.Errorf("valid: got %t, want %t\nthe stranger said:\n%s\nwe said:\n%s", got, want, output, list.Format())
			}
		})
	}
}
