package check

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

var builtins = func() map[string]model.Kind {
	m := make(map[string]model.Kind)
	for k := model.Void; k <= model.Map; k++ {
		m[k.String()] = k
	}
	// Names from the time when Java was the only language.
	m["java.util.List"] = model.List
	m["java.util.Map"] = model.Map
	m["android.os.ParcelFileDescriptor"] = model.ParcelFileDescriptor
	return m
}()

// builtin returns the kind of a built-in type, or Invalid.
func builtin(name string) model.Kind { return builtins[name] }

// ignorable are imports that need no file: nobody can use the types but
// through built-in ones (AOSP: AidlTypenames::IsIgnorableImport).
var ignorable = set("android.os.IInterface android.os.IBinder android.os.Parcelable android.os.Parcel " +
	"android.content.Context java.lang.String java.lang.CharSequence")

// importAll loads what a requested file imports.
func (c *checker) importAll(f *file) {
	for i, imp := range f.Imports {
		node := f.source.Syntax.Imports[i].Name
		if builtin(imp.Name) != model.Invalid || ignorable[imp.Name] {
			continue
		}
		if c.types[imp.Name] == nil {
			source, err := c.opts.Importer.Import(imp.Name)
			if err != nil {
				f.missing[imp.Name] = true
				c.errorf(node, diag.BadImport, "cannot import %s: %v", imp.Name, err)
				continue
			}
			if source == nil {
				f.missing[imp.Name] = true
				d := c.errorf(node, diag.UnknownImport, "no file defines %s in the import folders", imp.Name)
				c.hintImport(d, imp.Name)
				continue
			}
			c.declare(source)
		}
		imp.Definition = c.types[imp.Name]
	}
}

func (c *checker) hintImport(d *diag.Diagnostic, name string) {
	pkg, simple := splitName(name)
	if s := diag.Suggest(simple, c.opts.Importer.Near(pkg, simple)); s != "" {
		d.Hint = "did you mean " + join(pkg, s) + "?"
		return
	}
	d.Hint = "looked for " + strings.ReplaceAll(name, ".", "/") + ".aidl; add its folder with -I"
}

func splitName(name string) (pkg, simple string) {
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		return name[:dot], name[dot+1:]
	}
	return "", name
}

func join(pkg, name string) string {
	if pkg == "" {
		return name
	}
	return pkg + "." + name
}

// qualify finds what a name means where it stands: a nested type of the types
// around it, an import, a type of the file, or a qualified name.
func (c *checker) qualify(f *file, in model.Definition, name string) string {
	if builtin(name) != model.Invalid {
		return name
	}
	first, rest := name, ""
	if dot := strings.IndexByte(name, '.'); dot >= 0 {
		first, rest = name[:dot], name[dot:]
	}
	for d := in; d != nil; d = d.Head().Parent {
		for _, n := range d.Head().Nested {
			if n.Head().Name == first {
				return n.Head().QualifiedName + rest
			}
		}
		if u, ok := d.(*model.Union); ok && u.Tag != nil && first == "Tag" {
			return u.Tag.QualifiedName + rest
		}
	}
	for _, imp := range f.Imports {
		if _, simple := splitName(imp.Name); simple == first {
			return imp.Name + rest
		}
	}
	for _, d := range f.Definitions {
		if d.Head().Name == first {
			return d.Head().QualifiedName + rest
		}
	}
	return name
}

// lookup finds the definition of a name, loading its file if need be, and
// asks for that file to be built. A built-in type has a kind instead.
func (c *checker) lookup(f *file, in model.Definition, name string) (model.Kind, model.Definition, error) {
	qualified := c.qualify(f, in, name)
	if k := builtin(qualified); k != model.Invalid {
		return k, nil, nil
	}
	def := c.types[qualified]
	if def == nil {
		source, err := c.opts.Importer.Import(qualified)
		if err != nil {
			return model.Invalid, nil, err
		}
		if source != nil {
			c.declare(source)
			def = c.types[qualified]
		}
	}
	if def == nil {
		def = c.simple[name]
	}
	if def == nil {
		return model.Invalid, nil, nil
	}
	c.reach(c.fileOf(def))
	return model.Defined, def, nil
}

func (c *checker) fileOf(def model.Definition) *file { return c.models[def.Head().File] }

