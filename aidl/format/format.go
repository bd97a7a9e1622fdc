// Package format writes AIDL source in one style, as gofmt does for Go: four
// spaces for each level, one member on each line, one space where there is
// one. Comments stay, and so do line breaks within a list of arguments or an
// expression and single empty lines between members.
package format

import (
	"bytes"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/parser"
	"github.com/fusebinder/fusebinder/aidl/token"

	"github.com/fusebinder/fusebinder/aidl/scanner"
)

const (
	indentation  = "    "
	continuation = "        "
)

// Source formats a file. What does not parse is not formatted: the error is a
// [diag.List] then. Formatting twice gives what formatting once gave.
func Source(name string, text []byte) ([]byte, error) {
	file := token.NewFile(name, text)
	var report diag.Reporter
	parser.Parse(file, &report, parser.Options{})
	if err := report.List().Err(); err != nil {
		return nil, err
	}
	p := &printer{text: string(text), annotated: true}
	for _, t := range scanner.All(file, new(diag.Reporter)) {
		p.print(t)
	}
	return p.out.Bytes(), nil
}

// context is what an open bracket belongs to.
type context uint8

const (
	file       context = iota // the whole file: no bracket
	body                      // { of an interface, a parcelable or a union
	enum                      // { of an enum
	arguments                 // ( of a method
	annotation                // ( of an annotation
	group                     // ( in an expression
	array                     // { of values
	size                      // [
	generic                   // <
)

// printer writes one token after the other. What it must know of the grammar
// it learns from the tokens that it saw.
type printer struct {
	text string
	out  bytes.Buffer

	open []context // brackets around the next token, from the outside in
	prev token.Token
	end  int // of the last token or comment in the source

	ended      bool       // prev ended a member
	annotated  bool       // only annotations were seen since the member began
	assigned   bool       // an = was seen in the member: an expression follows
	unary      bool       // prev is an operator before its operand
	binary     bool       // prev is an operator between its operands
	decl       token.Kind // the keyword of the declaration that is being read
	first      token.Kind // of the member
	lastMember token.Kind // the first token of the member before
}

func (p *printer) in() context {
	if len(p.open) == 0 {
		return file
	}
	return p.open[len(p.open)-1]
}

// level is the number of bodies around the next token.
func (p *printer) level() int {
	n := 0
	for _, c := range p.open {
		if c == body || c == enum {
			n++
		}
	}
	return n
}

// nested tells whether a bracket other than a body's is open.
func (p *printer) nested() bool { c := p.in(); return c != file && c != body && c != enum }

// expression tells whether < and > compare.
func (p *printer) expression() bool {
	switch p.in() {
	case annotation, group, array, size:
		return true
	}
	return p.assigned && p.in() != generic
}

// gap is what stands between two tokens.
type gap uint8

const (
	nothing gap = iota
	blank
	newline   // within a member
	newMember // the line of another member, or of a closing brace
)

func (p *printer) print(t token.Token) {
	closing := t.Kind == token.RightBrace && (p.in() == body || p.in() == enum)
	level := p.level()
	if p.ended {
		p.lastMember, p.first = p.first, t.Kind
		p.annotated, p.assigned, p.decl = true, false, token.Illegal
	}
	inner := strings.Repeat(indentation, level)
	if closing {
		level--
	}
	outer := strings.Repeat(indentation, level)

	g := p.gapTo(t, closing)
	forced := false // a line comment must be followed by a new line
	for i, c := range t.Comments {
		switch {
		case c.Trailing && p.prev.Kind != token.Illegal:
			if !tight(p.prev) || i > 0 {
				p.out.WriteByte(' ')
			}
		case p.out.Len() == 0:
		case p.ended || p.annotated && !p.nested() || closing:
			p.breakLine(inner, c.Offset, p.ended && !p.opened() || i > 0 || p.prev.Kind == token.Illegal)
		default:
			p.breakLine(inner+continuation, c.Offset, false)
		}
		indent := inner
		if !p.ended && !(p.annotated && !p.nested()) && !closing {
			indent += continuation
		}
		p.comment(c, indent)
		p.end = c.End()
		forced = !c.IsBlock() || !c.Trailing && p.lines(t.Offset) > 0
		if !forced && g == nothing && !hugging(t.Kind) {
			g = blank
		}
	}
	if forced && g < newline {
		g = newline
	}
	p.separate(g, t, inner, outer, closing)
	if t.Kind == token.EOF {
		return
	}
	p.out.WriteString(t.Text)
	p.end = t.End()
	p.learn(t)
}

