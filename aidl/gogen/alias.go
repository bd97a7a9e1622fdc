package gogen

import "github.com/fusebinder/fusebinder/aidl/model"

// aliases emits the names of a package whose types live in another Go package, because the two
// import each other.
func (f *file) aliases(pkg *model.Package) {
	home := f.place.home.importPath
	var each func(d model.Definition)
	each = func(d model.Definition) {
		if i, ok := d.(*model.Interface); ok && i.Forward || f.mapped(d) {
			return
		}
		n := f.names[d]
		if p, ok := d.(*model.Parcelable); !ok || len(p.TypeParams) == 0 {
			f.P("// ", n.goName, " is where its package can be imported from; see there.")
			f.P("type ", n.goName, " = ", f.use(home, n.goName))
			f.P()
		}
		for _, c := range d.Head().Nested {
			each(c)
		}
	}
	for _, d := range pkg.Definitions {
		each(d)
	}
}
