package aidl_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// FuzzLoad: no source makes the compiler panic or tell of too much, and a
// program without errors has all of its types and values.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.txtar")
	for _, path := range files {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if strings.HasSuffix(file.Name, ".aidl") {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fsys := fstest.MapFS{
			"IFoo.aidl":    {Data: text},
			"b/Thing.aidl": {Data: []byte("package b; parcelable Thing { const int A = 1; enum Inner { A, B } }")},
		}
		p, list := load(t, aidl.Options{Files: []string{"IFoo.aidl"}, FS: fsys, Warnings: []string{"everything"}})
		if list.Format() == "" && len(list) > 0 {
			t.Fatal("nothing to read")
		}
		if list.HasErrors() {
			return
		}
		var complete func(t0 *model.Type)
		complete = func(typ *model.Type) {
			if typ.Kind == model.Invalid || typ.Kind == model.Defined && typ.Definition == nil {
				t.Fatalf("type %s is not resolved in\n%s", typ.Signature(), bytes.TrimSpace(text))
			}
			for _, a := range typ.Args {
				complete(a)
			}
			if typ.Elem != nil {
				complete(typ.Elem)
			}
		}
		for _, pkg := range p.Packages {
			for _, d := range pkg.Definitions {
				if !d.Head().File.Requested {
					continue
				}
				for _, field := range model.FieldsOf(d) {
					complete(field.Type)
					if field.Syntax.Default != nil && field.Default == nil {
						t.Fatalf("field %s lost its default in\n%s", field.Name, text)
					}
				}
				for _, k := range d.Head().Constants {
					complete(k.Type)
					if k.Value == nil {
						t.Fatalf("constant %s has no value in\n%s", k.Name, text)
					}
				}
				if i, ok := d.(*model.Interface); ok {
					for _, m := range i.Methods {
						complete(m.Return)
						for _, a := range m.Args {
							complete(a.Type)
						}
					}
				}
			}
		}
	})
}
