package parcel

import (
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
)

// Hidden is what Describe shows instead of a value that must not appear in logs (@SensitiveData).
const Hidden hidden = "[hidden]"

type hidden string

// Describe is a parcelable for people: its name, and its fields as pairs of a name and a value:
//
//	parcel.Describe("Point", "x", 1, "label", "a") // Point{x: 1, label: "a"}
func Describe(name string, fields ...any) string {
	var b strings.Builder
	b.WriteString(name)
	b.WriteByte('{')
	for i := 0; i+1 < len(fields); i += 2 {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%v: ", fields[i])
		describe(&b, reflect.ValueOf(fields[i+1]))
	}
	b.WriteByte('}')
	return b.String()
}

func describe(b *strings.Builder, v reflect.Value) {
	if !v.IsValid() {
		b.WriteString("null")
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		if v.IsNil() {
			b.WriteString("null")
			return
		}
	}
	if v.CanInterface() {
		switch x := v.Interface().(type) {
		case hidden:
			b.WriteString(string(x))
			return
		case *os.File:
			b.WriteString(x.Name())
			return
		case fmt.Stringer:
			b.WriteString(x.String())
			return
		case Binder:
			fmt.Fprintf(b, "%T", x)
			return
		}
	}
	switch v.Kind() {
	case reflect.String:
		b.WriteString(strconv.Quote(v.String()))
	case reflect.Pointer, reflect.Interface:
		describe(b, v.Elem())
	case reflect.Slice, reflect.Array:
		b.WriteByte('[')
		for i := range v.Len() {
			if i > 0 {
				b.WriteString(", ")
			}
			describe(b, v.Index(i))
		}
		b.WriteByte(']')
	case reflect.Map:
		b.WriteString(fmt.Sprint(v)) // with its keys in order
	default:
		fmt.Fprint(b, v)
	}
}
