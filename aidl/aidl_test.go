package aidl_test

import (
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/internal/marks"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// archive makes a file system of a txtar archive.
func archive(a *txtar.Archive) (fsys fstest.MapFS, names []string) {
	fsys = make(fstest.MapFS)
	for _, f := range a.Files {
		fsys[f.Name] = &fstest.MapFile{Data: f.Data}
		if strings.HasSuffix(f.Name, ".aidl") {
			names = append(names, f.Name)
		}
	}
	return fsys, names
}

func load(t testing.TB, opts aidl.Options) (*model.Program, diag.List) {
	t.Helper()
	opts.Include = append(opts.Include, ".")
	return aidl.Load(context.Background(), opts)
}

// TestErrors loads each file of each archive by itself. Behind each offending
// token stands a comment with what the compiler must say of it; it must say
// nothing else. A line "options: …" in the archive's comment sets options.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fsys, names := archive(a)
			for _, name := range names {
				opts := aidl.Options{Files: []string{name}, FS: fsys}
				readOptions(&opts, string(a.Comment))
				_, list := load(t, opts)
				marks.Check(t, list, token.NewFile(name, fsys[name].Data))
			}
		})
	}
}

func readOptions(opts *aidl.Options, comment string) {
	for _, line := range strings.Split(comment, "\n") {
		for _, word := range strings.Fields(strings.TrimPrefix(line, "options:")) {
			if !strings.HasPrefix(line, "options:") {
				break
			}
			switch word {
			case "structured":
				opts.Structured = true
			case "vintf":
				opts.VINTF = true
			case "java", "cpp", "ndk", "rust":
				opts.Backends = append(opts.Backends, word)
			default:
				if level, err := strconv.Atoi(word); err == nil {
					opts.MinSDK = level
					continue
				}
				opts.Warnings = append(opts.Warnings, strings.TrimPrefix(word, "-W"))
			}
		}
	}
}

// TestCodeExamples compiles the example in each code's comment: the compiler
// must report that code there, and no other.
func TestCodeExamples(t *testing.T) {
	fset := gotoken.NewFileSet()
	f, err := parser.ParseFile(fset, "diag/code.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for _, decl := range f.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != gotoken.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			v := spec.(*ast.ValueSpec)
			code, _ := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
			text := v.Doc.Text()
			if !strings.HasPrefix(text, v.Names[0].Name+" ") {
				t.Errorf("the comment of %s must begin with its name", v.Names[0])
			}
			i := strings.Index(text, "\n\n\t")
			if i < 0 {
				continue
			}
			examples++
			t.Run(v.Names[0].Name, func(t *testing.T) {
				runExample(t, diag.Code(code), strings.ReplaceAll(text[i+2:], "\n\t", "\n")[1:])
			})
		}
	}
	if examples < 40 {
		t.Errorf("only %d examples were found", examples)
	}
}

var typeName = regexp.MustCompile(`(?:interface|parcelable|union|enum) (\w+)`)

func runExample(t *testing.T, code diag.Code, text string) {
	a := txtar.Parse([]byte(text))
	if len(a.Files) == 0 {
		m := typeName.FindStringSubmatch(text)
		a = &txtar.Archive{Files: []txtar.File{{Name: m[1] + ".aidl", Data: []byte(text)}}}
	}
	fsys, names := archive(a)
	opts := aidl.Options{Files: names[:1], FS: fsys}
	warning := diag.IsWarning(string(code)) && code != diag.UnknownWarning
	if warning {
		opts.Warnings = []string{string(code)}
	}
	_, list := load(t, opts)
	if len(list) == 0 {
		t.Fatal("the example has no mistake")
	}
	for _, d := range list {
		if d.Code != code {
			t.Errorf("the example has another mistake:\n%s", d.Format())
		}
		if warning == (d.Severity == diag.Error) {
			t.Errorf("severity %s", d.Severity)
		}
	}
}

