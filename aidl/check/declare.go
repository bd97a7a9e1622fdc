package check

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// declare gives every type of a file its definition and its names.
func (c *checker) declare(s *Source) *file {
	if f := c.files[s]; f != nil {
		return f
	}
	syntax := s.Syntax
	f := &file{source: s, missing: make(map[string]bool), File: &model.File{
		Path: s.Path, Requested: s.Requested, Preprocessed: s.Preprocessed, Syntax: syntax}}
	c.files[s], c.places[syntax.Source], c.models[f.File] = f, f, f
	c.order = append(c.order, f)
	name := ""
	if syntax.Package != nil {
		name = syntax.Package.Name.String()
		f.License = append(f.License, syntax.Package.Doc...)
	}
	for _, imp := range syntax.Imports {
		f.License = append(f.License, imp.Doc...)
		f.Imports = append(f.Imports, &model.Import{Pos: imp.Name.Pos(), Name: imp.Name.String()})
	}
	f.Package = c.pkg(name)
	for _, d := range syntax.Decls {
		if def := c.declareType(f, nil, d); def != nil {
			f.Definitions = append(f.Definitions, def)
			pkg := def.Head().Package
			pkg.Definitions = append(pkg.Definitions, def)
		}
	}
	return f
}

func (c *checker) pkg(name string) *model.Package {
	p := c.packages[name]
	if p == nil {
		p = &model.Package{Name: name}
		c.packages[name] = p
	}
	return p
}

// declareType declares a type and those nested in it. It returns nil for a
// type whose name is taken.
func (c *checker) declareType(f *file, parent model.Definition, d ast.Decl) model.Definition {
	syntax := d.Head()
	header := model.Header{
		Name: syntax.Name.String(), File: f.File, Package: f.Package, Parent: parent,
		Doc: document(syntax.Doc), Pos: syntax.Name.Pos(), Syntax: d,
	}
	switch {
	case parent != nil:
		header.Package = parent.Head().Package
		header.QualifiedName = parent.Head().QualifiedName + "." + header.Name
	case f.Package.Name != "":
		header.QualifiedName = f.Package.Name + "." + header.Name
	default:
		header.QualifiedName = header.Name
		// The name of a preprocessed type brings its package.
		if dot := strings.LastIndexByte(header.Name, '.'); dot >= 0 {
			header.Package = c.pkg(header.Name[:dot])
			header.Name = header.Name[dot+1:]
		}
	}
	if old := c.types[header.QualifiedName]; old != nil {
		if f.Preprocessed {
			return nil
		}
		if !old.Head().File.Preprocessed {
			c.errorAlways(syntax.Name, diag.DuplicateType, "%s is defined twice", header.QualifiedName).
				Related = []diag.Related{{Pos: old.Head().Pos, Message: "the other definition is here"}}
			return nil
		}
	}
	if f.Preprocessed && builtin(header.Name) != model.Invalid {
		return nil
	}
	c.checkName(f, &header, syntax)

	var def model.Definition
	var members []ast.Member
	switch d := d.(type) {
	case *ast.Interface:
		def, members = &model.Interface{Header: header, Oneway: d.Oneway, Forward: !d.HasBody(),
			Descriptor: header.QualifiedName}, d.Members
	case *ast.Parcelable:
		def, members = &model.Parcelable{Header: header, Structured: d.HasBody(), TypeParams: names(d.TypeParams),
			CppHeader: unquote(d.CppHeader), NdkHeader: unquote(d.NdkHeader), RustType: unquote(d.RustType)}, d.Members
	case *ast.Union:
		def, members = &model.Union{Header: header, TypeParams: names(d.TypeParams)}, d.Members
	case *ast.Enum:
		def = &model.Enum{Header: header, Backing: model.Byte}
	}
	c.types[header.QualifiedName] = def
	c.cells[def] = &scope{}
	if p, ok := def.(*model.Parcelable); ok && f.Preprocessed && !p.Structured {
		if c.simple[header.Name] == nil {
			c.simple[header.Name] = def
		}
	}
	nested := make(map[string]bool)
	for _, m := range members {
		if inner, ok := m.(ast.Decl); ok {
			name := inner.Head().Name.String()
			if name == header.Name {
				c.errorAlways(inner.Head().Name, diag.NestedType, "nested type '%s' has the name of the type around it", name)
			}
			if nested[name] {
				c.errorAlways(inner.Head().Name, diag.DuplicateMember, "'%s' is defined twice in '%s'", name, header.Name)
				continue
			}
			nested[name] = true
			if t := c.declareType(f, def, inner); t != nil {
				head := def.Head()
				head.Nested = append(head.Nested, t)
			}
		}
	}
	if u, ok := def.(*model.Union); ok {
		c.declareTag(f, u, nested["Tag"])
	}
	return def
}

// declareTag gives a union the enum of its fields' names.
func (c *checker) declareTag(f *file, u *model.Union, taken bool) {
	if taken {
		for _, n := range u.Nested {
			if n.Head().Name == "Tag" {
				c.errorf(n.Head().Syntax.Head().Name, diag.DuplicateMember,
					"'Tag' is the enum of the fields that every union has; give this type another name")
			}
		}
		return
	}
	tag := &model.Enum{Header: model.Header{
		Name: "Tag", QualifiedName: u.QualifiedName + ".Tag", Package: u.Package, File: u.File, Parent: u, Pos: u.Pos,
	}, Backing: model.Int}
	for _, a := range u.Syntax.Head().Annotations {
		if a.Name.Text == "FixedSize" {
			tag.Backing = model.Byte
		}
	}
	u.Tag = tag
	c.types[tag.QualifiedName] = tag
	c.cells[tag] = &scope{}
}

func names(ids []*ast.Ident) []string {
	var list []string
	for _, id := range ids {
		list = append(list, id.Text)
	}
	return list
}

func unquote(lit *ast.Literal) string {
	if lit == nil {
		return ""
	}
	return lit.Text[1 : len(lit.Text)-1]
}

// reserved are words that cannot be part of a type's qualified name: they are
// keywords of Java or C++, where AOSP's backends would trip over them.
var reserved = set("break case catch char class continue default do double else enum false float for goto if int " +
	"long new private protected public return short static switch this throw true try void volatile while")

func set(words string) map[string]bool {
	m := make(map[string]bool)
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// checkName checks the parts of a qualified name.
func (c *checker) checkName(f *file, h *model.Header, syntax *ast.Header) {
	for _, part := range strings.Split(h.QualifiedName, ".") {
		switch {
		case reserved[part]:
			c.errorAlways(syntax.Name, diag.ReservedName, "'%s' cannot be part of the name %s: it is a keyword of Java or C++", part, h.QualifiedName)
		case builtin(part) != model.Invalid:
			c.errorAlways(syntax.Name, diag.ReservedName, "'%s' cannot be part of the name %s: it is a built-in type", part, h.QualifiedName)
		}
	}
}
