package aidl_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/fusebinder/fusebinder/aidl"
)

// thousand makes 500 interfaces and 500 parcelables that import each other,
// in ten packages.
func thousand() (fstest.MapFS, []string) {
	fsys := make(fstest.MapFS)
	var names []string
	add := func(name, text string) {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
		names = append(names, name)
	}
	for i := range 500 {
		pkg, other := fmt.Sprintf("org.example.p%d", i%10), fmt.Sprintf("org.example.p%d", (i+1)%10)
		next := (i + 1) % 500
		dir := strings.ReplaceAll(pkg, ".", "/")
		var b strings.Builder
		fmt.Fprintf(&b, "/* Licence. */\npackage %s;\nimport %s.IService%d;\nimport %s.Data%d;\n/** Does things. */\ninterface IService%d {\n", pkg, other, next, pkg, i, i)
		for m := range 20 {
			fmt.Fprintf(&b, "    /** Method %d.\n     * @param x a number */\n    @nullable Data%d method%d(int x, in String[] names, in IService%d other, out Data%d result);\n", m, i, m, next, i)
			fmt.Fprintf(&b, "    const int CONSTANT_%d = (1 << %d) | 0x10 + %d;\n", m, m, m)
		}
		b.WriteString("}\n")
		add(fmt.Sprintf("%s/IService%d.aidl", dir, i), b.String())
		b.Reset()
		fmt.Fprintf(&b, "package %s;\n@VintfStability\nparcelable Data%d {\n    @Backing(type=\"int\") enum Kind { A, B, C = 1 << 4 }\n", pkg, i)
		for m := range 20 {
			fmt.Fprintf(&b, "    int number%d = %d;\n    @nullable String text%d;\n    Kind kind%d = Kind.B;\n", m, m, m, m)
		}
		b.WriteString("}\n")
		add(fmt.Sprintf("%s/Data%d.aidl", dir, i), b.String())
	}
	return fsys, names
}

func TestThousandFiles(t *testing.T) {
	fsys, names := thousand()
	p, list := load(t, aidl.Options{Files: names, FS: fsys})
	if len(list) > 0 {
		t.Fatal(list[:1].Format())
	}
	if len(p.Files) != 1000 || len(p.Packages) != 10 {
		t.Errorf("%d files, %d packages", len(p.Files), len(p.Packages))
	}
}

func BenchmarkThousandFiles(b *testing.B) {
	fsys, names := thousand()
	b.ReportAllocs()
	for b.Loop() {
		if _, list := load(b, aidl.Options{Files: names, FS: fsys}); len(list) > 0 {
			b.Fatal(list[:1].Format())
		}
	}
}
