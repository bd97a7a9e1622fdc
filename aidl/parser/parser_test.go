package parser_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/parser"
	"github.com/fusebinder/fusebinder/aidl/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

func parse(name string, text []byte) (*ast.File, diag.List) {
	var report diag.Reporter
	f := parser.Parse(token.NewFile(name, text), &report, parser.Options{})
	return f, report.List()
}

// TestTree parses the file "in" of each archive; "tree" is the tree that must
// come, and the mistakes behind it.
func TestTree(t *testing.T) {
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
			f, list := parse("in", a.Files[0].Data)
			var b bytes.Buffer
			ast.Fprint(&b, f)
			b.WriteString(list.Format())
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "tree", Data: b.Bytes()})
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(a.Files[1].Data), b.String()); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// TestDepth: what nests too deep is told, and does not exhaust the stack.
func TestDepth(t *testing.T) {
	const n = 100_000
	for name, text := range map[string]string{
		"parentheses": "interface I { const int A = " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) + "; }",
		"signs":       "interface I { const int A = " + strings.Repeat("-", n) + "1; }",
		"arrays":      "parcelable P { int[] a = " + strings.Repeat("{", n) + strings.Repeat("}", n) + "; }",
		"types":       "parcelable P { " + strings.Repeat("List<", n) + "P" + strings.Repeat(">", n) + " x; }",
		"nested":      strings.Repeat("parcelable P { ", n) + strings.Repeat("}", n),
		"terms":       "interface I { const int A = 1" + strings.Repeat("+1", n) + "; }",
		"sizes":       "parcelable P { int" + strings.Repeat("[1", n) + strings.Repeat("]", n) + " x; }",
	} {
		t.Run(name, func(t *testing.T) {
			_, list := parse("x", []byte(text))
			if len(list) == 0 {
				t.Fatal("nothing was told")
			}
			if name != "sizes" && list[0].Code != diag.TooDeep {
				t.Error(list[0])
			}
		})
	}
}

// FuzzParser: any bytes give a tree whose nodes lie within the file, and no
// more mistakes than are kept.
func FuzzParser(f *testing.F) {
	for _, pattern := range []string{"../testdata/*/*.txtar", "testdata/*.txtar"} {
		files, _ := filepath.Glob(pattern)
		for _, path := range files {
			a, err := txtar.ParseFile(path)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range a.Files {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, list := parse("x", text)
		if len(list) > diag.MaxErrors+1 {
			t.Fatalf("%d mistakes", len(list))
		}
		for _, d := range list {
			if d.Pos.Offset < 0 || d.Pos.Offset > len(text) {
				t.Fatalf("a mistake at %d of %d", d.Pos.Offset, len(text))
			}
		}
		list.Format()
		for _, d := range file.Decls {
			if from, to := d.Pos().Offset, d.End().Offset; from < 0 || to > len(text) || from >= to {
				t.Fatalf("a declaration from %d to %d of %d", from, to, len(text))
			}
		}
		ast.Fprint(new(bytes.Buffer), file)
	})
}
