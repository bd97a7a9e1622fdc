package gogen

import (
	"path/filepath"
	"testing"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/google/go-cmp/cmp"
)

func TestNames(t *testing.T) {
	for _, tc := range []struct{ aidl, exported, unexported string }{
		{"foo", "Foo", "foo"},
		{"fooBar", "FooBar", "fooBar"},
		{"FOO_BAR", "FooBar", "fooBar"},
		{"const_exprs_1", "ConstExprs1", "constExprs1"},
		{"a_1_2", "A1_2", "a1_2"},
		{"URL", "Url", "url"},
		{"HTTPServer", "HTTPServer", "httpServer"},
		{"_1", "X1", "x1"},
		{"__", "X", "x"},
		{"kOk", "KOk", "kOk"},
	} {
		if got := exported(tc.aidl); got != tc.exported {
			t.Errorf("%s exported is %s, want %s", tc.aidl, got, tc.exported)
		}
		if got := unexported(tc.aidl); got != tc.unexported {
			t.Errorf("%s unexported is %s, want %s", tc.aidl, got, tc.unexported)
		}
	}
	for path, want := range map[string]string{"a/b": "b", "x/func": "func_", "main": "main_", "a/Go-2": "go2", "a/9p": "aidl9p"} {
		if got := packageName(filepath.Base(path)); got != want {
			t.Errorf("the package in %s is %s, want %s", path, got, want)
		}
	}
}

// TestSameTwice compiles the same twice.
func TestSameTwice(t *testing.T) {
	files, err := filepath.Glob("internal/wire/aidl/org/example/wire/*.aidl")
	if err != nil {
		t.Fatal(err)
	}
	var runs [2][]*File
	for i := range runs {
		prog, list := aidl.Load(t.Context(), aidl.Options{Files: files})
		if list.HasErrors() {
			t.Fatal(list.Format())
		}
		if runs[i], err = Generate(prog, Options{Prefix: "example.com/x"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(runs[0]) != len(files)+1 {
		t.Errorf("%d files became %d", len(files), len(runs[0]))
	}
	if diff := cmp.Diff(runs[0], runs[1]); diff != "" {
		t.Error(diff)
	}
}
