package check

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// checkFields applies the rules that parcelables and unions share.
func (c *checker) checkFields(def model.Definition, fields []*model.Field, fixed, immutable bool) {
	h := def.Head()
	derives := derived(h.Annotations)
	seen := make(map[string]*model.Field)
	for _, f := range fields {
		if f.Type.Kind == model.Void {
			c.errorf(f.Syntax.Type, diag.Void, "a field cannot be void")
		}
		if old := seen[f.Name]; old != nil {
			c.errorf(f.Syntax.Name, diag.DuplicateMember, "field '%s' is defined twice", f.Name).
				Related = []diag.Related{{Pos: old.Pos, Message: "the other one is here"}}
		}
		seen[f.Name] = f
		if f.Type.Base().Kind == model.Invalid {
			continue
		}
		if fixed && !canBeFixed(f.Type) {
			c.errorf(f.Syntax.Type, diag.FixedSize, "a @FixedSize type cannot have a field of type %s", f.Type).
				Hint = "it can have numbers, enums, @FixedSize types and fixed-size arrays of them"
		}
		if immutable && !canBeImmutable(f.Type) {
			c.errorf(f.Syntax.Type, diag.Immutable, "a @JavaOnlyImmutable type cannot have a field of type %s", f.Type).
				Hint = "it can have numbers, String, enums, @JavaOnlyImmutable types, and arrays, lists and maps of them"
		}
		c.checkTyped(f.Type, f.Syntax.Type)
		if d := f.Type.Base().Definition; d != nil && len(derives) > 0 {
			c.checkDerive(f, d, derives)
		}
	}
}

// derived are the names that @RustDerive sets to true.
func derived(list model.Annotations) []string {
	var names []string
	if a := list.Get("RustDerive"); a != nil {
		for _, p := range a.Params {
			if p.Value.Bool {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// checkDerive: what a type derives for Rust its fields must derive too.
func (c *checker) checkDerive(f *model.Field, d model.Definition, derives []string) {
	switch d := d.(type) {
	case *model.Parcelable:
		if !d.Structured {
			return
		}
	case *model.Union:
	default:
		return
	}
	has := derived(d.Head().Annotations)
	for _, want := range derives {
		found := false
		for _, name := range has {
			found = found || name == want
		}
		if !found {
			c.errorf(f.Syntax.Type, diag.Derive, "%s must derive %s as well: @RustDerive asks for it around it", d.Head().Name, want)
		}
	}
}

// checkTyped: a List or Map whose elements nobody knows cannot be in a
// parcelable.
func (c *checker) checkTyped(t *model.Type, syntax *ast.Type) {
	t = t.Base()
	if (t.Kind == model.List || t.Kind == model.Map) && len(t.Args) == 0 {
		c.errorf(syntax.Name, diag.Untyped, "an untyped %s cannot be here: the receiver could not know what is in it", t.Kind).
			Hint = map[model.Kind]string{model.List: "write List<T>", model.Map: "write Map<String, T>"}[t.Kind]
		return
	}
	for i, a := range t.Args {
		if i < len(syntax.Args) {
			c.checkTyped(a, syntax.Args[i])
		}
	}
}

// canBeFixed tells whether each value of the type has the same size.
func canBeFixed(t *model.Type) bool {
	if t.Nullable || t.Kind == model.Array || len(t.Args) > 0 {
		return false
	}
	base := t.Base()
	for a := t; a.IsArray(); a = a.Elem {
		if a.Kind == model.Array {
			return false
		}
	}
	switch d := base.Definition.(type) {
	case nil:
		return base.Kind.IsPrimitive()
	case *model.Enum:
		return true
	case *model.Parcelable:
		return d.FixedSize
	case *model.Union:
		return d.FixedSize
	}
	return false
}

func canBeImmutable(t *model.Type) bool {
	t = t.Base()
	if len(t.Args) > 0 {
		if t.Kind != model.List && t.Kind != model.Map {
			return false
		}
		for _, a := range t.Args {
			if !canBeImmutable(a) {
				return false
			}
		}
		return true
	}
	switch d := t.Definition.(type) {
	case *model.Enum:
		return true
	case *model.Parcelable:
		return d.Immutable
	case *model.Union:
		return d.Immutable
	}
	return t.Kind.IsPrimitive() || t.Kind == model.String
}

// checkGetters: names must differ after their first letter became a capital,
// since Java's getters are named so.
func (c *checker) checkGetters(def model.Definition, fields []*model.Field) {
	seen := make(map[string]*model.Field)
	for _, f := range fields {
		name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if old := seen[name]; old != nil && old.Name != f.Name {
			c.errorf(f.Syntax.Name, diag.DuplicateMember, "fields '%s' and '%s' differ in their first letter's case only", old.Name, f.Name)
		}
		seen[name] = f
	}
}

func (c *checker) checkUnion(u *model.Union) {
	if len(u.Fields) == 0 {
		c.errorf(u.Syntax.Head().Name, diag.Union, "union '%s' has no fields", u.Name)
		return
	}
	for _, f := range u.Fields {
		if f.Type.Kind == model.ParcelableHolder {
			c.errorf(f.Syntax.Type, diag.Holder, "a union cannot have a ParcelableHolder")
		}
	}
	first := u.Fields[0]
	if first.Default != nil || first.Syntax.Default != nil || first.Type.Nullable {
		return
	}
	if e := first.Type.Enum(); e != nil {
		c.errorf(first.Syntax.Name, diag.Union, "a union's first field is its default, so an enum there needs a value").
			Hint = "write " + first.Name + " = " + enumExample(e)
	} else if first.Type.IsArray() {
		c.errorf(first.Syntax.Name, diag.Union, "a union's first field is its default, so an array there needs a value or @nullable").
			Hint = "write " + first.Name + " = {}"
	}
}

func enumExample(e *model.Enum) string {
	if len(e.Enumerators) == 0 {
		return e.Name + ".NAME"
	}
	return e.Name + "." + e.Enumerators[0].Name
}

// checkRecursion: a parcelable cannot hold itself, except in an array or
// list, or by @nullable(heap=true).
func (c *checker) checkRecursion() {
	const working, done = 1, 2
	state := make(map[model.Definition]int)
	var path []string
	told := false
	var visit func(d model.Definition)
	visit = func(d model.Definition) {
		h := d.Head()
		if told || state[d] == done {
			return
		}
		path = append(path, h.Name)
		defer func() { path = path[:len(path)-1] }()
		if state[d] == working {
			c.errorAlways(h.Syntax.Head().Name, diag.Recursive, "'%s' holds itself: %s", h.Name, strings.Join(path, " -> ")).
				Hint = "mark the field @nullable(heap=true), or make it an array or a list"
			told = true
			return
		}
		state[d] = working
		for _, f := range model.FieldsOf(d) {
			if !f.Type.Heap && f.Type.Enum() == nil && f.Type.Interface() == nil && f.Type.Definition != nil {
				visit(f.Type.Definition)
			}
		}
		state[d] = done
	}
	for _, f := range c.order {
		if !f.Requested {
			continue
		}
		for _, d := range f.Definitions {
			walkDefinitions(d, visit)
		}
	}
}