// opened tells whether nothing stands in the body yet.
func (p *printer) opened() bool { return p.prev.Kind == token.LeftBrace }

func (p *printer) separate(g gap, t token.Token, inner, outer string, closing bool) {
	switch g {
	case blank:
		p.out.WriteByte(' ')
	case newline:
		if closing || p.annotated && !p.nested() {
			// The licence may stand apart from the first word.
			p.breakLine(outer, t.Offset, p.prev.Kind == token.Illegal)
		} else if t.Kind == token.RightParen || t.Kind == token.RightBrace {
			p.breakLine(inner, t.Offset, false)
		} else {
			p.breakLine(inner+continuation, t.Offset, false)
		}
	case newMember:
		if p.out.Len() == 0 {
			return
		}
		if t.Kind == token.EOF {
			p.out.WriteByte('\n')
			return
		}
		p.breakLine(outer, t.Offset, !closing && (len(t.Comments) > 0 || !p.opened()))
	}
}

// breakLine begins a line. An empty line of the source stays one if keep is
// set; clauses and types are kept apart by one in any case.
func (p *printer) breakLine(indent string, next int, keep bool) {
	p.out.WriteByte('\n')
	if keep && (p.lines(next) > 1 || p.apart()) {
		p.out.WriteByte('\n')
	}
	p.out.WriteString(indent)
}

// apart: an empty line stands behind the package clause and the imports.
func (p *printer) apart() bool {
	return p.ended && p.end == p.prev.End() && p.in() == file && p.lastMember != p.first &&
		(p.lastMember == token.Package || p.lastMember == token.Import)
}

// lines is the number of line ends in the source from the last thing to next.
func (p *printer) lines(next int) int { return strings.Count(p.text[p.end:next], "\n") }

// tight tells whether what follows the token touches it.
func tight(t token.Token) bool {
	return t.Kind == token.LeftParen || t.Kind == token.LeftBracket
}

// hugging tells whether the token touches what is before it.
func hugging(k token.Kind) bool {
	switch k {
	case token.RightParen, token.RightBracket, token.Comma, token.Semicolon, token.Dot:
		return true
	}
	return false
}

// comment writes a comment. The lines of a block in which each begins with a
// star go along with the indentation.
func (p *printer) comment(c token.Comment, indent string) {
	text := strings.ReplaceAll(c.Text, "\r\n", "\n")
	lines := strings.Split(text, "\n")
	starred := true
	for _, line := range lines[1:] {
		starred = starred && strings.HasPrefix(strings.TrimLeft(line, " \t"), "*")
	}
	for i, line := range lines {
		line = strings.TrimRight(line, " \t")
		if i > 0 {
			p.out.WriteByte('\n')
			if starred {
				line = indent + " " + strings.TrimLeft(line, " \t")
			}
		}
		p.out.WriteString(line)
	}
}

// gapTo says what stands between the last token and the next.
func (p *printer) gapTo(t token.Token, closing bool) gap {
	switch {
	case p.prev.Kind == token.Illegal: // the beginning
		return nothing
	case closing && p.opened() && len(t.Comments) == 0:
		return nothing
	case p.ended, closing, t.Kind == token.EOF:
		return newMember
	}
	end := t.Offset
	if len(t.Comments) > 0 {
		end = t.Comments[0].Offset
	}
	if strings.Contains(p.text[p.prev.End():end], "\n") && p.mayBreak(t) {
		return newline
	}
	if p.apartFrom(t) {
		return blank
	}
	return nothing
}

// mayBreak tells whether a line break of the source stays before t.
func (p *printer) mayBreak(t token.Token) bool {
	switch {
	case p.annotated && !p.nested():
		return t.Kind != token.LeftParen
	case t.Kind == token.LeftBrace && p.decl != token.Illegal && !p.nested():
		return false
	}
	switch p.prev.Kind {
	case token.LeftParen, token.Comma, token.LeftBrace:
		return p.in() != generic
	case token.Assign:
		return p.in() != annotation
	}
	if p.binary {
		return true
	}
	switch p.in() {
	case arguments, annotation, array, group:
		if t.Kind == token.RightParen || t.Kind == token.RightBrace {
			return true
		}
	}
	return p.expression() && isOperator(t.Kind) && isOperand(p.prev.Kind)
}

