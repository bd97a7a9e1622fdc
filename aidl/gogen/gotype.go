package gogen

import (
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// definition's Go name, qualified for this file.
func (f *file) nameOf(d model.Definition) string {
	h := d.Head()
	if mapped := f.opts.Map[h.QualifiedName]; mapped != "" && h.Parent == nil {
		dot := strings.LastIndex(mapped, ".")
		return f.use(mapped[:dot], mapped[dot+1:])
	}
	return f.use(f.homeOf(h.Package).importPath, f.names[d].goName)
}

// derived is a name that comes with a definition, qualified for this file.
func (f *file) derived(d model.Definition, role string) string {
	return f.use(f.homeOf(d.Head().Package).importPath, f.names[d].derived[role])
}

// mapped tells whether a definition's Go type is the user's own.
func (f *file) mapped(d model.Definition) bool {
	return d.Head().Parent == nil && f.opts.Map[d.Head().QualifiedName] != ""
}

// element is the type of the elements of an array or a list, and whether they may be null: those
// of a nullable array may, where their type can be, but not inner arrays (AOSP: CppNameOf).
func element(t *model.Type, nullable bool) (*model.Type, bool) {
	e := t.Elem
	if e == nil {
		e = t.Args[0]
	}
	return e, (nullable || e.Nullable) && !e.IsArray()
}

// isStruct tells whether the type is a parcelable, which is a struct in Go.
func isStruct(t *model.Type) bool { return t.Kind == model.Defined && t.Parcelable() != nil }

// pointer tells whether null needs a pointer.
func pointer(t *model.Type) bool {
	switch t.Kind {
	case model.String, model.CharSequence, model.FixedArray:
		return true
	}
	return isStruct(t)
}

// goType is the Go type for t, which may be null or not.
func (f *file) goType(t *model.Type, nullable bool) string {
	if nullable && pointer(t) {
		return "*" + f.plainType(t, nullable)
	}
	return f.plainType(t, nullable)
}

func (f *file) plainType(t *model.Type, nullable bool) string {
	switch t.Kind {
	case model.Boolean:
		return "bool"
	case model.Byte:
		return "int8"
	case model.Char:
		return "uint16"
	case model.Int:
		return "int32"
	case model.Long:
		return "int64"
	case model.Float:
		return "float32"
	case model.Double:
		return "float64"
	case model.String, model.CharSequence:
		return "string"
	case model.IBinder:
		return f.binder("Binder")
	case model.FileDescriptor, model.ParcelFileDescriptor:
		return "*" + f.use(osPath, "File")
	case model.ParcelableHolder:
		return f.parcel("Holder")
	case model.List:
		if len(t.Args) == 0 {
			return "[]any"
		}
		e, null := element(t, nullable)
		return "[]" + f.goType(e, null)
	case model.Map:
		if len(t.Args) < 2 {
			return "map[any]any"
		}
		return "map[string]" + f.goType(t.Args[1], t.Args[1].Nullable)
	case model.Array, model.FixedArray:
		e, null := element(t, nullable)
		elem := f.goType(e, null)
		if e.Kind == model.Byte {
			elem = "byte"
		}
		if t.Kind == model.Array {
			return "[]" + elem
		}
		return "[" + strconv.Itoa(t.Len) + "]" + elem
	case model.Defined:
		name := f.nameOf(t.Definition)
		// No member has the type of a parameter. A union does without them: an argument would have to
		// be written out for each of its variants.
		if len(t.Args) == 0 || t.Union() != nil {
			return name
		}
		args := make([]string, len(t.Args))
		for i, a := range t.Args {
			args[i] = f.goType(a, a.Nullable)
		}
		return name + "[" + strings.Join(args, ", ") + "]"
	}
	panic(&Error{Pos: t.Pos, Message: "a value of type " + t.Signature() + " has no layout on the wire, so Go cannot write it"})
}

// zero is the zero value of the type as an expression.
func (f *file) zero(t *model.Type, nullable bool) string {
	switch {
	case nullable && pointer(t):
		return "nil"
	case t.Kind == model.Boolean:
		return "false"
	case t.Kind.IsPrimitive() || t.Enum() != nil:
		return "0"
	case t.Kind == model.String || t.Kind == model.CharSequence:
		return `""`
	case t.Kind == model.FixedArray || isStruct(t) || t.Kind == model.ParcelableHolder:
		return f.plainType(t, nullable) + "{}"
	}
	return "nil"
}

// hasFile tells whether a value of the type may have descriptors in it.
func hasFile(t *model.Type, seen map[model.Definition]bool) bool {
	switch t.Kind {
	case model.FileDescriptor, model.ParcelFileDescriptor, model.ParcelableHolder:
		return true
	}
	return anyPart(t, seen, hasFile)
}

// opaque tells whether a value of the type has parts that go-cmp cannot look into: objects of a bus
// and files.
func opaque(t *model.Type, seen map[model.Definition]bool) bool {
	switch t.Kind {
	case model.FileDescriptor, model.ParcelFileDescriptor, model.IBinder:
		return true
	case model.Defined:
		if t.Interface() != nil {
			return true
		}
	}
	return anyPart(t, seen, opaque)
}

// anyPart tells whether is holds for a part of t.
func anyPart(t *model.Type, seen map[model.Definition]bool, is func(*model.Type, map[model.Definition]bool) bool) bool {
	if t.Elem != nil && is(t.Elem, seen) {
		return true
	}
	for _, a := range t.Args {
		if is(a, seen) {
			return true
		}
	}
	if t.Definition == nil || seen[t.Definition] {
		return false
	}
	seen[t.Definition] = true
	for _, field := range model.FieldsOf(t.Definition) {
		if is(field.Type, seen) {
			return true
		}
	}
	return false
}
