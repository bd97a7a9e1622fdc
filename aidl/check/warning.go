package check

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

func (c *checker) enableWarnings() {
	c.warnings = make(map[diag.Code]bool)
	for _, name := range c.opts.Warnings {
		for _, code := range diag.Warnings {
			if name == "everything" || name == string(code) {
				c.warnings[code] = true
			}
		}
	}
}

// warner tells the warnings of one definition. What @SuppressWarnings names
// there, or around it, is silent.
type warner struct {
	*checker
	silent map[string]bool
}

func (w *warner) warn(pos token.Pos, length int, code diag.Code, format string, args ...any) {
	if !w.warnings[code] || w.silent[string(code)] {
		return
	}
	d := diag.New(pos, length, code, format, args...)
	if !w.opts.WarningsAreErrors {
		d.Severity = diag.Warning
	}
	w.report.Report(d)
}

// quiet returns a warner that is silent about more.
func (w *warner) quiet(list model.Annotations) *warner {
	names := list.Get("SuppressWarnings").Strings("value")
	if len(names) == 0 {
		return w
	}
	silent := make(map[string]bool)
	for name := range w.silent {
		silent[name] = true
	}
	for _, name := range names {
		if !diag.IsWarning(name) {
			a := list.Get("SuppressWarnings")
			d := diag.New(a.Pos, len("@SuppressWarnings"), diag.UnknownWarning, "unknown warning '%s'", name)
			var known []string
			for _, code := range diag.Warnings {
				known = append(known, string(code))
			}
			if s := diag.Suggest(name, known); s != "" {
				d.Hint = "did you mean " + s + "?"
			}
			w.report.Report(d)
		}
		silent[name] = true
	}
	return &warner{w.checker, silent}
}

func (c *checker) warn(f *file) {
	w := &warner{checker: c}
	seen := make(map[string]bool)
	for i, imp := range f.Imports {
		node := f.source.Syntax.Imports[i].Name
		_, simple := splitName(imp.Name)
		length := len(imp.Name)
		for _, d := range f.Definitions {
			if h := d.Head(); h.Name == simple && h.QualifiedName != imp.Name {
				w.warn(node.Pos(), length, diag.UniqueImport, "%s is defined in this file", simple)
			}
		}
		if seen[simple] {
			w.warn(node.Pos(), length, diag.UniqueImport, "%s is imported already", simple)
		}
		seen[simple] = true
	}
	for _, d := range f.Definitions {
		w.definition(d)
	}
}

func (w *warner) definition(def model.Definition) {
	h := def.Head()
	w = w.quiet(h.Annotations)
	for _, n := range h.Nested {
		w.definition(n)
	}
	for _, k := range h.Constants {
		w := w.quiet(k.Annotations)
		w.constName(k.Name, k.Pos, "constant")
		w.redundant(h, k.Name, k.Pos, "constant")
	}
	switch d := def.(type) {
	case *model.Interface:
		w.iface(d)
	case *model.Parcelable:
		for _, f := range d.Fields {
			w := w.quiet(f.Annotations)
			w.enumDefault(f)
			w.typ(f.Type, f.Syntax.Type)
		}
	case *model.Union:
		for i, f := range d.Fields {
			w := w.quiet(f.Annotations)
			if i == 0 {
				w.enumDefault(f)
			}
			w.typ(f.Type, f.Syntax.Type)
		}
	case *model.Enum:
		for _, e := range d.Enumerators {
			w.constName(e.Name, e.Pos, "enumerator")
			w.redundant(h, e.Name, e.Pos, "enumerator")
		}
	}
}

func (w *warner) constName(name string, pos token.Pos, what string) {
	if up := strings.ToUpper(name); up != name {
		w.warn(pos, len(name), diag.ConstName, "%s '%s' should be in capitals: %s", what, name, up)
	}
}

