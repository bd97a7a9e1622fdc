package model

import (
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// Kind says what sort of type it is.
type Kind uint8

// The kinds of types.
const (
	Invalid Kind = iota // after an error only
	Void
	Boolean
	Byte
	Char
	Int
	Long
	Float
	Double
	String
	CharSequence
	IBinder
	FileDescriptor
	ParcelFileDescriptor
	ParcelableHolder
	List       // List<Args[0]>; without Args the untyped java.util.List
	Map        // Map<String, Args[1]>; without Args the untyped java.util.Map
	Array      // Elem[]
	FixedArray // Elem[Len]; int[2][3] is a FixedArray of 2 FixedArrays of 3
	Defined    // Definition, with Args when it is generic
)

var kindNames = [...]string{
	Invalid: "<invalid>", Void: "void", Boolean: "boolean", Byte: "byte", Char: "char", Int: "int", Long: "long",
	Float: "float", Double: "double", String: "String", CharSequence: "CharSequence", IBinder: "IBinder",
	FileDescriptor: "FileDescriptor", ParcelFileDescriptor: "ParcelFileDescriptor",
	ParcelableHolder: "ParcelableHolder", List: "List", Map: "Map", Array: "array", FixedArray: "fixed-size array",
	Defined: "defined type",
}

// String is the type's name in AIDL, for the kinds that have one.
func (k Kind) String() string { return kindNames[k] }

// IsPrimitive tells whether the kind is void, boolean or a number.
func (k Kind) IsPrimitive() bool { return Void <= k && k <= Double }

// IsIntegral tells whether the kind is byte, char, int or long.
func (k Kind) IsIntegral() bool { return Byte <= k && k <= Long }

// Type is a type at one place of use.
type Type struct {
	Kind       Kind
	Name       string     // of the kind or the definition (qualified); "" for arrays
	Definition Definition // for Defined
	Args       []*Type    // for List, Map and generic definitions
	Elem       *Type      // for Array and FixedArray
	Len        int        // for FixedArray

	// Nullable is @nullable at this place. An element of a nullable array
	// or list is nullable too where its kind can be: that is what AOSP's
	// backends read and write.
	Nullable bool
	// Heap is @nullable(heap=true): the field may recurse into its own type.
	Heap bool
	// UTF8InCpp is @utf8InCpp. The bytes on the wire do not depend on it.
	UTF8InCpp bool

	Annotations Annotations // as written at this place
	Pos         token.Pos   // of the name
}

// Enum returns the enum that the type names, or nil.
func (t *Type) Enum() *Enum { e, _ := t.Definition.(*Enum); return e }

// Interface returns the interface that the type names, or nil.
func (t *Type) Interface() *Interface { i, _ := t.Definition.(*Interface); return i }

// Parcelable returns the parcelable that the type names, or nil.
func (t *Type) Parcelable() *Parcelable { p, _ := t.Definition.(*Parcelable); return p }

// Union returns the union that the type names, or nil.
func (t *Type) Union() *Union { u, _ := t.Definition.(*Union); return u }

// IsArray tells whether the type is an array of either sort.
func (t *Type) IsArray() bool { return t.Kind == Array || t.Kind == FixedArray }

// Base is the type below all dimensions of an array, or the type itself.
func (t *Type) Base() *Type {
	for t.Elem != nil {
		t = t.Elem
	}
	return t
}

// Signature is the type as AIDL writes it, with qualified names and without
// annotations: "List<a.b.C>", "int[2][3]".
func (t *Type) Signature() string {
	if !t.IsArray() {
		if len(t.Args) == 0 {
			return t.Name
		}
		args := make([]string, len(t.Args))
		for i, a := range t.Args {
			args[i] = a.Signature()
		}
		return t.Name + "<" + strings.Join(args, ",") + ">"
	}
	s := t.Base().Signature()
	for a := t; a.IsArray(); a = a.Elem {
		if a.Kind == Array {
			s += "[]"
		} else {
			s += "[" + strconv.Itoa(a.Len) + "]"
		}
	}
	return s
}

// String is the signature with the annotations before it.
func (t *Type) String() string {
	if a := t.Annotations.String(); a != "" {
		return a + " " + t.Signature()
	}
	return t.Signature()
}
