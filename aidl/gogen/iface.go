package gogen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// method is a method of an interface as Go sees it.
type method struct {
	*model.Method
	name    string // of the Go method
	code    string // of the constant
	oneway  bool
	params  []param
	results []result
	outs    []*model.Arg // of the last results
}

// param is a parameter: an argument that goes in, or the length of an array that comes out.
type param struct {
	name   string
	arg    *model.Arg
	length bool
}

// result is a value that comes out.
type result struct {
	name string
	t    *model.Type
}

func (f *file) methodOf(d *model.Interface, m *model.Method) *method {
	n := f.names[d]
	g := &method{Method: m, name: n.members[m], code: n.code[m], oneway: m.Oneway || d.Oneway}
	taken := scope{}
	for _, a := range m.Args {
		switch {
		case a.IsIn():
			g.params = append(g.params, param{name: parameter(a.Name, taken), arg: a})
		case a.Type.Kind == model.Array:
			g.params = append(g.params, param{name: taken.take(unexported(a.Name) + "Len"), arg: a, length: true})
		}
	}
	if m.Return.Kind != model.Void {
		g.results = append(g.results, result{taken.take("result"), m.Return})
	}
	for _, a := range m.Args {
		if a.IsOut() {
			name := a.Name
			if a.IsIn() {
				name += "Out"
			}
			g.results = append(g.results, result{parameter(name, taken), a.Type})
			g.outs = append(g.outs, a)
		}
	}
	return g
}

// paramName is the Go name of an argument, for the documentation.
func (m *method) paramName(name string) string {
	for _, p := range m.params {
		if p.arg.Name == name && !p.length {
			return p.name
		}
	}
	for i, a := range m.outs {
		if a.Name == name {
			return m.results[len(m.results)-len(m.outs)+i].name
		}
	}
	return name
}

// wantsLength tells whether the caller says how long an array is to be that comes out.
func (m *method) wantsLength() bool {
	return slices.ContainsFunc(m.params, func(p param) bool { return p.length })
}

func (f *file) paramType(p param) string {
	if p.length {
		return "int"
	}
	return f.goType(p.arg.Type, p.arg.Type.Nullable)
}

// signature is "(ctx context.Context, a, b int32) (string, error)".
func (f *file) signature(m *method) string {
	list := []variable{{"ctx", f.use(contextPath, "Context")}}
	for _, p := range m.params {
		list = append(list, variable{p.name, f.paramType(p)})
	}
	return "(" + variables(list) + ") " + f.resultList(m)
}

// variable is a parameter or a result in Go.
type variable struct{ name, goType string }

// variables is "a, b int32, c string".
func variables(list []variable) string {
	var b strings.Builder
	for i, v := range list {
		b.WriteString(v.name)
		switch {
		case i+1 == len(list):
			b.WriteString(" " + v.goType)
		case list[i+1].goType == v.goType:
			b.WriteString(", ")
		default:
			b.WriteString(" " + v.goType + ", ")
		}
	}
	return b.String()
}

func (f *file) resultList(m *method) string {
	switch len(m.results) {
	case 0:
		return "error"
	case 1:
		return "(" + f.goType(m.results[0].t, m.results[0].t.Nullable) + ", error)"
	}
	var list []variable
	for _, r := range m.results {
		list = append(list, variable{r.name, f.goType(r.t, r.t.Nullable)})
	}
	return "(" + variables(append(list, variable{"err", "error"})) + ")"
}

// failure is the results of a call that ended with err.
func (f *file) failure(m *method, err string) string {
	parts := make([]string, 0, len(m.results)+1)
	for _, r := range m.results {
		parts = append(parts, f.zero(r.t, r.t.Nullable))
	}
	return strings.Join(append(parts, err), ", ")
}

