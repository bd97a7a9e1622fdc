package check

import (
	"math/bits"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// Constant expressions follow AOSP's aidl_const_expressions.cpp: an integer
// literal has the smallest type that holds it, operators promote to at least
// 32 bits, and what overflows is a mistake.

// kind is the type of an expression's value. Among the first four the larger
// one wins when two meet.
type kind uint8

const (
	kindBool kind = iota
	kindInt8
	kindInt32
	kindInt64
	kindChar
	kindString
	kindFloat
)

var kindNames = [...]string{"a boolean", "a byte", "an int", "a long", "a character", "a string", "a float"}

func (k kind) String() string { return kindNames[k] }

func (k kind) isInteger() bool { return k <= kindInt64 }

// value is an evaluated expression that has not been fitted to a type.
type value struct {
	kind kind
	i    int64  // of booleans (0, 1) and integers
	text string // of characters and strings without quotes; of floats as written
}

// cell is a constant or an enumerator and its value.
type cell struct {
	expr     ast.Expr // nil for an enumerator without a value
	in       model.Definition
	node     ast.Node // its name
	previous *cell    // the enumerator before

	constant   *model.Constant
	enumerator *model.Enumerator

	state state
	value value
}

type state uint8

const (
	untouched state = iota
	working
	done
	failed
)

// scope holds the constants or enumerators of one definition.
type scope struct {
	list   []*cell
	byName map[string]*cell
}

func (s *scope) add(name string, c *cell) {
	if s.byName == nil {
		s.byName = make(map[string]*cell)
	}
	s.byName[name] = c
	s.list = append(s.list, c)
}

func (s *scope) find(name string) *cell { return s.byName[name] }

func (s *scope) names() []string {
	var list []string
	for name := range s.byName {
		list = append(list, name)
	}
	return list
}

// maxChain is how many constants may hang on each other.
const maxChain = 10_000

// evaluate gives values to whatever the files built last hold.
func (c *checker) evaluate() {
	pending := c.pending
	c.pending = nil
	for _, f := range pending {
		for _, e := range f.enums {
			c.evaluateEnum(e)
		}
		for _, k := range f.consts {
			cell := c.cells[k.Parent].find(k.Name)
			if c.evaluateCell(cell, 0) {
				k.Value = c.evaluateAs(cell.expr, k.Parent, k.Type)
			}
		}
	}
	sizes := c.sizes
	c.sizes = nil
	for _, s := range sizes {
		c.evaluateSize(s)
	}
	defaults := c.defaults
	c.defaults = nil
	for _, d := range defaults {
		d.field.Default = c.evaluateAs(d.field.Syntax.Default, d.scope, d.field.Type)
	}
}

func (c *checker) evaluateSize(s size) {
	v, ok := c.eval(s.expr, s.scope, 0)
	if !ok {
		return
	}
	if v.kind > kindInt32 || v.i < 0 {
		c.errorf(s.expr, diag.ArraySize, "an array's size must be a number from 0 to 2147483647")
		return
	}
	s.typ.Len = int(v.i)
}

func (c *checker) evaluateEnum(e *model.Enum) {
	backing := &model.Type{Kind: e.Backing, Name: e.Backing.String()}
	for _, cell := range c.cells[e].list {
		if !c.evaluateCell(cell, 0) {
			continue
		}
		var node ast.Node = cell.node
		if cell.expr != nil {
			node = cell.expr
		}
		if v := c.fit(cell.value, node, backing); v != nil {
			cell.enumerator.Value = v.Int
			if cell.expr != nil {
				cell.enumerator.Expression = c.spell(cell.expr, e, v)
			}
		}
	}
}

// evaluateCell makes sure that a constant has its value.
func (c *checker) evaluateCell(k *cell, depth int) bool {
	switch k.state {
	case done:
		return true
	case failed:
		return false
	case working:
		c.errorf(k.node, diag.CircularConstant, "the value of this constant depends on itself")
		k.state = failed
		return false
	}
	if depth > maxChain {
		c.errorf(k.node, diag.TooDeep, "more than %d constants that depend on each other", maxChain)
		k.state = failed
		return false
	}
	ok := true
	k.state = working
	switch {
	case k.expr != nil:
		if isArray(k.expr) {
			// Only fields have arrays; evaluateAs tells of it.
			k.state = done
			return true
		}
		k.value, ok = c.eval(k.expr, k.in, depth+1)
	case k.previous == nil:
		k.value = value{kind: kindInt8}
	default:
		// One more than the one before. The chain of those without a value
		// is walked from its start, so that no recursion is needed.
		var chain []*cell
		for p := k.previous; p != nil && p.state == untouched && p.expr == nil; p = p.previous {
			chain = append(chain, p)
		}
		for i := len(chain) - 1; i >= 0; i-- {
			c.evaluateCell(chain[i], depth+1)
		}
		if ok = c.evaluateCell(k.previous, depth+1); ok {
			k.value, ok = c.binary(k.node, token.Plus, k.previous.value, value{kind: kindInt8, i: 1})
		}
	}
	if k.state == failed { // found to be circular on the way
		return false
	}
	k.state = failed
	if ok {
		k.state = done
	}
	return ok
}

func unparen(e ast.Expr) ast.Expr {
	for {
		p, ok := e.(*ast.Paren)
		if !ok {
			return e
		}
		e = p.X
	}
}

func isArray(e ast.Expr) bool { _, ok := unparen(e).(*ast.Array); return ok }

// eval evaluates an expression that stands in a definition.
func (c *checker) eval(e ast.Expr, in model.Definition, depth int) (value, bool) {
	switch e := e.(type) {
	case *ast.Paren:
		return c.eval(e.X, in, depth)
	case *ast.Literal:
		return c.literal(e)
	case *ast.Ref:
		return c.ref(e, in, depth)
	case *ast.Unary:
		x, ok := c.eval(e.X, in, depth)
		if !ok {
			return value{}, false
		}
		return c.unary(e, x)
	case *ast.Binary:
		x, okX := c.eval(e.X, in, depth)
		y, okY := c.eval(e.Y, in, depth)
		if !okX || !okY {
			return value{}, false
		}
		return c.binary(e, e.Op, x, y)
	case *ast.Array:
		c.errorf(e, diag.BadConstant, "an array cannot be part of an expression")
	}
	return value{}, false
}

func (c *checker) literal(e *ast.Literal) (value, bool) {
	switch e.Kind {
	case token.True:
		return value{kind: kindBool, i: 1}, true
	case token.False:
		return value{kind: kindBool}, true
	case token.Int, token.Hex:
		v, ok := parseInteger(e.Text)
		if !ok {
			c.errorAlways(e, diag.BadConstant, "'%s' is not a number that fits 64 bits or its suffix", e.Text).
				Hint = "suffixes are u8, u32, u64 and L"
		}
		return v, ok
	case token.Float:
		return value{kind: kindFloat, text: e.Text}, true
	case token.Char:
		if !printable(e.Text[1]) {
			c.errorf(e, diag.BadConstant, "a character must be a printable ASCII character, and no backslash")
			return value{}, false
		}
		return value{kind: kindChar, text: e.Text[1:2]}, true
	case token.String:
		text := e.Text[1 : len(e.Text)-1]
		for i := range len(text) {
			if !printable(text[i]) {
				c.report.Report(c.mark(e, i+1, 1, diag.BadConstant, "a string must consist of printable ASCII characters without backslashes"))
				return value{}, false
			}
		}
		return value{kind: kindString, text: text}, true
	}
	return value{}, false
}

// mark makes an error about a part of a node.
func (c *checker) mark(n ast.Node, offset, length int, code diag.Code, text string) *diag.Diagnostic {
	return diag.New(n.Pos().Add(offset), length, code, "%s", text)
}

func printable(b byte) bool { return b >= 0x20 && b < 0x7f && b != '\\' }

// parseInteger reads an integer with its suffixes and underscores.
func parseInteger(text string) (value, bool) {
	digits, suffix := text, ""
	for _, s := range []string{"u8", "u32", "u64", "l", "L"} {
		if rest, ok := strings.CutSuffix(digits, s); ok {
			digits, suffix = rest, strings.ToLower(s)
			break
		}
	}
	hex := strings.HasPrefix(digits, "0x") || strings.HasPrefix(digits, "0X")
	if hex {
		digits = digits[2:]
	}
	if strings.HasPrefix(digits, "_") || strings.HasSuffix(digits, "_") || strings.Contains(digits, "__") {
		return value{}, false
	}
	base := 10
	if hex {
		base = 16
	}
	u, err := strconv.ParseUint(strings.ReplaceAll(digits, "_", ""), base, 64)
	if err != nil {
		return value{}, false
	}
	switch {
	case suffix == "u8":
		return value{kind: kindInt8, i: int64(int8(u))}, u <= 0xff
	// 0xffffffff is -1, not 4294967295: hex digits are bits. AOSP has it so
	// even for 0xffffffffu64; only L makes it positive.
	case hex && suffix != "l" && u <= 0xffffffff:
		return value{kind: kindInt32, i: int64(int32(u))}, true
	case suffix == "u32":
		if hex {
			return value{kind: kindInt64, i: int64(u)}, true
		}
		return value{kind: kindInt32, i: int64(int32(u))}, u <= 0xffffffff
	case hex, suffix == "u64":
		return value{kind: kindInt64, i: int64(u)}, true
	case u > 1<<63-1:
		return value{}, false
	case suffix == "l":
		return value{kind: kindInt64, i: int64(u)}, true
	case u <= 0x7f:
		return value{kind: kindInt8, i: int64(u)}, true
	case u <= 0x7fffffff:
		return value{kind: kindInt32, i: int64(u)}, true
	}
	return value{kind: kindInt64, i: int64(u)}, true
}

// find finds the constant or enumerator that a name means: one of the
// definition it stands in, or, with dots, one of the type before the last.
func (c *checker) find(e *ast.Ref, in model.Definition) (*cell, model.Definition) {
	parts := e.Name.Parts
	name := parts[len(parts)-1]
	def := in
	if len(parts) > 1 {
		typeName := e.Name.String()
		typeName = typeName[:strings.LastIndexByte(typeName, '.')]
		f := c.models[in.Head().File]
		kind, found, err := c.lookup(f, in, typeName)
		if err != nil || kind != model.Defined {
			d := c.errorf(e.Name, diag.UnknownConstant, "unknown constant '%s': there is no type '%s'", e.Name, typeName)
			if err != nil {
				d.Message += ": " + err.Error()
			}
			c.hintType(d, f, in, typeName)
			return nil, nil
		}
		def = found
	}
	cell := c.cells[def].find(name.Text)
	if cell == nil {
		// Its file may have been declared only now.
		c.buildNow(def)
		cell = c.cells[def].find(name.Text)
	}
	if cell == nil {
		d := c.errorf(name, diag.UnknownConstant, "there is no constant '%s' in '%s'", name.Text, def.Head().Name)
		if len(parts) == 1 {
			for p := def.Head().Parent; p != nil; p = p.Head().Parent {
				if c.cells[p].find(name.Text) != nil {
					d.Hint = "write " + p.Head().Name + "." + name.Text
					return nil, nil
				}
			}
		}
		names := c.cells[def].names()
		sortStrings(names)
		if s := diag.Suggest(name.Text, names); s != "" {
			d.Hint = "did you mean " + s + "?"
		}
		return nil, nil
	}
	return cell, def
}

func (c *checker) ref(e *ast.Ref, in model.Definition, depth int) (value, bool) {
	if in == nil {
		c.errorf(e, diag.UnknownConstant, "a constant cannot be named here")
		return value{}, false
	}
	cell, _ := c.find(e, in)
	if cell == nil {
		return value{}, false
	}
	if !c.evaluateCell(cell, depth+1) {
		if c.visible(e.Pos()) && !c.visible(cell.node.Pos()) {
			c.errorf(e, diag.BadConstant, "'%s' has no value", e.Name).
				Related = []diag.Related{{Pos: cell.node.Pos(), Message: "its definition is wrong"}}
		}
		return value{}, false
	}
	if cell.value.kind == kindFloat {
		// AOSP keeps floats as text and cannot carry them over.
		c.errorf(e, diag.BadConstant, "a float constant cannot be named in an expression").
			Hint = "write the number"
		return value{}, false
	}
	return cell.value, true
}

func (c *checker) unary(e *ast.Unary, x value) (value, bool) {
	op := e.Op
	if x.kind == kindFloat && (op == token.Plus || op == token.Minus) {
		if op == token.Minus {
			if rest, ok := strings.CutPrefix(x.text, "-"); ok {
				x.text = rest
			} else {
				x.text = "-" + x.text
			}
		}
		return x, true
	}
	if !x.kind.isInteger() {
		c.errorf(e, diag.BadConstant, "'%s' cannot stand before %s", op, x.kind)
		return value{}, false
	}
	switch op {
	case token.Plus:
		return x, true
	case token.Not:
		return value{kind: x.kind, i: boolInt(x.i == 0)}, true
	case token.Tilde:
		if x.kind == kindBool {
			c.errorf(e, diag.BadConstant, "'~' cannot stand before a boolean: the result would always be true").Hint = "use !"
			return value{}, false
		}
		return value{kind: x.kind, i: ^x.i}, true
	}
	smallest := map[kind]int64{kindBool: 0, kindInt8: -1 << 7, kindInt32: -1 << 31, kindInt64: -1 << 63}[x.kind]
	if x.i == smallest {
		c.overflow(e, x.kind)
		return value{}, false
	}
	if x.kind == kindBool {
		return x, true
	}
	return value{kind: x.kind, i: -x.i}, true
}

func (c *checker) overflow(n ast.Node, k kind) {
	c.errorf(n, diag.Overflow, "the result does not fit %s", k)
}

func boolInt(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (c *checker) binary(n ast.Node, op token.Kind, x, y value) (value, bool) {
	switch {
	case x.kind == kindString && y.kind == kindString:
		if op != token.Plus {
			c.errorf(n, diag.BadConstant, "'%s' cannot join strings, only '+' can", op)
			return value{}, false
		}
		return value{kind: kindString, text: x.text + y.text}, true
	case !x.kind.isInteger() || !y.kind.isInteger():
		c.errorf(n, diag.BadConstant, "'%s' cannot stand between %s and %s", op, x.kind, y.kind)
		return value{}, false
	}
	k := max(x.kind, y.kind, kindInt32)
	result := func(i int64, ok bool) (value, bool) {
		if !ok || k == kindInt32 && i != int64(int32(i)) {
			c.overflow(n, k)
			return value{}, false
		}
		return value{kind: k, i: i}, true
	}
	truth := func(b bool) (value, bool) { return value{kind: kindBool, i: boolInt(b)}, true }
	a, b := x.i, y.i
	switch op {
	case token.LogicalOr:
		return truth(a != 0 || b != 0)
	case token.LogicalAnd:
		return truth(a != 0 && b != 0)
	case token.Equal:
		return truth(a == b)
	case token.NotEqual:
		return truth(a != b)
	case token.Less:
		return truth(a < b)
	case token.Greater:
		return truth(a > b)
	case token.LessEqual:
		return truth(a <= b)
	case token.GreaterEqual:
		return truth(a >= b)
	case token.Or:
		return result(a|b, true)
	case token.Xor:
		return result(a^b, true)
	case token.And:
		return result(a&b, true)
	case token.Plus:
		sum := a + b
		return result(sum, (sum > a) == (b > 0))
	case token.Minus:
		diff := a - b
		return result(diff, (diff < a) == (b > 0))
	case token.Star:
		return result(multiply(a, b))
	case token.Slash, token.Percent:
		if b == 0 {
			c.errorf(n, diag.Overflow, "division by zero")
			return value{}, false
		}
		if b == -1 && (a == -1<<63 || k == kindInt32 && a == -1<<31) {
			return result(0, false)
		}
		if op == token.Slash {
			return result(a/b, true)
		}
		return result(a%b, true)
	}
	return c.shift(n, op, k, a, b)
}

func multiply(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	p := a * b
	return p, p/b == a && !(a == -1 && b == -1<<63) && !(b == -1 && a == -1<<63)
}

// shift shifts. A negative distance shifts the other way; negative numbers
// cannot be shifted, and no bit may fall out on the left.
func (c *checker) shift(n ast.Node, op token.Kind, k kind, a, by int64) (value, bool) {
	left := op == token.ShiftLeft
	if by < 0 {
		left, by = !left, -by
	}
	width := int64(64)
	if k == kindInt32 {
		width = 32
	}
	switch {
	case a < 0:
		c.errorf(n, diag.Overflow, "a negative number cannot be shifted")
		return value{}, false
	case by < 0 || by >= width:
		c.errorf(n, diag.Overflow, "%s cannot be shifted by %d bits", k, by)
		return value{}, false
	case !left:
		return value{kind: k, i: a >> by}, true
	case by > int64(bits.LeadingZeros64(uint64(a)))-(64-width):
		c.overflow(n, k)
		return value{}, false
	case k == kindInt32:
		return value{kind: k, i: int64(int32(a << by))}, true
	}
	return value{kind: k, i: a << by}, true
}