// apartFrom tells whether a space stands before t.
func (p *printer) apartFrom(t token.Token) bool {
	switch {
	case p.unary, hugging(t.Kind):
		return false
	case t.Kind == token.LeftBracket:
		return false
	}
	switch p.prev.Kind {
	case token.LeftParen, token.LeftBracket, token.Dot:
		return false
	case token.Less:
		if !p.binary { // generic
			return false
		}
	case token.LeftBrace: // of an array; that of a body ends a line
		return false
	case token.Assign:
		return p.in() != annotation
	}
	switch t.Kind {
	case token.LeftParen:
		return p.binary || p.prev.Kind == token.Comma || !isOperand(p.prev.Kind) && p.prev.Kind != token.Annotation
	case token.RightBrace:
		return false
	case token.Less, token.Greater, token.ShiftRight:
		return p.expression()
	case token.Assign:
		return p.in() != annotation
	}
	return true
}

func isOperand(k token.Kind) bool {
	switch k {
	case token.RightParen, token.RightBracket, token.RightBrace, token.Int, token.Hex, token.Float, token.Char,
		token.String, token.True, token.False:
		return true
	}
	return k.IsIdentifier()
}

func isOperator(k token.Kind) bool {
	switch k {
	case token.Less, token.Greater, token.Plus, token.Minus, token.Star, token.Slash, token.Percent, token.And,
		token.Or, token.Xor, token.ShiftLeft, token.ShiftRight, token.LogicalAnd, token.LogicalOr, token.LessEqual,
		token.GreaterEqual, token.Equal, token.NotEqual:
		return true
	}
	return false
}

func (p *printer) push(c context) { p.open = append(p.open, c) }

func (p *printer) pop() {
	if len(p.open) > 0 {
		p.open = p.open[:len(p.open)-1]
	}
}

// learn follows the grammar over a token that was written.
func (p *printer) learn(t token.Token) {
	wasOperand := isOperand(p.prev.Kind)
	inExpression := p.expression()
	p.ended, p.unary, p.binary = false, false, false
	if p.prev.Kind == token.Illegal {
		p.first, p.annotated = t.Kind, true
	}
	switch t.Kind {
	case token.Annotation, token.LeftParen, token.RightParen:
	default:
		if !p.nested() {
			p.annotated = false
		}
	}
	switch t.Kind {
	case token.Interface, token.Parcelable, token.Union, token.Enum:
		p.decl = t.Kind
	case token.LeftBrace:
		switch {
		case p.nested() || p.assigned || p.decl == token.Illegal:
			p.push(array)
		case p.decl == token.Enum:
			p.push(enum)
			p.ended = true
		default:
			p.push(body)
			p.ended = true
		}
	case token.RightBrace:
		p.ended = p.in() != array
		p.pop()
	case token.LeftParen:
		switch {
		case p.prev.Kind == token.Annotation:
			p.push(annotation)
		case inExpression:
			p.push(group)
		default:
			p.push(arguments)
		}
	case token.LeftBracket:
		p.push(size)
	case token.RightParen, token.RightBracket:
		p.pop()
	case token.Less:
		if inExpression {
			p.binary = true
		} else {
			p.push(generic)
		}
	case token.Greater, token.ShiftRight:
		switch {
		case inExpression:
			p.binary = true
		case t.Kind == token.ShiftRight:
			p.pop()
			p.pop()
		default:
			p.pop()
		}
	case token.Semicolon:
		p.ended = true
	case token.Comma:
		p.ended = p.in() == enum
	case token.Assign:
		p.assigned = p.assigned || !p.nested()
	case token.Not, token.Tilde:
		p.unary = true
	default:
		if isOperator(t.Kind) {
			p.binary = wasOperand
			p.unary = !wasOperand
		}
	}
	p.prev = t
	if t.Kind == token.RightParen && p.annotated && p.nested() {
		p.annotated = false
	}
}
