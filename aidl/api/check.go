package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Level is how alike two versions must be.
type Level uint8

const (
	// Compatible: whoever was compiled against the old version can talk to
	// whoever was compiled against the new one, and the other way round.
	// Types, methods, fields, constants and enumerators may be added, fields
	// and methods at the end only.
	Compatible Level = iota
	// Equal: nothing differs that a snapshot shows.
	Equal
)

// Check compares the requested files of two programs. Each difference that
// breaks somebody is an error at its line: in the new version, or in the old
// one for what is gone. The rules are AOSP's (aidl_checkapi.cpp).
func Check(older, newer *model.Program, level Level) diag.List {
	c := new(comparison)
	olds, news := types(older), types(newer)
	byName := make(map[string]model.Definition)
	for _, d := range news {
		byName[d.Head().QualifiedName] = d
	}
	if level == Equal {
		known := make(map[string]bool)
		for _, d := range olds {
			known[d.Head().QualifiedName] = true
		}
		for _, d := range news {
			if h := d.Head(); !known[h.QualifiedName] {
				c.errorf(h.Pos, h.Name, "type %s was added", h.QualifiedName)
			}
		}
	}
	for _, old := range olds {
		h := old.Head()
		now := byName[h.QualifiedName]
		switch {
		case now == nil:
			c.errorf(h.Pos, h.Name, "type %s was removed", h.QualifiedName)
		case level == Equal:
			c.equal(old, now)
		default:
			c.compatible(old, now)
		}
	}
	return c.report.List()
}

// types are all types of the requested files, nested ones included.
func types(p *model.Program) []model.Definition {
	var list []model.Definition
	var add func(d model.Definition)
	add = func(d model.Definition) {
		list = append(list, d)
		for _, n := range d.Head().Nested {
			add(n)
		}
	}
	for _, f := range p.Files {
		if f.Requested {
			for _, d := range f.Definitions {
				add(d)
			}
		}
	}
	return list
}

type comparison struct{ report diag.Reporter }

// errorf tells of a change at the place of a name. One place may have several
// changes, so the code alone does not tell them apart.
func (c *comparison) errorf(pos token.Pos, name, format string, args ...any) {
	c.report.ReportAll(diag.New(pos, len(name), diag.API, format, args...))
}

func (c *comparison) equal(old, now model.Definition) {
	h := now.Head()
	if h.Parent != nil { // the type around it shows it
		return
	}
	a, b := strings.Split(dumpValues(old), "\n"), strings.Split(dumpValues(now), "\n")
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a) || i >= len(b) || a[i] != b[i]:
			c.errorf(h.Pos, h.Name, "%s differs: %s", h.QualifiedName, change(line(a, i), line(b, i)))
			return
		}
	}
}

func line(lines []string, i int) string {
	if i < len(lines) {
		return strings.TrimSpace(lines[i])
	}
	return ""
}

func change(old, now string) string { return fmt.Sprintf("from '%s' to '%s'", old, now) }

func (c *comparison) compatible(old, now model.Definition) {
	h := now.Head()
	c.annotations(h.Pos, h.Name, old.Head().Annotations, h.Annotations)
	if a, b := word(old), word(now); a != b {
		c.errorf(h.Pos, h.Name, "%s changed from %s to %s", h.QualifiedName, a, b)
		return
	}
	switch old := old.(type) {
	case *model.Interface:
		c.interfaces(old, now.(*model.Interface))
	case *model.Parcelable:
		if now := now.(*model.Parcelable); old.Structured && now.Structured {
			c.fields(old, now, now.FixedSize)
		} else if old.Structured {
			c.errorf(h.Pos, h.Name, "parcelable %s has no body any more", h.QualifiedName)
			return
		}
	case *model.Union:
		c.fields(old, now, now.(*model.Union).FixedSize)
	case *model.Enum:
		c.enums(old, now.(*model.Enum))
	}
	c.constants(old, now)
}

func word(d model.Definition) string {
	switch d.(type) {
	case *model.Interface:
		return "interface"
	case *model.Union:
		return "union"
	case *model.Enum:
		return "enum"
	}
	return "parcelable"
}

// harmless are annotations that may come and go: they do not change what is
// sent. @nullable is among them, since nobody can say which side is newer.
var harmless = []string{"nullable", "SensitiveData", "JavaDerive", "JavaDefault", "JavaDelegator", "JavaOnlyImmutable",
	"JavaPassthrough", "JavaSuppressLint", "RustDerive", "SuppressWarnings"}

func strict(list model.Annotations) string {
	var kept model.Annotations
	for _, a := range list {
		if !slices.Contains(harmless, a.Name) {
			kept = append(kept, a)
		}
	}
	return kept.String()
}

func (c *comparison) annotations(pos token.Pos, name string, old, now model.Annotations) {
	if strict(old) != strict(now) {
		c.errorf(pos, name, "the annotations of %s changed %s", name, change(old.String(), now.String()))
	}
}

// typ compares a type at a place, with all annotations of the place.
func (c *comparison) typ(pos token.Pos, name string, old, now *model.Type, ownOld, ownNow model.Annotations) {
	if a, b := old.Signature(), now.Signature(); a != b {
		c.errorf(pos, name, "the type of %s changed from %s to %s", name, a, b)
	}
	c.annotations(pos, name, slices.Concat(ownOld, old.Annotations), slices.Concat(ownNow, now.Annotations))
}

