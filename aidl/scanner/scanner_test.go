package scanner_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/scanner"
	"github.com/fusebinder/fusebinder/aidl/token"
)

type tok struct {
	Kind token.Kind
	Text string
}

func scan(t testing.TB, text string) ([]token.Token, diag.List) {
	var report diag.Reporter
	tokens := scanner.All(token.NewFile("test.aidl", []byte(text)), &report)
	return tokens, report.List()
}

func TestTokens(t *testing.T) {
	tests := []struct {
		name, text string
		want       []tok
	}{
		{"nothing", "", nil},
		{"space", " \t\r\n", nil},
		{"words", "interface _a b1 cpp_header inout in", []tok{
			{token.Interface, "interface"}, {token.Ident, "_a"}, {token.Ident, "b1"},
			{token.CppHeader, "cpp_header"}, {token.Inout, "inout"}, {token.In, "in"}}},
		{"annotation", "@nullable(heap=true)", []tok{
			{token.Annotation, "@nullable"}, {token.LeftParen, "("}, {token.Ident, "heap"}, {token.Assign, "="},
			{token.True, "true"}, {token.RightParen, ")"}}},
		{"integers", "0 7L 255u8 1_000 4294967295u32 9u64 0x1F 0XffL 0xFFu8", []tok{
			{token.Int, "0"}, {token.Int, "7L"}, {token.Int, "255u8"}, {token.Int, "1_000"}, {token.Int, "4294967295u32"},
			{token.Int, "9u64"}, {token.Hex, "0x1F"}, {token.Hex, "0XffL"}, {token.Hex, "0xFFu8"}}},
		{"hex without digits", "0x", []tok{{token.Int, "0"}, {token.Ident, "x"}}},
		{"underscore first", "_1", []tok{{token.Ident, "_1"}}},
		{"floats", "1.5 .5 2f 1e3 1.5e-3f 1.e", []tok{
			{token.Float, "1.5"}, {token.Float, ".5"}, {token.Float, "2f"}, {token.Float, "1e3"},
			{token.Float, "1.5e-3f"}, {token.Int, "1"}, {token.Dot, "."}, {token.Ident, "e"}}},
		{"characters and strings", `'a' ''' "x y" ""`, []tok{
			{token.Char, "'a'"}, {token.Char, "'''"}, {token.String, `"x y"`}, {token.String, `""`}}},
		{"escaped quote", `"a\"b"`, []tok{{token.String, `"a\"b"`}}},
		{"symbols", "<< >> <= >= == != && || < > = + - * / % & | ^ ! ~ ( ) { } [ ] : ; , .", []tok{
			{token.ShiftLeft, "<<"}, {token.ShiftRight, ">>"}, {token.LessEqual, "<="}, {token.GreaterEqual, ">="},
			{token.Equal, "=="}, {token.NotEqual, "!="}, {token.LogicalAnd, "&&"}, {token.LogicalOr, "||"},
			{token.Less, "<"}, {token.Greater, ">"}, {token.Assign, "="}, {token.Plus, "+"}, {token.Minus, "-"},
			{token.Star, "*"}, {token.Slash, "/"}, {token.Percent, "%"}, {token.And, "&"}, {token.Or, "|"},
			{token.Xor, "^"}, {token.Not, "!"}, {token.Tilde, "~"}, {token.LeftParen, "("}, {token.RightParen, ")"},
			{token.LeftBrace, "{"}, {token.RightBrace, "}"}, {token.LeftBracket, "["}, {token.RightBracket, "]"},
			{token.Colon, ":"}, {token.Semicolon, ";"}, {token.Comma, ","}, {token.Dot, "."}}},
		{"comments", "a // b\n/* c */ d /**/ /* e **/", []tok{{token.Ident, "a"}, {token.Ident, "d"}}},
		{"name with dots", "a.b .5", []tok{{token.Ident, "a"}, {token.Dot, "."}, {token.Ident, "b"}, {token.Float, ".5"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tokens, list := scan(t, tt.text)
			if len(list) > 0 {
				t.Fatal(list.Format())
			}
			var got []tok
			for _, tk := range tokens[:len(tokens)-1] {
				got = append(got, tok{tk.Kind, tk.Text})
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
			if last := tokens[len(tokens)-1]; last.Kind != token.EOF || last.Offset != len(tt.text) {
				t.Errorf("the last token is %v at %d", last.Kind, last.Offset)
			}
		})
	}
}

func TestComments(t *testing.T) {
	tokens, _ := scan(t, "/* one */\na // two\n// three\r\n/** four */ b /* five */")
	var got [][]token.Comment
	for _, tk := range tokens {
		got = append(got, tk.Comments)
	}
	want := [][]token.Comment{
		{{Offset: 0, Text: "/* one */"}},
		{{Offset: 12, Text: "// two", Trailing: true}, {Offset: 19, Text: "// three"}, {Offset: 29, Text: "/** four */"}},
		{{Offset: 43, Text: "/* five */", Trailing: true}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
}

func TestMistakes(t *testing.T) {
	tests := []struct{ text, want string }{
		{"a $ b", `test.aidl:1:3: unrecognized character '$'`},
		{"a é b", `test.aidl:1:3: unrecognized character 'é'`},
		{"@ x", "test.aidl:1:1: @ must be followed by the name of an annotation"},
		{"x\n /* y", "test.aidl:2:2: comment does not end"},
		{"\"abc\n", "test.aidl:1:1: string does not end on its line"},
		{"\"abc", "test.aidl:1:1: string does not end"},
		{"'ab'", "test.aidl:1:1: not a character: it must be one ASCII character in quotes, without escapes"},
		{"'", "test.aidl:1:1: not a character: it must be one ASCII character in quotes, without escapes"},
	}
	for _, tt := range tests {
		_, list := scan(t, tt.text)
		if d := cmp.Diff(tt.want, list.Error()); d != "" {
			t.Errorf("%q: -want +got\n%s", tt.text, d)
		}
	}
}

// FuzzScanner: tokens and comments follow each other and lie inside the text,
// and nothing but white space and told mistakes is between them.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{"interface IFoo { void f(in @nullable String[] x) = 7; }", "/** a */ b // c", `'a' "b" 1.5e3f 0xFFu8 >>`,
		"\"\\", "'", "@", "/*", "0x", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, list := scan(t, text)
		at := 0
		skip := func(to int) {
			if to < at || to > len(text) {
				t.Fatalf("token at %d, but the last one ended at %d", to, at)
			}
			if gap := strings.Trim(text[at:to], " \t\r\n"); gap != "" && len(list) == 0 {
				t.Fatalf("lost %q", gap)
			}
		}
		for _, tk := range tokens {
			for _, c := range tk.Comments {
				skip(c.Offset)
				at = c.End()
			}
			skip(tk.Offset)
			if text[tk.Offset:tk.End()] != tk.Text {
				t.Fatalf("token %q is not at %d", tk.Text, tk.Offset)
			}
			at = tk.End()
		}
	})
}
