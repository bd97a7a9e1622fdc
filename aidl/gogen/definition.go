package gogen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// definition emits a type, its constants, and what is nested in it.
func (f *file) definition(d model.Definition) {
	if f.mapped(d) {
		return
	}
	switch d := d.(type) {
	case *model.Interface:
		if d.Forward {
			return
		}
		f.iface(d)
	case *model.Parcelable:
		if d.Structured {
			f.parcelable(d)
		} else {
			f.unstructured(d)
		}
	case *model.Union:
		f.union(d)
	case *model.Enum:
		f.enum(d)
	}
	for _, n := range d.Head().Nested {
		f.definition(n)
	}
}

// constants emits the constants of a definition.
func (f *file) constants(d model.Definition) {
	list := d.Head().Constants
	if len(list) == 0 {
		return
	}
	f.P("// Constants of ", d.Head().QualifiedName, ".")
	f.P("const (")
	for _, c := range list {
		f.doc("\t", "", c.Doc)
		f.P("\t", f.names[d].members[c], " ", f.plainType(c.Type, false), " = ", f.value(c.Type, false, c.Value))
	}
	f.P(")")
	f.P()
}

// value is a constant of AIDL as an expression of Go.
func (f *file) value(t *model.Type, nullable bool, v *model.Value) string {
	if nullable && pointer(t) {
		return f.parcel("Some") + "(" + f.value(t, false, v) + ")"
	}
	switch t.Kind {
	case model.Boolean:
		return strconv.FormatBool(v.Bool)
	case model.Byte, model.Int, model.Long:
		return strconv.FormatInt(v.Int, 10)
	case model.Char:
		if v.Char < 0x80 && strconv.IsPrint(rune(v.Char)) {
			return strconv.QuoteRune(rune(v.Char))
		}
		return fmt.Sprintf("%#x", v.Char)
	case model.Float:
		return float(v.Float, 32)
	case model.Double:
		return float(v.Float, 64)
	case model.String, model.CharSequence:
		return strconv.Quote(v.Text)
	case model.List, model.Array, model.FixedArray:
		e, null := element(t, nullable)
		parts := make([]string, len(v.Elems))
		for i, elem := range v.Elems {
			parts[i] = f.value(e, null, elem)
			if e.IsArray() {
				parts[i] = strings.TrimPrefix(parts[i], f.plainType(e, null)) // as gofmt -s has it
			}
			if e.Kind == model.Byte && elem.Int < 0 {
				parts[i] = fmt.Sprintf("%#x", byte(elem.Int)) // arrays of bytes are unsigned, as in C++
			}
		}
		return f.plainType(t, nullable) + "{" + strings.Join(parts, ", ") + "}"
	case model.Defined:
		if e := t.Enum(); e != nil {
			if v.Enumerator != nil {
				return f.use(f.homeOf(e.Package).importPath, f.names[v.Enumerator.Enum].members[v.Enumerator])
			}
			return f.nameOf(e) + "(" + strconv.FormatInt(v.Int, 10) + ")"
		}
	}
	panic(&Error{Pos: t.Pos, Message: "a default of type " + t.Signature() + " cannot be written in Go"})
}

func float(v float64, bits int) string { return strconv.FormatFloat(v, 'g', -1, bits) }

// def is what a value of the type begins as when nothing is said, if that is not its zero value:
// emit says so. A parcelable begins with its own defaults, a union with its first field.
func (f *file) hasDefault(t *model.Type, nullable bool, v *model.Value) bool {
	if v != nil {
		return true
	}
	if nullable {
		return false
	}
	switch {
	case t.Kind == model.FixedArray:
		return f.hasDefault(t.Elem, false, nil)
	case t.Union() != nil:
		return true
	case isStruct(t) && !f.mapped(t.Definition):
		return f.structHasDefaults(t.Parcelable(), map[*model.Parcelable]bool{})
	}
	return false
}

// structHasDefaults tells whether New makes anything but the zero value.
func (f *file) structHasDefaults(p *model.Parcelable, seen map[*model.Parcelable]bool) bool {
	if !p.Structured || seen[p] {
		return false
	}
	seen[p] = true
	for _, field := range p.Fields {
		t := field.Type
		if field.Default != nil || t.Union() != nil && !t.Nullable {
			return true
		}
		for t.Kind == model.FixedArray && !t.Nullable {
			t = t.Elem
		}
		if t.Nullable {
			continue
		}
		if t.Union() != nil || isStruct(t) && !f.mapped(t.Definition) && f.structHasDefaults(t.Parcelable(), seen) {
			return true
		}
	}
	return false
}

// setDefault emits what gives x its default.
func (f *file) setDefault(t *model.Type, nullable bool, v *model.Value, x string) {
	switch {
	case v != nil:
		f.P(x, " = ", f.value(t, nullable, v))
	case t.Kind == model.FixedArray:
		i := "i" + strconv.Itoa(strings.Count(x, "["))
		f.P("for ", i, " := range ", x, " {")
		f.setDefault(t.Elem, false, nil, x+"["+i+"]")
		f.P("}")
	default:
		f.P(x, " = ", f.newOf(t), "()")
	}
}

// newOf is the function that makes a value with defaults.
func (f *file) newOf(t *model.Type) string {
	name := f.derived(t.Definition, roleNew)
	if len(t.Args) == 0 || t.Union() != nil {
		return name
	}
	full := f.plainType(t, false)
	return name + full[strings.Index(full, "["):]
}

// sensitive tells whether a value must not appear in logs.
func sensitive(field *model.Field) bool {
	return field.Annotations.Has("SensitiveData") || field.Type.Annotations.Has("SensitiveData")
}
