package api

import (
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// Preprocess declares the types of the requested files in one text, as the
// compiler reads it with aidl.Options.Preprocessed: their qualified names,
// constants and nested types, without methods and fields.
func Preprocess(p *model.Program) string {
	d := dumper{values: true}
	for _, f := range p.Files {
		if f.Requested {
			for _, def := range f.Definitions {
				d.declaration(def, def.Head().QualifiedName)
			}
		}
	}
	return d.b.String()
}

func (p *dumper) declaration(d model.Definition, name string) {
	h := d.Head()
	p.doc(h.Doc)
	if a := h.Annotations.String(); a != "" {
		p.line(a)
	}
	switch d := d.(type) {
	case *model.Interface:
		p.line("interface ", name, " {")
	case *model.Parcelable:
		text := "parcelable " + name + typeParams(d.TypeParams)
		if !d.Structured {
			if d.CppHeader != "" {
				text += " cpp_header " + strconv.Quote(d.CppHeader)
			}
			p.line(text, ";")
			return
		}
		p.line(text, " {")
	case *model.Union:
		p.line("union ", name, typeParams(d.TypeParams), " {")
	case *model.Enum:
		p.line("enum ", name, " {")
		p.depth++
		for _, e := range d.Enumerators {
			p.line(e.Name, " = ", strconv.FormatInt(e.Value, 10), ",")
		}
		p.depth--
	}
	p.depth++
	for _, k := range h.Constants {
		p.doc(k.Doc)
		p.line("const ", typeText(k.Annotations, k.Type), " ", k.Name, " = ", p.value(k.Value), ";")
	}
	for _, n := range h.Nested {
		p.declaration(n, n.Head().Name)
	}
	p.depth--
	p.line("}")
}

func typeParams(params []string) string {
	if len(params) == 0 {
		return ""
	}
	return "<" + strings.Join(params, ", ") + ">"
}
