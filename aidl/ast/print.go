package ast

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// Fprint writes the tree below a node, one node in each line with its place,
// for tests and for the curious.
func Fprint(w io.Writer, n Node) {
	p := printer{w}
	p.value("", reflect.ValueOf(n), 0)
}

type printer struct{ w io.Writer }

func (p printer) value(name string, v reflect.Value, depth int) {
	indent := strings.Repeat("  ", depth)
	if name != "" {
		name += ": "
	}
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			p.value(strings.TrimSuffix(name, ": "), v.Elem(), depth)
		}
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		n, ok := v.Interface().(Node)
		if !ok {
			return
		}
		head := fmt.Sprintf("%s%s%s %s", indent, name, v.Elem().Type().Name(), place(n))
		switch n := n.(type) {
		case *Ident:
			fmt.Fprintf(p.w, "%s %s\n", head, n.Text)
			return
		case *Name:
			fmt.Fprintf(p.w, "%s %s\n", head, n)
			return
		case *Literal:
			fmt.Fprintf(p.w, "%s %s\n", head, n.Text)
			return
		case *File:
			head = indent + "File"
		}
		fmt.Fprintln(p.w, head)
		p.fields(v.Elem(), depth+1)
	case reflect.Slice:
		for i := range v.Len() {
			p.value(strings.TrimSuffix(name, ": "), v.Index(i), depth)
		}
	case reflect.Struct:
		if c, ok := v.Interface().(token.Comment); ok {
			fmt.Fprintf(p.w, "%s%s%q\n", indent, name, c.Text)
		}
	case reflect.Bool:
		if v.Bool() {
			fmt.Fprintf(p.w, "%s%strue\n", indent, name)
		}
	case reflect.Uint8:
		if v.Uint() != 0 {
			fmt.Fprintf(p.w, "%s%s%v\n", indent, name, v.Interface())
		}
	}
}

func (p printer) fields(v reflect.Value, depth int) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		switch {
		case f.Name == "Comments", f.Name == "Span", f.Name == "Source":
		case f.Name == "Header":
			p.fields(v.Field(i), depth)
		default:
			p.value(f.Name, v.Field(i), depth)
		}
	}
}

func place(n Node) string {
	from, to := n.Pos(), n.End()
	return fmt.Sprintf("%d:%d-%d:%d", from.Line(), from.Column(), to.Line(), to.Column())
}