func (f *file) iface(d *model.Interface) {
	n := f.names[d]
	methods := make([]*method, len(d.Methods))
	for i, m := range d.Methods {
		methods[i] = f.methodOf(d, m)
	}
	f.P("// ", n.derived[roleDescriptor], " is the name of ", n.goName, " on the bus.")
	f.P("const ", n.derived[roleDescriptor], " = ", strconv.Quote(d.Descriptor))
	f.P()
	if f.versioned(d) {
		f.P("// ", n.derived[roleVersion], " is the version of ", n.goName, " that this code knows.")
		f.P("const ", n.derived[roleVersion], " int32 = ", f.opts.Version)
		f.P()
	}
	if f.hashed(d) {
		f.P("// ", n.derived[roleHash], " is the hash of the frozen API that this code knows.")
		f.P("const ", n.derived[roleHash], " = ", strconv.Quote(f.opts.Hash))
		f.P()
	}

	text := n.goName + " is the AIDL interface " + d.QualifiedName + "."
	if perms := permissions(d, nil); len(perms) > 0 || anyPermission(d) {
		text += " Some of its calls need permissions:\nan implementation must be a binder.PermissionChecker, too."
	}
	for _, m := range methods {
		if m.wantsLength() {
			text += "\n\nAn int whose name ends in Len is the length of the array of that name that comes out: services in\nJava fill one of that length."
			break
		}
	}
	f.doc("", text, d.Doc)
	f.P("type ", n.goName, " interface {")
	for _, m := range methods {
		f.methodDoc("\t", methodDoc(m), m.Doc, m.paramName)
		f.P("\t", m.name, f.signature(m))
	}
	f.P("}")
	f.P()
	f.constants(d)
	if len(methods) > 0 {
		f.P("// Transaction codes of ", n.goName, ".")
		f.P("const (")
		for _, m := range methods {
			f.P(m.code, " ", f.binder("Code"), " = ", f.binder("FIRST_CALL_TRANSACTION"), " + ", m.ID)
		}
		f.P(")")
		f.P()
	}
	f.objects(d)
	f.proxy(d, methods)
	f.fallback(d, methods)
	f.service(d, methods)
	f.interfaceFunctions(d)
}

func (f *file) versioned(d *model.Interface) bool { return f.opts.Version > 0 && d.File.Requested }
func (f *file) hashed(d *model.Interface) bool    { return f.opts.Hash != "" && d.File.Requested }

// methodDoc is what the generator itself has to say about a method.
func methodDoc(m *method) string {
	var lines []string
	if m.oneway {
		lines = append(lines, "Oneway: it returns when the driver has taken the call.")
	}
	return strings.Join(lines, "\n")
}

// objects emits how implementations become objects and objects become IFoos.
func (f *file) objects(d *model.Interface) {
	n := f.names[d]
	object, bus := f.binder("Object"), f.binder("Bus")
	f.P("// ", n.derived[roleExport], " makes impl an object on the bus, which can be given to others. An implementation that was")
	f.P("// exported before, and whose object lives, keeps it; opts are those of the first time.")
	f.P("func ", n.derived[roleExport], "(bus *", bus, ", impl ", n.goName, ", opts ...", f.binder("ExportOption"), ") *", object, " {")
	if d.VINTF {
		f.P("opts = append([]", f.binder("ExportOption"), "{", f.binder("WithStability"), "(", f.parcel("StabilityVINTF"), ")}, opts...)")
	}
	f.P("return bus.ExportOnce(", n.derived[roleNewService], "(impl), opts...)")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleNewService], " answers calls with impl, for those who want to stand between: ", n.derived[roleExport], " does the rest.")
	f.P("func ", n.derived[roleNewService], "(impl ", n.goName, ") ", f.binder("Adapter"), " { return &", n.derived[roleService], "{impl} }")
	f.P()
	f.P("// ", n.derived[roleAs], " is the ", n.goName, " that b is: the implementation itself if b is an object of this process, else a")
	f.P("// proxy; nil for nil.")
	f.P("func ", n.derived[roleAs], "(b ", f.binder("Binder"), ") ", n.goName, " {")
	f.P("if b == nil {")
	f.P("return nil")
	f.P("}")
	f.P("if impl, ok := ", f.binder("Implementation"), "(b, ", n.derived[roleDescriptor], ").(", n.goName, "); ok {")
	f.P("return impl")
	f.P("}")
	f.P("return ", n.derived[roleNewProxy], "(b)")
	f.P("}")
	f.P()
}

