package check

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// walkTypes visits the types used in a definition and those nested in it.
func walkTypes(d model.Definition, visit func(*model.Type)) {
	var walk func(t *model.Type)
	walk = func(t *model.Type) {
		visit(t)
		if t.Elem != nil {
			walk(t.Elem)
		}
		for _, a := range t.Args {
			walk(a)
		}
	}
	walkDefinitions(d, func(d model.Definition) {
		for _, f := range model.FieldsOf(d) {
			walk(f.Type)
		}
		for _, k := range d.Head().Constants {
			walk(k.Type)
		}
		if i, ok := d.(*model.Interface); ok {
			for _, m := range i.Methods {
				walk(m.Return)
				for _, a := range m.Args {
					walk(a.Type)
				}
			}
		}
	})
}

func (c *checker) checkTypeParams(def model.Definition, params []string, syntax []*ast.Ident) {
	seen := make(map[string]bool)
	for i, p := range params {
		if seen[p] {
			c.errorf(syntax[i], diag.DuplicateMember, "type parameter '%s' is repeated", p)
		}
		seen[p] = true
	}
}

// checkType applies the rules of types wherever they stand.
func (c *checker) checkType(t *model.Type, syntax *ast.Type) {
	base := t.Base()
	if base.Kind == model.Invalid {
		return
	}
	for i, a := range base.Args {
		if i < len(syntax.Args) {
			c.checkType(a, syntax.Args[i])
		}
	}
	c.checkGeneric(base, syntax)
	if t.IsArray() {
		switch base.Kind {
		case model.ParcelableHolder, model.List, model.Map, model.CharSequence, model.Void:
			c.errorf(syntax, diag.BadArray, "there are no arrays of %s", base.Kind)
		}
	}
	if t.UTF8InCpp && base.Kind != model.String &&
		!(base.Kind == model.List && len(base.Args) == 1 && base.Args[0].Base().Kind == model.String) {
		c.errorf(annotationNode(syntax, "utf8InCpp", c.notes[t]), diag.UTF8, "@utf8InCpp can stand before String, String[] and List<String> only")
	}
	if !t.Nullable {
		return
	}
	node := annotationNode(syntax, "nullable", c.notes[t])
	switch {
	case base.Kind == model.Void:
		c.errorf(node, diag.Nullable, "void cannot be @nullable")
	case base.Kind.IsPrimitive() && !t.IsArray():
		c.errorf(node, diag.Nullable, "%s cannot be @nullable: a number is never null", base.Kind).
			Hint = "an array or a parcelable can"
	case base.Enum() != nil && !t.IsArray():
		c.errorf(node, diag.Nullable, "an enum cannot be @nullable")
	case base.Kind == model.ParcelableHolder:
		c.errorf(node, diag.Nullable, "a ParcelableHolder cannot be @nullable")
	case t.Heap && (t.IsArray() || base.Parcelable() == nil && base.Union() == nil):
		c.errorf(node, diag.Nullable, "@nullable(heap=true) is for parcelables and unions only")
	}
}

// annotationNode finds the annotation to mark: it stands before the type, or
// before the member.
func annotationNode(syntax *ast.Type, name string, before []*ast.Annotation) ast.Node {
	for _, a := range append(before[:len(before):len(before)], syntax.Annotations...) {
		if a.Name.Text == name {
			return a
		}
	}
	return syntax
}

// checkGeneric checks type arguments.
func (c *checker) checkGeneric(t *model.Type, syntax *ast.Type) {
	if len(t.Args) == 0 {
		return
	}
	switch t.Kind {
	case model.List:
		if len(t.Args) > 1 {
			c.errorf(syntax.Args[1], diag.Generic, "List has one type argument, not %d", len(t.Args))
			return
		}
		arg := t.Args[0]
		switch {
		case arg.IsArray():
			c.errorf(syntax.Args[0], diag.Generic, "there are no lists of arrays").Hint = "put the array into a parcelable"
		case arg.Enum() != nil || arg.Kind.IsPrimitive():
			c.primitiveArgument(arg, syntax.Args[0])
		case arg.Kind != model.Defined && arg.Kind != model.Invalid && arg.Kind != model.String &&
			arg.Kind != model.IBinder && arg.Kind != model.ParcelFileDescriptor:
			c.errorf(syntax.Args[0], diag.Generic, "there are no lists of %s", arg.Signature()).
				Hint = "a list can hold String, IBinder, ParcelFileDescriptor, interfaces, parcelables and unions"
		}
	case model.Map:
		if len(t.Args) != 2 {
			c.errorf(syntax, diag.Generic, "Map has two type arguments or none, not %d", len(t.Args))
			return
		}
		if t.Args[0].Kind != model.String && t.Args[0].Base().Kind != model.Invalid {
			c.errorf(syntax.Args[0], diag.Generic, "the keys of a Map must be String")
		}
		if arg := t.Args[1]; arg.Enum() != nil || arg.Kind.IsPrimitive() {
			c.primitiveArgument(arg, syntax.Args[1])
		}
	default:
		want := -1
		switch d := t.Definition.(type) {
		case *model.Parcelable:
			want = len(d.TypeParams)
		case *model.Union:
			want = len(d.TypeParams)
		}
		if want <= 0 {
			c.errorf(syntax, diag.Generic, "%s has no type parameters", t.Name)
		} else if want != len(t.Args) {
			c.errorf(syntax, diag.Generic, "%s has %d type parameters, but here are %d", t.Name, want, len(t.Args))
		}
	}
}

func (c *checker) primitiveArgument(t *model.Type, syntax *ast.Type) {
	c.errorf(syntax, diag.Generic, "%s cannot be in a List or a Map", t.Signature()).Hint = "use an array of it, or a parcelable that holds it"
}
