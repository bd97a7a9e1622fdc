package model

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Definition is a type that a file defines: *Interface, *Parcelable, *Union
// or *Enum.
type Definition interface {
	Head() *Header
}

// Header is what every definition has.
type Header struct {
	Name          string // "Inner"; with dots only for "parcelable Outer.Inner;", which another language defines
	QualifiedName string // "a.b.Outer.Inner"
	Package       *Package
	File          *File
	Parent        Definition // nil at the top level
	Nested        []Definition
	Constants     []*Constant
	Annotations   Annotations
	Doc           Doc
	Pos           token.Pos // of the name
	Syntax        ast.Decl  // nil in a union's Tag

	// VINTF tells whether the type, or one that encloses it, has
	// @VintfStability.
	VINTF bool
	// SuppressWarnings are the warnings silenced here or in an enclosing type.
	SuppressWarnings []string
}

// Head returns itself, so that each definition has it.
func (h *Header) Head() *Header { return h }

// Path is the name within the package: ["Outer", "Inner"].
func (h *Header) Path() []string {
	if h.Parent == nil {
		return []string{h.Name}
	}
	return append(h.Parent.Head().Path(), h.Name)
}

// Interface is an interface and its methods.
type Interface struct {
	Header
	Oneway     bool      // the word stands before "interface"
	Forward    bool      // "interface I;": declared, not defined
	Methods    []*Method // as written; codes are unique
	Descriptor string    // @Descriptor, else the qualified name
	Sensitive  bool      // @SensitiveData: transactions carry the clear-buffer flag
	Permission *Permission
	// Which of Java's extras were asked for.
	JavaDefault, JavaDelegator bool
}

// FirstCallTransaction is the transaction code of the method with id 0
// (android.os.IBinder.FIRST_CALL_TRANSACTION).
const FirstCallTransaction = 1

// MaxMethodID is the largest id that a method may be given. Those above it
// belong to the methods below (AOSP: kMaxUserSetMethodId).
const MaxMethodID = 16777114

// The ids of the methods that every interface with a version or a hash has
// besides its own (AOSP: aidl.cpp, kGetInterfaceVersionId and its neighbours).
const (
	GetInterfaceVersionID = 16777214 // int getInterfaceVersion(), when the interface is versioned
	GetInterfaceHashID    = 16777213 // @utf8InCpp String getInterfaceHash(), when it has a hash
	GetTransactionNameID  = 16777212 // String getTransactionName(int code), Java only
)

// Method is a method of an interface.
type Method struct {
	Name        string
	ID          int  // as written, or counted from 0
	Explicit    bool // "= ID" was written
	Oneway      bool // here or on the interface
	Return      *Type
	Args        []*Arg
	Annotations Annotations // those that speak of the method; Return has its own
	Doc         Doc
	Pos         token.Pos // of the name
	Interface   *Interface
	// Permission is what the method itself says; nil when nothing. The
	// interface's own Permission holds besides.
	Permission *Permission
	// PropagateAllowBlocking lets the returned binder be called in a
	// blocking way from threads that forbid it.
	PropagateAllowBlocking bool
	Syntax                 *ast.Method
}

// Code is the transaction code.
func (m *Method) Code() uint32 { return FirstCallTransaction + uint32(m.ID) }

// Signature is "name(type, type)": what makes two methods the same to
// compatibility checks.
func (m *Method) Signature() string {
	s := m.Name + "("
	for i, a := range m.Args {
		if i > 0 {
			s += ", "
		}
		s += a.Type.Signature()
	}
	return s + ")"
}

// Arg is an argument of a method.
type Arg struct {
	Name      string
	Type      *Type
	Direction ast.Direction // In, Out or Inout, never Unspecified
	Written   bool          // the direction was written
	Doc       Doc
	Pos       token.Pos
}

// IsIn tells whether the value travels to the server.
func (a *Arg) IsIn() bool { return a.Direction != ast.Out }

// IsOut tells whether the value travels back.
func (a *Arg) IsOut() bool { return a.Direction == ast.Out || a.Direction == ast.Inout }

// Parcelable is a structured parcelable, or the declaration of one that
// another language defines.
type Parcelable struct {
	Header
	Structured bool
	TypeParams []string
	Fields     []*Field
	FixedSize  bool
	Immutable  bool // @JavaOnlyImmutable
	// Of an unstructured parcelable: where its definition is, else "".
	CppHeader, NdkHeader, RustType string
	// Which backends promise that an unstructured parcelable is stable.
	JavaStable, NdkStable, RustStable bool
}

// Union holds exactly one of its fields.
type Union struct {
	Header
	TypeParams []string
	Fields     []*Field // never empty; the first is the default; Index is the tag
	// Tag is the enum of the fields' names that every union has without
	// writing it, known as Union.Tag. It is backed by int, or by byte when the
	// union is @FixedSize. It is not among Nested.
	Tag       *Enum
	FixedSize bool
	Immutable bool
}

// Field is a field of a parcelable or a union.
type Field struct {
	Name        string
	Index       int // from 0, in the order of the source
	Type        *Type
	Default     *Value // nil when not written
	Annotations Annotations
	Doc         Doc
	Pos         token.Pos // of the name
	Syntax      *ast.Field
}

// Enum is a set of named integers.
type Enum struct {
	Header
	Backing     Kind // Byte, Int or Long
	Enumerators []*Enumerator
}

// Enumerator is one of the names.
type Enumerator struct {
	Name     string
	Value    int64
	Explicit bool // the value was written
	// Expression is the written value as the API dump writes it; see Value.
	Expression string
	Doc        Doc
	Pos        token.Pos
	Enum       *Enum
	Syntax     *ast.Enumerator // nil in a union's Tag
}

// Constant is "const int A = 1;".
type Constant struct {
	Name        string
	Type        *Type // byte, int, long, float, double or String
	Value       *Value
	Annotations Annotations
	Doc         Doc
	Pos         token.Pos // of the name
	Parent      Definition
	Syntax      *ast.Const
}

// FieldsOf returns the fields of a parcelable or union; nil for others.
func FieldsOf(d Definition) []*Field {
	switch d := d.(type) {
	case *Parcelable:
		return d.Fields
	case *Union:
		return d.Fields
	}
	return nil
}