func (c *comparison) constants(old, now model.Definition) {
	byName := make(map[string]*model.Constant)
	for _, k := range now.Head().Constants {
		byName[k.Name] = k
	}
	for _, k := range old.Head().Constants {
		n := byName[k.Name]
		if n == nil {
			c.errorf(k.Pos, k.Name, "constant %s.%s was removed", old.Head().QualifiedName, k.Name)
			continue
		}
		c.typ(n.Pos, n.Name, k.Type, n.Type, k.Annotations, n.Annotations)
		if k.Value != nil && n.Value != nil && k.Value.Spelling != n.Value.Spelling {
			c.errorf(n.Pos, n.Name, "the value of %s changed from %s to %s", n.Name, k.Value, n.Value)
		}
	}
}

func (c *comparison) interfaces(old, now *model.Interface) {
	byName := make(map[string]*model.Method)
	for _, m := range now.Methods {
		byName[m.Signature()] = m
	}
	for _, m := range old.Methods {
		n := byName[m.Signature()]
		if n == nil {
			c.errorf(m.Pos, m.Name, "method %s.%s was removed or changed", old.QualifiedName, m.Signature())
			continue
		}
		if !m.Oneway && n.Oneway {
			c.errorf(n.Pos, n.Name, "method %s became oneway: old callers wait for an answer", n.Name)
		}
		if m.ID != n.ID {
			c.errorf(n.Pos, n.Name, "the transaction id of %s changed from %d to %d", n.Name, m.ID, n.ID)
		}
		c.typ(n.Pos, n.Name, m.Return, n.Return, m.Annotations, n.Annotations)
		for i, a := range m.Args {
			b := n.Args[i]
			c.typ(b.Pos, b.Name, a.Type, b.Type, nil, nil)
			if a.Direction != b.Direction {
				c.errorf(b.Pos, b.Name, "argument %s changed from %s to %s", b.Name, direction(a), direction(b))
			}
		}
	}
}

func direction(a *model.Arg) ast.Direction { return a.Direction }

// frozen is a parcelable that AOSP froze before the size of a parcelable was
// sent along, so that not even fields can be added.
const frozen = "android.net.UidRangeParcel"

// excused are fields that were added without a default before this was
// forbidden.
var excused = []string{"android.net.DhcpResultsParcelable.serverHostName", "android.net.ResolverParamsParcel.resolverOptions"}

func (c *comparison) fields(old, now model.Definition, fixed bool) {
	olds, news := model.FieldsOf(old), model.FieldsOf(now)
	h := now.Head()
	switch {
	case len(olds) > len(news):
		for _, f := range olds {
			if !slices.ContainsFunc(news, func(n *model.Field) bool { return n.Name == f.Name }) {
				c.errorf(f.Pos, f.Name, "field %s.%s was removed", h.QualifiedName, f.Name)
			}
		}
		c.errorf(h.Pos, h.Name, "%s has %d fields, but had %d", h.QualifiedName, len(news), len(olds))
		return
	case len(olds) < len(news) && (fixed || h.QualifiedName == frozen):
		f := news[len(olds)]
		c.errorf(f.Pos, f.Name, "%s has %d fields, but had %d, and its size is fixed", h.QualifiedName, len(news), len(olds))
		return
	}
	for i, f := range olds {
		n := news[i]
		c.typ(n.Pos, n.Name, f.Type, n.Type, f.Annotations, n.Annotations)
		a, b := spelling(f), spelling(n)
		if a != b && !(a == "" && isZero(n)) {
			c.errorf(n.Pos, n.Name, "the default of %s changed %s", n.Name, change(a, b))
		}
	}
	for i, n := range news {
		at := slices.IndexFunc(olds, func(f *model.Field) bool { return f.Name == n.Name })
		if at >= 0 && at != i {
			c.errorf(n.Pos, n.Name, "field %s moved from place %d to %d", n.Name, at+1, i+1)
		}
	}
	if _, ok := old.(*model.Union); ok {
		return
	}
	for _, n := range news[len(olds):] {
		c.added(h, n)
	}
}

// added: an old sender does not send a new field, so it needs a default.
func (c *comparison) added(h *model.Header, n *model.Field) {
	if spelling(n) != "" || n.Type.Nullable || slices.Contains(excused, h.QualifiedName+"."+n.Name) {
		return
	}
	if e := n.Type.Enum(); e != nil {
		for _, m := range e.Enumerators {
			if m.Value == 0 {
				return
			}
		}
		c.errorf(n.Pos, n.Name, "new field %s has no default, and %s has no name for 0", n.Name, e.Name)
		return
	}
	c.errorf(n.Pos, n.Name, "new field %s has no default: give it one or mark it @nullable", n.Name)
}

// spelling is a field's default, also where the type has one by itself.
func spelling(f *model.Field) string {
	if f.Default != nil {
		return f.Default.Spelling
	}
	switch f.Type.Kind {
	case model.Boolean:
		return "false"
	case model.Byte, model.Int, model.Long:
		return "0"
	case model.Char:
		return `'\0'`
	case model.Float:
		return "0.000000f"
	case model.Double:
		return "0.000000"
	}
	return ""
}

// isZero tells whether an enum field's default is what it is without one.
func isZero(f *model.Field) bool {
	return f.Type.Enum() != nil && (f.Default == nil || f.Default.Int == 0)
}

func (c *comparison) enums(old, now *model.Enum) {
	byName := make(map[string]*model.Enumerator)
	for _, e := range now.Enumerators {
		byName[e.Name] = e
	}
	for _, e := range old.Enumerators {
		n := byName[e.Name]
		if n == nil {
			c.errorf(e.Pos, e.Name, "enumerator %s.%s was removed", old.QualifiedName, e.Name)
		} else if e.Value != n.Value {
			c.errorf(n.Pos, n.Name, "the value of %s changed from %d to %d", n.Name, e.Value, n.Value)
		}
	}
}
