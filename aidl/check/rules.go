package check

import (
	"path/filepath"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// rules applies all rules to a requested file.
func (c *checker) rules(f *file) {
	c.checkFile(f)
	for _, d := range f.Definitions {
		c.checkDefinition(f, d)
	}
	c.warn(f)
}

// checkFile: one type with a body for each file, in the file that its name
// asks for.
func (c *checker) checkFile(f *file) {
	if f.Preprocessed {
		return
	}
	var first model.Definition
	for _, d := range f.Definitions {
		if p, ok := d.(*model.Parcelable); ok && !p.Structured {
			continue
		}
		if first != nil {
			c.errorf(d.Head().Syntax.Head().Name, diag.SeveralTypes, "a file defines one type; this is the second").
				Related = []diag.Related{{Pos: first.Head().Pos, Message: "the first one is here"}}
			return
		}
		first = d
	}
	if len(f.Definitions) != 1 {
		return
	}
	h := f.Definitions[0].Head()
	// "parcelable Outer.Inner;" is in Outer.aidl.
	name, _, _ := strings.Cut(h.Name, ".")
	want := strings.ReplaceAll(join(h.Package.Name, name), ".", "/") + ".aidl"
	path := filepath.ToSlash(f.Path)
	if abs, err := filepath.Abs(f.Path); err == nil && !strings.HasSuffix(path, want) {
		path = filepath.ToSlash(abs)
	}
	if path != want && !strings.HasSuffix(path, "/"+want) {
		c.errorf(h.Syntax.Head().Name, diag.FileName, "%s must be in a file named %s", h.QualifiedName, want)
	}
}

func (c *checker) checkDefinition(f *file, def model.Definition) {
	h := def.Head()
	for _, n := range h.Nested {
		c.checkDefinition(f, n)
	}
	c.checkNested(def)
	for _, k := range h.Constants {
		switch k.Type.Kind {
		case model.String, model.Byte, model.Int, model.Long, model.Float, model.Double, model.Invalid:
		default:
			c.errorf(k.Syntax.Type, diag.ConstantType, "a constant cannot be of type %s", k.Type.Signature()).
				Hint = "it can be byte, int, long, float, double or String"
		}
	}
	switch d := def.(type) {
	case *model.Interface:
		c.checkInterface(d)
	case *model.Parcelable:
		c.checkTypeParams(d, d.TypeParams, d.Syntax.(*ast.Parcelable).TypeParams)
		c.checkFields(d, d.Fields, d.FixedSize, d.Immutable)
		if d.Immutable {
			c.checkGetters(d, d.Fields)
		}
		if !d.Structured && c.opts.Structured && !stable(d) {
			c.errorf(h.Syntax.Head().Name, diag.Unstructured, "an interface with stable versions cannot use a parcelable that another language defines").
				Hint = "define its fields in AIDL"
		}
	case *model.Union:
		c.checkTypeParams(d, d.TypeParams, d.Syntax.(*ast.Union).TypeParams)
		c.checkFields(d, d.Fields, d.FixedSize, d.Immutable)
		c.checkGetters(d, d.Fields)
		c.checkUnion(d)
	}
	if c.opts.VINTF && !h.VINTF {
		if p, ok := def.(*model.Parcelable); !ok || p.Structured || !stable(p) {
			c.errorf(h.Syntax.Head().Name, diag.Stability, "%s needs @VintfStability: the interface is compiled for VINTF stability", h.Name)
		}
	}
}

// stable tells whether some backend vouches for a parcelable that AIDL does
// not define.
func stable(p *model.Parcelable) bool { return p.JavaStable || p.NdkStable || p.RustStable }

// checkNested checks the types nested in a type.
func (c *checker) checkNested(def model.Definition) {
	h := def.Head()
	if len(h.Nested) == 0 {
		return
	}
	generic := false
	switch d := def.(type) {
	case *model.Parcelable:
		generic = len(d.TypeParams) > 0
	case *model.Union:
		generic = len(d.TypeParams) > 0
	}
	if generic {
		c.errorf(h.Nested[0].Head().Syntax.Head().Name, diag.NestedType, "a generic type cannot have nested types")
	}
	for _, n := range h.Nested {
		if p, ok := n.(*model.Parcelable); ok && !p.Structured {
			c.errorf(p.Syntax.Head().Name, diag.NestedType, "a nested parcelable must have a body").
				Hint = "a parcelable that another language defines stands in a file of its own"
		}
	}
	c.checkSiblings(h)
}

// checkSiblings: types nested in the same type must not need each other in a
// circle. C++ could not declare them, so AOSP refuses them for all.
func (c *checker) checkSiblings(h *model.Header) {
	root := make(map[model.Definition]model.Definition)
	for _, n := range h.Nested {
		walkDefinitions(n, func(d model.Definition) { root[d] = n })
	}
	needs := make(map[model.Definition][]model.Definition)
	for _, n := range h.Nested {
		walkTypes(n, func(t *model.Type) {
			if sibling := root[t.Definition]; t.Definition != nil && sibling != nil && sibling != n {
				needs[n] = append(needs[n], sibling)
			}
		})
	}
	visited := make(map[model.Definition]int)
	var circular func(d model.Definition) bool
	circular = func(d model.Definition) bool {
		if visited[d] != 0 {
			return visited[d] == 1
		}
		visited[d] = 1
		for _, n := range needs[d] {
			if circular(n) {
				return true
			}
		}
		visited[d] = 2
		return false
	}
	for _, n := range h.Nested {
		if circular(n) {
			c.errorf(n.Head().Syntax.Head().Name, diag.NestedType, "the types nested in '%s' refer to each other in a circle", h.Name).
				Hint = "move one of them to a file of its own"
			return
		}
	}
}

func walkDefinitions(d model.Definition, visit func(model.Definition)) {
	visit(d)
	for _, n := range d.Head().Nested {
		walkDefinitions(n, visit)
	}
	if u, ok := d.(*model.Union); ok && u.Tag != nil {
		visit(u.Tag)
	}
}

// walkTypes visits the types used in a definition and those nested in it.
func walkTypes(d model.Definition, visit func(*model.Type)) {
	var walk func(t *model.Type)
	walk = func(t *model.Type) {
		visit(t)
		if t.Elem != nil {
			walk(t.Elem)
		}
		for _, a := range t.Args {
			walk(a)
		}
	}
	walkDefinitions(d, func(d model.Definition) {
		for _, f := range model.FieldsOf(d) {
			walk(f.Type)
		}
		for _, k := range d.Head().Constants {
			walk(k.Type)
		}
		if i, ok := d.(*model.Interface); ok {
			for _, m := range i.Methods {
				walk(m.Return)
				for _, a := range m.Args {
					walk(a.Type)
				}
			}
		}
	})
}

func (c *checker) checkTypeParams(def model.Definition, params []string, syntax []*ast.Ident) {
	seen := make(map[string]bool)
	for i, p := range params {
		if seen[p] {
			c.errorf(syntax[i], diag.DuplicateMember, "type parameter '%s' is repeated", p)
		}
		seen[p] = true
	}
}

// checkFields applies the rules that parcelables and unions share.
func (c *checker) checkFields(def model.Definition, fields []*model.Field, fixed, immutable bool) {
	h := def.Head()
	derives := derived(h.Annotations)
	seen := make(map[string]*model.Field)
	for _, f := range fields {
		if f.Type.Kind == model.Void {
			c.errorf(f.Syntax.Type, diag.Void, "a field cannot be void")
		}
		if old := seen[f.Name]; old != nil {
			c.errorf(f.Syntax.Name, diag.DuplicateMember, "field '%s' is defined twice", f.Name).
				Related = []diag.Related{{Pos: old.Pos, Message: "the other one is here"}}
		}
		seen[f.Name] = f
		if f.Type.Base().Kind == model.Invalid {
			continue
		}
		if fixed && !canBeFixed(f.Type) {
			c.errorf(f.Syntax.Type, diag.FixedSize, "a @FixedSize type cannot have a field of type %s", f.Type).
				Hint = "it can have numbers, enums, @FixedSize types and fixed-size arrays of them"
		}
		if immutable && !canBeImmutable(f.Type) {
			c.errorf(f.Syntax.Type, diag.Immutable, "a @JavaOnlyImmutable type cannot have a field of type %s", f.Type).
				Hint = "it can have numbers, String, enums, @JavaOnlyImmutable types, and arrays, lists and maps of them"
		}
		c.checkTyped(f.Type, f.Syntax.Type)
		if d := f.Type.Base().Definition; d != nil && len(derives) > 0 {
			c.checkDerive(f, d, derives)
		}
	}
}

// derived are the names that @RustDerive sets to true.
func derived(list model.Annotations) []string {
	var names []string
	if a := list.Get("RustDerive"); a != nil {
		for _, p := range a.Params {
			if p.Value.Bool {
				names = append(names, p.Name)
			}
		}
	}
	return names
}

// checkDerive: what a type derives for Rust its fields must derive too.
func (c *checker) checkDerive(f *model.Field, d model.Definition, derives []string) {
	switch d := d.(type) {
	case *model.Parcelable:
		if !d.Structured {
			return
		}
	case *model.Union:
	default:
		return
	}
	has := derived(d.Head().Annotations)
	for _, want := range derives {
		found := false
		for _, name := range has {
			found = found || name == want
		}
		if !found {
			c.errorf(f.Syntax.Type, diag.Derive, "%s must derive %s as well: @RustDerive asks for it around it", d.Head().Name, want)
		}
	}
}

// checkTyped: a List or Map whose elements nobody knows cannot be in a
// parcelable.
func (c *checker) checkTyped(t *model.Type, syntax *ast.Type) {
	t = t.Base()
	if (t.Kind == model.List || t.Kind == model.Map) && len(t.Args) == 0 {
		c.errorf(syntax.Name, diag.Untyped, "an untyped %s cannot be here: the receiver could not know what is in it", t.Kind).
			Hint = map[model.Kind]string{model.List: "write List<T>", model.Map: "write Map<String, T>"}[t.Kind]
		return
	}
	for i, a := range t.Args {
		if i < len(syntax.Args) {
			c.checkTyped(a, syntax.Args[i])
		}
	}
}

// canBeFixed tells whether each value of the type has the same size.
func canBeFixed(t *model.Type) bool {
	if t.Nullable || t.Kind == model.Array || len(t.Args) > 0 {
		return false
	}
	base := t.Base()
	for a := t; a.IsArray(); a = a.Elem {
		if a.Kind == model.Array {
			return false
		}
	}
	switch d := base.Definition.(type) {
	case nil:
		return base.Kind.IsPrimitive()
	case *model.Enum:
		return true
	case *model.Parcelable:
		return d.FixedSize
	case *model.Union:
		return d.FixedSize
	}
	return false
}

func canBeImmutable(t *model.Type) bool {
	t = t.Base()
	if len(t.Args) > 0 {
		if t.Kind != model.List && t.Kind != model.Map {
			return false
		}
		for _, a := range t.Args {
			if !canBeImmutable(a) {
				return false
			}
		}
		return true
	}
	switch d := t.Definition.(type) {
	case *model.Enum:
		return true
	case *model.Parcelable:
		return d.Immutable
	case *model.Union:
		return d.Immutable
	}
	return t.Kind.IsPrimitive() || t.Kind == model.String
}

// checkGetters: names must differ after their first letter became a capital,
// since Java's getters are named so.
func (c *checker) checkGetters(def model.Definition, fields []*model.Field) {
	seen := make(map[string]*model.Field)
	for _, f := range fields {
		name := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if old := seen[name]; old != nil && old.Name != f.Name {
			c.errorf(f.Syntax.Name, diag.DuplicateMember, "fields '%s' and '%s' differ in their first letter's case only", old.Name, f.Name)
		}
		seen[name] = f
	}
}

func (c *checker) checkUnion(u *model.Union) {
	if len(u.Fields) == 0 {
		c.errorf(u.Syntax.Head().Name, diag.Union, "union '%s' has no fields", u.Name)
		return
	}
	for _, f := range u.Fields {
		if f.Type.Kind == model.ParcelableHolder {
			c.errorf(f.Syntax.Type, diag.Holder, "a union cannot have a ParcelableHolder")
		}
	}
	first := u.Fields[0]
	if first.Default != nil || first.Syntax.Default != nil || first.Type.Nullable {
		return
	}
	if e := first.Type.Enum(); e != nil {
		c.errorf(first.Syntax.Name, diag.Union, "a union's first field is its default, so an enum there needs a value").
			Hint = "write " + first.Name + " = " + enumExample(e)
	} else if first.Type.IsArray() {
		c.errorf(first.Syntax.Name, diag.Union, "a union's first field is its default, so an array there needs a value or @nullable").
			Hint = "write " + first.Name + " = {}"
	}
}

func enumExample(e *model.Enum) string {
	if len(e.Enumerators) == 0 {
		return e.Name + ".NAME"
	}
	return e.Name + "." + e.Enumerators[0].Name
}

// checkRecursion: a parcelable cannot hold itself, except in an array or
// list, or by @nullable(heap=true).
func (c *checker) checkRecursion() {
	const working, done = 1, 2
	state := make(map[model.Definition]int)
	var path []string
	told := false
	var visit func(d model.Definition)
	visit = func(d model.Definition) {
		h := d.Head()
		if told || state[d] == done {
			return
		}
		path = append(path, h.Name)
		defer func() { path = path[:len(path)-1] }()
		if state[d] == working {
			c.errorAlways(h.Syntax.Head().Name, diag.Recursive, "'%s' holds itself: %s", h.Name, strings.Join(path, " -> ")).
				Hint = "mark the field @nullable(heap=true), or make it an array or a list"
			told = true
			return
		}
		state[d] = working
		for _, f := range model.FieldsOf(d) {
			if !f.Type.Heap && f.Type.Enum() == nil && f.Type.Interface() == nil && f.Type.Definition != nil {
				visit(f.Type.Definition)
			}
		}
		state[d] = done
	}
	for _, f := range c.order {
		if !f.Requested {
			continue
		}
		for _, d := range f.Definitions {
			walkDefinitions(d, visit)
		}
	}
}

func (c *checker) checkInterface(d *model.Interface) {
	seen := make(map[string]*model.Method)
	for _, m := range d.Methods {
		if old := seen[m.Name]; old != nil {
			c.errorf(m.Syntax.Name, diag.DuplicateMember, "method '%s' is defined twice; AIDL has no overloading", m.Name).
				Related = []diag.Related{{Pos: old.Pos, Message: "the other one is here"}}
		}
		seen[m.Name] = m
		switch m.Signature() {
		case "asBinder()", "getInterfaceHash()", "getInterfaceVersion()", "getTransactionName(int)":
			c.errorf(m.Syntax.Name, diag.ReservedName, "method %s is reserved: every interface has it", m.Signature())
		}
		// Until Android 14 both might enforce permissions, and then both had
		// to be held; later the one on the method is a mistake too.
		both := m.Permission != nil && d.Permission != nil
		if both && !(m.Permission.Kind == model.Enforce && d.Permission.Kind == model.Enforce) {
			c.errorf(m.Syntax.Name, diag.Permission, "'%s' has a permission annotation, and so has its interface", m.Name).
				Hint = "annotate either the interface or each method"
		}
		c.checkMethod(d, m)
	}
}

// javaKeywords cannot be names of arguments.
var javaKeywords = set("abstract assert boolean break byte case catch char class const continue default do double " +
	"else enum extends final finally float for goto if implements import instanceof int interface long native new " +
	"package private protected public return short static strictfp super switch synchronized this throw throws " +
	"transient try void volatile while true false null")

func (c *checker) checkMethod(d *model.Interface, m *model.Method) {
	syntax := m.Syntax
	if m.Return.Kind == model.ParcelableHolder {
		c.errorf(syntax.Return, diag.Holder, "a method cannot return a ParcelableHolder").Hint = "return a parcelable that holds it"
	}
	if m.Oneway && m.Return.Kind != model.Void && m.Return.Kind != model.Invalid {
		c.errorf(syntax.Return, diag.Oneway, "a oneway method cannot return a value").Hint = onewayHint(d)
	}
	if c.opts.Structured || d.VINTF {
		c.checkTyped(m.Return, syntax.Return)
	}
	seen := make(map[string]bool)
	for i, a := range m.Args {
		arg := syntax.Args[i]
		if seen[a.Name] {
			c.errorf(arg.Name, diag.DuplicateMember, "argument '%s' is repeated", a.Name)
		}
		seen[a.Name] = true
		if javaKeywords[a.Name] {
			c.errorf(arg.Name, diag.ReservedName, "an argument cannot be named '%s': it is a keyword of Java", a.Name)
		}
		if strings.HasPrefix(a.Name, "_aidl") {
			c.errorf(arg.Name, diag.ReservedName, "an argument's name cannot begin with _aidl: generated code has such names")
		}
		if a.Type.Kind == model.Void {
			c.errorf(arg.Type, diag.Void, "an argument cannot be void")
			continue
		}
		c.checkDirection(a, arg)
		if m.Oneway && a.IsOut() {
			c.errorf(arg, diag.Oneway, "a oneway method cannot have %s arguments", a.Direction).Hint = onewayHint(d)
		}
		if c.opts.Structured || d.VINTF {
			c.checkTyped(a.Type, arg.Type)
		}
	}
}

func onewayHint(d *model.Interface) string {
	if d.Oneway {
		return "all methods of a oneway interface are oneway"
	}
	return ""
}

// directions says how an argument of a type may travel, and how to call such
// types.
func directions(t *model.Type) (name string, in, out, inout bool) {
	switch {
	case t.IsArray():
		return "an array", true, true, true
	case t.Kind == model.List, t.Kind == model.Map:
		return "a " + t.Kind.String(), true, true, true
	case t.Kind == model.ParcelFileDescriptor:
		// There is no empty one to begin with.
		return "a ParcelFileDescriptor", true, false, true
	case t.Kind == model.ParcelableHolder:
		return "a ParcelableHolder", false, false, false
	}
	switch d := t.Definition.(type) {
	case *model.Parcelable:
		if d.Immutable {
			return "a @JavaOnlyImmutable type", true, false, false
		}
		return "a parcelable", true, true, true
	case *model.Union:
		if d.Immutable {
			return "a @JavaOnlyImmutable type", true, false, false
		}
		return "a union", true, true, true
	case *model.Enum:
		return "an enum", true, false, false
	case *model.Interface:
		return "an interface", true, false, false
	}
	return t.Signature(), true, false, false
}

func (c *checker) checkDirection(a *model.Arg, arg *ast.Arg) {
	if a.Type.Base().Kind == model.Invalid {
		return
	}
	name, in, out, inout := directions(a.Type)
	var ways []string
	for i, ok := range []bool{in, out, inout} {
		if ok {
			ways = append(ways, ast.Direction(i+1).String())
		}
	}
	switch {
	case len(ways) == 0:
		c.errorf(arg.Type, diag.Holder, "%s cannot be an argument", name).Hint = "pass a parcelable that holds it"
	case !a.Written && (out || inout):
		c.errorf(arg, diag.Direction, "argument '%s' needs a direction, since it is %s", a.Name, name).
			Hint = "write " + strings.Join(ways, " or ") + " before its type"
	case a.Direction == ast.Out && !out || a.Direction == ast.Inout && !inout:
		// Mark the word itself.
		c.report.Report(diag.New(arg.From, len(a.Direction.String()), diag.Direction,
			"argument '%s' cannot be %s: %s can be %s only", a.Name, a.Direction, name, strings.Join(ways, " or ")))
	}
}

// checkReached: what a stable type uses must be stable too.
func (c *checker) checkReached() {
	for _, u := range c.uses {
		if f := c.models[u.in.Head().File]; !f.Requested || f.source.Broken {
			continue
		}
		c.checkType(u.typ, u.syntax)
		c.checkStability(u)
	}
}

func (c *checker) checkStability(u use) {
	if !c.opts.Structured && !c.opts.VINTF && !u.in.Head().VINTF {
		return
	}
	var check func(t *model.Type)
	check = func(t *model.Type) {
		for _, a := range t.Base().Args {
			check(a)
		}
		d := t.Base().Definition
		if d == nil {
			return
		}
		p, ok := d.(*model.Parcelable)
		unstructured := ok && !p.Structured
		switch {
		case unstructured && stable(p):
		case unstructured:
			c.errorf(u.syntax.Name, diag.Unstructured, "%s is a parcelable that another language defines; a stable type cannot use it", p.QualifiedName)
		case (u.in.Head().VINTF || c.opts.VINTF) && !d.Head().VINTF:
			c.errorf(u.syntax.Name, diag.Stability, "%s lacks @VintfStability, but '%s', which has it, uses it", d.Head().QualifiedName, u.in.Head().Name)
		}
	}
	check(u.typ)
}

// checkType applies the rules of types wherever they stand.
func (c *checker) checkType(t *model.Type, syntax *ast.Type) {
	base := t.Base()
	if base.Kind == model.Invalid {
		return
	}
	for i, a := range base.Args {
		if i < len(syntax.Args) {
			c.checkType(a, syntax.Args[i])
		}
	}
	c.checkGeneric(base, syntax)
	if t.IsArray() {
		switch base.Kind {
		case model.ParcelableHolder, model.List, model.Map, model.CharSequence, model.Void:
			c.errorf(syntax, diag.BadArray, "there are no arrays of %s", base.Kind)
		}
	}
	if t.UTF8InCpp && base.Kind != model.String &&
		!(base.Kind == model.List && len(base.Args) == 1 && base.Args[0].Base().Kind == model.String) {
		c.errorf(annotationNode(syntax, "utf8InCpp", c.notes[t]), diag.UTF8, "@utf8InCpp can stand before String, String[] and List<String> only")
	}
	if !t.Nullable {
		return
	}
	node := annotationNode(syntax, "nullable", c.notes[t])
	switch {
	case base.Kind == model.Void:
		c.errorf(node, diag.Nullable, "void cannot be @nullable")
	case base.Kind.IsPrimitive() && !t.IsArray():
		c.errorf(node, diag.Nullable, "%s cannot be @nullable: a number is never null", base.Kind).
			Hint = "an array or a parcelable can"
	case base.Enum() != nil && !t.IsArray():
		c.errorf(node, diag.Nullable, "an enum cannot be @nullable")
	case base.Kind == model.ParcelableHolder:
		c.errorf(node, diag.Nullable, "a ParcelableHolder cannot be @nullable")
	case t.Heap && (t.IsArray() || base.Parcelable() == nil && base.Union() == nil):
		c.errorf(node, diag.Nullable, "@nullable(heap=true) is for parcelables and unions only")
	}
}

// annotationNode finds the annotation to mark: it stands before the type, or
// before the member.
func annotationNode(syntax *ast.Type, name string, before []*ast.Annotation) ast.Node {
	for _, a := range append(before[:len(before):len(before)], syntax.Annotations...) {
		if a.Name.Text == name {
			return a
		}
	}
	return syntax
}

// checkGeneric checks type arguments.
func (c *checker) checkGeneric(t *model.Type, syntax *ast.Type) {
	if len(t.Args) == 0 {
		return
	}
	switch t.Kind {
	case model.List:
		if len(t.Args) > 1 {
			c.errorf(syntax.Args[1], diag.Generic, "List has one type argument, not %d", len(t.Args))
			return
		}
		arg := t.Args[0]
		switch {
		case arg.IsArray():
			c.errorf(syntax.Args[0], diag.Generic, "there are no lists of arrays").Hint = "put the array into a parcelable"
		case arg.Enum() != nil || arg.Kind.IsPrimitive():
			c.primitiveArgument(arg, syntax.Args[0])
		case arg.Kind != model.Defined && arg.Kind != model.Invalid && arg.Kind != model.String &&
			arg.Kind != model.IBinder && arg.Kind != model.ParcelFileDescriptor:
			c.errorf(syntax.Args[0], diag.Generic, "there are no lists of %s", arg.Signature()).
				Hint = "a list can hold String, IBinder, ParcelFileDescriptor, interfaces, parcelables and unions"
		}
	case model.Map:
		if len(t.Args) != 2 {
			c.errorf(syntax, diag.Generic, "Map has two type arguments or none, not %d", len(t.Args))
			return
		}
		if t.Args[0].Kind != model.String && t.Args[0].Base().Kind != model.Invalid {
			c.errorf(syntax.Args[0], diag.Generic, "the keys of a Map must be String")
		}
		if arg := t.Args[1]; arg.Enum() != nil || arg.Kind.IsPrimitive() {
			c.primitiveArgument(arg, syntax.Args[1])
		}
	default:
		want := -1
		switch d := t.Definition.(type) {
		case *model.Parcelable:
			want = len(d.TypeParams)
		case *model.Union:
			want = len(d.TypeParams)
		}
		if want <= 0 {
			c.errorf(syntax, diag.Generic, "%s has no type parameters", t.Name)
		} else if want != len(t.Args) {
			c.errorf(syntax, diag.Generic, "%s has %d type parameters, but here are %d", t.Name, want, len(t.Args))
		}
	}
}

func (c *checker) primitiveArgument(t *model.Type, syntax *ast.Type) {
	c.errorf(syntax, diag.Generic, "%s cannot be in a List or a Map", t.Signature()).Hint = "use an array of it, or a parcelable that holds it"
}
