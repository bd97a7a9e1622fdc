package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

func sortStrings(list []string) { slices.Sort(list) }

// evaluateAs evaluates an expression for a type. It returns nil after telling
// what is wrong. A nil definition allows no names in the expression.
func (c *checker) evaluateAs(e ast.Expr, in model.Definition, t *model.Type) *model.Value {
	bare := unparen(e)
	if t.Kind == model.Invalid {
		return nil
	}
	if len(t.Base().Args) > 0 {
		c.errorf(e, diag.BadDefault, "%s cannot have a constant value", t.Signature())
		return nil
	}
	if array, ok := bare.(*ast.Array); ok {
		return c.arrayValue(array, in, t)
	}
	if t.IsArray() {
		c.errorf(e, diag.BadDefault, "%s needs a list of values", t.Signature()).Hint = "write {…}"
		return nil
	}
	if t.Kind == model.Defined {
		return c.enumValue(bare, in, t)
	}
	v, ok := c.eval(bare, in, 0)
	if !ok {
		return nil
	}
	m := c.fit(v, e, t)
	if m != nil {
		m.Expression = c.spell(e, in, m)
	}
	return m
}

func (c *checker) arrayValue(e *ast.Array, in model.Definition, t *model.Type) *model.Value {
	if !t.IsArray() {
		c.errorf(e, diag.BadDefault, "%s cannot have a list of values", t.Signature())
		return nil
	}
	m := &model.Value{Type: t, Elems: make([]*model.Value, 0, len(e.Elems))}
	var spelled, expressions []string
	for _, x := range e.Elems {
		v := c.evaluateAs(x, in, t.Elem)
		if v == nil {
			return nil
		}
		m.Elems = append(m.Elems, v)
		spelled, expressions = append(spelled, v.Spelling), append(expressions, v.Expression)
	}
	if t.Kind == model.FixedArray && len(e.Elems) != t.Len {
		c.errorf(e, diag.ArraySize, "%s needs %d values, not %d", t.Signature(), t.Len, len(e.Elems))
		return nil
	}
	m.Spelling = "{" + strings.Join(spelled, ", ") + "}"
	m.Expression = "{" + strings.Join(expressions, ", ") + "}"
	return m
}

// enumValue finds the enumerator that an expression names.
func (c *checker) enumValue(e ast.Expr, in model.Definition, t *model.Type) *model.Value {
	enum := t.Enum()
	if enum == nil {
		c.errorf(e, diag.BadDefault, "%s cannot have a constant value: only built-in types and enums can", t.Signature())
		return nil
	}
	ref, ok := e.(*ast.Ref)
	if !ok {
		d := c.errorf(e, diag.BadDefault, "%s must be given as one of its names", t.Signature())
		if len(enum.Enumerators) > 0 {
			d.Hint = "write " + enum.Name + "." + enum.Enumerators[0].Name
		}
		return nil
	}
	if _, ok := c.ref(ref, in, 0); !ok {
		return nil
	}
	// AOSP goes by the last part of the name.
	name := ref.Name.Parts[len(ref.Name.Parts)-1]
	c.buildNow(enum)
	for _, m := range enum.Enumerators {
		if m.Name == name.Text {
			cell := c.cells[enum].find(m.Name)
			c.evaluateCell(cell, 0)
			return &model.Value{Type: t, Enumerator: m, Int: cell.value.i, Spelling: t.Name + "." + m.Name,
				Expression: c.expression(ref, in)}
		}
	}
	c.errorf(ref, diag.BadDefault, "'%s' is not a name of %s", ref.Name, t.Signature())
	return nil
}

// ranges are the integers that fit a kind.
var ranges = map[model.Kind][2]int64{
	model.Byte: {-1 << 7, 1<<7 - 1}, model.Int: {-1 << 31, 1<<31 - 1}, model.Long: {-1 << 63, 1<<63 - 1},
}

