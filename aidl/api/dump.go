// Package api guards an interface against changes that would break those who
// were compiled against an earlier version of it.
//
// [Snapshot] writes what a version promises, [Hash] names it, [Freeze] lays
// it down under aidl_api/ as AOSP does, and [Check] compares two versions.
package api

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// File is one file of a snapshot.
type File struct {
	Path string // below the snapshot's folder: a/b/C.aidl
	Data []byte
}

// ourPreamble stands in each file of a snapshot, below the licence, where nobody says otherwise.
const ourPreamble = `///////////////////////////////////////////////////////////////////////////////
// A snapshot of an interface, written by aidlgen. Do not edit it.
//
// In a folder with a number it is a frozen version: programs were compiled
// against it, and changing it breaks them. In the folder "current" it is what
// the next version will be.
///////////////////////////////////////////////////////////////////////////////

`

// Options changes a snapshot.
type Options struct {
	// NoLicense leaves out the comments before the package clause.
	NoLicense bool
	// Preamble is what stands in each file between the license and the
	// package clause, comments and empty lines; "" means a text of ours. It
	// counts in the hash: see [Preamble].
	Preamble string
}

// Preamble is what stands between the license and the package clause of a
// snapshot that was written before: all from the first line that is made of
// slashes only. A further version that is written with it differs from the
// earlier ones in nothing but the interface, whoever wrote them. It is ""
// where there is no such line.
func Preamble(snapshot []File) string {
	for _, f := range snapshot {
		before := 0
		found := -1
		for line := range strings.Lines(string(f.Data)) {
			text := strings.TrimSuffix(line, "\n")
			switch {
			case found < 0 && len(text) >= 20 && strings.Trim(text, "/") == "":
				found = before
			case strings.HasPrefix(text, "package ") && found >= 0:
				return string(f.Data[found:before])
			case text != "" && !strings.HasPrefix(text, "//") && found >= 0:
				found = -1 // inside a block comment, or no package clause
			}
			before += len(line)
		}
	}
	return ""
}

// Snapshot writes each type of the requested files into a file of its own,
// without what does not matter to others: comments, and the difference
// between a name and a qualified name.
func Snapshot(p *model.Program, opts Options) []File {
	preamble := opts.Preamble
	if preamble == "" {
		preamble = ourPreamble
	}
	var files []File
	for _, f := range p.Files {
		if !f.Requested {
			continue
		}
		for _, d := range f.Definitions {
			h := d.Head()
			var b strings.Builder
			if !opts.NoLicense {
				license(&b, f.License)
			}
			b.WriteString(preamble)
			if h.Package.Name != "" {
				b.WriteString("package " + h.Package.Name + ";\n")
			}
			b.WriteString(Dump(d))
			path := strings.ReplaceAll(h.QualifiedName, ".", "/") + ".aidl"
			files = append(files, File{Path: path, Data: []byte(b.String())})
		}
	}
	return files
}

func license(b *strings.Builder, comments []token.Comment) {
	for i, c := range comments {
		b.WriteString(c.Text)
		if !c.IsBlock() || i == len(comments)-1 {
			b.WriteByte('\n')
		}
	}
}

// Dump writes a type as a snapshot holds it.
func Dump(d model.Definition) string {
	p := dumper{}
	p.definition(d)
	return p.b.String()
}

// dumpValues writes a type with the values of its constants, for comparison.
func dumpValues(d model.Definition) string {
	p := dumper{values: true}
	p.definition(d)
	return p.b.String()
}

type dumper struct {
	b      strings.Builder
	depth  int
	values bool // write values, not expressions
}

func (p *dumper) line(parts ...string) {
	for range p.depth {
		p.b.WriteString("  ")
	}
	for _, s := range parts {
		p.b.WriteString(s)
	}
	p.b.WriteByte('\n')
}

// doc writes the tags that matter to others.
func (p *dumper) doc(d model.Doc) {
	switch {
	case d.Deprecated:
		p.line("/**")
		if d.Hide {
			p.line(" * @hide")
		}
		p.line(" * @deprecated ", d.Note)
		p.line(" */")
	case d.Hide:
		p.line("/* @hide */")
	}
}

func (p *dumper) head(word string, h *model.Header, params []string) string {
	p.doc(h.Doc)
	if a := h.Annotations.String(); a != "" {
		p.line(a)
	}
	text := word + " " + h.Name
	if len(params) > 0 {
		text += "<" + strings.Join(params, ", ") + ">"
	}
	return text
}

func (p *dumper) definition(d model.Definition) {
	h := d.Head()
	switch d := d.(type) {
	case *model.Interface:
		p.line(p.head("interface", h, nil), " {")
		p.depth++
		for _, m := range d.Methods {
			p.doc(m.Doc)
			p.line(method(m), ";")
		}
	case *model.Parcelable:
		text := p.head("parcelable", h, d.TypeParams)
		if !d.Structured {
			p.line(text, ";")
			return
		}
		p.line(text, " {")
		p.depth++
	case *model.Union:
		p.line(p.head("union", h, d.TypeParams), " {")
		p.depth++
	case *model.Enum:
		p.line(p.head("enum", h, nil), " {")
		p.depth++
		for _, e := range d.Enumerators {
			p.enumerator(e)
		}
	}
	for _, f := range model.FieldsOf(d) {
		p.doc(f.Doc)
		text := typeText(f.Annotations, f.Type) + " " + f.Name
		if f.Default != nil {
			text += " = " + p.value(f.Default)
		}
		p.line(text, ";")
	}
	for _, k := range h.Constants {
		p.doc(k.Doc)
		p.line("const ", typeText(k.Annotations, k.Type), " ", k.Name, " = ", p.value(k.Value), ";")
	}
	for _, n := range h.Nested {
		p.definition(n)
	}
	p.depth--
	p.line("}")
}

func (p *dumper) value(v *model.Value) string {
	if p.values {
		return v.Spelling
	}
	return v.Expression
}

func (p *dumper) enumerator(e *model.Enumerator) {
	p.doc(e.Doc)
	switch {
	case p.values:
		p.line(e.Name, " = ", strconv.FormatInt(e.Value, 10), ",")
	case e.Explicit:
		p.line(e.Name, " = ", e.Expression, ",")
	default:
		p.line(e.Name, ",")
	}
}

// typeText is a type with all annotations of its place, in order.
func typeText(own model.Annotations, t *model.Type) string {
	all := slices.Concat(own, t.Annotations)
	if len(all) == 0 {
		return t.Signature()
	}
	return all.String() + " " + t.Signature()
}

func method(m *model.Method) string {
	var b strings.Builder
	if m.Oneway {
		b.WriteString("oneway ")
	}
	b.WriteString(typeText(m.Annotations, m.Return) + " " + m.Name + "(")
	for i, a := range m.Args {
		if i > 0 {
			b.WriteString(", ")
		}
		if a.Written {
			b.WriteString(a.Direction.String() + " ")
		}
		b.WriteString(a.Type.String() + " " + a.Name)
	}
	b.WriteString(")")
	if m.Explicit {
		b.WriteString(" = " + strconv.Itoa(m.ID))
	}
	return b.String()
}
