package parser

import (
	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// parseType parses a type with the annotations before it.
func (p *parser) parseType() *ast.Type {
	p.enter()
	defer p.leave()
	from := p.pos(p.peek())
	annotations, _ := p.parseAnnotations()
	t := &ast.Type{Annotations: annotations, Name: p.parseName("a type")}
	t.Span = ast.Span{From: from, To: t.Name.To}
	for p.is(token.Less) {
		less := p.advance()
		args := p.parseTypeArgs()
		if t.Args != nil {
			p.report.Errorf(p.pos(less), 1, diag.Syntax, "a type has one list of type arguments")
		}
		t.Args = args
		t.To = p.last()
	}
	for {
		from := p.next
		annotations, _ := p.parseAnnotations()
		if !p.is(token.LeftBracket) {
			if len(annotations) > 0 {
				p.next = from
				p.unexpected("a name behind the type")
			}
			break
		}
		t.Dimensions = append(t.Dimensions, p.parseDimension(t, annotations))
		t.To = p.last()
	}
	if p.is(token.Less) {
		p.report.Errorf(p.pos(p.peek()), 1, diag.Syntax, "type arguments stand before [], not behind")
		panic(bailout{})
	}
	return t
}

func (p *parser) parseTypeArgs() []*ast.Type {
	var args []*ast.Type
	for {
		arg := p.parseType()
		if len(args) == 0 && len(arg.Annotations) > 0 {
			p.errorAt(arg.Annotations[0], diag.Annotation, "type arguments have no annotations")
		}
		args = append(args, arg)
		if !p.accept(token.Comma) {
			break
		}
	}
	switch t := p.peek(); t.Kind {
	case token.Greater:
		p.advance()
	case token.ShiftRight:
		// The first half closes this list, the second the one around it.
		*t = token.Token{Kind: token.Greater, Offset: t.Offset + 1, Text: ">"}
	default:
		p.unexpected("',' or '>' behind the type argument")
	}
	return args
}

func (p *parser) parseDimension(t *ast.Type, annotations []*ast.Annotation) *ast.Dimension {
	open := p.advance()
	d := &ast.Dimension{Span: p.span(open), Annotations: annotations}
	if len(annotations) > 0 {
		d.From = annotations[0].From
		p.errorAt(annotations[0], diag.BadArray, "annotations stand before the type, not before []")
	}
	if !p.is(token.RightBracket) {
		d.Size = p.parseExpr()
	}
	d.To = p.end(p.expect(token.RightBracket))
	if n := len(t.Dimensions); n > 0 && (d.Size == nil || t.Dimensions[n-1].Size == nil) {
		p.errorAt(d, diag.BadArray, "an array of arrays must have fixed sizes").Hint = "write the sizes, as in int[2][3]"
	}
	return d
}
