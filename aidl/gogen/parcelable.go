package gogen

import (
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// typeParams is "[A, B any]" for the declaration of a generic type and "[A, B]" for its use.
func typeParams(list []string) (declared, used string) {
	if len(list) == 0 {
		return "", ""
	}
	names := strings.Join(list, ", ")
	return "[" + names + " any]", "[" + names + "]"
}

func (f *file) parcelable(d *model.Parcelable) {
	n := f.names[d]
	declared, used := typeParams(d.TypeParams)
	self := n.goName + used
	parcelType := f.parcel("Parcel")

	f.doc("", n.goName+" is the AIDL parcelable "+d.QualifiedName+".", d.Doc)
	f.P("type ", n.goName, declared, " struct {")
	for _, field := range d.Fields {
		f.doc("\t", "", field.Doc)
		f.P("\t", n.members[field], " ", f.goType(field.Type, field.Type.Nullable))
	}
	f.P("}")
	f.P()

	f.P("// ", n.derived[roleNew], " makes ", article(n.goName), " with the defaults of the AIDL.")
	f.P("func ", n.derived[roleNew], declared, "() ", self, " {")
	if f.structHasDefaults(d, map[*model.Parcelable]bool{}) {
		f.P("var v ", self)
		for _, field := range d.Fields {
			if f.hasDefault(field.Type, field.Type.Nullable, field.Default) {
				f.setDefault(field.Type, field.Type.Nullable, field.Default, "v."+n.members[field])
			}
		}
		f.P("return v")
	} else {
		f.P("return ", self, "{}")
	}
	f.P("}")
	f.P()

	f.P("// WriteToParcel writes the body of v: its size and its fields.")
	f.P("func (v *", self, ") WriteToParcel(p *", parcelType, ") {")
	f.P("e := p.BeginExtent()")
	for _, field := range d.Fields {
		f.write(field.Type, field.Type.Nullable, "p", "v."+n.members[field], d.VINTF)
	}
	f.P("p.EndExtent(e)")
	f.P("}")
	f.P()

	f.P("// ReadFromParcel reads a body. Fields that the writer did not know have their defaults; those that")
	f.P("// only the writer knew are skipped.")
	f.P("func (v *", self, ") ReadFromParcel(p *", parcelType, ") {")
	f.P("*v = ", self, "{}")
	f.P("e := p.ReadExtent()")
	for _, field := range d.Fields {
		x := "v." + n.members[field]
		f.P("if p.More(e) {")
		f.read(field.Type, field.Type.Nullable, "p", x, d.VINTF)
		if f.hasDefault(field.Type, field.Type.Nullable, field.Default) {
			f.P("} else {")
			f.setDefault(field.Type, field.Type.Nullable, field.Default, x)
		}
		f.P("}")
	}
	f.P("p.LeaveExtent(e)")
	f.P("}")
	f.P()

	f.held(self, d.QualifiedName, d.VINTF)

	f.P("// String is v for people.")
	f.P("func (v ", self, ") String() string {")
	f.P("return ", f.describe(d.Head(), n, d.Fields))
	f.P("}")
	f.P()

	if f.fieldsOpaque(d.Fields) {
		f.P("// Equal says whether v and o are the same: objects and files if they are one, all else by what is")
		f.P("// in it.")
		f.P("func (v ", self, ") Equal(o ", self, ") bool {")
		parts := make([]string, len(d.Fields))
		for i, field := range d.Fields {
			parts[i] = f.parcel("Equal") + "(v." + n.members[field] + ", o." + n.members[field] + ")"
		}
		f.P("return ", strings.Join(parts, " &&\n"))
		f.P("}")
		f.P()
	}
	f.constants(d)
}

// held emits what a parcel.Holder wants to know.
func (f *file) held(self, name string, vintf bool) {
	f.P("// ParcelableDescriptor is the AIDL name of the type.")
	f.P("func (*", self, ") ParcelableDescriptor() string { return ", strconv.Quote(name), " }")
	f.P()
	f.P("// ParcelableVINTF tells whether the type is stable between images (@VintfStability).")
	f.P("func (*", self, ") ParcelableVINTF() bool { return ", strconv.FormatBool(vintf), " }")
	f.P()
}

func (f *file) fieldsOpaque(fields []*model.Field) bool {
	for _, field := range fields {
		if opaque(field.Type, map[model.Definition]bool{}) {
			return true
		}
	}
	return false
}

// describe is the call that makes the text of a parcelable. What is @SensitiveData is not in it.
func (f *file) describe(h *model.Header, n *names, fields []*model.Field) string {
	if h.Annotations.Has("SensitiveData") {
		return f.parcel("Describe") + "(" + strconv.Quote(h.Name) + ", \"...\", " + f.parcel("Hidden") + ")"
	}
	parts := []string{strconv.Quote(h.Name)}
	for _, field := range fields {
		x := "v." + n.members[field]
		if sensitive(field) {
			x = f.parcel("Hidden")
		}
		parts = append(parts, strconv.Quote(field.Name)+", "+x)
	}
	if len(parts) < 4 {
		return f.parcel("Describe") + "(" + strings.Join(parts, ", ") + ")"
	}
	return f.parcel("Describe") + "(" + strings.Join(parts, ",\n") + ",\n)"
}

// unstructured emits the Go type for a parcelable that AIDL only names.
func (f *file) unstructured(d *model.Parcelable) {
	n := f.names[d]
	declared, used := typeParams(d.TypeParams)
	self := n.goName + used
	parcelType := f.parcel("Parcel")
	where := ""
	switch {
	case d.CppHeader != "":
		where = " (cpp_header " + d.CppHeader + ")"
	case d.NdkHeader != "":
		where = " (ndk_header " + d.NdkHeader + ")"
	case d.RustType != "":
		where = " (rust_type " + d.RustType + ")"
	}
	f.doc("", n.goName+" is the AIDL parcelable "+d.QualifiedName+", whose layout AIDL does not know"+where+".\n"+
		"The value in it writes itself; "+n.derived[roleBuiltBy]+" makes one to be read. To have a type of your own instead of\n"+
		n.goName+", give it to aidlgen: --map "+d.QualifiedName+"=import/path.Type.", d.Doc)
	f.P("type ", n.goName, declared, " struct{ ", f.parcel("Parcelable"), " }")
	f.P()
	f.P("// ", n.derived[roleBuiltBy], " makes the value that is read for ", article(n.goName), ". Set it before the first call.")
	f.P("var ", n.derived[roleBuiltBy], " func() ", f.parcel("Parcelable"))
	f.P()
	f.P("// WriteToParcel writes the value.")
	f.P("func (v *", self, ") WriteToParcel(p *", parcelType, ") { p.WriteForeign(", strconv.Quote(d.QualifiedName), ", v.Parcelable) }")
	f.P()
	f.P("// ReadFromParcel reads a value that ", n.derived[roleBuiltBy], " makes.")
	f.P("func (v *", self, ") ReadFromParcel(p *", parcelType, ") {")
	f.P("v.Parcelable = p.ReadForeign(", strconv.Quote(d.QualifiedName), ", ", n.derived[roleBuiltBy], ")")
	f.P("}")
	f.P()
	f.held(self, d.QualifiedName, d.VINTF)
	f.constants(d)
}
