// Package check gives the syntax tree its meaning: it resolves names, loading
// the files that define them, evaluates constants, numbers methods, and tells
// of whatever AOSP's compiler would not accept.
//
// The work goes in four steps, so that each may rely on the one before:
//
//  1. declare: every type of a file gets its definition and its names
//  2. build: members get their types; a type from elsewhere loads its file
//  3. evaluate: constants, enumerators, array sizes, defaults, annotations
//  4. rules: what may stand where
//
// Files that were not asked for are declared, built and evaluated, but the
// rules are not applied to them: whoever compiles them will hear of it.
package check

import (
	"cmp"
	"context"
	"slices"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Source is a parsed file.
type Source struct {
	Path         string
	Syntax       *ast.File
	Requested    bool
	Preprocessed bool
	// Broken tells that the syntax tree lacks what could not be parsed. Only
	// unknown types are told of such a file, since other mistakes could be
	// consequences.
	Broken bool
}

// Importer finds the file that defines a type.
type Importer interface {
	// Import returns the file for a qualified name, which may be that of a
	// nested type; nil when there is none. An error says that the name is
	// ambiguous or its file unreadable. A file that was returned before, or
	// is among the sources, is returned as the same *Source.
	Import(name string) (*Source, error)
	// Near returns names of types that could have been meant by name in
	// that package.
	Near(pkg, name string) []string
}

// Options says what to check.
type Options struct {
	Importer Importer
	// Structured forbids parcelables that another language defines, and
	// untyped lists and maps, as for interfaces with versions.
	Structured bool
	// VINTF demands that every type has @VintfStability.
	VINTF bool
	// Backends are those of AOSP's backends ("java", "cpp", "ndk", "rust")
	// that are to compile the files, too: what AOSP's compiler refuses for
	// one of them is refused.
	Backends []string
	// MinSDK is the API level of the oldest Android to serve; 0 asks
	// nothing.
	MinSDK int
	// Warnings are the warnings to tell; see diag.Warnings. "everything"
	// means all.
	Warnings []string
	// WarningsAreErrors makes each warning an error.
	WarningsAreErrors bool
}

// Program checks the sources. They are the requested and the preprocessed
// files; the importer supplies the rest.
func Program(ctx context.Context, sources []*Source, report *diag.Reporter, opts Options) *model.Program {
	c := &checker{
		opts:     opts,
		report:   report,
		files:    make(map[*Source]*file),
		places:   make(map[*token.File]*file),
		models:   make(map[*model.File]*file),
		types:    make(map[string]model.Definition),
		simple:   make(map[string]model.Definition),
		packages: make(map[string]*model.Package),
		cells:    make(map[model.Definition]*scope),
		notes:    make(map[*model.Type][]*ast.Annotation),
	}
	c.enableWarnings()
	c.program(ctx, sources)
	return c.result()
}

type checker struct {
	opts   Options
	report *diag.Reporter

	files    map[*Source]*file
	places   map[*token.File]*file
	models   map[*model.File]*file
	order    []*file                     // as they were declared
	types    map[string]model.Definition // by qualified name
	simple   map[string]model.Definition // unstructured parcelables of preprocessed files, by simple name
	packages map[string]*model.Package
	cells    map[model.Definition]*scope // constants and enumerators, by name

	queue   []*file // reached, not yet built
	pending []*file // built, not yet evaluated

	sizes    []size     // array sizes to evaluate
	defaults []fallback // defaults to evaluate
	uses     []use      // types at their places, for the rules
	// notes are the annotations that stand before a member and speak of its
	// type, for the marks of messages.
	notes map[*model.Type][]*ast.Annotation

	warnings map[diag.Code]bool
}

// file is a source and what the checker knows of it.
type file struct {
	*model.File
	source  *Source
	reached bool
	missing map[string]bool // imports that were not found, so that each is told once
	enums   []*model.Enum
	consts  []*model.Constant
}

// size is an array size that waits for its evaluation.
type size struct {
	typ   *model.Type // of kind FixedArray
	expr  ast.Expr
	scope model.Definition
}

// fallback is a field's default that waits for its evaluation.
type fallback struct {
	field *model.Field
	scope model.Definition
}

// use is a type at a place where it is used.
type use struct {
	typ    *model.Type
	syntax *ast.Type
	in     model.Definition
}

func (c *checker) program(ctx context.Context, sources []*Source) {
	// Types of real files go before preprocessed ones of the same name.
	for _, s := range sources {
		if !s.Preprocessed {
			c.declare(s)
		}
	}
	for _, s := range sources {
		if s.Preprocessed {
			c.declare(s)
		}
	}
	for _, s := range sources {
		if s.Requested {
			c.importAll(c.files[s])
			c.reach(c.files[s])
		}
	}
	for len(c.queue) > 0 {
		for len(c.queue) > 0 {
			if ctx.Err() != nil {
				c.report.Report(&diag.Diagnostic{Code: diag.Unreadable, Message: context.Cause(ctx).Error()})
				return
			}
			f := c.queue[0]
			c.queue = c.queue[1:]
			c.build(f)
			c.pending = append(c.pending, f)
		}
		// Evaluation can meet names of further files.
		c.evaluate()
	}
	for _, f := range c.order {
		if f.Requested && !f.source.Broken {
			c.rules(f)
		}
	}
	c.checkRecursion()
	c.checkReached()
}

// reach asks for a file to be built.
func (c *checker) reach(f *file) {
	if !f.reached {
		f.reached = true
		c.queue = append(c.queue, f)
	}
}

// errorf tells of a mistake at a node of a requested file. In other files
// only what stops the compiler is told: see errorAlways.
func (c *checker) errorf(n ast.Node, code diag.Code, format string, args ...any) *diag.Diagnostic {
	d := c.diagnostic(n, code, format, args...)
	if c.visible(n.Pos()) {
		c.report.Report(d)
	}
	return d
}

// errorAlways tells of a mistake that stops the compiler wherever it is.
func (c *checker) errorAlways(n ast.Node, code diag.Code, format string, args ...any) *diag.Diagnostic {
	d := c.diagnostic(n, code, format, args...)
	c.report.Report(d)
	return d
}

func (c *checker) diagnostic(n ast.Node, code diag.Code, format string, args ...any) *diag.Diagnostic {
	return diag.New(n.Pos(), n.End().Offset-n.Pos().Offset, code, format, args...)
}

// visible tells whether mistakes at this place are told.
func (c *checker) visible(pos token.Pos) bool {
	if !pos.IsValid() {
		return true
	}
	f := c.places[pos.File]
	return f == nil || f.Requested && !f.source.Broken
}

// result collects the program in its final order.
func (c *checker) result() *model.Program {
	p := &model.Program{}
	for _, pkg := range c.packages {
		slices.SortStableFunc(pkg.Definitions, func(a, b model.Definition) int {
			return cmp.Compare(a.Head().Name, b.Head().Name)
		})
		if len(pkg.Definitions) > 0 {
			p.Packages = append(p.Packages, pkg)
		}
	}
	slices.SortFunc(p.Packages, func(a, b *model.Package) int { return cmp.Compare(a.Name, b.Name) })
	var rest []*model.File
	for _, f := range c.order {
		if f.Requested {
			p.Files = append(p.Files, f.File)
		} else {
			rest = append(rest, f.File)
		}
	}
	slices.SortFunc(rest, func(a, b *model.File) int { return cmp.Compare(a.Path, b.Path) })
	p.Files = append(p.Files, rest...)
	return p
}
