package check

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

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
