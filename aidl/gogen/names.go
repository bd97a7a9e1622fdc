package gogen

import (
	"go/token"
	"go/types"
	"strings"
	"unicode"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// scope is the names taken in a place.
type scope map[string]bool

// take is name, with underscores if it was taken before.
func (s scope) take(name string) string {
	for s[name] {
		name += "_"
	}
	s[name] = true
	return name
}

// takeOr is name, with the suffix if it was taken before.
func (s scope) takeOr(name, suffix string) string {
	if s[name] {
		name += suffix
	}
	return s.take(name)
}

// names are the Go names of a definition and what belongs to it. Derived names are by role.
type names struct {
	goName  string
	derived map[string]string
	members map[any]string // *model.Constant, *model.Enumerator, *model.Field, *model.Method
	code    map[*model.Method]string
	variant map[*model.Field]string
}

// The roles of names that come with a definition.
const (
	roleNew        = "New%"
	roleProxy      = "%Proxy"
	roleNewProxy   = "New%Proxy"
	roleAs         = "As%"
	roleExport     = "Export%"
	roleDefault    = "%Default"
	roleDescriptor = "%Descriptor"
	roleVersion    = "%Version"
	roleHash       = "%Hash"
	roleWrite      = "Write%"
	roleWriteNull  = "WriteNullable%"
	roleRead       = "Read%"
	roleReadNull   = "ReadNullable%"
	roleValues     = "%Values"
	roleBuiltBy    = "%Type"
	roleNewService = "New%Service"
	roleService    = "^Service"
	roleReadBody   = "^Body"
	roleHeld       = "%Held"
)

// exported turns an AIDL name into an exported Go name: shouldBeJerry is ShouldBeJerry, MAX_SIZE
// MaxSize.
func exported(name string) string {
	shout := strings.ToUpper(name) == name
	var b strings.Builder
	for _, word := range strings.Split(name, "_") {
		if word == "" {
			continue
		}
		if shout {
			word = strings.ToLower(word)
		}
		runes := []rune(word)
		if s := b.String(); s != "" && unicode.IsDigit(rune(s[len(s)-1])) && unicode.IsDigit(runes[0]) {
			b.WriteByte('_')
		}
		runes[0] = unicode.ToUpper(runes[0])
		b.WriteString(string(runes))
	}
	s := b.String()
	if s == "" || unicode.IsDigit(rune(s[0])) {
		return "X" + s
	}
	return s
}

// typeName is an exported name for a type, whose capitals are kept: BAR stays BAR. A parcelable that
// another language defines may be declared with its parent's name, Outer.Inner: that is OuterInner.
func typeName(name string) string {
	if outer, inner, ok := strings.Cut(name, "."); ok {
		return typeName(outer) + typeName(inner)
	}
	if strings.Contains(name, "_") {
		return exported(name)
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// unexported turns an AIDL name into the name of a parameter: in_value is inValue, URL url.
func unexported(name string) string {
	s := exported(name)
	n := 0
	for n < len(s) && s[n] >= 'A' && s[n] <= 'Z' {
		n++
	}
	switch {
	case n > 1 && n < len(s):
		n-- // URLPath: the last capital begins the next word
	case n == 0:
		n = 1
	}
	return strings.ToLower(s[:n]) + s[n:]
}

// reserved are names that a parameter must not hide: words of the language, and the packages that
// generated code names.
func reserved(name string) bool {
	switch name {
	case "ctx", "err", "context", "os", "strconv", "binder", "parcel":
		return true
	}
	return token.IsKeyword(name) || types.Universe.Lookup(name) != nil
}

// parameter is the name of an argument; taken is the scope of its method.
func parameter(name string, taken scope) string {
	p := unexported(name)
	if usual := map[string]string{"type": "typ", "func": "fn", "string": "str", "len": "length"}[p]; usual != "" {
		p = usual
	} else if reserved(p) {
		p += "Arg"
	}
	return taken.take(p)
}

// nameTypes names the types of a package: those at the top before the nested ones, which yield.
func (g *generator) nameTypes(s scope, pkg *model.Package) {
	type pending struct {
		d      model.Definition
		prefix string
	}
	var level []pending
	for _, d := range pkg.Definitions {
		level = append(level, pending{d: d})
	}
	for len(level) > 0 {
		var next []pending
		for _, p := range level {
			n := &names{derived: map[string]string{}, members: map[any]string{}, code: map[*model.Method]string{}, variant: map[*model.Field]string{}}
			n.goName = s.take(p.prefix + typeName(p.d.Head().Name))
			g.names[p.d] = n
			for _, c := range p.d.Head().Nested {
				next = append(next, pending{c, n.goName})
			}
			if u, ok := p.d.(*model.Union); ok && u.Tag != nil {
				next = append(next, pending{u.Tag, n.goName})
			}
		}
		level = next
	}
}

// nameRest names all else of a package.
func (g *generator) nameRest(s scope, pkg *model.Package) {
	var each func(d model.Definition)
	each = func(d model.Definition) {
		g.nameMembers(s, d)
		for _, c := range d.Head().Nested {
			each(c)
		}
		if u, ok := d.(*model.Union); ok && u.Tag != nil {
			each(u.Tag)
		}
	}
	for _, d := range pkg.Definitions {
		each(d)
	}
}

func (g *generator) nameMembers(s scope, d model.Definition) {
	n := g.names[d]
	lower := unexported(n.goName)
	roles := func(list ...string) {
		for _, r := range list {
			n.derived[r] = s.take(strings.NewReplacer("%", n.goName, "^", lower).Replace(r))
		}
	}
	switch d := d.(type) {
	case *model.Interface:
		roles(roleProxy, roleNewProxy, roleAs, roleExport, roleDefault, roleDescriptor, roleVersion, roleHash,
			roleWrite, roleWriteNull, roleRead, roleReadNull, roleNewService, roleService)
		methods := scope{}
		for _, m := range interfaceMethods {
			methods[m] = true
		}
		for _, m := range d.Methods {
			n.members[m] = methods.take(exported(m.Name))
			n.code[m] = s.take(lower + n.members[m])
		}
	case *model.Parcelable:
		if d.Structured {
			roles(roleNew)
		} else {
			roles(roleBuiltBy)
		}
		fields := scope{}
		for _, m := range parcelableMethods {
			fields[m] = true
		}
		for _, f := range d.Fields {
			n.members[f] = fields.take(exported(f.Name))
		}
	case *model.Union:
		roles(roleNew, roleWrite, roleWriteNull, roleRead, roleReadNull, roleReadBody)
		for _, f := range d.Fields {
			n.variant[f] = s.takeOr(n.goName+exported(f.Name), "Field")
		}
	case *model.Enum:
		roles(roleValues)
		for _, e := range d.Enumerators {
			n.members[e] = s.take(n.goName + exported(e.Name))
		}
	}
	for _, c := range d.Head().Constants {
		n.members[c] = s.take(n.goName + exported(c.Name))
	}
	if _, ok := d.(*model.Union); ok {
		roles(roleHeld) // last: its fields and constants have the right to that name
	}
}

// interfaceMethods are names that no AIDL method gets: those of proxies, and those whose signature
// go vet knows better (analysis/passes/stdmethods).
var interfaceMethods = []string{
	"AsBinder", "WithDefault", "InterfaceVersion", "InterfaceHash", "Equal", "String",
	"GobDecode", "GobEncode", "MarshalJSON", "MarshalXML", "UnmarshalJSON", "UnmarshalXML",
	"ReadByte", "ReadRune", "UnreadByte", "UnreadRune", "WriteByte",
}

// parcelableMethods are names that no field gets.
var parcelableMethods = []string{"WriteToParcel", "ReadFromParcel", "String", "Equal", "ParcelableDescriptor", "ParcelableVINTF", "Parcelable"}
