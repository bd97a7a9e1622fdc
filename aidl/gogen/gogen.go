// Package gogen turns checked AIDL into Go that speaks to services of AOSP's Java, C++, NDK and Rust
// backends. What it writes needs only the packages binder and parcel of this module.
//
// # Layout
//
// Each AIDL package becomes one Go package: a.b.c is the folder a/b/c below the output folder and
// the import path PREFIX/a/b/c, where PREFIX is the import path of the output folder. Each AIDL file
// Name.aidl becomes Name.aidl.go there. Elements that have a meaning to the go command (internal,
// vendor, testdata, main, keywords) get a trailing underscore; AIDL without a package goes to the
// output folder itself. Go forbids packages that import each other in a circle, AIDL does not:
// packages in a circle are one Go package, the first of them by name, and the others have aliases
// of its types. They must then be compiled together.
//
// # Names
//
// A type keeps its name, a nested one gets its parents' before it (Outer.Inner is OuterInner);
// methods and fields begin with a capital; constants and enumerators are in Go's manner behind the
// name of their type (IFoo.MAX_SIZE is IFooMaxSize). A name that is taken gets a trailing underscore.
//
// # Types
//
//	boolean, byte, char      bool, int8, uint16
//	int, long                int32, int64
//	float, double            float32, float64
//	String, CharSequence     string
//	byte[], T[], List<T>     []byte, []T, []T
//	T[2][3]                  [2][3]T
//	Map<String, T>           map[string]T
//	List, Map                []any, map[any]any
//	IBinder                  binder.Binder
//	interface IFoo           IFoo, a Go interface; local implementations are exported when written
//	ParcelFileDescriptor     *os.File
//	FileDescriptor           *os.File
//	ParcelableHolder         parcel.Holder
//	parcelable Foo           Foo, a struct; NewFoo has the defaults
//	union U                  U, an interface that UA, UB, … implement, for type switches; nil is the default
//	enum E                   E, with constants and String
//
// What is @nullable is a pointer where nil cannot say it already: *string, *Foo, *[2]T.
package gogen

import (
	"fmt"
	"path"
	"runtime"
	"sort"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// Options says what to generate.
type Options struct {
	// Prefix is the Go import path of the output folder.
	Prefix string

	// RequestedOnly leaves out files that were found through imports, which otherwise are
	// generated, too, so that the output compiles.
	RequestedOnly bool

	// Map tells where Go code exists already: from the name of an AIDL package to a Go import
	// path, or from the name of an AIDL parcelable to "import/path.Type", whose pointer must be a
	// parcel.Parcelable.
	Map map[string]string

	// Version is the version of the interfaces, 0 for none; Hash that of their frozen API, "" for
	// none. Requested interfaces answer getInterfaceVersion and getInterfaceHash with them.
	Version int
	Hash    string
}

// File is one file of Go.
type File struct {
	Path    string // below the output folder, with slashes
	Content []byte
}

// Error is something that Go cannot express.
type Error struct {
	Pos     fmt.Stringer // file:line:column
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%v: %s", e.Pos, e.Message) }

// Generate makes the Go files of a program that was checked without errors, by path.
func Generate(prog *model.Program, opts Options) ([]*File, error) {
	g := newGenerator(prog, opts)
	var jobs []func() (*File, error)
	packages := map[*model.Package]bool{}
	for _, src := range prog.Files {
		if src.Preprocessed || opts.RequestedOnly && !src.Requested || !g.generates(src.Package) || !g.hasCode(src) {
			continue
		}
		jobs = append(jobs, func() (*File, error) { return g.sourceFile(src) })
		if !packages[src.Package] {
			packages[src.Package] = true
			jobs = append(jobs, func() (*File, error) { return g.packageFile(src.Package) })
		}
	}
	files, err := together(jobs)
	sort.Slice(files, func(i, j int) bool { return files[i].Path < files[j].Path })
	return files, err
}

// together does the jobs on all processors. The error is that of the first job with one.
func together(jobs []func() (*File, error)) ([]*File, error) {
	files, errs := make([]*File, len(jobs)), make([]error, len(jobs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				files[i], errs[i] = jobs[i]()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// hasCode tells whether anything comes of a file.
func (g *generator) hasCode(src *model.File) bool {
	for _, d := range src.Definitions {
		if i, ok := d.(*model.Interface); (!ok || !i.Forward) && g.opts.Map[d.Head().QualifiedName] == "" {
			return true
		}
	}
	return false
}

// sourceFile makes the Go file of an AIDL file.
func (g *generator) sourceFile(src *model.File) (file *File, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*Error)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	f := g.file(src)
	for _, d := range src.Definitions {
		f.definition(d)
	}
	content, err := f.Content()
	if err != nil {
		return nil, err
	}
	return &File{Path: path.Join(g.homeOf(src.Package).dir, g.fileName(src)), Content: content}, nil
}

// generator is one run.
type generator struct {
	prog   *model.Program
	opts   Options
	places map[string]*place // by AIDL package
	names  map[model.Definition]*names
}

func newGenerator(prog *model.Program, opts Options) *generator {
	g := &generator{prog: prog, opts: opts, places: map[string]*place{}, names: map[model.Definition]*names{}}
	g.layOut()
	scopes := map[*place]scope{}
	for _, pkg := range prog.Packages {
		home := g.homeOf(pkg)
		if scopes[home] == nil {
			scopes[home] = scope{}
		}
		g.nameTypes(scopes[home], pkg)
	}
	for _, pkg := range prog.Packages {
		g.nameRest(scopes[g.homeOf(pkg)], pkg)
	}
	return g
}

// generates tells whether the package's Go code is ours to make.
func (g *generator) generates(pkg *model.Package) bool { return g.opts.Map[pkg.Name] == "" }

// fileName is the name of the Go file for src.
func (g *generator) fileName(src *model.File) string {
	base := strings.TrimSuffix(path.Base(strings.ReplaceAll(src.Path, "\\", "/")), ".aidl")
	if len(src.Definitions) > 0 {
		base, _, _ = strings.Cut(src.Definitions[0].Head().Name, ".") // "parcelable Outer.Inner;" is in Outer.aidl
		for _, d := range src.Definitions {
			if d.Head().Name+".aidl" == path.Base(src.Path) {
				base = d.Head().Name
			}
		}
	}
	if strings.Contains(base, "_") {
		base += "_" // or Foo_linux and Foo_test would be more than names to the go command
	}
	if g.places[src.Package.Name].home != nil {
		base += "." + src.Package.Name // a guest in another package's folder
	}
	return base + ".aidl.go"
}
