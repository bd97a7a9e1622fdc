// Package ast is the syntax tree of AIDL: what stands in a file, with its
// place and its comments, before any name has a meaning.
package ast

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// Node is any part of the tree.
type Node interface {
	// Pos is the place of the node's first byte (annotations included).
	Pos() token.Pos
	// End is the place after its last byte.
	End() token.Pos
}

// Span is the place of a node. It is embedded in each.
type Span struct{ From, To token.Pos }

// Pos is where the node begins.
func (s Span) Pos() token.Pos { return s.From }

// End is the place after the node.
func (s Span) End() token.Pos { return s.To }

// File is one source file.
type File struct {
	Span
	Source   *token.File
	Package  *Package // nil when the file names none
	Imports  []*Import
	Decls    []Decl
	Comments []token.Comment // all of the file, in order
	EOF      token.Pos
}

// Package is "package a.b;".
type Package struct {
	Span
	Doc  []token.Comment
	Name *Name
}

// Import is "import a.b.C;".
type Import struct {
	Span
	Doc  []token.Comment
	Name *Name
}

// Name is an identifier or several, joined by dots.
type Name struct {
	Span
	Parts []*Ident
}

// String joins the parts with dots.
func (n *Name) String() string {
	if len(n.Parts) == 1 {
		return n.Parts[0].Text
	}
	parts := make([]string, len(n.Parts))
	for i, p := range n.Parts {
		parts[i] = p.Text
	}
	return strings.Join(parts, ".")
}

// Ident is one identifier.
type Ident struct {
	Span
	Text string
}

// Annotation is "@Name", "@Name(value)" or "@Name(key=value, …)".
type Annotation struct {
	Span
	Doc    []token.Comment
	Name   *Ident // without the @
	Parens bool   // "()" was written
	Params []*Param
}

// Param is a parameter of an annotation.
type Param struct {
	Span
	Name  *Ident // nil for the short form @Name(value)
	Value Expr
}

// Member is what can stand between the braces of an interface, a parcelable
// or a union: *Method, *Field, *Const, or a nested Decl.
type Member interface {
	Node
	member()
}

// Decl is a type: *Interface, *Parcelable, *Union or *Enum.
type Decl interface {
	Member
	// Head is what every declaration has.
	Head() *Header
}

// Header is the common part of every type declaration.
type Header struct {
	Span
	Doc         []token.Comment // before the declaration, annotations included
	Annotations []*Annotation
	Keyword     token.Pos // of interface, parcelable, union or enum
	Name        *Name     // usually one part; dots only in preprocessed and unstructured parcelables
	LeftBrace   token.Pos // zero when there is no body
	RightBrace  token.Pos
}

// Head returns itself, so that each declaration has it.
func (h *Header) Head() *Header { return h }

func (h *Header) member() {}

// HasBody tells "interface I {}" from "interface I;".
func (h *Header) HasBody() bool { return h.LeftBrace.IsValid() }

// Interface is "oneway interface I { … }" or the forward "interface I;".
type Interface struct {
	Header
	Oneway  bool
	Members []Member
}

// Parcelable is structured when it has a body, else it is declared by
// another language.
type Parcelable struct {
	Header
	TypeParams []*Ident
	// The headers of an unstructured parcelable, quotes removed; nil if not written.
	CppHeader *Literal
	NdkHeader *Literal
	RustType  *Literal
	Members   []Member
}

// Union is "union U { … }".
type Union struct {
	Header
	TypeParams []*Ident
	Members    []Member
}

// Enum is "enum E { … }".
type Enum struct {
	Header
	Enumerators []*Enumerator
}

// Enumerator is one name of an enum.
type Enumerator struct {
	Span
	Doc   []token.Comment
	Name  *Ident
	Value Expr // nil when not written
}

// Method is a method of an interface. The annotations before it belong to
// the method and to its return type; the checker tells which.
type Method struct {
	Span
	Doc         []token.Comment
	Annotations []*Annotation
	Oneway      bool
	Return      *Type
	Name        *Ident
	Args        []*Arg
	ID          *Literal // of "= 7"; nil when not written
	RightParen  token.Pos
}

// Direction is how an argument travels.
type Direction uint8

// The directions. Unspecified means "in" where that is the only way.
const (
	Unspecified Direction = iota
	In
	Out
	Inout
)

var directions = [...]string{"", "in", "out", "inout"}

func (d Direction) String() string { return directions[d] }

// Arg is an argument of a method.
type Arg struct {
	Span
	Doc       []token.Comment
	Direction Direction
	Type      *Type
	Name      *Ident
}

// Field is a field of a parcelable or a union.
type Field struct {
	Span
	Doc     []token.Comment
	Type    *Type // with the annotations before it
	Name    *Ident
	Default Expr // nil when not written
}

// Const is "const int A = 1;".
type Const struct {
	Span
	Doc         []token.Comment
	Annotations []*Annotation // before "const"
	Type        *Type
	Name        *Ident
	Value       Expr
}

func (*Method) member() {}
func (*Field) member()  {}
func (*Const) member()  {}

// Type names a type at a place where it is used.
type Type struct {
	Span
	Annotations []*Annotation
	Name        *Name
	Args        []*Type      // of List<T>, Map<K, V>, or a generic parcelable
	Dimensions  []*Dimension // of arrays, from left to right
}

// Dimension is "[]" or "[N]".
type Dimension struct {
	Span
	Annotations []*Annotation // before "[": never allowed, kept for the message
	Size        Expr          // nil for "[]"
}

// Expr is a constant expression: *Literal, *Ref, *Unary, *Binary, *Paren or *Array.
type Expr interface {
	Node
	expr()
}

// Literal is a number, a character, a string, true or false.
type Literal struct {
	Span
	Kind token.Kind // Int, Hex, Float, Char, String, True or False
	Text string     // as written
}

// Ref names a constant or an enumerator.
type Ref struct {
	Span
	Name *Name
}

// Unary is an operator before an expression: + - ! ~.
type Unary struct {
	Span
	Op token.Kind
	X  Expr
}

// Binary is an operator between two expressions.
type Binary struct {
	Span
	Op    token.Kind
	OpPos token.Pos
	X, Y  Expr
}

// Paren is an expression in parentheses.
type Paren struct {
	Span
	X Expr
}

// Array is "{a, b}".
type Array struct {
	Span
	Elems []Expr
}

func (*Literal) expr() {}
func (*Ref) expr()     {}
func (*Unary) expr()   {}
func (*Binary) expr()  {}
func (*Paren) expr()   {}
func (*Array) expr()   {}
