package parser

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// precedence is how strongly an operator binds; 0 for what is none.
func precedence(k token.Kind) int {
	switch k {
	case token.LogicalOr:
		return 1
	case token.LogicalAnd:
		return 2
	case token.Or:
		return 3
	case token.Xor:
		return 4
	case token.And:
		return 5
	case token.Equal, token.NotEqual:
		return 6
	case token.Less, token.Greater, token.LessEqual, token.GreaterEqual:
		return 7
	case token.ShiftLeft, token.ShiftRight:
		return 8
	case token.Plus, token.Minus:
		return 9
	case token.Star, token.Slash, token.Percent:
		return 10
	}
	return 0
}

func (p *parser) parseExpr() ast.Expr {
	terms := 0
	return p.parseBinary(1, &terms)
}

// parseBinary parses operators that bind at least as strongly as lowest.
func (p *parser) parseBinary(lowest int, terms *int) ast.Expr {
	x := p.parseUnary()
	for {
		op := p.peek()
		prec := precedence(op.Kind)
		if prec == 0 || prec < lowest {
			return x
		}
		if *terms++; *terms > MaxTerms {
			p.report.Errorf(p.pos(op), len(op.Text), diag.TooDeep, "an expression with more than %d operators", MaxTerms)
			panic(bailout{})
		}
		p.advance()
		y := p.parseBinary(prec+1, terms)
		x = &ast.Binary{Span: ast.Span{From: x.Pos(), To: y.End()}, Op: op.Kind, OpPos: p.pos(op), X: x, Y: y}
	}
}

func (p *parser) parseUnary() ast.Expr {
	p.enter()
	defer p.leave()
	switch t := p.peek(); t.Kind {
	case token.Plus, token.Minus, token.Not, token.Tilde:
		p.advance()
		x := p.parseUnary()
		return &ast.Unary{Span: ast.Span{From: p.pos(t), To: x.End()}, Op: t.Kind, X: x}
	case token.LeftParen:
		p.advance()
		x := p.parseExpr()
		if !p.is(token.RightParen) {
			p.unexpected("')' or an operator")
		}
		return &ast.Paren{Span: ast.Span{From: p.pos(t), To: p.end(p.advance())}, X: x}
	case token.LeftBrace:
		return p.parseArray()
	case token.Int, token.Hex, token.Float, token.Char, token.String, token.True, token.False:
		p.advance()
		return &ast.Literal{Span: p.span(t), Kind: t.Kind, Text: t.Text}
	default:
		n := p.parseName("a value")
		return &ast.Ref{Span: n.Span, Name: n}
	}
}

func (p *parser) parseArray() ast.Expr {
	a := &ast.Array{Span: p.span(p.advance())}
	for !p.is(token.RightBrace) {
		a.Elems = append(a.Elems, p.parseExpr())
		if !p.accept(token.Comma) {
			break
		}
	}
	if !p.is(token.RightBrace) {
		p.unexpected("',' or '}' behind the element")
	}
	a.To = p.end(p.advance())
	return a
}
