// Package parser makes a syntax tree of AIDL source.
//
// After a mistake it goes on behind the member or the declaration with the
// mistake, so that one run tells of several. The tree then lacks that part.
package parser

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/scanner"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// MaxDepth is how deep types, declarations and parentheses may nest.
const MaxDepth = 200

// MaxTerms is how many operators one expression may have.
const MaxTerms = 10_000

// Options changes what is accepted.
type Options struct {
	// Preprocessed files declare types by their qualified names and have no
	// package clause.
	Preprocessed bool
}

// Parse reads a whole file. The tree is never nil; mistakes go to report.
func Parse(file *token.File, report *diag.Reporter, opts Options) *ast.File {
	p := &parser{file: file, report: report, opts: opts, tokens: scanner.All(file, report)}
	return p.parseFile()
}

type parser struct {
	file   *token.File
	report *diag.Reporter
	opts   Options

	tokens []token.Token
	next   int // index of the next token
	depth  int
	braces int // "{" taken so far, less "}"
}

// bailout ends the piece that is being parsed; the mistake has been told.
type bailout struct{}

// try runs parse and tells whether it came to its end.
func (p *parser) try(parse func()) (ok bool) {
	depth := p.depth
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(bailout); !is {
				panic(r)
			}
			p.depth = depth
		}
	}()
	parse()
	return true
}

