package api_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/api"
	"github.com/fusebinder/fusebinder/aidl/internal/marks"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// load loads the files of an archive below a folder.
func load(t testing.TB, a *txtar.Archive, dir string) (*model.Program, []*token.File) {
	t.Helper()
	fsys := make(fstest.MapFS)
	opts := aidl.Options{Include: []string{dir}, FS: fsys}
	var files []*token.File
	for _, f := range a.Files {
		if strings.HasPrefix(f.Name, dir+"/") && strings.HasSuffix(f.Name, ".aidl") {
			fsys[f.Name] = &fstest.MapFile{Data: f.Data}
			opts.Files = append(opts.Files, f.Name)
			files = append(files, token.NewFile(f.Name, f.Data))
		}
	}
	p, list := aidl.Load(context.Background(), opts)
	if len(list) > 0 {
		t.Fatal(list.Format())
	}
	return p, files
}

// TestCheck compares the folders "old" and "new" of each archive. The
// comments in the sources say what the comparison must find.
func TestCheck(t *testing.T) {
	paths, err := filepath.Glob("testdata/check/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no tests", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			older, oldFiles := load(t, a, "old")
			newer, newFiles := load(t, a, "new")
			level := api.Compatible
			if strings.HasPrefix(string(a.Comment), "equal") {
				level = api.Equal
			}
			marks.Check(t, api.Check(older, newer, level), slices.Concat(oldFiles, newFiles)...)
			if list := api.Check(older, older, api.Equal); len(list) > 0 {
				t.Errorf("a version is not equal to itself:\n%s", list.Format())
			}
		})
	}
}

// TestSnapshot writes the snapshot of each archive's "src" folder: it is
// golden, is valid, is equal to the source, and its snapshot is itself.
func TestSnapshot(t *testing.T) {
	paths, err := filepath.Glob("testdata/snapshot/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no tests", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			p, _ := load(t, a, "src")
			snapshot := func(p *model.Program) []txtar.File {
				var list []txtar.File
				for _, f := range api.Snapshot(p, api.Options{}) {
					list = append(list, txtar.File{Name: "dump/" + f.Path, Data: f.Data})
				}
				return list
			}
			got := snapshot(p)
			rest := slices.DeleteFunc(slices.Clone(a.Files), func(f txtar.File) bool { return !strings.HasPrefix(f.Name, "dump/") })
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "dump/") })
				a.Files = append(a.Files, got...)
				if err := os.WriteFile(path, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				rest = got
			}
			if d := cmp.Diff(string(txtar.Format(&txtar.Archive{Files: rest})), string(txtar.Format(&txtar.Archive{Files: got}))); d != "" {
				t.Fatalf("-want +got\n%s", d)
			}
			again, _ := load(t, &txtar.Archive{Files: got}, "dump")
			if list := api.Check(p, again, api.Equal); len(list) > 0 {
				t.Errorf("the snapshot differs from the source:\n%s", list.Format())
			}
			// Each time the licence goes along with the preamble.
			for i, f := range snapshot(again) {
				if !strings.HasSuffix(string(f.Data), body(got[i].Data)) {
					t.Errorf("the snapshot of %s is not itself:\n%s", f.Name, cmp.Diff(string(got[i].Data), string(f.Data)))
				}
			}
		})
	}
}

func body(data []byte) string {
	s := string(data)
	return s[strings.LastIndex(s, "////\n\n"):]
}

// TestHash: the expected hash is what hash_gen.sh of AOSP makes of the files:
//
//	(find ./ -name "*.aidl" -print0 | LC_ALL=C sort -z | xargs -0 sha1sum && echo VERSION) | sha1sum
func TestHash(t *testing.T) {
	files := []api.File{
		{Path: "a/b/C.aidl", Data: []byte("package a.b;\nparcelable C {\n}\n")},
		{Path: "a/B.aidl", Data: []byte("package a;\nparcelable B {\n}\n")},
	}
	want := []string{"c420e7100f66b9d566819475bbfe2040778de11f", "03b40b24b77d92c86eff24f3ec187e5100720054"}
	for i, w := range want {
		if got := api.Hash(files, i+1); got != w {
			t.Errorf("version %d: got %s, want %s", i+1, got, w)
		}
	}
}

