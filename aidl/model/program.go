// Package model is what a set of AIDL files means: every name resolved, every
// constant evaluated, every method numbered. Generators read it; the checker
// is the only one that writes it.
//
// All slices keep the order of the source, unless they say otherwise, so that
// whoever walks them gives the same output from run to run.
package model

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Program is all that was loaded.
type Program struct {
	Packages []*Package // by name
	Files    []*File    // requested ones first, in the order asked; then imports, by path
}

// Lookup finds a type by its qualified name ("a.b.Outer.Inner"), or nil.
func (p *Program) Lookup(name string) Definition {
	for _, pkg := range p.Packages {
		for _, d := range pkg.Definitions {
			if found := lookup(d, name); found != nil {
				return found
			}
		}
	}
	return nil
}

func lookup(d Definition, name string) Definition {
	h := d.Head()
	if h.QualifiedName == name {
		return d
	}
	for _, n := range h.Nested {
		if found := lookup(n, name); found != nil {
			return found
		}
	}
	return nil
}

// Package is one AIDL package. The package without a name is "".
type Package struct {
	Name        string
	Definitions []Definition // top level, by name
}

// Requested tells whether any of its files was asked for by name, rather
// than found through an import.
func (p *Package) Requested() bool {
	for _, d := range p.Definitions {
		if d.Head().File.Requested {
			return true
		}
	}
	return false
}

// File is one source file.
type File struct {
	Path         string
	Requested    bool // named on the command line; else found through an import
	Preprocessed bool // holds only declarations of what exists elsewhere
	Package      *Package
	Imports      []*Import
	Definitions  []Definition // top level
	Syntax       *ast.File
	License      []token.Comment // the comments before the package and import clauses
}

// Import is one import clause.
type Import struct {
	Pos        token.Pos
	Name       string     // qualified
	Definition Definition // what it names
}
