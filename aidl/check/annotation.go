package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// place is where an annotation stands; several places are or-ed.
type place uint16

const (
	onInterface place = 1 << iota
	onEnum
	onParcelable // with a body
	onUnion
	onDeclaration // of a parcelable without a body
	onConst
	onField
	onMethod
	onType // at its use

	onAnyDefinition = onInterface | onEnum | onParcelable | onUnion | onDeclaration
	onAnyMember     = onConst | onField | onMethod
	onAnything      = onAnyDefinition | onAnyMember | onType
)

var placeNames = []string{"an interface", "an enum", "a parcelable with a body", "a union",
	"a parcelable without a body", "a constant", "a field", "a method", "a type"}

func (p place) String() string {
	var list []string
	for i, name := range placeNames {
		if p&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return strings.Join(list, ", ")
}

// schema is what an annotation may look like.
type schema struct {
	places     place
	repeatable bool
	params     []param
}

type param struct {
	name     string
	typ      *model.Type
	required bool
}

var (
	typeBoolean = &model.Type{Kind: model.Boolean, Name: "boolean"}
	typeInt     = &model.Type{Kind: model.Int, Name: "int"}
	typeLong    = &model.Type{Kind: model.Long, Name: "long"}
	typeString  = &model.Type{Kind: model.String, Name: "String"}
	typeStrings = &model.Type{Kind: model.Array, Elem: typeString}
)

func optional(typ *model.Type, names ...string) []param {
	var list []param
	for _, n := range names {
		list = append(list, param{name: n, typ: typ})
	}
	return list
}

func required(name string, typ *model.Type) []param { return []param{{name, typ, true}} }

// schemas are the annotations of AOSP's aidl (aidl_language.cpp,
// AidlAnnotation::AllSchemas).
var schemas = map[string]schema{
	"nullable":                   {places: onType, params: optional(typeBoolean, "heap")},
	"utf8InCpp":                  {places: onType},
	"SensitiveData":              {places: onInterface},
	"VintfStability":             {places: onAnyDefinition},
	"JavaOnlyStableParcelable":   {places: onDeclaration},
	"NdkOnlyStableParcelable":    {places: onDeclaration},
	"RustOnlyStableParcelable":   {places: onDeclaration},
	"Backing":                    {places: onEnum, params: required("type", typeString)},
	"JavaPassthrough":            {places: onAnything, repeatable: true, params: required("annotation", typeString)},
	"JavaDerive":                 {places: onParcelable | onUnion | onEnum, params: optional(typeBoolean, "toString", "equals")},
	"JavaDefault":                {places: onInterface},
	"JavaDelegator":              {places: onInterface},
	"JavaOnlyImmutable":          {places: onParcelable | onUnion | onDeclaration},
	"JavaSuppressLint":           {places: onAnything, params: required("value", typeStrings)},
	"FixedSize":                  {places: onParcelable | onUnion},
	"Descriptor":                 {places: onInterface, params: required("value", typeString)},
	"RustDerive":                 {places: onParcelable | onUnion, params: optional(typeBoolean, "Copy", "Clone", "PartialOrd", "Ord", "PartialEq", "Eq", "Hash")},
	"SuppressWarnings":           {places: onAnyDefinition | onAnyMember, params: required("value", typeStrings)},
	"EnforcePermission":          {places: onInterface | onMethod, params: append(optional(typeString, "value"), optional(typeStrings, "anyOf", "allOf")...)},
	"PermissionManuallyEnforced": {places: onInterface | onMethod},
	"RequiresNoPermission":       {places: onInterface | onMethod},
	"PropagateAllowBlocking":     {places: onMethod},
	"UnsupportedAppUsage": {places: onAnyDefinition | onAnyMember, params: slices.Concat(
		optional(typeString, "expectedSignature", "implicitMember"), optional(typeInt, "maxTargetSdk"),
		optional(typeString, "publicAlternatives"), optional(typeLong, "trackingBug"))},
}

// Annotations lists the names of all annotations, sorted.
func Annotations() []string {
	list := make([]string, 0, len(schemas))
	for name := range schemas {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// annotations evaluates what stands before one thing, at that place. Wrong
// ones are told and left out.
func (c *checker) annotations(list []*ast.Annotation, at place) model.Annotations {
	var result model.Annotations
	seen := make(map[string]*ast.Annotation)
	for _, a := range list {
		name := a.Name.Text
		sch, ok := schemas[name]
		if !ok {
			// AOSP refuses these while it parses, also in imported files.
			d := c.errorAlways(a, diag.UnknownAnnotation, "unknown annotation @%s", name)
			if s := diag.Suggest(name, Annotations()); s != "" {
				d.Hint = "did you mean @" + s + "?"
			}
			continue
		}
		if sch.places&at == 0 {
			c.errorf(a, diag.Annotation, "@%s cannot stand here; it can stand before %s", name, sch.places)
			continue
		}
		if old := seen[name]; old != nil && !sch.repeatable {
			c.errorf(a, diag.RepeatedAnnotation, "@%s is repeated", name).
				Related = []diag.Related{{Pos: old.Pos(), Message: "it stands here already"}}
			continue
		}
		seen[name] = a
		if m, ok := c.annotation(a, sch); ok {
			result = append(result, m)
		}
	}
	return result
}

// annotation evaluates the parameters of one annotation.
func (c *checker) annotation(a *ast.Annotation, sch schema) (*model.Annotation, bool) {
	m := &model.Annotation{Name: a.Name.Text, Pos: a.Pos()}
	ok := true
	given := make(map[string]bool)
	for _, p := range a.Params {
		name := "value"
		if p.Name != nil {
			name = p.Name.Text
		}
		i := slices.IndexFunc(sch.params, func(s param) bool { return s.name == name })
		switch {
		case given[name]:
			c.errorf(p, diag.AnnotationParam, "parameter '%s' is repeated", name)
			ok = false
			continue
		case i < 0 && len(sch.params) == 0:
			c.errorf(p, diag.AnnotationParam, "@%s has no parameters", m.Name)
			ok = false
			continue
		case i < 0:
			d := c.errorf(p, diag.AnnotationParam, "@%s has no parameter '%s'; it has %s", m.Name, name, paramNames(sch.params))
			if s := diag.Suggest(name, strings.Split(paramNames(sch.params), ", ")); s != "" {
				d.Hint = "did you mean " + s + "?"
			}
			ok = false
			continue
		}
		given[name] = true
		if ref := findRef(p.Value); ref != nil {
			c.errorf(ref, diag.AnnotationParam, "the value must not refer to a constant, but names '%s'", ref.Name)
			ok = false
			continue
		}
		v := c.evaluateAs(p.Value, nil, sch.params[i].typ)
		if v == nil {
			ok = false
			continue
		}
		m.Params = append(m.Params, &model.ParamPair{Name: name, Value: v})
	}
	for _, s := range sch.params {
		if s.required && !given[s.name] {
			c.errorf(a, diag.AnnotationParam, "@%s needs the parameter '%s'", m.Name, s.name).
				Hint = "write @" + m.Name + example(s)
			ok = false
		}
	}
	if m.Name == "EnforcePermission" && len(given) == 0 {
		c.errorf(a, diag.AnnotationParam, "@EnforcePermission needs a permission").
			Hint = `write @EnforcePermission("android.permission.INTERNET"), or anyOf={…}, or allOf={…}`
		ok = false
	}
	slices.SortFunc(m.Params, func(a, b *model.ParamPair) int { return cmp.Compare(a.Name, b.Name) })
	return m, ok
}

func example(p param) string {
	switch {
	case p.typ == typeStrings:
		return "(" + p.name + `={"…"})`
	case p.typ == typeString && p.name == "type":
		return `(type="int")`
	}
	return "(" + p.name + `="…")`
}

func paramNames(params []param) string {
	var list []string
	for _, p := range params {
		list = append(list, p.name)
	}
	return strings.Join(list, ", ")
}

// findRef returns a reference in the expression, or nil.
func findRef(e ast.Expr) *ast.Ref {
	switch e := e.(type) {
	case *ast.Ref:
		return e
	case *ast.Paren:
		return findRef(e.X)
	case *ast.Unary:
		return findRef(e.X)
	case *ast.Binary:
		if r := findRef(e.X); r != nil {
			return r
		}
		return findRef(e.Y)
	case *ast.Array:
		for _, x := range e.Elems {
			if r := findRef(x); r != nil {
				return r
			}
		}
	}
	return nil
}

// permission reads the permission annotations, of which there is one at most.
func permission(list model.Annotations) *model.Permission {
	for _, a := range list {
		switch a.Name {
		case "EnforcePermission":
			p := &model.Permission{Kind: model.Enforce, Pos: a.Pos}
			// AOSP looks at them in this order and takes the first.
			switch {
			case a.Param("value") != nil:
				p.Names = []string{a.Text("value")}
			case a.Param("anyOf") != nil:
				p.Names, p.Any = a.Strings("anyOf"), true
			default:
				p.Names = a.Strings("allOf")
			}
			return p
		case "PermissionManuallyEnforced":
			return &model.Permission{Kind: model.ManuallyEnforced, Pos: a.Pos}
		case "RequiresNoPermission":
			return &model.Permission{Kind: model.NotRequired, Pos: a.Pos}
		}
	}
	return nil
}
