package diag

// Code names a kind of mistake. Each code's comment ends with an example that
// a test compiles: the compiler must report that code there and nothing else.
// An example of several files is a txtar archive, of which the first file is
// compiled; a single file is named after the type in it.
type Code string

// Mistakes in the text of a file.
const (
	// Unreadable is a file that cannot be read, or is too large.
	Unreadable Code = "unreadable"

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
	//	interface IFoo { const String A = "text;
	//	}
	UnterminatedLiteral Code = "unterminated-literal"

	// Syntax is a token where the grammar wants another.
	//
	//	interface IFoo { void f(int); }
	Syntax Code = "syntax"

	// TooDeep is nesting beyond what anybody writes by hand; the limit keeps
	// a hostile file from exhausting the stack.
	TooDeep Code = "too-deep"

	// TooManyErrors ends the list when there were more errors than one wants
	// to read.
	TooManyErrors Code = "too-many-errors"
)

// Mistakes with names and files.
const (
	// UnknownType is a name that nothing defines: no built-in type, no type
	// around it or in it, no import, and no file in the import folders.
	//
	//	interface IFoo { void f(Strnig s); }
	UnknownType Code = "unknown-type"

	// UnknownImport is an import whose file is in none of the import folders.
	//
	//	import a.b.Missing;
	//	interface IFoo {}
	UnknownImport Code = "unknown-import"

	// BadImport is an import that several folders could supply, or whose file
	// cannot be read.
	BadImport Code = "bad-import"

	// FileName is a type in a file of another name: a.b.C must be in
	// a/b/C.aidl.
	//
	//	-- IBar.aidl --
	//	interface IFoo {}
	FileName Code = "file-name"

	// SeveralTypes is a second type with a body in one file.
	//
	//	interface IFoo {}
	//	interface IBar {}
	SeveralTypes Code = "several-types"

	// DuplicateType is a type that two files define, or one file twice.
	//
	//	parcelable Foo;
	//	parcelable Foo;
	DuplicateType Code = "duplicate-type"

	// DuplicateMember is a second field, method, argument, constant,
	// enumerator, nested type or type parameter of the same name.
	//
	//	interface IFoo { void f(); void f(int x); }
	DuplicateMember Code = "duplicate-member"

	// ReservedName is a name that generated code needs, or a keyword of Java
	// or C++.
	//
	//	interface IFoo { void f(int class); }
	ReservedName Code = "reserved-name"
)

// Mistakes with types.
const (
	// BadArray is an array of dynamic arrays, an array of what has no
	// arrays, or an annotation before "[".
	//
	//	interface IFoo { void f(in int[][] x); }
	BadArray Code = "bad-array"

	// ArraySize is a fixed size that is not a number from 0 to 2147483647,
	// or a list of values with another number of values.
	//
	//	parcelable Foo { int[2] x = {1, 2, 3}; }
	ArraySize Code = "array-size"

	// Generic is a type argument that cannot be there.
	//
	//	parcelable Foo { List<int> x; }
	Generic Code = "generic"

	// Untyped is a List or Map without type arguments in a parcelable, a
	// union, or an interface with stable versions.
	//
	//	parcelable Foo { List x; }
	Untyped Code = "untyped"

	// Void is a field or an argument of type void.
	//
	//	interface IFoo { void f(void x); }
	Void Code = "void"

	// Nullable is @nullable before what is never null.
	//
	//	interface IFoo { void f(@nullable int x); }
	Nullable Code = "nullable"

	// UTF8 is @utf8InCpp before what has no text.
	//
	//	interface IFoo { void f(@utf8InCpp int x); }
	UTF8 Code = "utf8"

	// Holder is a ParcelableHolder where it cannot be: it can be a field of a
	// parcelable only.
	//
	//	interface IFoo { void f(in ParcelableHolder x); }
	Holder Code = "holder"

	// Recursive is a parcelable that holds itself.
	//
	//	parcelable Foo { @nullable Foo next; }
	Recursive Code = "recursive"

	// NestedType is a nested type that cannot be there.
	//
	//	parcelable Foo<T> { enum Inner { A } }
	NestedType Code = "nested-type"
)