func (f *file) proxy(d *model.Interface, methods []*method) {
	n := f.names[d]
	proxy := n.derived[roleProxy]
	f.P("// ", proxy, " calls ", article(n.goName), " of another process. Two for one object are equal (==).")
	f.P("type ", proxy, " struct {")
	f.P("binder ", f.binder("Binder"))
	f.P("fallback ", n.goName)
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleNewProxy], " makes a proxy for b, which is taken to be ", article(n.goName), ".")
	f.P("func ", n.derived[roleNewProxy], "(b ", f.binder("Binder"), ") ", proxy, " { return ", proxy, "{binder: b} }")
	f.P()
	f.P("// AsBinder is the object that is called.")
	f.P("func (p ", proxy, ") AsBinder() ", f.binder("Binder"), " { return p.binder }")
	f.P()
	f.P("// Equal says whether p and o are for the same object.")
	f.P("func (p ", proxy, ") Equal(o ", proxy, ") bool { return p == o }")
	f.P()
	f.P("// WithDefault is p with somebody to answer the calls that an older service does not know; without,")
	f.P("// they end with binder.ErrUnknownTransaction.")
	f.P("func (p ", proxy, ") WithDefault(impl ", n.goName, ") ", proxy, " {")
	f.P("p.fallback = impl")
	f.P("return p")
	f.P("}")
	f.P()
	for _, m := range methods {
		f.proxyMethod(d, m)
	}
	if f.versioned(d) {
		f.P("// InterfaceVersion asks which version of ", n.goName, " the object has.")
		f.builtinProxy(d, "InterfaceVersion", "int32", "GET_INTERFACE_VERSION_TRANSACTION", "ReadInt32", "0")
	}
	if f.hashed(d) {
		f.P("// InterfaceHash asks for the hash of the object's frozen API.")
		f.builtinProxy(d, "InterfaceHash", "string", "GET_INTERFACE_HASH_TRANSACTION", "ReadString16", `""`)
	}
}

func (f *file) builtinProxy(d *model.Interface, name, goType, code, read, zero string) {
	n := f.names[d]
	f.P("func (p ", n.derived[roleProxy], ") ", name, "(ctx ", f.use(contextPath, "Context"), ") (", goType, ", error) {")
	f.P("data := ", f.binder("NewCall"), "(p.binder, ", n.derived[roleDescriptor], ")")
	f.P("defer data.Release()")
	f.P("reply, err := ", f.binder("Call"), "(ctx, p.binder, ", f.binder(code), ", data, 0)")
	f.P("if err != nil {")
	f.P("return ", zero, ", err")
	f.P("}")
	f.P("defer reply.Release()")
	f.P("result := reply.", read, "()")
	f.P("return result, reply.Err()")
	f.P("}")
	f.P()
}

// local finds names for the variables of a method's body that no parameter has.
type locals struct{ taken scope }

func newLocals(m *method) *locals {
	l := &locals{scope{"ctx": true, "err": true}}
	for _, p := range m.params {
		l.taken[p.name] = true
	}
	for _, r := range m.results {
		l.taken[r.name] = true
	}
	return l
}

func (l *locals) name(want string) string { return l.taken.take(want) }

func (f *file) proxyMethod(d *model.Interface, m *method) {
	n := f.names[d]
	l := newLocals(m)
	self, data, reply := l.name("p"), l.name("data"), l.name("reply")
	f.P("// ", m.name, " calls ", d.Name, ".", m.Method.Name, ".")
	if m.Doc.Deprecated {
		f.doc("", "", model.Doc{Deprecated: true, Note: m.Doc.Note})
	}
	f.P("func (", self, " ", n.derived[roleProxy], ") ", m.name, f.signature(m), " {")
	f.P(data, " := ", f.binder("NewCall"), "(", self, ".binder, ", n.derived[roleDescriptor], ")")
	f.P("defer ", data, ".Release()")
	for _, p := range m.params {
		if p.length {
			f.P(data, ".WriteInt32(int32(", p.name, "))")
			continue
		}
		f.write(p.arg.Type, p.arg.Type.Nullable, data, p.name, false)
	}
	flags := "0"
	if d.Sensitive {
		flags = f.binder("ClearBuffer")
	}
	if m.oneway {
		f.P("return ", f.binder("CallOneWay"), "(ctx, ", self, ".binder, ", m.code, ", ", data, ", ", flags, ")")
		f.P("}")
		f.P()
		return
	}
	f.P(reply, ", err := ", f.binder("Call"), "(ctx, ", self, ".binder, ", m.code, ", ", data, ", ", flags, ")")
	f.P("if err != nil {")
	args := []string{"ctx"}
	for _, p := range m.params {
		args = append(args, p.name)
	}
	f.P("if ", self, ".fallback != nil && ", f.binder("Unknown"), "(err) {")
	f.P("return ", self, ".fallback.", m.name, "(", strings.Join(args, ", "), ")")
	f.P("}")
	f.P("return ", f.failure(m, "err"))
	f.P("}")
	f.P("defer ", reply, ".Release()")
	values := make([]string, 0, len(m.results)+1)
	for _, r := range m.results {
		switch {
		case len(m.results) > 1:
			f.read(r.t, r.t.Nullable, reply, r.name, false)
		case needsVariable(r.t, r.t.Nullable):
			f.P("var ", r.name, " ", f.goType(r.t, r.t.Nullable))
			f.read(r.t, r.t.Nullable, reply, r.name, false)
		default:
			f.P(r.name, " := ", f.readValue(r.t, r.t.Nullable, reply))
		}
		values = append(values, r.name)
	}
	f.P("return ", strings.Join(append(values, reply+".Err()"), ", "))
	f.P("}")
	f.P()
}

