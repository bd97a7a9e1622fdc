package check

import (
	"path/filepath"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// rules applies all rules to a requested file.
func (c *checker) rules(f *file) {
	c.checkFile(f)
	for _, d := range f.Definitions {
		c.checkDefinition(f, d)
	}
	c.warn(f)
}

// checkFile: one type with a body for each file, in the file that its name
// asks for.
func (c *checker) checkFile(f *file) {
	if f.Preprocessed {
		return
	}
	var first model.Definition
	for _, d := range f.Definitions {
		if p, ok := d.(*model.Parcelable); ok && !p.Structured {
			continue
		}
		if first != nil {
			c.errorf(d.Head().Syntax.Head().Name, diag.SeveralTypes, "a file defines one type; this is the second").
				Related = []diag.Related{{Pos: first.Head().Pos, Message: "the first one is here"}}
			return
		}
		first = d
	}
	if len(f.Definitions) != 1 {
		return
	}
	h := f.Definitions[0].Head()
	// "parcelable Outer.Inner;" is in Outer.aidl.
	name, _, _ := strings.Cut(h.Name, ".")
	want := strings.ReplaceAll(join(h.Package.Name, name), ".", "/") + ".aidl"
	path := filepath.ToSlash(f.Path)
	if abs, err := filepath.Abs(f.Path); err == nil && !strings.HasSuffix(path, want) {
		path = filepath.ToSlash(abs)
	}
	if path != want && !strings.HasSuffix(path, "/"+want) {
		c.errorf(h.Syntax.Head().Name, diag.FileName, "%s must be in a file named %s", h.QualifiedName, want)
	}
}

func (c *checker) checkDefinition(f *file, def model.Definition) {
	h := def.Head()
	for _, n := range h.Nested {
		c.checkDefinition(f, n)
	}
	c.checkNested(def)
	for _, k := range h.Constants {
		switch k.Type.Kind {
		case model.String, model.Byte, model.Int, model.Long, model.Float, model.Double, model.Invalid:
		default:
			c.errorf(k.Syntax.Type, diag.ConstantType, "a constant cannot be of type %s", k.Type.Signature()).
				Hint = "it can be byte, int, long, float, double or String"
		}
	}
	switch d := def.(type) {
	case *model.Interface:
		c.checkInterface(d)
	case *model.Parcelable:
		c.checkTypeParams(d, d.TypeParams, d.Syntax.(*ast.Parcelable).TypeParams)
		c.checkFields(d, d.Fields, d.FixedSize, d.Immutable)
		if d.Immutable {
			c.checkGetters(d, d.Fields)
		}
		if !d.Structured {
			c.checkDeclared(d)
		}
		if !d.Structured && c.opts.Structured && !c.stable(d) {
			c.errorf(h.Syntax.Head().Name, diag.Unstructured, "an interface with stable versions cannot use a parcelable that another language defines").
				Hint = "define its fields in AIDL"
		}
	case *model.Union:
		c.checkTypeParams(d, d.TypeParams, d.Syntax.(*ast.Union).TypeParams)
		c.checkFields(d, d.Fields, d.FixedSize, d.Immutable)
		c.checkGetters(d, d.Fields)
		c.checkUnion(d)
	}
	if c.opts.VINTF && !h.VINTF {
		if p, ok := def.(*model.Parcelable); !ok || p.Structured || !c.stable(p) {
			c.errorf(h.Syntax.Head().Name, diag.Stability, "%s needs @VintfStability: the interface is compiled for VINTF stability", h.Name)
		}
	}
}

// stable tells whether the backends that are asked for, or else any backend,
// vouch for a parcelable that AIDL does not define. C++ never does.
func (c *checker) stable(p *model.Parcelable) bool {
	vouches := map[string]bool{"java": p.JavaStable, "ndk": p.NdkStable, "rust": p.RustStable}
	for _, b := range c.opts.Backends {
		if !vouches[b] {
			return false
		}
	}
	return p.JavaStable || p.NdkStable || p.RustStable
}

// checkNested checks the types nested in a type.
func (c *checker) checkNested(def model.Definition) {
	h := def.Head()
	if len(h.Nested) == 0 {
		return
	}
	generic := false
	switch d := def.(type) {
	case *model.Parcelable:
		generic = len(d.TypeParams) > 0
	case *model.Union:
		generic = len(d.TypeParams) > 0
	}
	if generic {
		c.errorf(h.Nested[0].Head().Syntax.Head().Name, diag.NestedType, "a generic type cannot have nested types")
	}
	for _, n := range h.Nested {
		if p, ok := n.(*model.Parcelable); ok && !p.Structured {
			c.errorf(p.Syntax.Head().Name, diag.NestedType, "a nested parcelable must have a body").
				Hint = "a parcelable that another language defines stands in a file of its own"
		}
	}
	c.checkSiblings(h)
}

// checkSiblings: types nested in the same type must not need each other in a
// circle. C++ could not declare them, so AOSP refuses them for all.
func (c *checker) checkSiblings(h *model.Header) {
	root := make(map[model.Definition]model.Definition)
	for _, n := range h.Nested {
		walkDefinitions(n, func(d model.Definition) { root[d] = n })
	}
	needs := make(map[model.Definition][]model.Definition)
	for _, n := range h.Nested {
		walkTypes(n, func(t *model.Type) {
			if sibling := root[t.Definition]; t.Definition != nil && sibling != nil && sibling != n {
				needs[n] = append(needs[n], sibling)
			}
		})
	}
	visited := make(map[model.Definition]int)
	var circular func(d model.Definition) bool
	circular = func(d model.Definition) bool {
		if visited[d] != 0 {
			return visited[d] == 1
		}
		visited[d] = 1
		for _, n := range needs[d] {
			if circular(n) {
				return true
			}
		}
		visited[d] = 2
		return false
	}
	for _, n := range h.Nested {
		if circular(n) {
			c.errorf(n.Head().Syntax.Head().Name, diag.NestedType, "the types nested in '%s' refer to each other in a circle", h.Name).
				Hint = "move one of them to a file of its own"
			return
		}
	}
}

func walkDefinitions(d model.Definition, visit func(model.Definition)) {
	visit(d)
	for _, n := range d.Head().Nested {
		walkDefinitions(n, visit)
	}
	if u, ok := d.(*model.Union); ok && u.Tag != nil {
		visit(u.Tag)
	}
}
