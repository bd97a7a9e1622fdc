package token

// Kind says what a token is.
type Kind uint8

// The tokens of AIDL.
const (
	Illegal Kind = iota // a byte that begins no token, or a literal that does not end
	EOF                 // the end of the file

	Ident      // android
	Annotation // @nullable: the text includes the @
	Int        // 42, 7L, 255u8
	Hex        // 0x1F, 0xFFL, 0xFFu8
	Float      // 1.5, 2.0f, 1e3
	Char       // 'a'
	String     // "text"

	Package    // package
	Import     // import
	Interface  // interface
	Parcelable // parcelable
	Enum       // enum
	Union      // union
	Const      // const
	Oneway     // oneway
	In         // in
	Out        // out
	Inout      // inout
	True       // true
	False      // false
	CppHeader  // cpp_header, also an identifier
	NdkHeader  // ndk_header, also an identifier
	RustType   // rust_type, also an identifier

	LeftParen    // (
	RightParen   // )
	LeftBrace    // {
	RightBrace   // }
	LeftBracket  // [
	RightBracket // ]
	Less         // <
	Greater      // >
	Colon        // :
	Semicolon    // ;
	Comma        // ,
	Dot          // .
	Assign       // =
	Plus         // +
	Minus        // -
	Star         // *
	Slash        // /
	Percent      // %
	And          // &
	Or           // |
	Xor          // ^
	Not          // !
	Tilde        // ~
	ShiftLeft    // <<
	ShiftRight   // >>
	LogicalAnd   // &&
	LogicalOr    // ||
	LessEqual    // <=
	GreaterEqual // >=
	Equal        // ==
	NotEqual     // !=

	kinds // their number
)

var names = [kinds]string{
	Illegal: "unrecognized character", EOF: "end of file",
	Ident: "identifier", Annotation: "annotation", Int: "integer", Hex: "hex integer", Float: "float",
	Char: "character", String: "string",
	Package: "package", Import: "import", Interface: "interface", Parcelable: "parcelable", Enum: "enum",
	Union: "union", Const: "const", Oneway: "oneway", In: "in", Out: "out", Inout: "inout", True: "true",
	False: "false", CppHeader: "cpp_header", NdkHeader: "ndk_header", RustType: "rust_type",
	LeftParen: "(", RightParen: ")", LeftBrace: "{", RightBrace: "}", LeftBracket: "[", RightBracket: "]",
	Less: "<", Greater: ">", Colon: ":", Semicolon: ";", Comma: ",", Dot: ".", Assign: "=", Plus: "+", Minus: "-",
	Star: "*", Slash: "/", Percent: "%", And: "&", Or: "|", Xor: "^", Not: "!", Tilde: "~",
	ShiftLeft: "<<", ShiftRight: ">>", LogicalAnd: "&&", LogicalOr: "||",
	LessEqual: "<=", GreaterEqual: ">=", Equal: "==", NotEqual: "!=",
}

// String is the keyword or symbol itself, or the name of the class of tokens.
func (k Kind) String() string {
	if k < kinds {
		return names[k]
	}
	return "token"
}

// IsClass tells whether the kind stands for many texts (identifier, string)
// and not for one keyword or symbol.
func (k Kind) IsClass() bool { return k <= String }

// IsIdentifier tells whether the token can stand where a name is expected.
// cpp_header, ndk_header and rust_type are words only after a parcelable's name.
func (k Kind) IsIdentifier() bool {
	return k == Ident || k == CppHeader || k == NdkHeader || k == RustType
}

var keywords = func() map[string]Kind {
	m := make(map[string]Kind)
	for k := Package; k <= RustType; k++ {
		m[names[k]] = k
	}
	return m
}()

// Lookup returns the keyword's kind, or Ident.
func Lookup(word string) Kind {
	if k, ok := keywords[word]; ok {
		return k
	}
	return Ident
}

// Keywords lists the words that are not identifiers, in the order of Kind.
func Keywords() []string {
	var words []string
	for k := Package; k <= False; k++ {
		words = append(words, names[k])
	}
	return words
}

// Token is one word of the source.
type Token struct {
	Kind   Kind
	Offset int    // of its first byte
	Text   string // as it stands in the source
	// Comments stand between the token before and this one.
	Comments []Comment
}

// End is the offset after the token's last byte.
func (t Token) End() int { return t.Offset + len(t.Text) }

// Comment is one comment as it stands in the source: "// text" without the
// line end, or "/* text */".
type Comment struct {
	Offset int
	Text   string
	// Trailing tells that the comment stands behind a token on its line, so
	// that it speaks of what is before it.
	Trailing bool
}

// IsBlock tells a /* */ comment from a // one.
func (c Comment) IsBlock() bool { return len(c.Text) > 1 && c.Text[1] == '*' }

// IsDoc tells whether the comment is meant for the documentation: /** text */.
func (c Comment) IsDoc() bool {
	return len(c.Text) > 4 && c.Text[:3] == "/**"
}

// End is the offset after the comment's last byte.
func (c Comment) End() int { return c.Offset + len(c.Text) }
