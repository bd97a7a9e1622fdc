package api

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// Mapping lists each method of the requested files with its place: a line
// "interface|method|argument types,|return type" with Java's names, then a
// line "file:line". It is what AOSP's --apimapping writes.
func Mapping(p *model.Program) string {
	lines := make(map[string]string)
	for _, f := range p.Files {
		if !f.Requested {
			continue
		}
		for _, d := range f.Definitions {
			i, ok := d.(*model.Interface)
			if !ok {
				continue
			}
			for _, m := range i.Methods {
				args := ""
				for _, a := range m.Args {
					args += javaType(a.Type, false) + ","
				}
				key := fmt.Sprintf("%s|%s|%s|%s", i.QualifiedName, m.Name, args, javaType(m.Return, false))
				lines[key] = fmt.Sprintf("%s:%d", m.Pos.File.Name, m.Pos.Line())
			}
		}
	}
	keys := make([]string, 0, len(lines))
	for k := range lines {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k + "\n" + lines[k] + "\n")
	}
	return b.String()
}

var javaNames = map[model.Kind]string{
	model.String: "java.lang.String", model.List: "java.util.List", model.Map: "java.util.Map",
	model.IBinder: "android.os.IBinder", model.FileDescriptor: "java.io.FileDescriptor",
	model.CharSequence: "java.lang.CharSequence", model.ParcelFileDescriptor: "android.os.ParcelFileDescriptor",
	model.ParcelableHolder: "android.os.ParcelableHolder",
}

var boxes = map[model.Kind]string{
	model.Void: "Void", model.Boolean: "Boolean", model.Byte: "Byte", model.Char: "Character", model.Int: "Integer",
	model.Long: "Long", model.Float: "Float", model.Double: "Double",
}

// javaType is how Java writes a type; boxed inside <>.
func javaType(t *model.Type, boxed bool) string {
	if t.IsArray() {
		return javaType(t.Elem, false) + "[]"
	}
	kind, name := t.Kind, t.Name
	if e := t.Enum(); e != nil {
		kind, name = e.Backing, e.Backing.String()
	}
	if box := boxes[kind]; boxed && box != "" {
		name = box
	} else if java := javaNames[kind]; java != "" {
		name = java
	}
	if len(t.Args) == 0 {
		return name
	}
	var args []string
	for _, a := range t.Args {
		args = append(args, javaType(a, true))
	}
	return name + "<" + strings.Join(args, ",") + ">"
}
