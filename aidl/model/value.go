package model

import (
	"strconv"
	"strings"
)

// Value is an evaluated constant that fits its type.
type Value struct {
	Type *Type

	Bool       bool        // for Boolean
	Int        int64       // for Byte (-128 to 127), Int, Long, and enums
	Char       uint16      // for Char
	Float      float64     // for Float and Double
	Text       string      // for String and CharSequence, unquoted
	Elems      []*Value    // for Array, FixedArray and List
	Enumerator *Enumerator // for enums

	// Spelling is the evaluated value in AIDL: "42", "\"x\"", "1.500000f",
	// "{1, 2}", "a.b.E.X".
	Spelling string
	// Expression is the expression as the API dump writes it, with the value
	// behind it where it is not plain: "(1 << 3) /* 8 */".
	Expression string
}

// String is the evaluated value in AIDL.
func (v *Value) String() string { return v.Spelling }

// GoString helps tests to show values.
func (v *Value) GoString() string {
	if v.Elems != nil {
		parts := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			parts[i] = e.GoString()
		}
		return v.Type.Signature() + "{" + strings.Join(parts, ", ") + "}"
	}
	return v.Type.Signature() + "(" + strconv.Quote(v.Spelling) + ")"
}
