package gogen

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

func (f *file) union(d *model.Union) {
	n := f.names[d]
	parcelPtr := "*" + f.parcel("Parcel")
	tag := f.names[d.Tag]
	sealed := "is" + n.goName

	f.doc("", n.goName+" is the AIDL union "+d.QualifiedName+". Exactly these are "+n.goName+"s, for a type switch:\n\n"+f.variantList(d)+"\nnil stands for "+n.derived[roleNew]+"().", d.Doc)
	f.P("type ", n.goName, " interface {")
	f.P("// Tag says which field it is.")
	f.P("Tag() ", tag.goName)
	f.P("// WriteToParcel writes the body: the tag and the value.")
	f.P("WriteToParcel(p ", parcelPtr, ")")
	f.P(sealed, "()")
	f.P("}")
	f.P()
	for i, field := range d.Fields {
		v := n.variant[field]
		f.doc("", v+" is the field "+field.Name+" of "+n.goName+".", field.Doc)
		f.P("type ", v, " struct{ Value ", f.goType(field.Type, field.Type.Nullable), " }")
		f.P()
		f.P("// Tag is ", tag.members[d.Tag.Enumerators[i]], ".")
		f.P("func (", v, ") Tag() ", tag.goName, " { return ", tag.members[d.Tag.Enumerators[i]], " }")
		f.P("func (", v, ") ", sealed, "() {}")
		f.P()
		f.P("// WriteToParcel writes the tag and the value.")
		f.P("func (v ", v, ") WriteToParcel(p ", parcelPtr, ") {")
		f.P("p.WriteInt32(int32(", tag.members[d.Tag.Enumerators[i]], "))")
		f.write(field.Type, field.Type.Nullable, "p", "v.Value", d.VINTF)
		f.P("}")
		f.P()
		f.P("// String is v for people.")
		f.P("func (v ", v, ") String() string {")
		x := "v.Value"
		if sensitive(field) || d.Annotations.Has("SensitiveData") {
			x = f.parcel("Hidden")
		}
		f.P("return ", f.parcel("Describe"), "(", strconv.Quote(d.Name), ", ", strconv.Quote(field.Name), ", ", x, ")")
		f.P("}")
		f.P()
		if opaque(field.Type, map[model.Definition]bool{}) {
			f.P("// Equal says whether v and o are the same.")
			f.P("func (v ", v, ") Equal(o ", v, ") bool { return ", f.parcel("Equal"), "(v.Value, o.Value) }")
			f.P()
		}
	}
	f.unionFunctions(d)
	f.unionHeld(d)
	f.enum(d.Tag)
	f.constants(d)
}

// unionHeld emits what lets a parcel.Holder hold a union, which is no type with a pointer of its own.
func (f *file) unionHeld(d *model.Union) {
	n := f.names[d]
	held := n.derived[roleHeld]
	parcelPtr := "*" + f.parcel("Parcel")
	f.P("// ", held, " is ", article(n.goName), " in a parcel.Holder: Set a &", held, "{v}, or Get into one.")
	f.P("type ", held, " struct{ Value ", n.goName, " }")
	f.P()
	f.P("// WriteToParcel writes the body: the tag and the value; nil is the default.")
	f.P("func (h *", held, ") WriteToParcel(p ", parcelPtr, ") {")
	f.P("if h.Value == nil {")
	f.P(n.derived[roleNew], "().WriteToParcel(p)")
	f.P("return")
	f.P("}")
	f.P("h.Value.WriteToParcel(p)")
	f.P("}")
	f.P()
	f.P("// ReadFromParcel reads the body.")
	f.P("func (h *", held, ") ReadFromParcel(p ", parcelPtr, ") { h.Value = ", n.derived[roleReadBody], "(p) }")
	f.P()
	f.held(held, d.QualifiedName, d.VINTF)
}

// variantList is the variants and what they hold, for the documentation.
func (f *file) variantList(d *model.Union) string {
	width := 0
	for _, v := range f.names[d].variant {
		width = max(width, len(v))
	}
	var s strings.Builder
	for _, field := range d.Fields {
		fmt.Fprintf(&s, "\t%-*s  %s, %s\n", width, f.names[d].variant[field], field.Name, field.Type.Signature())
	}
	return s.String()
}

func (f *file) unionFunctions(d *model.Union) {
	n := f.names[d]
	tag := f.names[d.Tag]
	parcelPtr := "*" + f.parcel("Parcel")
	first := d.Fields[0]

	f.P("// ", n.derived[roleNew], " makes the default: the first field.")
	f.P("func ", n.derived[roleNew], "() ", n.goName, " {")
	if first.Default != nil {
		f.P("return ", n.variant[first], "{", f.value(first.Type, first.Type.Nullable, first.Default), "}")
	} else if f.hasDefault(first.Type, first.Type.Nullable, first.Default) && first.Type.Definition != model.Definition(d) {
		f.P("var v ", n.variant[first])
		f.setDefault(first.Type, first.Type.Nullable, first.Default, "v.Value")
		f.P("return v")
	} else {
		f.P("return ", n.variant[first], "{}")
	}
	f.P("}")
	f.P()

	f.P("// ", n.derived[roleWrite], " writes ", article(n.goName), " that is not null; nil is the default.")
	f.P("func ", n.derived[roleWrite], "(p ", parcelPtr, ", v ", n.goName, ") {")
	f.P("if v == nil {")
	f.P("v = ", n.derived[roleNew], "()")
	f.P("}")
	f.P("p.WritePresent(true)")
	f.P("v.WriteToParcel(p)")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleWriteNull], " writes ", article(n.goName), ", nil as null.")
	f.P("func ", n.derived[roleWriteNull], "(p ", parcelPtr, ", v ", n.goName, ") {")
	f.P("if p.WritePresent(v != nil) {")
	f.P("v.WriteToParcel(p)")
	f.P("}")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleRead], " reads ", article(n.goName), " that must not be null. A tag that is none of the fields is an error.")
	f.P("func ", n.derived[roleRead], "(p ", parcelPtr, ") ", n.goName, " {")
	f.P("if !p.RequirePresent() {")
	f.P("return nil")
	f.P("}")
	f.P("return ", n.derived[roleReadBody], "(p)")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleReadNull], " reads ", article(n.goName), "; nil if it is null.")
	f.P("func ", n.derived[roleReadNull], "(p ", parcelPtr, ") ", n.goName, " {")
	f.P("if !p.ReadPresent() {")
	f.P("return nil")
	f.P("}")
	f.P("return ", n.derived[roleReadBody], "(p)")
	f.P("}")
	f.P()
	f.P("func ", n.derived[roleReadBody], "(p ", parcelPtr, ") ", n.goName, " {")
	f.P("tag := p.ReadInt32()")
	f.P("if p.Err() != nil {")
	f.P("return nil")
	f.P("}")
	f.P("switch tag {")
	for i, field := range d.Fields {
		f.P("case int32(", tag.members[d.Tag.Enumerators[i]], "):")
		if !needsVariable(field.Type, field.Type.Nullable) {
			f.P("return ", n.variant[field], "{", f.readValue(field.Type, field.Type.Nullable, "p"), "}")
			continue
		}
		f.P("var v ", n.variant[field])
		f.read(field.Type, field.Type.Nullable, "p", "v.Value", d.VINTF)
		f.P("return v")
	}
	f.P("}")
	f.P("p.UnknownTag(", strconv.Quote(d.QualifiedName), ", tag)")
	f.P("return nil")
	f.P("}")
	f.P()
}
