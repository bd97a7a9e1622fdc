package gogen

import (
	"strconv"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// How each type travels is decided here, as AOSP's backends decide it (aidl_to_cpp.cpp,
// RawParcelMethod, and the method maps of aidl_to_java.cpp).

// scalars are the types that are one call of a parcel: Write and Read before the name.
var scalars = map[model.Kind]string{
	model.Boolean: "Bool", model.Byte: "Int8", model.Char: "Char", model.Int: "Int32", model.Long: "Int64",
	model.Float: "Float32", model.Double: "Float64",
	model.String: "String16", model.CharSequence: "CharSequence",
	model.FileDescriptor: "RawFile", model.ParcelFileDescriptor: "ParcelFile",
}

// arrays are the types whose arrays are one call of a parcel.
var arrays = map[model.Kind]string{
	model.Boolean: "BoolArray", model.Byte: "ByteArray", model.Char: "CharArray", model.Int: "Int32Array",
	model.Long: "Int64Array", model.Float: "Float32Array", model.Double: "Float64Array",
}

// canBeNull tells whether null has a form on the wire of its own.
func canBeNull(k model.Kind) bool { return !k.IsPrimitive() && k != model.FileDescriptor }

// scalar is the name of the parcel's method for t.
func scalar(verb string, t *model.Type, nullable bool) (string, bool) {
	name, ok := scalars[t.Kind]
	if !ok {
		return "", false
	}
	if verb == "Write" && t.Kind == model.FileDescriptor {
		name = "File"
	}
	if nullable && canBeNull(t.Kind) {
		name = "Nullable" + name
	}
	return verb + name, true
}

// backing is the scalar that an enum is on the wire, and its Go type.
func backing(e *model.Enum) (method, goType string) {
	switch e.Backing {
	case model.Int:
		return "Int32", "int32"
	case model.Long:
		return "Int64", "int64"
	}
	return "Int8", "int8"
}

// write emits what writes the value of x, which can be addressed, to the parcel p.
func (f *file) write(t *model.Type, nullable bool, p, x string, vintf bool) {
	if name, ok := scalar("Write", t, nullable); ok {
		f.P(p, ".", name, "(", x, ")")
		return
	}
	switch t.Kind {
	case model.IBinder:
		f.P(f.objectWriter(nullable), "(", p, ", ", x, ")")
	case model.ParcelableHolder:
		f.P(p, ".WriteHolder(&", x, ", ", strconv.FormatBool(vintf), ")")
	case model.Map:
		switch {
		case len(t.Args) < 2 && nullable:
			f.P(p, ".WriteNullableAnyMap(", x, ")")
		case len(t.Args) < 2:
			f.P(p, ".WriteAnyMap(", x, ")")
		case nullable:
			f.P(f.parcel("WriteNullableMap"), "(", p, ", ", x, ", ", f.elementWriter(t.Args[1], t.Args[1].Nullable), ")")
		default:
			f.P(f.parcel("WriteMap"), "(", p, ", ", x, ", ", f.elementWriter(t.Args[1], t.Args[1].Nullable), ")")
		}
	case model.List:
		switch {
		case len(t.Args) > 0:
			f.writeSlice(t, nullable, p, x)
		case nullable:
			f.P(p, ".WriteNullableList(", x, ")")
		default:
			f.P(p, ".WriteList(", x, ")")
		}
	case model.Array:
		f.writeSlice(t, nullable, p, x)
	case model.FixedArray:
		if nullable {
			f.P("if ", x, " == nil {")
			f.P(p, ".WriteInt32(-1)")
			f.P("} else {")
		}
		f.writeElements(t, nullable, p, x+"[:]")
		if nullable {
			f.P("}")
		}
	case model.Defined:
		f.writeDefined(t, nullable, p, x)
	default:
		panic(&Error{Pos: t.Pos, Message: "a value of type " + t.Signature() + " has no layout on the wire, so Go cannot write it"})
	}
}

func (f *file) writeDefined(t *model.Type, nullable bool, p, x string) {
	switch d := t.Definition.(type) {
	case *model.Enum:
		method, goType := backing(d)
		f.P(p, ".Write", method, "(", goType, "(", x, "))")
	case *model.Parcelable:
		if nullable {
			f.P(f.parcel("WriteNullableTyped"), "(", p, ", ", x, ")")
			return
		}
		f.P(p, ".WritePresent(true)")
		f.P(x, ".WriteToParcel(", p, ")")
	default:
		f.P(f.elementWriter(t, nullable), "(", p, ", ", x, ")")
	}
}

// objectWriter is the function that writes a binder.
func (f *file) objectWriter(nullable bool) string {
	if nullable {
		return f.binder("WriteNullable")
	}
	return f.binder("WriteRequired")
}

// writeSlice emits what writes a slice that may be null as a whole.
func (f *file) writeSlice(t *model.Type, nullable bool, p, x string) {
	e, null := element(t, nullable)
	if !nullable {
		f.writeElements(t, nullable, p, x)
		return
	}
	if whole := f.sliceWriter(e); whole != "" {
		f.P(f.parcel("WriteNullableSlice"), "(", p, ", ", x, ", ", whole, ")")
		return
	}
	f.P(f.parcel("WriteNullableElements"), "(", p, ", ", x, ", ", f.elementWriter(e, null), ")")
}

// writeElements emits what writes a slice that is there.
func (f *file) writeElements(t *model.Type, nullable bool, p, x string) {
	e, null := element(t, nullable)
	switch {
	case arrays[e.Kind] != "":
		f.P(p, ".Write", arrays[e.Kind], "(", x, ")")
	case e.Enum() != nil:
		f.P(f.parcel("WriteEnumSlice"), "(", p, ", ", x, ")")
	case e.Kind == model.String && !null:
		f.P(p, ".WriteString16Array(", x, ")")
	default:
		f.P(f.parcel("WriteSlice"), "(", p, ", ", x, ", ", f.elementWriter(e, null), ")")
	}
}

// sliceWriter is the function that writes a whole slice of e, "" if its elements are written one by
// one.
func (f *file) sliceWriter(e *model.Type) string {
	switch {
	case arrays[e.Kind] != "":
		return f.method("Write" + arrays[e.Kind])
	case e.Enum() != nil:
		return f.parcel("WriteEnumSlice") + "[" + f.nameOf(e.Definition) + "]"
	}
	return ""
}

// elementWriter is the function that writes a value of t, for helpers that call it for each.
func (f *file) elementWriter(t *model.Type, nullable bool) string {
	if name, ok := scalar("Write", t, nullable); ok {
		return f.method(name)
	}
	switch t.Kind {
	case model.IBinder:
		return f.objectWriter(nullable)
	case model.Defined:
		switch t.Definition.(type) {
		case *model.Enum:
			return f.parcel("WriteEnum") + "[" + f.nameOf(t.Definition) + "]"
		case *model.Parcelable:
			name := "WriteTyped"
			if nullable {
				name = "WriteNullableTyped"
			}
			return f.parcel(name) + "[" + f.plainType(t, false) + "]"
		}
		if nullable {
			return f.derived(t.Definition, roleWriteNull)
		}
		return f.derived(t.Definition, roleWrite)
	}
	return f.literal(func(f *file) {
		f.P("func(p *", f.parcel("Parcel"), ", x ", f.goType(t, nullable), ") {")
		f.write(t, nullable, "p", "x", false)
		f.body.WriteString("}")
	})
}

// literal is the text that emit writes.
func (f *file) literal(emit func(*file)) string {
	start := f.body.Len()
	emit(f)
	text := string(f.body.Bytes()[start:])
	f.body.Truncate(start)
	return text
}

// read emits what reads a value from the parcel p into x, a variable of its zero value.
func (f *file) read(t *model.Type, nullable bool, p, x string, vintf bool) {
	switch {
	case t.Kind == model.ParcelableHolder:
		f.P(p, ".ReadHolder(&", x, ", ", strconv.FormatBool(vintf), ")")
	case t.Kind == model.FixedArray && nullable:
		f.P("if !", p, ".ReadNull() {")
		f.P(x, " = new(", f.plainType(t, nullable), ")")
		f.readFixed(t, nullable, p, x)
		f.P("}")
	case t.Kind == model.FixedArray:
		f.readFixed(t, nullable, p, x)
	case isStruct(t) && !nullable:
		f.P("if ", p, ".RequirePresent() {")
		f.P(x, ".ReadFromParcel(", p, ")")
		f.P("}")
	default:
		f.P(x, " = ", f.readValue(t, nullable, p))
	}
}

func (f *file) readFixed(t *model.Type, nullable bool, p, x string) {
	e, null := element(t, nullable)
	f.P(f.parcel("ReadFixedArray"), "(", p, ", ", x, "[:], ", f.sliceReader(e, null), ")")
}

// needsVariable tells whether a value is read into a variable rather than as an expression.
func needsVariable(t *model.Type, nullable bool) bool {
	return t.Kind == model.ParcelableHolder || t.Kind == model.FixedArray || isStruct(t) && !nullable
}

// readValue is the expression that reads a value, for types that do not need a variable.
func (f *file) readValue(t *model.Type, nullable bool, p string) string {
	if name, ok := scalar("Read", t, nullable); ok {
		return p + "." + name + "()"
	}
	switch t.Kind {
	case model.Map:
		switch {
		case len(t.Args) < 2:
			return p + ".ReadAnyMap()"
		case nullable:
			return f.parcel("ReadNullableMap") + "(" + p + ", " + f.elementReader(t.Args[1], t.Args[1].Nullable) + ")"
		}
		return f.parcel("ReadMap") + "(" + p + ", " + f.elementReader(t.Args[1], t.Args[1].Nullable) + ")"
	case model.List, model.Array:
		if t.Kind == model.List && len(t.Args) == 0 {
			return p + ".ReadList()"
		}
		return f.readSlice(t, nullable, p)
	}
	if e := t.Enum(); e != nil {
		method, _ := backing(e)
		return f.nameOf(e) + "(" + p + ".Read" + method + "())"
	}
	return f.elementReader(t, nullable) + "(" + p + ")"
}

func (f *file) readSlice(t *model.Type, nullable bool, p string) string {
	e, null := element(t, nullable)
	whole := arrays[e.Kind]
	if e.Kind == model.String && !null {
		whole = "String16Array"
	}
	switch {
	case whole != "" && !nullable:
		return p + ".Read" + whole + "()"
	case whole != "":
		return f.parcel("ReadNullableSlice") + "(" + p + ", " + f.method("Read"+whole) + ")"
	case e.Enum() != nil && !nullable:
		return f.parcel("ReadEnumSlice") + "[" + f.nameOf(e.Definition) + "](" + p + ")"
	case e.Enum() != nil:
		return f.parcel("ReadNullableSlice") + "(" + p + ", " + f.parcel("ReadEnumSlice") + "[" + f.nameOf(e.Definition) + "])"
	case nullable:
		return f.parcel("ReadNullableElements") + "(" + p + ", " + f.elementReader(e, null) + ")"
	}
	return f.parcel("ReadSlice") + "(" + p + ", " + f.elementReader(e, null) + ")"
}

// sliceReader is the function that reads a slice of e that is there.
func (f *file) sliceReader(e *model.Type, null bool) string {
	switch {
	case arrays[e.Kind] != "":
		return f.method("Read" + arrays[e.Kind])
	case e.Kind == model.String && !null:
		return f.method("ReadString16Array")
	case e.Enum() != nil:
		return f.parcel("ReadEnumSlice") + "[" + f.nameOf(e.Definition) + "]"
	}
	return "func(p *" + f.parcel("Parcel") + ") []" + f.goType(e, null) + " { return " +
		f.parcel("ReadSlice") + "(p, " + f.elementReader(e, null) + ") }"
}

// elementReader is the function that reads a value of t, for helpers that call it for each.
func (f *file) elementReader(t *model.Type, nullable bool) string {
	if name, ok := scalar("Read", t, nullable); ok {
		return f.method(name)
	}
	switch t.Kind {
	case model.IBinder:
		if nullable {
			return f.binder("ReadNullable")
		}
		return f.binder("ReadRequired")
	case model.Defined:
		switch t.Definition.(type) {
		case *model.Enum:
			return f.parcel("ReadEnum") + "[" + f.nameOf(t.Definition) + "]"
		case *model.Parcelable:
			name := "ReadTyped"
			if nullable {
				name = "ReadNullableTyped"
			}
			return f.parcel(name) + "[" + f.plainType(t, false) + "]"
		}
		if nullable {
			return f.derived(t.Definition, roleReadNull)
		}
		return f.derived(t.Definition, roleRead)
	}
	return f.literal(func(f *file) {
		f.P("func(p *", f.parcel("Parcel"), ") (x ", f.goType(t, nullable), ") {")
		f.read(t, nullable, "p", "x", false)
		f.P("return x")
		f.body.WriteString("}")
	})
}
