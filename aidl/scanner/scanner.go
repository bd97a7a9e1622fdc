// Package scanner cuts AIDL source into tokens.
//
// It knows nothing of grammar: ">>" is one token, and the parser splits it
// where it closes two lists of type arguments.
package scanner

import (
	"strings"
	"unicode/utf8"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Scanner reads one file. Its state is a function that reads the next piece
// of text and returns the state that follows; a token is ready when pending
// is set.
type Scanner struct {
	file   *token.File
	text   string
	start  int // of the piece being read
	pos    int // of the next byte
	report *diag.Reporter

	comments []token.Comment // since the last token
	newline  bool            // a line ended since the last token, or there is none before
	token    token.Token
	ready    bool
}

// state reads one piece of text and returns the next state.
type state func(*Scanner) state

// New starts at the beginning of the file. Mistakes go to report.
func New(file *token.File, report *diag.Reporter) *Scanner {
	return &Scanner{file: file, text: string(file.Text), report: report, newline: true}
}

// Next returns the next token; after the last one it returns EOF for ever.
func (s *Scanner) Next() token.Token {
	s.ready = false
	for next := state(space); !s.ready; {
		next = next(s)
	}
	return s.token
}

// All returns all tokens, EOF included.
func All(file *token.File, report *diag.Reporter) []token.Token {
	s := New(file, report)
	tokens := make([]token.Token, 0, len(s.text)/5+1)
	for {
		t := s.Next()
		tokens = append(tokens, t)
		if t.Kind == token.EOF {
			return tokens
		}
	}
}

// peek returns the byte n places ahead, or 0 at the end.
func (s *Scanner) peek(n int) byte {
	if s.pos+n < len(s.text) {
		return s.text[s.pos+n]
	}
	return 0
}

// emit makes the text since start a token.
func (s *Scanner) emit(kind token.Kind) state {
	s.token = token.Token{Kind: kind, Offset: s.start, Text: s.text[s.start:s.pos], Comments: s.comments}
	s.comments, s.newline, s.ready = nil, false, true
	return space
}

// errorf tells of a mistake in the text since start.
func (s *Scanner) errorf(code diag.Code, format string, args ...any) *diag.Diagnostic {
	return s.report.Errorf(s.file.Pos(s.start), s.pos-s.start, code, format, args...)
}

// space skips white space and finds out what follows.
func space(s *Scanner) state {
	for s.pos < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.pos]) >= 0 {
		s.newline = s.newline || s.text[s.pos] == '\n'
		s.pos++
	}
	s.start = s.pos
	if s.pos == len(s.text) {
		return s.emit(token.EOF)
	}
	switch c := s.text[s.pos]; {
	case isLetter(c):
		return word
	case isDigit(c), c == '.' && isDigit(s.peek(1)):
		return number
	case c == '"':
		return quoted
	case c == '\'':
		return character
	case c == '@':
		return annotation
	case c == '/' && s.peek(1) == '/':
		return lineComment
	case c == '/' && s.peek(1) == '*':
		return blockComment
	}
	return symbol
}

func lineComment(s *Scanner) state {
	end := strings.IndexByte(s.text[s.pos:], '\n')
	if end < 0 {
		end = len(s.text) - s.pos
	}
	s.pos += end
	text := strings.TrimRight(s.text[s.start:s.pos], "\r")
	s.comments = append(s.comments, token.Comment{Offset: s.start, Text: text, Trailing: !s.newline})
	return space
}

func blockComment(s *Scanner) state {
	end := strings.Index(s.text[s.pos+2:], "*/")
	if end < 0 {
		s.pos = len(s.text)
		s.report.Errorf(s.file.Pos(s.start), 2, diag.UnterminatedComment, "comment does not end").
			Hint = "close it with */"
		return space
	}
	s.pos += 2 + end + 2
	s.comments = append(s.comments, token.Comment{Offset: s.start, Text: s.text[s.start:s.pos], Trailing: !s.newline})
	return space
}

func word(s *Scanner) state {
	s.skip(isWord)
	return s.emit(token.Lookup(s.text[s.start:s.pos]))
}

func annotation(s *Scanner) state {
	s.pos++
	if !isLetter(s.peek(0)) {
		s.errorf(diag.BadCharacter, "@ must be followed by the name of an annotation")
		return s.emit(token.Illegal)
	}
	s.skip(isWord)
	return s.emit(token.Annotation)
}

