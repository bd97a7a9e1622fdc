package check

import (
	"slices"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// Backends are the names of AOSP's backends in [Options].
var Backends = []string{"java", "cpp", "ndk", "rust"}

// The API levels at which Android learned what not all have.
const (
	levelHolder          = 31 // ParcelableHolder
	levelInterfacesArray = 33 // lists and arrays of interfaces, in Java
)

// backend tells whether one of these backends is asked for, and which.
func (c *checker) backend(names ...string) (string, bool) {
	for _, n := range names {
		if slices.Contains(c.opts.Backends, n) {
			return n, true
		}
	}
	return "", false
}

// checkBackends refuses what AOSP's compiler refuses for the backends that are asked for
// (LanguageSpecificCheckValid and ValidateCppHeader there), or for old Androids (check_valid.cpp).
func (c *checker) checkBackends(u use) {
	if len(c.opts.Backends) == 0 && c.opts.MinSDK == 0 {
		return
	}
	var check func(t *model.Type, syntax *ast.Type)
	check = func(t *model.Type, syntax *ast.Type) {
		base := t.Base()
		for i, a := range base.Args {
			if i < len(syntax.Args) {
				check(a, syntax.Args[i])
			}
		}
		switch base.Kind {
		case model.FileDescriptor:
			if b, ok := c.backend("ndk", "rust"); ok {
				c.errorf(syntax, diag.Backend, "the %s backend has no FileDescriptor", b).Hint = "use a ParcelFileDescriptor"
			}
		case model.List:
			if b, ok := c.backend("cpp", "ndk", "rust"); ok && len(base.Args) == 0 {
				c.errorf(syntax, diag.Backend, "the %s backend has no List without a type argument: only java has it", b)
			}
		case model.Map, model.CharSequence:
			if b, ok := c.backend("cpp", "ndk", "rust"); ok {
				c.errorf(syntax, diag.Backend, "the %s backend has no %s: only java has it", b, base.Kind)
			}
		case model.ParcelableHolder:
			if c.tooOld(levelHolder) {
				c.errorf(syntax, diag.Backend, "ParcelableHolder begins with API level %d; the least here is %d", levelHolder, c.opts.MinSDK)
			}
		}
		if p := base.Parcelable(); p != nil && !p.Structured && p.CppHeader == "" {
			if b, ok := c.backend("cpp", "ndk"); ok {
				c.errorf(syntax, diag.Backend, "the %s backend needs the cpp_header of %s", b, p.QualifiedName)
			}
		}
		inside := t
		if base.Kind == model.List && len(base.Args) == 1 {
			inside = base.Args[0]
		}
		if _, java := c.backend("java"); java && c.tooOld(levelInterfacesArray) && inside.Base().Interface() != nil &&
			(t.IsArray() || inside != t) {
			c.errorf(syntax, diag.Backend, "lists and arrays of interfaces begin with API level %d in java; the least here is %d",
				levelInterfacesArray, c.opts.MinSDK)
		}
	}
	check(u.typ, u.syntax)
}

// tooOld tells whether an Android is to be served that is older than a level.
func (c *checker) tooOld(level int) bool { return c.opts.MinSDK > 0 && c.opts.MinSDK < level }

// checkDeclared is about parcelables that another language defines.
func (c *checker) checkDeclared(p *model.Parcelable) {
	name := p.Syntax.Head().Name
	if b, ok := c.backend("ndk", "rust"); ok {
		c.errorf(name, diag.Backend, "the %s backend compiles no parcelable without a body", b).Hint =
			"import it from a file that is not compiled itself"
	} else if _, ok := c.backend("cpp"); ok && p.CppHeader == "" {
		c.errorf(name, diag.Backend, "the cpp backend needs the cpp_header of %s", p.QualifiedName)
	}
}