// redundant: a name that repeats a part of the name around it.
func (w *warner) redundant(h *model.Header, name string, pos token.Pos, what string) {
	for _, outer := range words(h.Name) {
		for _, inner := range words(name) {
			if strings.EqualFold(outer, inner) {
				w.warn(pos, len(name), diag.RedundantName, "%s '%s' repeats '%s' of '%s'", what, name, inner, h.Name)
				return
			}
		}
	}
}

// words cuts a name at underscores or, if it has none, before capitals.
func words(name string) []string {
	if name == strings.ToUpper(name) && !strings.Contains(name, "_") {
		return []string{name}
	}
	if strings.Contains(name, "_") {
		return strings.FieldsFunc(name, func(r rune) bool { return r == '_' })
	}
	var list []string
	start := 0
	for i := 1; i < len(name); i++ {
		if 'A' <= name[i] && name[i] <= 'Z' {
			list = append(list, name[start:i])
			start = i
		}
	}
	return append(list, name[start:])
}

func (w *warner) enumDefault(f *model.Field) {
	if f.Syntax.Default == nil && f.Type.Enum() != nil {
		w.warn(f.Pos, len(f.Name), diag.EnumExplicitDefault, "enum field '%s' has no default", f.Name)
	}
}

func (w *warner) typ(t *model.Type, syntax *ast.Type) {
	base := t.Base()
	switch {
	case base.Kind == model.FileDescriptor:
		w.warn(t.Pos, len("FileDescriptor"), diag.FileDescriptor, "use ParcelFileDescriptor, which all backends know")
	case (base.Kind == model.List || base.Kind == model.Map) && len(base.Args) == 0:
		w.warn(t.Pos, len(syntax.Name.String()), diag.UntypedCollection, "use List<V> or Map<K, V>")
	}
	for i, a := range base.Args {
		if i < len(syntax.Args) {
			w.typ(a, syntax.Args[i])
		}
	}
}

func (w *warner) iface(d *model.Interface) {
	if d.Name[0] != 'I' {
		w.warn(d.Pos, len(d.Name), diag.InterfaceName, "the name of an interface should begin with I")
	}
	oneway, twoway, unprotected := false, false, 0
	for _, m := range d.Methods {
		w := w.quiet(m.Annotations)
		if !w.silent[string(diag.MixedOneway)] {
			oneway, twoway = oneway || m.Oneway, twoway || !m.Oneway
		}
		if d.Oneway && m.Syntax.Oneway {
			w.warn(m.Pos, len(m.Name), diag.RedundantOneway, "method '%s' is oneway already, since its interface is", m.Name)
		}
		if m.Permission == nil {
			unprotected++
		}
		w.typ(m.Return, m.Syntax.Return)
		for i, a := range m.Args {
			w.typ(a.Type, m.Syntax.Args[i].Type)
			if a.Direction == ast.Inout {
				w.warn(a.Pos, len(a.Name), diag.InoutParameter, "avoid inout: it looks like an out argument to callers")
			}
			if a.IsOut() && a.Type.IsArray() {
				w.warn(a.Pos, len(a.Name), diag.OutArray, "prefer to return the array '%s'", a.Name)
			}
			if a.IsOut() && a.Type.Nullable && !a.Type.IsArray() {
				w.warn(a.Pos, len(a.Name), diag.OutNullable, "some backends cannot set '%s' to null; return it instead", a.Name)
			}
		}
	}
	if oneway && twoway {
		w.warn(d.Pos, len(d.Name), diag.MixedOneway, "interface '%s' has both oneway methods and others", d.Name)
	}
	if d.Permission != nil {
		return
	}
	if unprotected == len(d.Methods) {
		w.warn(d.Pos, len(d.Name), diag.MissingPermission, "'%s' says nothing of permissions", d.Name)
		return
	}
	for _, m := range d.Methods {
		if m.Permission == nil {
			w.quiet(m.Annotations).warn(m.Pos, len(m.Name), diag.MissingPermission, "'%s' says nothing of permissions", m.Name)
		}
	}
}
