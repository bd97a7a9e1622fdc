// Package aidl reads AIDL, the language of Binder interfaces, as AOSP's
// compiler does.
//
// [Load] reads files and what they import, checks them and returns a
// [model.Program] in which every name is resolved and every constant
// evaluated. The packages below do the steps: token, scanner, ast and parser
// read one file; check gives a set of files its meaning; diag tells of
// mistakes; format writes a file anew; api compares versions of an interface.
package aidl

import (
	"context"
	"io/fs"
	"os"

	"github.com/fusebinder/fusebinder/aidl/check"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// Options says what to load.
type Options struct {
	// Files are the files asked for. Each must stand at the path that its
	// package and type ask for: a.b.C in …/a/b/C.aidl.
	Files []string
	// Include are the folders where imports are looked for: the type a.b.C
	// is in a/b/C.aidl below exactly one of them. What is in none of them is
	// looked for in the folders that the Files' own packages begin in.
	Include []string
	// Preprocessed are files that declare, by their qualified names, types
	// that exist elsewhere.
	Preprocessed []string

	// Structured forbids what an interface with stable versions cannot have:
	// parcelables that another language defines, untyped lists and maps.
	Structured bool
	// VINTF demands @VintfStability of every type.
	VINTF bool

	// Backends are those of AOSP's backends (java, cpp, ndk, rust) that are
	// to compile the files, too: what AOSP's compiler refuses for one of them
	// is an error then.
	Backends []string
	// MinSDK is the API level of the oldest Android that is to understand
	// the interface; 0 asks nothing.
	MinSDK int

	// Warnings are the warnings to tell, by name; "everything" means all.
	Warnings []string
	// WarningsAreErrors makes errors of them.
	WarningsAreErrors bool

	// FS is where the files are; nil means the files of the system.
	FS FileSystem
}

// FileSystem is what Load needs of a file system. Names are as given in
// [Options], joined with "/".
type FileSystem interface {
	fs.ReadFileFS
	fs.ReadDirFS
}

// Load reads the files and everything that they need. The program is never
// nil; where the list holds an error, parts of it may be missing, and no code
// should be generated from it.
func Load(ctx context.Context, opts Options) (*model.Program, diag.List) {
	if opts.FS == nil {
		opts.FS = system{}
	}
	var report diag.Reporter
	l := newLoader(opts, &report)
	sources := l.sources(ctx)
	if report.Errors() > 0 && len(sources) == 0 {
		return &model.Program{}, report.List()
	}
	p := check.Program(ctx, sources, &report, check.Options{
		Importer: l, Structured: opts.Structured, VINTF: opts.VINTF,
		Backends: opts.Backends, MinSDK: opts.MinSDK,
		Warnings: opts.Warnings, WarningsAreErrors: opts.WarningsAreErrors,
	})
	return p, report.List()
}

// system is the file system of the machine.
type system struct{}

func (system) Open(name string) (fs.File, error)          { return os.Open(name) }
func (system) ReadFile(name string) ([]byte, error)       { return os.ReadFile(name) }
func (system) ReadDir(name string) ([]fs.DirEntry, error) { return os.ReadDir(name) }
