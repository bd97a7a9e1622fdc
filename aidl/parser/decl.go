package parser

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/token"
)

func (p *parser) parseDecl() ast.Decl {
	from := p.pos(p.peek())
	annotations, doc := p.parseAnnotations()
	return p.parseDeclRest(from, annotations, doc)
}

// parseDeclRest parses a declaration behind its annotations.
func (p *parser) parseDeclRest(from token.Pos, annotations []*ast.Annotation, doc []token.Comment) ast.Decl {
	p.enter()
	defer p.leave()
	head := ast.Header{Span: ast.Span{From: from}, Annotations: annotations}
	oneway := false
	if p.is(token.Oneway) {
		doc = append(doc, p.advance().Comments...)
		oneway = true
		if !p.is(token.Interface) {
			p.unexpected("'interface' behind oneway")
		}
	}
	t := p.peek()
	if !isDecl(t.Kind) {
		if k := t.Kind; k == token.Import || k == token.Package {
			p.report.Errorf(p.pos(t), len(t.Text), diag.Syntax,
				"the %s clause must stand before the first type", t.Text)
			panic(bailout{})
		}
		want := "an interface, a parcelable, an enum or a union"
		if t.Kind == token.Ident {
			d := p.report.Errorf(p.pos(t), len(t.Text), diag.Syntax, "expected %s, found %s", want, found(t))
			if s := diag.Suggest(t.Text, []string{"interface", "parcelable", "enum", "union", "oneway", "import", "package"}); s != "" {
				d.Hint = "did you mean " + s + "?"
			}
			panic(bailout{})
		}
		p.unexpected(want)
	}
	p.advance()
	head.Doc = append(doc, t.Comments...)
	head.Keyword = p.pos(t)
	head.Name = p.parseName("the name of the " + t.Text)
	switch t.Kind {
	case token.Interface:
		return p.parseInterface(head, oneway)
	case token.Parcelable:
		return p.parseParcelable(head)
	case token.Union:
		return p.parseUnion(head)
	default:
		return p.parseEnum(head)
	}
}

// defined checks the name of a type with a body.
func (p *parser) defined(head *ast.Header) {
	if len(head.Name.Parts) > 1 && !p.opts.Preprocessed {
		p.errorAt(head.Name, diag.Syntax, "the name of a type has no dots").Hint = "use a package clause"
	}
}

// body parses "{ members }" with member for each.
func (p *parser) body(head *ast.Header, member func() ast.Member) []ast.Member {
	var members []ast.Member
	head.LeftBrace = p.pos(p.expect(token.LeftBrace))
	for !p.is(token.RightBrace) && !p.is(token.EOF) {
		from, braces := p.next, p.braces
		var m ast.Member
		if p.try(func() { m = member() }) {
			members = append(members, m)
			continue
		}
		p.skipMember(max(0, p.braces-braces))
		if p.next == from {
			break
		}
	}
	p.closeBody(head)
	return members
}

func (p *parser) closeBody(head *ast.Header) {
	if p.is(token.EOF) {
		p.report.Errorf(head.LeftBrace, 1, diag.Syntax, "expected '}' before the end of the file, to close this")
		panic(bailout{})
	}
	t := p.expect(token.RightBrace)
	head.RightBrace, head.To = p.pos(t), p.end(t)
}

func (p *parser) parseInterface(head ast.Header, oneway bool) ast.Decl {
	p.defined(&head)
	if !oneway && p.is(token.Semicolon) {
		head.To = p.end(p.advance())
		return &ast.Interface{Header: head}
	}
	members := p.body(&head, p.parseInterfaceMember)
	return &ast.Interface{Header: head, Oneway: oneway, Members: members}
}

func (p *parser) parseTypeParams() []*ast.Ident {
	if !p.accept(token.Less) {
		return nil
	}
	params := []*ast.Ident{p.parseIdent("the name of a type parameter")}
	for p.accept(token.Comma) {
		params = append(params, p.parseIdent("the name of a type parameter"))
	}
	p.expect(token.Greater)
	return params
}

func (p *parser) parseParcelable(head ast.Header) ast.Decl {
	d := &ast.Parcelable{Header: head, TypeParams: p.parseTypeParams()}
	if p.is(token.LeftBrace) {
		p.defined(&d.Header)
		d.Members = p.body(&d.Header, p.parseFieldMember)
		return d
	}
	for {
		var to **ast.Literal
		switch p.peek().Kind {
		case token.CppHeader:
			to = &d.CppHeader
		case token.NdkHeader:
			to = &d.NdkHeader
		case token.RustType:
			to = &d.RustType
		default:
			if !p.is(token.Semicolon) {
				p.unexpected("'{', ';', cpp_header, ndk_header or rust_type")
			}
			d.To = p.end(p.advance())
			return d
		}
		p.advance()
		t := p.expect(token.String)
		*to = &ast.Literal{Span: p.span(t), Kind: t.Kind, Text: t.Text}
	}
}

func (p *parser) parseUnion(head ast.Header) ast.Decl {
	d := &ast.Union{Header: head, TypeParams: p.parseTypeParams()}
	p.defined(&d.Header)
	d.Members = p.body(&d.Header, p.parseFieldMember)
	return d
}