// fallback emits the implementation that knows nothing.
func (f *file) fallback(d *model.Interface, methods []*method) {
	n := f.names[d]
	name := n.derived[roleDefault]
	f.P("// ", name, " answers every call as a service does that does not know it. Embed it in an implementation,")
	f.P("// and methods that are added to ", n.goName, " later do not break it.")
	f.P("type ", name, " struct{}")
	f.P()
	for _, m := range methods {
		f.P("// ", m.name, " answers binder.ErrUnknownTransaction.")
		types := []string{f.use(contextPath, "Context")}
		for _, p := range m.params {
			types = append(types, f.paramType(p))
		}
		f.P("func (", name, ") ", m.name, "(", strings.Join(types, ", "), ") ", f.resultList(m), " {")
		f.P("return ", f.failure(m, f.binder("ErrUnknownTransaction")))
		f.P("}")
		f.P()
	}
}

func (f *file) service(d *model.Interface, methods []*method) {
	n := f.names[d]
	name := n.derived[roleService]
	parcelPtr := "*" + f.parcel("Parcel")
	f.P("// ", name, " answers the calls of an object.")
	f.P("type ", name, " struct{ impl ", n.goName, " }")
	f.P()
	f.P("func (s *", name, ") InterfaceDescriptor() string { return ", n.derived[roleDescriptor], " }")
	f.P("func (s *", name, ") Implementation() any { return s.impl }")
	f.P()
	f.P("func (s *", name, ") OnTransact(ctx ", f.use(contextPath, "Context"), ", code ", f.binder("Code"), ", data, reply ", parcelPtr, ", _ ", f.binder("Flags"), ") error {")
	f.P("if err := data.EnforceInterface(", n.derived[roleDescriptor], "); err != nil {")
	f.P("return err")
	f.P("}")
	if len(methods) > 0 || f.versioned(d) || f.hashed(d) {
		f.P("switch code {")
		for _, m := range methods {
			f.P("case ", m.code, ":")
			f.P("return s.on", m.name, "(ctx, data, reply)")
		}
		if f.versioned(d) {
			f.P("case ", f.binder("GET_INTERFACE_VERSION_TRANSACTION"), ":")
			f.P("reply.WriteNoException()")
			f.P("reply.WriteInt32(", n.derived[roleVersion], ")")
			f.P("return nil")
		}
		if f.hashed(d) {
			f.P("case ", f.binder("GET_INTERFACE_HASH_TRANSACTION"), ":")
			f.P("reply.WriteNoException()")
			f.P("reply.WriteString16(", n.derived[roleHash], ")")
			f.P("return nil")
		}
		f.P("}")
	}
	f.P("return ", f.binder("ErrUnknownTransaction"))
	f.P("}")
	f.P()
	for _, m := range methods {
		f.serviceMethod(d, m)
	}
}