// enter counts a level of nesting; call leave when it is done.
func (p *parser) enter() {
	if p.depth++; p.depth > MaxDepth {
		t := p.peek()
		p.report.Errorf(p.pos(t), len(t.Text), diag.TooDeep, "nested deeper than %d levels", MaxDepth)
		panic(bailout{})
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) peek() *token.Token { return &p.tokens[p.next] }

// ahead returns the kind of the token n places behind the next one.
func (p *parser) ahead(n int) token.Kind {
	if p.next+n < len(p.tokens) {
		return p.tokens[p.next+n].Kind
	}
	return token.EOF
}

func (p *parser) is(kind token.Kind) bool { return p.tokens[p.next].Kind == kind }

// advance takes the next token. The last one, EOF, stays.
func (p *parser) advance() *token.Token {
	t := &p.tokens[p.next]
	switch t.Kind {
	case token.EOF:
		return t
	case token.LeftBrace:
		p.braces++
	case token.RightBrace:
		p.braces--
	}
	p.next++
	return t
}

// accept takes the next token if it is of that kind.
func (p *parser) accept(kind token.Kind) bool {
	if p.is(kind) {
		p.advance()
		return true
	}
	return false
}

// expect takes a token of that kind or ends the piece with an error.
func (p *parser) expect(kind token.Kind) *token.Token {
	if !p.is(kind) {
		p.unexpected(quote(kind))
	}
	return p.advance()
}

// expectEnd takes the ";" behind a member. When it is missing at the end of
// a line the error stands there, and parsing goes on with the next line.
func (p *parser) expectEnd(what string) token.Pos {
	if p.is(token.Semicolon) {
		return p.end(p.advance())
	}
	last, found := &p.tokens[max(0, p.next-1)], p.peek()
	lastLine, _ := p.file.LineColumn(last.Offset)
	line, _ := p.file.LineColumn(found.Offset)
	if line == lastLine && found.Kind != token.RightBrace && found.Kind != token.EOF {
		p.unexpected("';' behind " + what)
	}
	p.report.Errorf(p.end(last), 1, diag.Syntax, "expected ';' behind %s", what)
	return p.end(last)
}

func quote(kind token.Kind) string {
	if kind.IsClass() {
		return "an " + kind.String()
	}
	return "'" + kind.String() + "'"
}

// unexpected ends the piece: something else was wanted than the next token.
func (p *parser) unexpected(want string) {
	t := p.peek()
	if t.Kind == token.Illegal { // told by the scanner
		panic(bailout{})
	}
	p.report.Errorf(p.pos(t), len(t.Text), diag.Syntax, "expected %s, found %s", want, found(t))
	panic(bailout{})
}

func found(t *token.Token) string {
	switch t.Kind {
	case token.EOF:
		return "the end of the file"
	case token.Ident, token.Int, token.Hex, token.Float, token.Char, token.Annotation:
		return "'" + t.Text + "'"
	case token.String:
		if len(t.Text) > 20 {
			return t.Text[:17] + `..."`
		}
		return t.Text
	}
	return "'" + t.Kind.String() + "'"
}

func (p *parser) errorAt(s ast.Node, code diag.Code, format string, args ...any) *diag.Diagnostic {
	return p.report.Errorf(s.Pos(), s.End().Offset-s.Pos().Offset, code, format, args...)
}

func (p *parser) pos(t *token.Token) token.Pos { return p.file.Pos(t.Offset) }
func (p *parser) end(t *token.Token) token.Pos { return p.file.Pos(t.End()) }

// last is the place behind the token taken last.
func (p *parser) last() token.Pos {
	if p.next == 0 {
		return p.file.Pos(0)
	}
	return p.end(&p.tokens[p.next-1])
}

func (p *parser) span(t *token.Token) ast.Span { return ast.Span{From: p.pos(t), To: p.end(t)} }

// skipMember goes behind the ";" or the "}" that ends a member, or before the
// "}" that ends the type around it. The member had opened that many braces
// when the mistake was met.
func (p *parser) skipMember(open int) {
	for depth := open; ; p.advance() {
		switch p.peek().Kind {
		case token.EOF:
			return
		case token.LeftBrace:
			depth++
		case token.RightBrace:
			if depth == 0 {
				return
			}
			if depth--; depth == 0 && p.startsMember(1) {
				p.advance()
				return
			}
		case token.Semicolon:
			if depth == 0 {
				p.advance()
				return
			}
		}
	}
}

// startsMember tells whether the token n places ahead can begin a member, or
// end the type.
func (p *parser) startsMember(n int) bool {
	switch k := p.ahead(n); k {
	case token.Annotation, token.Const, token.Oneway, token.RightBrace, token.EOF:
		return true
	default:
		return k.IsIdentifier() || isDecl(k)
	}
}

func isDecl(k token.Kind) bool {
	return k == token.Interface || k == token.Parcelable || k == token.Enum || k == token.Union
}

// skipDecl goes before the next thing that can begin a declaration.
func (p *parser) skipDecl() {
	for depth := 0; ; p.advance() {
		switch k := p.peek().Kind; k {
		case token.EOF:
			return
		case token.LeftBrace:
			depth++
		case token.RightBrace:
			depth = max(0, depth-1)
		default:
			if depth == 0 && (isDecl(k) || k == token.Annotation || k == token.Oneway) {
				return
			}
		}
	}
}

func (p *parser) parseFile() *ast.File {
	f := &ast.File{Source: p.file}
	for _, t := range p.tokens {
		f.Comments = append(f.Comments, t.Comments...)
	}
	f.From, f.EOF = p.file.Pos(0), p.file.Pos(len(p.file.Text))
	f.To = f.EOF
	if p.is(token.Package) {
		if p.opts.Preprocessed {
			p.report.Errorf(p.pos(p.peek()), 7, diag.Syntax, "a preprocessed file has no package clause")
		}
		p.clause(func(doc []token.Comment, name *ast.Name, span ast.Span) {
			f.Package = &ast.Package{Span: span, Doc: doc, Name: name}
		})
	}
	for p.is(token.Import) {
		p.clause(func(doc []token.Comment, name *ast.Name, span ast.Span) {
			f.Imports = append(f.Imports, &ast.Import{Span: span, Doc: doc, Name: name})
		})
	}
	broken := false
	for !p.is(token.EOF) {
		from := p.next
		var d ast.Decl
		if ok := p.try(func() { d = p.parseDecl() }); ok {
			f.Decls = append(f.Decls, d)
			continue
		}
		broken = true
		if p.next == from {
			p.advance()
		}
		p.skipDecl()
	}
	if len(f.Decls) == 0 && !broken && p.report.Errors() == 0 {
		p.report.Errorf(f.EOF, 0, diag.Syntax, "expected an interface, a parcelable, an enum or a union, found the end of the file")
	}
	return f
}

// clause parses "package NAME;" and "import NAME;".
func (p *parser) clause(add func(doc []token.Comment, name *ast.Name, span ast.Span)) {
	ok := p.try(func() {
		word := p.advance()
		name := p.parseName("a name with dots")
		end := p.expectEnd("the " + word.Text + " clause")
		add(word.Comments, name, ast.Span{From: p.pos(word), To: end})
	})
	for !ok && !p.is(token.EOF) && !p.accept(token.Semicolon) {
		if k := p.peek().Kind; isDecl(k) || k == token.Import || k == token.Annotation {
			return
		}
		p.advance()
	}
}

func (p *parser) parseIdent(want string) *ast.Ident {
	t := p.peek()
	if !t.Kind.IsIdentifier() {
		if t.Kind != token.EOF && !t.Kind.IsClass() && t.Kind <= token.False {
			p.report.Errorf(p.pos(t), len(t.Text), diag.Syntax, "expected %s, found the keyword '%s'", want, t.Text)
			panic(bailout{})
		}
		p.unexpected(want)
	}
	p.advance()
	return &ast.Ident{Span: p.span(t), Text: t.Text}
}

func (p *parser) parseName(want string) *ast.Name {
	id := p.parseIdent(want)
	n := &ast.Name{Span: id.Span, Parts: []*ast.Ident{id}}
	for p.accept(token.Dot) {
		id := p.parseIdent("a name behind the dot")
		n.Parts = append(n.Parts, id)
		n.To = id.To
	}
	return n
}

// parseAnnotations parses any number of annotations. Their comments belong
// to the thing they stand before, so they are returned besides.
func (p *parser) parseAnnotations() ([]*ast.Annotation, []token.Comment) {
	var list []*ast.Annotation
	var doc []token.Comment
	for p.is(token.Annotation) {
		t := p.advance()
		doc = append(doc, t.Comments...)
		a := &ast.Annotation{Span: p.span(t), Doc: t.Comments,
			Name: &ast.Ident{Span: ast.Span{From: p.pos(t).Add(1), To: p.end(t)}, Text: t.Text[1:]}}
		if p.accept(token.LeftParen) {
			a.Parens = true
			for !p.is(token.RightParen) {
				a.Params = append(a.Params, p.parseParam(len(a.Params)))
				if !p.accept(token.Comma) {
					break
				}
				if p.is(token.RightParen) {
					p.unexpected("a parameter behind the comma")
				}
			}
			a.To = p.end(p.expect(token.RightParen))
		}
		list = append(list, a)
	}
	return list, doc
}

func (p *parser) parseParam(before int) *ast.Param {
	if p.peek().Kind.IsIdentifier() && p.ahead(1) == token.Assign {
		name := p.parseIdent("a parameter")
		p.advance()
		value := p.parseExpr()
		return &ast.Param{Span: ast.Span{From: name.From, To: value.End()}, Name: name, Value: value}
	}
	if before > 0 {
		p.unexpected("parameter=value")
	}
	value := p.parseExpr()
	if p.is(token.Comma) {
		p.report.Errorf(value.Pos(), value.End().Offset-value.Pos().Offset, diag.Syntax,
			"a value without a name must be the only parameter")
		panic(bailout{})
	}
	return &ast.Param{Span: ast.Span{From: value.Pos(), To: value.End()}, Value: value}
}