// quoted reads a string. A backslash takes the next byte with it, so that
// "\"" is one (forbidden) string and not two halves.
func quoted(s *Scanner) state {
	for s.pos++; s.pos < len(s.text); s.pos++ {
		switch s.text[s.pos] {
		case '"':
			s.pos++
			return s.emit(token.String)
		case '\\':
			if s.peek(1) != '\n' && s.pos+1 < len(s.text) {
				s.pos++
			}
		case '\n':
			s.errorf(diag.UnterminatedLiteral, "string does not end on its line").Hint = `close it with "`
			return s.emit(token.Illegal)
		}
	}
	s.errorf(diag.UnterminatedLiteral, "string does not end").Hint = `close it with "`
	return s.emit(token.Illegal)
}

// character reads 'x': one byte between quotes, as AOSP's scanner does.
func character(s *Scanner) state {
	if s.peek(1) != 0 && s.peek(1) != '\n' && s.peek(2) == '\'' {
		s.pos += 3
		return s.emit(token.Char)
	}
	s.pos++
	// Take what was perhaps meant as one literal, so that it is told once.
	line := s.text[s.pos:]
	if end := strings.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	if end := strings.IndexByte(line, '\''); end >= 0 && end <= 8 {
		s.pos += end + 1
	}
	s.errorf(diag.UnterminatedLiteral, "not a character: it must be one ASCII character in quotes, without escapes").
		Hint = "write 'a'"
	return s.emit(token.Illegal)
}

// number reads integers and floats. The longest reading wins; between equals
// the integer does.
func number(s *Scanner) state {
	if c := s.peek(1); s.peek(0) == '0' && (c == 'x' || c == 'X') && isHex(s.peek(2)) {
		s.pos += 2
		s.skip(isHex)
		s.suffix()
		return s.emit(token.Hex)
	}
	whole := s.match(func() { s.skip(isIntDigit); s.suffix() })
	float := s.match(func() {
		s.skip(isDigit)
		if s.peek(0) == '.' && isDigit(s.peek(1)) {
			s.pos++
			s.skip(isDigit)
		}
		if c := s.peek(0); c == 'e' || c == 'E' {
			n := 1
			if c := s.peek(1); c == '+' || c == '-' {
				n = 2
			}
			if isDigit(s.peek(n)) {
				s.pos += n
				s.skip(isDigit)
			}
		}
		if s.peek(0) == 'f' {
			s.pos++
		}
	})
	if float > whole {
		s.pos = float
		return s.emit(token.Float)
	}
	s.pos = whole
	return s.emit(token.Int)
}

// match returns where read would end, without moving.
func (s *Scanner) match(read func()) int {
	from := s.pos
	read()
	end := s.pos
	s.pos = from
	return end
}

// suffix reads u8, u32, u64, l and L, any number of them: which make sense is
// a question for the checker.
func (s *Scanner) suffix() {
	for {
		rest := s.text[s.pos:]
		switch {
		case strings.HasPrefix(rest, "u32"), strings.HasPrefix(rest, "u64"):
			s.pos += 3
		case strings.HasPrefix(rest, "u8"):
			s.pos += 2
		case strings.HasPrefix(rest, "l"), strings.HasPrefix(rest, "L"):
			s.pos++
		default:
			return
		}
	}
}

var symbols1 = map[byte]token.Kind{}
var symbols2 = map[string]token.Kind{}

func init() {
	for k := token.LeftParen; k <= token.NotEqual; k++ {
		if s := k.String(); len(s) == 1 {
			symbols1[s[0]] = k
		} else {
			symbols2[s] = k
		}
	}
}

func symbol(s *Scanner) state {
	if s.pos+2 <= len(s.text) {
		if kind, ok := symbols2[s.text[s.pos:s.pos+2]]; ok {
			s.pos += 2
			return s.emit(kind)
		}
	}
	if kind, ok := symbols1[s.text[s.pos]]; ok {
		s.pos++
		return s.emit(kind)
	}
	r, size := utf8.DecodeRuneInString(s.text[s.pos:])
	s.pos += size
	s.errorf(diag.BadCharacter, "unrecognized character %q", r)
	return s.emit(token.Illegal)
}

func (s *Scanner) skip(is func(byte) bool) {
	for s.pos < len(s.text) && is(s.text[s.pos]) {
		s.pos++
	}
}

func isLetter(c byte) bool   { return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool    { return '0' <= c && c <= '9' }
func isWord(c byte) bool     { return isLetter(c) || isDigit(c) }
func isIntDigit(c byte) bool { return isDigit(c) || c == '_' }
func isHex(c byte) bool {
	return isDigit(c) || c == '_' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