// Mistakes in interfaces.
const (
	// Direction is an argument whose in, out or inout is missing or wrong.
	//
	//	interface IFoo { void f(int[] x); }
	Direction Code = "direction"

	// Oneway is a oneway method that would have something to bring back.
	//
	//	interface IFoo { oneway int f(); }
	Oneway Code = "oneway"

	// MethodID is a transaction id that is taken or out of bounds, or is
	// missing while other methods have one.
	//
	//	interface IFoo { void f() = 1; void g() = 1; }
	MethodID Code = "method-id"

	// Permission is a permission annotation both on an interface and on its
	// method.
	//
	//	@RequiresNoPermission interface IFoo { @PermissionManuallyEnforced void f(); }
	Permission Code = "permission"
)

// Mistakes in parcelables, unions and enums.
const (
	// Union is a union without fields, or whose first field has no default.
	//
	//	union Foo { int[] x; }
	Union Code = "union"

	// FixedSize is a field that can change its size in a @FixedSize type.
	//
	//	@FixedSize parcelable Foo { String x; }
	FixedSize Code = "fixed-size"

	// Immutable is a field that can change in a @JavaOnlyImmutable type.
	//
	//	@JavaOnlyImmutable parcelable Foo { IBinder x; }
	Immutable Code = "immutable"

	// Derive is a field whose type does not derive what @RustDerive demands
	// around it.
	//
	//	@RustDerive(Clone=true) parcelable Foo { parcelable Bar {} Bar x; }
	Derive Code = "derive"

	// Backing is an enum backed by something else than byte, int or long.
	//
	//	@Backing(type="float") enum Foo { A }
	Backing Code = "backing"
)

// Mistakes in constants.
const (
	// ConstantType is a constant of a type that has no constants.
	//
	//	interface IFoo { const boolean A = true; }
	ConstantType Code = "constant-type"

	// BadConstant is an operator that cannot be applied, or a literal that
	// means nothing.
	//
	//	interface IFoo { const int A = "a" * 2; }
	BadConstant Code = "bad-constant"

	// UnknownConstant is a name that is no constant or enumerator.
	//
	//	interface IFoo { const int A = B; }
	UnknownConstant Code = "unknown-constant"

	// CircularConstant is a constant that depends on itself.
	//
	//	interface IFoo { const int A = B; const int B = A; }
	CircularConstant Code = "circular-constant"

	// Overflow is a value that does not fit its type, also on the way.
	//
	//	interface IFoo { const int A = 0x7fffffff + 1; }
	Overflow Code = "overflow"

	// BadDefault is a value that cannot be one of the type.
	//
	//	parcelable Foo { float x = 1; }
	BadDefault Code = "bad-default"
)

// Mistakes with annotations.
const (
	// UnknownAnnotation is an annotation that AIDL does not have.
	//
	//	@VintfStabilty interface IFoo {}
	UnknownAnnotation Code = "unknown-annotation"

	// Annotation is an annotation at a place where it cannot stand.
	//
	//	@Backing(type="int") interface IFoo {}
	Annotation Code = "annotation"

	// AnnotationParam is a parameter that the annotation does not have, or
	// lacks, or whose value is wrong.
	//
	//	@Backing enum Foo { A }
	AnnotationParam Code = "annotation-param"

	// RepeatedAnnotation is an annotation that stands twice before the same
	// thing.
	//
	//	@JavaDefault @JavaDefault interface IFoo {}
	RepeatedAnnotation Code = "repeated-annotation"

	// UnknownWarning is a name in @SuppressWarnings that is no warning.
	//
	//	@SuppressWarnings({"const-nmae"}) interface IFoo {}
	UnknownWarning Code = "unknown-warning"
)