func TestFreeze(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aidl_api", "foo")
	one := []api.File{{Path: "a/IFoo.aidl", Data: []byte("package a;\ninterface IFoo {\n}\n")}}
	two := []api.File{{Path: "a/IFoo.aidl", Data: []byte("package a;\ninterface IFoo {\n  void f();\n}\n")}}

	for _, step := range []struct {
		snapshot []api.File
		want     int
	}{{one, 1}, {one, 1}, {two, 2}, {two, 2}} {
		version, hash, err := api.Freeze(dir, step.snapshot)
		if err != nil || version != step.want || hash != api.Hash(step.snapshot, step.want) {
			t.Fatalf("got version %d, hash %s, error %v; want version %d", version, hash, err, step.want)
		}
		current, err := api.Read(api.VersionDir(dir, 0))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(step.snapshot, current); d != "" {
			t.Errorf("current: -want +got\n%s", d)
		}
	}
	if versions, err := api.Versions(dir); err != nil || !slices.Equal(versions, []int{1, 2}) {
		t.Errorf("versions %v, %v", versions, err)
	}
	for v := 1; v <= 2; v++ {
		if err := api.Verify(dir, v); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "1/a/IFoo.aidl"), two[0].Data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := api.Verify(dir, 1); err == nil || !strings.Contains(err.Error(), "version 1 was changed after it was frozen") {
		t.Errorf("a changed version was not noticed: %v", err)
	}
	p, list := api.Load(context.Background(), api.VersionDir(dir, 2), nil)
	if len(list) > 0 || p.Lookup("a.IFoo") == nil {
		t.Error(list.Format())
	}
}

func TestMapping(t *testing.T) {
	a := txtar.Parse([]byte(`
-- src/a/IFoo.aidl --
package a;
interface IFoo {
    void f(in List<String> x, in E[] y, in Map<String, E> z);
    @nullable IBinder g(int[2][3] x, CharSequence y, in ParcelFileDescriptor fd);
    enum E { A }
}
`))
	a.Files[0].Data = []byte(strings.Replace(string(a.Files[0].Data), "in Map<String, E> z", "in Map z", 1))
	a.Files[0].Data = []byte(strings.Replace(string(a.Files[0].Data), "int[2][3] x", "in int[2][3] x", 1))
	p, _ := load(t, a, "src")
	want := `a.IFoo|f|java.util.List<java.lang.String>,byte[],java.util.Map,|void
src/a/IFoo.aidl:3
a.IFoo|g|int[][],java.lang.CharSequence,android.os.ParcelFileDescriptor,|android.os.IBinder
src/a/IFoo.aidl:4
`
	if d := cmp.Diff(want, api.Mapping(p)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	wantDeps := "out/a b.go : \\\n  src/a/IFoo.aidl\n"
	if d := cmp.Diff(strings.Replace(wantDeps, "a b", `a\ b`, 1), api.Deps(p, []string{"out/a b.go"}, true)); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := api.Deps(p, []string{"x"}, false); !strings.HasSuffix(got, "\nsrc/a/IFoo.aidl :\n") {
		t.Errorf("no empty rule in %q", got)
	}
}

// TestPreprocess: what is declared is read again, and is enough to compile who uses it.
func TestPreprocess(t *testing.T) {
	a := txtar.Parse([]byte(`
-- src/a/IFoo.aidl --
package a;
/** @deprecated use another */
interface IFoo {
    void f();
    const int A = 1 << 3;
    const String S = "x" + "y";
    @Backing(type="int") enum E { ONE = 1, TWO }
}
-- src/a/Data.aidl --
package a;
@VintfStability
parcelable Data {
    int x;
    union U { int a; String b; }
}
-- src/a/Outer.aidl --
package a;
parcelable Outer.Inner<T> cpp_header "outer.h";
`))
	p, _ := load(t, a, "src")
	want := `/**
 * @deprecated use another
 */
interface a.IFoo {
  const int A = 8;
  const String S = "xy";
  @Backing(type="int")
  enum E {
    ONE = 1,
    TWO = 2,
  }
}
@VintfStability
parcelable a.Data {
  union U {
  }
}
parcelable a.Outer.Inner<T> cpp_header "outer.h";
`
	got := api.Preprocess(p)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	user := "package b;\nimport a.IFoo;\nimport a.Data;\ninterface IUser {\n    a.IFoo.E f(in Data d, in Data.U u, in a.IFoo i);\n    const int C = IFoo.A + 1;\n}\n"
	fsys := fstest.MapFS{"pre": {Data: []byte(got)}, "b/IUser.aidl": {Data: []byte(user)}}
	prog, list := aidl.Load(context.Background(), aidl.Options{Files: []string{"b/IUser.aidl"}, Preprocessed: []string{"pre"}, FS: fsys})
	if len(list) > 0 {
		t.Fatal(list.Format())
	}
	if got := prog.Lookup("b.IUser").Head().Constants[0].Value.Spelling; got != "9" {
		t.Errorf("IUser.C is %s, want 9", got)
	}
}