func (f *file) serviceMethod(d *model.Interface, m *method) {
	n := f.names[d]
	l := newLocals(m)
	self, data, reply := l.name("s"), l.name("data"), l.name("reply")
	parcelPtr := "*" + f.parcel("Parcel")
	dataParam, replyParam := data, reply
	if m.oneway {
		replyParam = "_"
	}
	if len(m.params) == 0 {
		dataParam = "_"
	}
	f.P("func (", self, " *", n.derived[roleService], ") on", m.name, "(ctx ", f.use(contextPath, "Context"), ", ", dataParam, ", ", replyParam, " ", parcelPtr, ") error {")
	for _, p := range permissions(d, m.Method) {
		ask := "RequireAll"
		if p.Any {
			ask = "RequireAny"
		}
		quoted := make([]string, len(p.Names))
		for i, name := range p.Names {
			quoted[i] = strconv.Quote(permissionName(name))
		}
		f.P("if err := ", f.binder(ask), "(ctx, ", self, ".impl, ", strings.Join(quoted, ", "), "); err != nil {")
		f.P("return err")
		f.P("}")
	}
	args := []string{"ctx"}
	for _, p := range m.params {
		args = append(args, p.name)
		switch {
		case p.length:
			f.P(p.name, " := int(", data, ".ReadInt32())")
		case needsVariable(p.arg.Type, p.arg.Type.Nullable):
			f.P("var ", p.name, " ", f.paramType(p))
			f.read(p.arg.Type, p.arg.Type.Nullable, data, p.name, false)
		default:
			f.P(p.name, " := ", f.readValue(p.arg.Type, p.arg.Type.Nullable, data))
		}
	}
	if len(m.params) > 0 {
		f.P("if err := ", data, ".Err(); err != nil {")
		f.P("return err")
		f.P("}")
	}
	call := self + ".impl." + m.name + "(" + strings.Join(args, ", ") + ")"
	if m.oneway {
		f.P("return ", call)
		f.P("}")
		f.P()
		return
	}
	results := make([]string, 0, len(m.results)+1)
	files := false
	for _, r := range m.results {
		results = append(results, r.name)
		files = files || hasFile(r.t, map[model.Definition]bool{})
	}
	if len(results) == 0 {
		f.P("if err := ", call, "; err != nil {")
	} else {
		f.P(strings.Join(append(results, "err"), ", "), " := ", call)
		f.P("if err != nil {")
	}
	f.P("return err")
	f.P("}")
	f.P(reply, ".WriteNoException()")
	if files {
		f.P(reply, ".HandOver() // files that are returned are closed when they are sent")
	}
	for _, r := range m.results {
		f.write(r.t, r.t.Nullable, reply, r.name, false)
	}
	f.P("return nil")
	f.P("}")
	f.P()
}

// interfaceFunctions emits what other generated code needs to send and receive IFoos.
func (f *file) interfaceFunctions(d *model.Interface) {
	n := f.names[d]
	parcelPtr := "*" + f.parcel("Parcel")
	options := ""
	if d.VINTF {
		options = ", " + f.binder("WithStability") + "(" + f.parcel("StabilityVINTF") + ")"
	}
	f.P("// ", n.derived[roleWriteNull], " writes v, nil as null. An implementation of this program is exported on p's bus.")
	f.P("func ", n.derived[roleWriteNull], "(p ", parcelPtr, ", v ", n.goName, ") {")
	f.P("switch r := v.(type) {")
	f.P("case nil:")
	f.P("p.WriteStrongBinder(nil)")
	f.P("case ", n.derived[roleProxy], ":")
	f.P("p.WriteStrongBinder(r.binder)")
	f.P("default:")
	f.P(f.binder("WriteAdapter"), "(p, ", n.derived[roleNewService], "(v)", options, ")")
	f.P("}")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleWrite], " is ", n.derived[roleWriteNull], " for one that must not be nil.")
	f.P("func ", n.derived[roleWrite], "(p ", parcelPtr, ", v ", n.goName, ") {")
	f.P("if v == nil {")
	f.P(f.binder("WriteRequired"), "(p, nil)")
	f.P("return")
	f.P("}")
	f.P(n.derived[roleWriteNull], "(p, v)")
	f.P("}")
	f.P()
	f.P("// ", n.derived[roleReadNull], " reads ", article(n.goName), "; nil if it is null.")
	f.P("func ", n.derived[roleReadNull], "(p ", parcelPtr, ") ", n.goName, " { return ", n.derived[roleAs], "(", f.binder("ReadNullable"), "(p)) }")
	f.P()
	f.P("// ", n.derived[roleRead], " reads ", article(n.goName), " that must not be null.")
	f.P("func ", n.derived[roleRead], "(p ", parcelPtr, ") ", n.goName, " { return ", n.derived[roleAs], "(", f.binder("ReadRequired"), "(p)) }")
	f.P()
}

// permissions are those that a call of m needs: the interface's, and the method's own.
func permissions(d *model.Interface, m *model.Method) []*model.Permission {
	var list []*model.Permission
	if d.Permission != nil && d.Permission.Kind == model.Enforce {
		list = append(list, d.Permission)
	}
	if m != nil && m.Permission != nil && m.Permission.Kind == model.Enforce {
		list = append(list, m.Permission)
	}
	return list
}

func anyPermission(d *model.Interface) bool {
	for _, m := range d.Methods {
		if len(permissions(d, m)) > 0 {
			return true
		}
	}
	return false
}

// permissionName is a permission's full name: a name without dots is one of android.Manifest.
func permissionName(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return "android.permission." + name
}

// article is the name with the article that is spoken before it.
func article(name string) string {
	if strings.ContainsAny(name[:1], "AEIOaeio") {
		return "an " + name
	}
	return "a " + name
}
