package format_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/format"
	"github.com/fusebinder/fusebinder/aidl/scanner"
	"github.com/fusebinder/fusebinder/aidl/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden formats the file "in" of each archive; "out" is what must come.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got, err := format.Source("in", a.Files[0].Data)
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "out", Data: got})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(a.Files[1].Data), string(got)); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			check(t, a.Files[0].Data)
		})
	}
}

// words are the tokens and the comments of a file, without their places and
// without the space in comments.
func words(text []byte) []string {
	var list []string
	for _, t := range scanner.All(token.NewFile("x", text), new(diag.Reporter)) {
		for _, c := range t.Comments {
			list = append(list, strings.Join(strings.Fields(c.Text), " "))
		}
		list = append(list, t.Text)
	}
	return list
}

// check: formatting changes no word, and formatting again changes nothing.
func check(t *testing.T, text []byte) {
	t.Helper()
	once, err := format.Source("x", text)
	if err != nil {
		return
	}
	if d := cmp.Diff(words(text), words(once)); d != "" {
		t.Fatalf("formatting changed the source: -before +after\n%s", d)
	}
	twice, err := format.Source("x", once)
	if err != nil {
		t.Fatalf("what was formatted does not parse: %v\n%s", err, once)
	}
	if d := cmp.Diff(string(once), string(twice)); d != "" {
		t.Fatalf("formatting again changes: -once +twice\n%s", d)
	}
	if !bytes.HasSuffix(once, []byte("\n")) || bytes.Contains(once, []byte(" \n")) && !bytes.Contains(once, []byte("/*")) {
		t.Fatalf("space at a line's end, or no line end at the file's:\n%q", once)
	}
}

// TestCorpus: all valid sources of the compiler's tests keep their words.
func TestCorpus(t *testing.T) {
	files, _ := filepath.Glob("../testdata/*/*.txtar")
	if len(files) == 0 {
		t.Fatal("no sources")
	}
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			if strings.HasSuffix(f.Name, ".aidl") {
				t.Run(filepath.Base(path)+"/"+f.Name, func(t *testing.T) { check(t, f.Data) })
			}
		}
	}
}

func TestMistake(t *testing.T) {
	_, err := format.Source("a.aidl", []byte("interface {"))
	if err == nil || !strings.Contains(err.Error(), "a.aidl:1:11: expected the name of the interface, found '{'") {
		t.Error(err)
	}
}

func FuzzFormat(f *testing.F) {
	files, _ := filepath.Glob("../testdata/*/*.txtar")
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text) })
}