func (p *parser) parseEnum(head ast.Header) ast.Decl {
	d := &ast.Enum{Header: head}
	p.defined(&d.Header)
	d.LeftBrace = p.pos(p.expect(token.LeftBrace))
	if p.is(token.RightBrace) {
		p.report.Errorf(d.Name.Pos(), len(d.Name.String()), diag.Syntax, "an enum needs at least one enumerator")
	}
	for !p.is(token.RightBrace) && !p.is(token.EOF) {
		ok := p.try(func() {
			doc := p.peek().Comments
			e := &ast.Enumerator{Doc: doc, Name: p.parseIdent("the name of an enumerator")}
			e.Span = e.Name.Span
			if p.accept(token.Assign) {
				e.Value = p.parseExpr()
				e.To = e.Value.End()
			}
			d.Enumerators = append(d.Enumerators, e)
			if !p.is(token.RightBrace) && !p.is(token.Comma) {
				p.unexpected("',' or '}' behind the enumerator")
			}
		})
		for !ok && !p.is(token.Comma) && !p.is(token.RightBrace) && !p.is(token.EOF) {
			p.advance()
		}
		p.accept(token.Comma)
	}
	p.closeBody(&d.Header)
	return d
}

func (p *parser) parseInterfaceMember() ast.Member {
	first := p.peek()
	annotations, doc := p.parseAnnotations()
	switch t := p.peek(); {
	case t.Kind == token.Const:
		return p.parseConst(p.pos(first), annotations, doc)
	case isDecl(t.Kind), t.Kind == token.Oneway && p.ahead(1) == token.Interface:
		return p.parseDeclRest(p.pos(first), annotations, doc)
	}
	m := &ast.Method{Span: ast.Span{From: p.pos(first)}, Annotations: annotations}
	if p.is(token.Oneway) {
		doc = append(doc, p.advance().Comments...)
		m.Oneway = true
		// "oneway @nullable void f()": these are the method's as well.
		more, d := p.parseAnnotations()
		m.Annotations, doc = append(m.Annotations, more...), append(doc, d...)
	}
	doc = append(doc, p.peek().Comments...)
	m.Return = p.parseType()
	doc = append(doc, p.peek().Comments...)
	m.Doc = doc
	m.Name = p.parseIdent("the name of a method")
	if !p.is(token.LeftParen) {
		if p.is(token.Semicolon) || p.is(token.Assign) {
			p.errorAt(m.Name, diag.Syntax, "an interface has no fields; expected '(' behind '%s'", m.Name.Text)
			panic(bailout{})
		}
		p.unexpected("'(' behind the method's name")
	}
	p.advance()
	for !p.is(token.RightParen) {
		m.Args = append(m.Args, p.parseArg())
		if !p.accept(token.Comma) {
			break
		}
		if p.is(token.RightParen) {
			p.unexpected("an argument behind the comma")
		}
	}
	if !p.is(token.RightParen) {
		p.unexpected("',' or ')' behind the argument")
	}
	m.RightParen = p.pos(p.advance())
	if p.accept(token.Assign) {
		if !p.is(token.Int) {
			p.unexpected("a decimal number: the method's transaction id")
		}
		t := p.advance()
		m.ID = &ast.Literal{Span: p.span(t), Kind: t.Kind, Text: t.Text}
	}
	m.To = p.expectEnd("the method")
	return m
}

func (p *parser) parseArg() *ast.Arg {
	t := p.peek()
	a := &ast.Arg{Span: ast.Span{From: p.pos(t)}, Doc: t.Comments}
	switch t.Kind {
	case token.In:
		a.Direction = ast.In
	case token.Out:
		a.Direction = ast.Out
	case token.Inout:
		a.Direction = ast.Inout
	}
	if a.Direction != ast.Unspecified {
		p.advance()
	}
	a.Type = p.parseType()
	a.Name = p.parseIdent("the name of an argument")
	a.To = a.Name.To
	return a
}

// parseFieldMember parses what can stand in a parcelable or a union.
func (p *parser) parseFieldMember() ast.Member {
	first := p.peek()
	annotations, doc := p.parseAnnotations()
	switch t := p.peek(); {
	case t.Kind == token.Const:
		return p.parseConst(p.pos(first), annotations, doc)
	case isDecl(t.Kind), t.Kind == token.Oneway && p.ahead(1) == token.Interface:
		return p.parseDeclRest(p.pos(first), annotations, doc)
	}
	f := &ast.Field{Span: ast.Span{From: p.pos(first)}, Doc: append(doc, p.peek().Comments...)}
	f.Type = p.parseType()
	f.Type.From, f.Type.Annotations = p.pos(first), annotations
	f.Name = p.parseIdent("the name of a field")
	if p.is(token.LeftParen) {
		p.errorAt(f.Name, diag.Syntax, "only an interface has methods; expected ';' or '=' behind '%s'", f.Name.Text)
		panic(bailout{})
	}
	if p.accept(token.Assign) {
		f.Default = p.parseExpr()
	}
	f.To = p.expectEnd("the field")
	return f
}

func (p *parser) parseConst(from token.Pos, annotations []*ast.Annotation, doc []token.Comment) ast.Member {
	c := &ast.Const{Span: ast.Span{From: from}, Annotations: annotations}
	doc = append(doc, p.advance().Comments...)
	c.Doc = append(doc, p.peek().Comments...)
	c.Type = p.parseType()
	c.Name = p.parseIdent("the name of a constant")
	if !p.is(token.Assign) {
		p.unexpected("'=' and a value: a constant needs one")
	}
	p.advance()
	c.Value = p.parseExpr()
	c.To = p.expectEnd("the constant")
	return c
}
