package gogen

import "github.com/fusebinder/fusebinder/aidl/model"

// aliases emits the names of a package whose types live in another Go package, because the two
// import each other.
func (f *file) aliases(pkg *model.Package) {
	home := f.place.home.importPath
	taken := scope{}
	var each func(prefix string, d model.Definition)
	each = func(prefix string, d model.Definition) {
		if i, ok := d.(*model.Interface); ok && i.Forward || f.mapped(d) {
			return
		}
		n := f.names[d]
		name := taken.take(prefix + typeName(d.Head().Name))
		if p, ok := d.(*model.Parcelable); !ok || len(p.TypeParams) == 0 {
			f.P("// ", name, " is ", d.Head().QualifiedName, "; see there.")
			f.P("type ", name, " = ", f.use(home, n.goName))
			f.P()
		}
		for _, c := range d.Head().Nested {
			each(name, c)
		}
	}
	for _, d := range pkg.Definitions {
		each("", d)
	}
}
