package diag

// Code names a kind of mistake. Each code's comment ends with an example that
// a test compiles: the compiler must report that code there and nothing else.
// An example of several files is a txtar archive; a single file is named
// after the type in it.
type Code string

// Mistakes in the text of a file.
const (
	// BadCharacter is a character that begins no token.
	//
	//	interface IFoo { void f($int x); }
	BadCharacter Code = "bad-character"

	// UnterminatedComment is a /* without */.
	//
	//	interface IFoo {}
	//	/* the end
	UnterminatedComment Code = "unterminated-comment"

	// UnterminatedLiteral is a string or a character that does not end on
	// its line, or a character that is not one ASCII character.
	//
	//	interface IFoo { const String A = "text; }
	//	"
	UnterminatedLiteral Code = "unterminated-literal"

	// Syntax is a token where the grammar wants another.
	//
	//	interface IFoo { void f(int) }
	Syntax Code = "syntax"

	// TooDeep is nesting beyond what anybody writes by hand; the limit keeps
	// a hostile file from exhausting the stack.
	//
	//	interface IFoo { const int A = DEEP; }
	TooDeep Code = "too-deep"

	// BadArray is an array of dynamic arrays, or annotations before "[".
	//
	//	interface IFoo { void f(in int[][] x); }
	BadArray Code = "bad-array"

	// TooManyErrors ends the list when there were more errors than one wants
	// to read.
	TooManyErrors Code = "too-many-errors"
)

// Mistakes with annotations.
const (
	// Annotation is an annotation at a place where none may be.
	//
	//	interface IFoo { void f(in List<@nullable String> x); }
	Annotation Code = "annotation"
)