// fit makes a value of a type, or tells why it cannot.
func (c *checker) fit(v value, e ast.Node, t *model.Type) *model.Value {
	m := &model.Value{Type: t}
	switch {
	case v.kind.isInteger() && t.Kind == model.Boolean:
		m.Bool = v.i != 0
		m.Spelling = strconv.FormatBool(m.Bool)
		return m
	case v.kind.isInteger() && ranges[t.Kind] != [2]int64{}:
		r := ranges[t.Kind]
		if v.i < r[0] || v.i > r[1] {
			d := c.errorf(e, diag.Overflow, "%d does not fit %s, which goes from %d to %d", v.i, t.Name, r[0], r[1])
			if lit, ok := e.(*ast.Literal); ok && v.i > 0 {
				if t.Kind == model.Byte && v.i <= 0xff {
					d.Hint = "did you mean " + lit.Text + "u8?"
				} else if t.Kind == model.Int && v.i <= 0xffffffff {
					d.Hint = "did you mean " + lit.Text + "u32?"
				}
			}
			return nil
		}
		m.Int = v.i
		m.Spelling = strconv.FormatInt(v.i, 10)
		return m
	case v.kind == kindChar && t.Kind == model.Char:
		m.Char = uint16(v.text[0])
		m.Spelling = "'" + v.text + "'"
		return m
	case v.kind == kindString && t.Kind == model.String:
		m.Text = v.text
		m.Spelling = `"` + v.text + `"`
		return m
	case v.kind == kindFloat && (t.Kind == model.Float || t.Kind == model.Double):
		return c.fitFloat(v, e, m)
	}
	d := c.errorf(e, diag.BadDefault, "%s cannot be the value of %s", v.kind, t.Signature())
	if v.kind.isInteger() && v.kind != kindBool {
		switch t.Kind {
		case model.Float:
			d.Hint = fmt.Sprintf("write %d.0f", v.i)
		case model.Double:
			d.Hint = fmt.Sprintf("write %d.0", v.i)
		}
	}
	return nil
}

func (c *checker) fitFloat(v value, e ast.Node, m *model.Value) *model.Value {
	digits, single := strings.CutSuffix(v.text, "f")
	if m.Type.Kind == model.Float && !single {
		c.errorf(e, diag.BadDefault, "a float needs the suffix f").Hint = "write " + v.text + "f"
		return nil
	}
	size := 64
	if m.Type.Kind == model.Float {
		size = 32
	}
	f, err := strconv.ParseFloat(digits, size)
	if err != nil {
		c.errorf(e, diag.Overflow, "%s does not fit %s", v.text, m.Type.Name)
		return nil
	}
	m.Float = f
	m.Spelling = strconv.FormatFloat(f, 'f', 6, 64)
	if size == 32 {
		m.Spelling += "f"
	}
	return m
}

// spell writes an expression as the API dump does: with the value behind it
// when it is more than a literal.
func (c *checker) spell(e ast.Expr, in model.Definition, v *model.Value) string {
	text := c.expression(e, in)
	if _, ok := unparen(e).(*ast.Literal); ok {
		return text
	}
	return text + " /* " + v.Spelling + " */"
}

// expression writes an expression with qualified names and all parentheses.
func (c *checker) expression(e ast.Expr, in model.Definition) string {
	var b strings.Builder
	c.write(&b, e, in)
	return b.String()
}

func (c *checker) write(b *strings.Builder, e ast.Expr, in model.Definition) {
	switch e := e.(type) {
	case *ast.Paren:
		c.write(b, e.X, in)
	case *ast.Literal:
		b.WriteString(e.Text)
	case *ast.Unary:
		b.WriteString("(" + e.Op.String())
		c.write(b, e.X, in)
		b.WriteString(")")
	case *ast.Binary:
		b.WriteString("(")
		c.write(b, e.X, in)
		b.WriteString(" " + e.Op.String() + " ")
		c.write(b, e.Y, in)
		b.WriteString(")")
	case *ast.Ref:
		if _, def := c.find(e, in); def != nil && len(e.Name.Parts) > 1 {
			b.WriteString(def.Head().QualifiedName + ".")
		}
		b.WriteString(e.Name.Parts[len(e.Name.Parts)-1].Text)
	}
}

// buildNow builds the file of a definition at once, for a name met during
// evaluation.
func (c *checker) buildNow(def model.Definition) {
	f := c.fileOf(def)
	for i, q := range c.queue {
		if q == f {
			c.queue = append(c.queue[:i:i], c.queue[i+1:]...)
			c.build(f)
			c.pending = append(c.pending, f)
			return
		}
	}
}