// TestValid loads programs of many features. They must have no mistakes, and
// the description of their meaning is golden.
func TestValid(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no tests", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fsys, names := archive(a)
			opts := aidl.Options{Files: names, FS: fsys}
			readOptions(&opts, string(a.Comment))
			p, list := load(t, opts)
			if len(list) > 0 {
				t.Fatal(list.Format())
			}
			got := describe(p)
			golden := -1
			for i, f := range a.Files {
				if f.Name == "model" {
					golden = i
				}
			}
			if *update {
				if golden < 0 {
					golden = len(a.Files)
					a.Files = append(a.Files, txtar.File{Name: "model"})
				}
				a.Files[golden].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if golden < 0 {
				t.Fatal("no model in the archive; run the test with -update")
			}
			if d := cmp.Diff(string(a.Files[golden].Data), got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}

// describe writes what a program means.
func describe(p *model.Program) string {
	var b strings.Builder
	var definition func(indent string, d model.Definition)
	definition = func(indent string, d model.Definition) {
		h := d.Head()
		line := func(format string, args ...any) { fmt.Fprintf(&b, indent+"  "+format+"\n", args...) }
		if h.Doc.Text != "" {
			fmt.Fprintf(&b, "%s// %q%s\n", indent, h.Doc.Text, docFlags(h.Doc))
		}
		if len(h.Annotations) > 0 {
			fmt.Fprintf(&b, "%s%s\n", indent, h.Annotations)
		}
		switch d := d.(type) {
		case *model.Interface:
			fmt.Fprintf(&b, "%sinterface %s descriptor=%s oneway=%t forward=%t\n", indent, h.QualifiedName, d.Descriptor, d.Oneway, d.Forward)
			for _, m := range d.Methods {
				extra := ""
				if m.Oneway {
					extra += " oneway"
				}
				if len(m.Annotations) > 0 {
					extra += " " + m.Annotations.String()
				}
				line("%d %s: %s%s%s", m.Code(), m.Name, typ(m.Return), extra, docFlags(m.Doc))
				for _, a := range m.Args {
					line("  %s %s: %s", a.Direction, a.Name, typ(a.Type))
				}
			}
		case *model.Parcelable:
			fmt.Fprintf(&b, "%sparcelable %s<%s> structured=%t fixed=%t %q %q %q\n", indent, h.QualifiedName,
				strings.Join(d.TypeParams, ","), d.Structured, d.FixedSize, d.CppHeader, d.NdkHeader, d.RustType)
		case *model.Union:
			fmt.Fprintf(&b, "%sunion %s fixed=%t tag=%s\n", indent, h.QualifiedName, d.FixedSize, d.Tag.Backing)
		case *model.Enum:
			fmt.Fprintf(&b, "%senum %s: %s\n", indent, h.QualifiedName, d.Backing)
			for _, e := range d.Enumerators {
				line("%s = %d  %s%s", e.Name, e.Value, e.Expression, docFlags(e.Doc))
			}
		}
		for _, f := range model.FieldsOf(d) {
			text := ""
			if f.Default != nil {
				text = " = " + f.Default.Spelling
				if f.Default.Expression != f.Default.Spelling {
					text += "  " + f.Default.Expression
				}
			}
			if len(f.Annotations) > 0 {
				text += "  " + f.Annotations.String()
			}
			line("%d %s: %s%s%s", f.Index, f.Name, typ(f.Type), text, docFlags(f.Doc))
		}
		for _, k := range h.Constants {
			line("const %s: %s = %s  %s%s", k.Name, typ(k.Type), k.Value, k.Value.Expression, docFlags(k.Doc))
		}
		for _, n := range h.Nested {
			definition(indent+"  ", n)
		}
	}
	for _, pkg := range p.Packages {
		fmt.Fprintf(&b, "package %s\n", pkg.Name)
		for _, d := range pkg.Definitions {
			definition("  ", d)
		}
	}
	return b.String()
}

func docFlags(d model.Doc) string {
	s := ""
	if d.Hide {
		s += " hide"
	}
	if d.Deprecated {
		s += fmt.Sprintf(" deprecated(%s)", d.Note)
	}
	return s
}

// typ shows a type with what is resolved about it.
func typ(t *model.Type) string {
	s := t.String()
	if t.Nullable {
		s += " nullable"
	}
	for e := t.Elem; e != nil; e = e.Elem {
		if e.Nullable {
			s += " of nullable"
		}
	}
	for _, a := range t.Args {
		if a.Nullable {
			s += " of nullable"
		}
	}
	return s
}