// Mistakes with stability.
const (
	// Stability is a type without @VintfStability that a type with it uses.
	//
	//	-- IFoo.aidl --
	//	import Bar;
	//	@VintfStability interface IFoo { void f(in Bar x); }
	//	-- Bar.aidl --
	//	parcelable Bar {}
	Stability Code = "stability"

	// Unstructured is a parcelable that another language defines, used by a
	// type that is to be stable.
	//
	//	-- IFoo.aidl --
	//	import Bar;
	//	@VintfStability interface IFoo { void f(in Bar x); }
	//	-- Bar.aidl --
	//	@VintfStability parcelable Bar;
	Unstructured Code = "unstructured"

	// Backend is what not all of AOSP's backends can compile, or not all
	// Androids know. It is refused only when such a backend or Android is
	// asked for.
	Backend Code = "backend"

	// API is a change that breaks those who were compiled against an earlier
	// version.
	API Code = "api"
)

// Warnings. They are told when asked for by name, or by "everything". Their
// names are AOSP's.
const (
	// ConstName is a constant or enumerator that is not in capitals.
	//
	//	enum Foo { red }
	ConstName Code = "const-name"

	// EnumExplicitDefault is an enum field without a default.
	//
	//	parcelable Foo { enum Color { RED } Color c; }
	EnumExplicitDefault Code = "enum-explicit-default"

	// FileDescriptor is a FileDescriptor, which not all backends know.
	//
	//	@RequiresNoPermission interface IFoo { void f(FileDescriptor fd); }
	FileDescriptor Code = "file-descriptor"

	// InoutParameter is an inout argument.
	//
	//	@RequiresNoPermission interface IFoo { void f(inout List<String> x); }
	InoutParameter Code = "inout-parameter"

	// InterfaceName is an interface whose name does not begin with I.
	//
	//	@RequiresNoPermission interface Foo {}
	InterfaceName Code = "interface-name"

	// MissingPermission is an interface that says nothing of permissions.
	//
	//	interface IFoo { void f(); }
	MissingPermission Code = "missing-permission-annotation"

	// MixedOneway is an interface with both oneway methods and others.
	//
	//	@RequiresNoPermission interface IFoo { void f(); oneway void g(); }
	MixedOneway Code = "mixed-oneway"

	// OutArray is an array as out argument.
	//
	//	@RequiresNoPermission interface IFoo { void f(out int[] x); }
	OutArray Code = "out-array"

	// OutNullable is a nullable out argument.
	//
	//	@RequiresNoPermission interface IFoo { void f(out @nullable List<String> x); }
	OutNullable Code = "out-nullable"

	// UniqueImport is an import of a name that the file has already.
	//
	//	-- Foo.aidl --
	//	import a.Foo;
	//	parcelable Foo {}
	//	-- a/Foo.aidl --
	//	package a;
	//	parcelable Foo {}
	UniqueImport Code = "unique-import"

	// UntypedCollection is a List or Map without type arguments.
	//
	//	@RequiresNoPermission interface IFoo { void f(in List x); }
	UntypedCollection Code = "untyped-collection"

	// RedundantName is a name that repeats the name around it.
	//
	//	enum Color { COLOR_RED }
	RedundantName Code = "redundant-name"

	// RedundantOneway is oneway before a method of a oneway interface.
	//
	//	@RequiresNoPermission oneway interface IFoo { oneway void f(); }
	RedundantOneway Code = "redundant-oneway"
)

// Warnings are all codes that are warnings, by name.
var Warnings = []Code{
	ConstName, EnumExplicitDefault, FileDescriptor, InoutParameter, InterfaceName, MissingPermission, MixedOneway,
	OutArray, OutNullable, RedundantName, RedundantOneway, UniqueImport, UnknownWarning, UntypedCollection,
}

// IsWarning tells whether a warning has that name.
func IsWarning(name string) bool {
	for _, w := range Warnings {
		if string(w) == name {
			return true
		}
	}
	return false
}
