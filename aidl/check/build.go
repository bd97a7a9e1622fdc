package check

import (
	"strconv"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// build gives the members of a file's types their types.
func (c *checker) build(f *file) {
	for _, d := range f.Definitions {
		c.buildType(f, d)
	}
}

func (c *checker) buildType(f *file, def model.Definition) {
	h := def.Head()
	for _, n := range h.Nested {
		c.buildType(f, n)
	}
	syntax := h.Syntax.Head()
	switch d := def.(type) {
	case *model.Interface:
		h.Annotations = c.annotations(syntax.Annotations, onInterface)
		c.buildInterface(f, d)
	case *model.Parcelable:
		at := onParcelable
		if !d.Structured {
			at = onDeclaration
		}
		h.Annotations = c.annotations(syntax.Annotations, at)
		d.FixedSize = h.Annotations.Has("FixedSize")
		d.Immutable = h.Annotations.Has("JavaOnlyImmutable")
		d.JavaStable = h.Annotations.Has("JavaOnlyStableParcelable")
		d.NdkStable = h.Annotations.Has("NdkOnlyStableParcelable")
		d.RustStable = h.Annotations.Has("RustOnlyStableParcelable")
		d.Fields = c.buildFields(f, d, h.Syntax.(*ast.Parcelable).Members)
	case *model.Union:
		h.Annotations = c.annotations(syntax.Annotations, onUnion)
		d.FixedSize = h.Annotations.Has("FixedSize")
		d.Immutable = h.Annotations.Has("JavaOnlyImmutable")
		d.Fields = c.buildFields(f, d, h.Syntax.(*ast.Union).Members)
		c.buildTag(d)
	case *model.Enum:
		h.Annotations = c.annotations(syntax.Annotations, onEnum)
		c.buildEnum(f, d)
	}
	if h.Annotations.Has("VintfStability") {
		c.markVINTF(def)
	}
	h.SuppressWarnings = h.Annotations.Get("SuppressWarnings").Strings("value")
}

// markVINTF marks a type and those nested in it.
func (c *checker) markVINTF(def model.Definition) {
	h := def.Head()
	h.VINTF = true
	for _, n := range h.Nested {
		c.markVINTF(n)
	}
	if u, ok := def.(*model.Union); ok && u.Tag != nil {
		u.Tag.VINTF = true
	}
}

func (c *checker) buildEnum(f *file, e *model.Enum) {
	if a := e.Annotations.Get("Backing"); a != nil {
		switch k := builtin(a.Text("type")); k {
		case model.Byte, model.Int, model.Long:
			e.Backing = k
		default:
			c.errorAlways(e.Syntax.Head().Name, diag.Backing, "an enum cannot be backed by '%s'", a.Text("type")).
				Hint = "it can be backed by byte, int or long"
		}
	}
	scope := c.cells[e]
	var last *cell
	for _, syntax := range e.Syntax.(*ast.Enum).Enumerators {
		m := &model.Enumerator{Name: syntax.Name.Text, Explicit: syntax.Value != nil, Doc: document(syntax.Doc),
			Pos: syntax.Name.Pos(), Enum: e, Syntax: syntax}
		cell := &cell{expr: syntax.Value, in: e, node: syntax.Name, previous: last, enumerator: m}
		if old := scope.find(m.Name); old != nil {
			c.errorf(syntax.Name, diag.DuplicateMember, "'%s' is defined twice in '%s'", m.Name, e.Name).
				Related = []diag.Related{{Pos: old.node.Pos(), Message: "the other one is here"}}
			continue
		}
		scope.add(m.Name, cell)
		last = cell
		e.Enumerators = append(e.Enumerators, m)
	}
	f.enums = append(f.enums, e)
}

// buildTag gives the enum of a union's fields its names.
func (c *checker) buildTag(u *model.Union) {
	if u.Tag == nil {
		return
	}
	scope := c.cells[u.Tag]
	for _, field := range u.Fields {
		e := &model.Enumerator{Name: field.Name, Value: int64(field.Index), Doc: field.Doc, Pos: field.Pos, Enum: u.Tag}
		u.Tag.Enumerators = append(u.Tag.Enumerators, e)
		v := value{kind: kindInt32, i: e.Value}
		scope.add(e.Name, &cell{in: u.Tag, node: field.Syntax.Name, enumerator: e, state: done, value: v})
	}
}

func (c *checker) buildFields(f *file, def model.Definition, members []ast.Member) []*model.Field {
	var fields []*model.Field
	for _, m := range members {
		switch m := m.(type) {
		case *ast.Const:
			c.buildConst(f, def, m)
		case *ast.Field:
			field := &model.Field{Name: m.Name.Text, Index: len(fields), Doc: document(m.Doc), Pos: m.Name.Pos(), Syntax: m}
			field.Type = c.memberType(f, def, m.Type)
			all := c.annotations(m.Type.Annotations, onField|onType)
			field.Annotations = c.annotate(field.Type, all, onField)
			c.uses = append(c.uses, use{field.Type, m.Type, def})
			if m.Default != nil {
				c.defaults = append(c.defaults, fallback{field, def})
			}
			fields = append(fields, field)
		}
	}
	return fields
}

// annotate shares annotations between a member and its type: those that can
// stand at the member are the member's.
func (c *checker) annotate(t *model.Type, all model.Annotations, member place) model.Annotations {
	var own model.Annotations
	for _, a := range all {
		if schemas[a.Name].places&member != 0 {
			own = append(own, a)
		} else {
			t.Annotations = append(t.Annotations, a)
		}
	}
	if a := t.Annotations.Get("nullable"); a != nil {
		t.Nullable, t.Heap = true, a.Bool("heap")
	}
	t.UTF8InCpp = t.Annotations.Has("utf8InCpp")
	inner := t.Base()
	if t.Kind == model.List && len(t.Args) == 1 {
		inner = t.Args[0]
	}
	if inner != t {
		inner.UTF8InCpp = t.UTF8InCpp && inner.Kind == model.String
		inner.Nullable = inner.Nullable || t.Nullable && !inner.Kind.IsPrimitive() && inner.Enum() == nil
	}
	return own
}

// memberType makes the type of a member, without the annotations before it.
func (c *checker) memberType(f *file, def model.Definition, syntax *ast.Type) *model.Type {
	t := c.resolveType(f, def, syntax)
	c.typeAnnotations(t, syntax)
	return t
}

// typeAnnotations evaluates the annotations of the type arguments.
func (c *checker) typeAnnotations(t *model.Type, syntax *ast.Type) {
	base := t.Base()
	for i, arg := range syntax.Args {
		if i < len(base.Args) {
			c.annotate(base.Args[i], c.annotations(arg.Annotations, onType), 0)
			c.typeAnnotations(base.Args[i], arg)
		}
	}
}

func (c *checker) buildConst(f *file, def model.Definition, m *ast.Const) {
	k := &model.Constant{Name: m.Name.Text, Doc: document(m.Doc), Pos: m.Name.Pos(), Parent: def, Syntax: m}
	k.Type = c.memberType(f, def, m.Type)
	list := append(append([]*ast.Annotation(nil), m.Annotations...), m.Type.Annotations...)
	c.notes[k.Type] = m.Annotations
	k.Annotations = c.annotate(k.Type, c.annotations(list, onConst|onType), onConst)
	c.uses = append(c.uses, use{k.Type, m.Type, def})
	scope := c.cells[def]
	if old := scope.find(k.Name); old != nil {
		c.errorf(m.Name, diag.DuplicateMember, "constant '%s' is defined twice", k.Name).
			Related = []diag.Related{{Pos: old.node.Pos(), Message: "the other one is here"}}
		return
	}
	scope.add(k.Name, &cell{expr: m.Value, in: def, node: m.Name, constant: k})
	h := def.Head()
	h.Constants = append(h.Constants, k)
	f.consts = append(f.consts, k)
}

func (c *checker) buildInterface(f *file, d *model.Interface) {
	if a := d.Annotations.Get("Descriptor"); a != nil && a.Text("value") != "" {
		d.Descriptor = a.Text("value")
	}
	d.Sensitive = d.Annotations.Has("SensitiveData")
	d.JavaDefault = d.Annotations.Has("JavaDefault")
	d.JavaDelegator = d.Annotations.Has("JavaDelegator")
	d.Permission = permission(d.Annotations)
	for _, m := range d.Syntax.(*ast.Interface).Members {
		switch m := m.(type) {
		case *ast.Const:
			c.buildConst(f, d, m)
		case *ast.Method:
			d.Methods = append(d.Methods, c.buildMethod(f, d, m))
		}
	}
	c.numberMethods(d)
}

func (c *checker) buildMethod(f *file, d *model.Interface, syntax *ast.Method) *model.Method {
	m := &model.Method{Name: syntax.Name.Text, Oneway: syntax.Oneway || d.Oneway, Doc: document(syntax.Doc),
		Pos: syntax.Name.Pos(), Interface: d, Syntax: syntax, Explicit: syntax.ID != nil}
	m.Return = c.memberType(f, d, syntax.Return)
	list := append(append([]*ast.Annotation(nil), syntax.Annotations...), syntax.Return.Annotations...)
	c.notes[m.Return] = syntax.Annotations
	m.Annotations = c.annotate(m.Return, c.annotations(list, onMethod|onType), onMethod)
	m.Permission = permission(m.Annotations)
	m.PropagateAllowBlocking = m.Annotations.Has("PropagateAllowBlocking")
	c.uses = append(c.uses, use{m.Return, syntax.Return, d})
	for _, a := range syntax.Args {
		arg := &model.Arg{Name: a.Name.Text, Direction: a.Direction, Written: a.Direction != ast.Unspecified,
			Doc: document(a.Doc), Pos: a.Name.Pos()}
		if !arg.Written {
			arg.Direction = ast.In
		}
		arg.Type = c.memberType(f, d, a.Type)
		c.annotate(arg.Type, c.annotations(a.Type.Annotations, onType), 0)
		c.uses = append(c.uses, use{arg.Type, a.Type, d})
		m.Args = append(m.Args, arg)
	}
	return m
}

// numberMethods gives methods their ids: all as written, or all in order.
func (c *checker) numberMethods(d *model.Interface) {
	ids := make(map[int]*model.Method)
	for i, m := range d.Methods {
		m.ID = i
		if m.Explicit {
			lit := m.Syntax.ID
			id, err := strconv.ParseInt(lit.Text, 10, 32)
			if err != nil {
				c.errorAlways(lit, diag.MethodID, "'%s' is not a transaction id: it must be a decimal number", lit.Text)
				continue
			}
			if id > model.MaxMethodID {
				c.errorAlways(lit, diag.MethodID, "transaction id %d is not between 0 and %d", id, model.MaxMethodID)
				continue
			}
			m.ID = int(id)
		}
		if m.Explicit != d.Methods[0].Explicit {
			c.errorAlways(m.Syntax.Name, diag.MethodID, "either all methods of an interface have a transaction id or none has").
				Related = []diag.Related{{Pos: d.Methods[0].Pos, Message: "this one differs"}}
			return
		}
		if old := ids[m.ID]; old != nil {
			c.errorAlways(m.Syntax.ID, diag.MethodID, "transaction id %d is taken", m.ID).
				Related = []diag.Related{{Pos: old.Pos, Message: "by this method"}}
			continue
		}
		ids[m.ID] = m
	}
}