// resolveType makes the type that the syntax names. What cannot be resolved
// is told and gets the kind Invalid.
func (c *checker) resolveType(f *file, in model.Definition, syntax *ast.Type) *model.Type {
	t := &model.Type{Pos: syntax.Name.Pos()}
	name := syntax.Name.String()
	kind, def, err := c.lookup(f, in, name)
	switch {
	case def == nil && kind == model.Invalid && c.isMissing(f, in, name):
		// Told at the import.
	case err != nil:
		c.errorAlways(syntax.Name, diag.BadImport, "cannot import %s: %v", name, err)
	case kind == model.Invalid:
		d := c.errorAlways(syntax.Name, diag.UnknownType, "unknown type '%s'", name)
		c.hintType(d, f, in, name)
	default:
		t.Kind, t.Definition, t.Name = kind, def, kind.String()
		if def != nil {
			t.Name = def.Head().QualifiedName
		}
	}
	for _, arg := range syntax.Args {
		t.Args = append(t.Args, c.resolveType(f, in, arg))
	}
	// int[2][3] is two arrays of three: the last dimension is the innermost.
	for i := len(syntax.Dimensions) - 1; i >= 0; i-- {
		dim := syntax.Dimensions[i]
		t = &model.Type{Kind: model.Array, Elem: t, Pos: t.Pos}
		if dim.Size != nil {
			t.Kind = model.FixedArray
			c.sizes = append(c.sizes, size{t, dim.Size, in})
		}
	}
	return t
}

// isMissing tells whether a name comes from an import that was not found.
func (c *checker) isMissing(f *file, in model.Definition, name string) bool {
	for qualified := c.qualify(f, in, name); qualified != ""; qualified, _ = splitName(qualified) {
		if f.missing[qualified] {
			return true
		}
	}
	return false
}

// hintType says what could have been meant by an unknown type.
func (c *checker) hintType(d *diag.Diagnostic, f *file, in model.Definition, name string) {
	pkg, simple := splitName(name)
	if pkg == "" && c.isTypeParam(in, name) {
		d.Hint = "a type parameter cannot be the type of a member"
		return
	}
	for _, imp := range f.Imports {
		// A file that is not compiled itself: what it imports is missed only here.
		if _, last := splitName(imp.Name); last == name {
			d.Hint = "no file in the import folders defines " + imp.Name
			return
		}
	}
	if pkg == "" {
		pkg = f.Package.Name
	}
	near := c.opts.Importer.Near(pkg, simple)
	for _, n := range near {
		if n == simple && !strings.Contains(name, ".") {
			d.Hint = "add: import " + join(pkg, simple) + ";"
			return
		}
	}
	var candidates []string
	if !strings.Contains(name, ".") {
		for k := model.Void; k <= model.Map; k++ {
			candidates = append(candidates, k.String())
		}
		for _, imp := range f.Imports {
			_, s := splitName(imp.Name)
			candidates = append(candidates, s)
		}
		for def := in; def != nil; def = def.Head().Parent {
			for _, n := range def.Head().Nested {
				candidates = append(candidates, n.Head().Name)
			}
			candidates = append(candidates, def.Head().Name)
		}
		switch name {
		case "bool":
			d.Hint = "did you mean boolean?"
			return
		case "string", "str":
			d.Hint = "did you mean String?"
			return
		case "int8", "int8_t", "uint8_t", "uint8":
			d.Hint = "did you mean byte?"
			return
		case "int32", "int32_t", "uint32_t", "uint32", "Integer":
			d.Hint = "did you mean int?"
			return
		case "int64", "int64_t", "uint64_t", "uint64":
			d.Hint = "did you mean long?"
			return
		case "short":
			d.Hint = "AIDL has no short; use int"
			return
		}
	}
	if s := diag.Suggest(simple, append(candidates, near...)); s != "" {
		d.Hint = "did you mean " + s + "?"
		return
	}
	if !strings.Contains(name, ".") {
		d.Hint = "import it, or write its qualified name"
	}
}

func (c *checker) isTypeParam(in model.Definition, name string) bool {
	var params []string
	switch d := in.(type) {
	case *model.Parcelable:
		params = d.TypeParams
	case *model.Union:
		params = d.TypeParams
	}
	for _, p := range params {
		if p == name {
			return true
		}
	}
	return false
}
