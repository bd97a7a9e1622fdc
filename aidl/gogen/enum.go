package gogen

import (
	"strconv"

	"github.com/fusebinder/fusebinder/aidl/model"
)

func (f *file) enum(d *model.Enum) {
	n := f.names[d]
	_, goType := backing(d)
	f.doc("", n.goName+" is the AIDL enum "+d.QualifiedName+". Values without a name may come from peers that know more of them.", d.Doc)
	f.P("type ", n.goName, " ", goType)
	f.P()
	if len(d.Enumerators) > 0 {
		f.P("// The values of ", n.goName, ".")
		f.P("const (")
		for _, e := range d.Enumerators {
			f.doc("\t", "", e.Doc)
			f.P("\t", n.members[e], " ", n.goName, " = ", strconv.FormatInt(e.Value, 10))
		}
		f.P(")")
		f.P()
	}

	f.P("// ", n.derived[roleValues], " are the values that have a name, in the order of the AIDL.")
	f.P("func ", n.derived[roleValues], "() []", n.goName, " {")
	if len(d.Enumerators) == 0 {
		f.P("return nil")
	} else {
		f.P("return []", n.goName, "{")
		for _, e := range d.Enumerators {
			f.P(n.members[e], ",")
		}
		f.P("}")
	}
	f.P("}")
	f.P()

	f.P("// String is the value's name in AIDL, or its number.")
	f.P("func (v ", n.goName, ") String() string {")
	if len(d.Enumerators) > 0 {
		f.P("switch v {")
		seen := map[int64]bool{}
		for _, e := range d.Enumerators {
			if !seen[e.Value] {
				seen[e.Value] = true
				f.P("case ", n.members[e], ":")
				f.P("return ", strconv.Quote(e.Name))
			}
		}
		f.P("}")
	}
	f.P("return ", strconv.Quote(n.goName+"("), " + ", f.use(strconvPath, "FormatInt"), "(int64(v), 10) + \")\"")
	f.P("}")
	f.P()
	f.constants(d)
}
