package diag_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/token"
)

func TestFormat(t *testing.T) {
	f := token.NewFile("a/IFoo.aidl", []byte("interface IFoo {\r\n\tvoid f(Strnig \x1b[31m s);\n}"))
	d := diag.New(f.Pos(26), 6, diag.UnknownType, "unknown type '%s'", "Strnig")
	d.Hint = "did you mean String?"
	d.Related = []diag.Related{{Pos: f.Pos(10), Message: "in this interface"}}
	want := "a/IFoo.aidl:2:9: unknown type 'Strnig' [unknown-type]\n" +
		"\t\tvoid f(Strnig ?[31m s);\n" +
		"\t\t       ^^^^^^\n" +
		"\tdid you mean String?\n" +
		"a/IFoo.aidl:1:11: in this interface\n" +
		"\tinterface IFoo {\n" +
		"\t          ^\n"
	if d := cmp.Diff(want, d.Format()); d != "" {
		t.Errorf("-want +got\n%s", d)
	}
	if got := d.Error(); got != "a/IFoo.aidl:2:9: unknown type 'Strnig'" {
		t.Error(got)
	}
}

// TestLongLine: only the part around the mark is shown.
func TestLongLine(t *testing.T) {
	f := token.NewFile("x", []byte(strings.Repeat("a", 5000)+"!"+strings.Repeat("b", 5000)))
	text := diag.New(f.Pos(5000), 1, diag.BadCharacter, "here").Format()
	lines := strings.Split(text, "\n")
	if len(text) > 500 || lines[1][strings.Index(lines[2], "^")] != '!' {
		t.Errorf("%q", text)
	}
}

func TestReporter(t *testing.T) {
	f := token.NewFile("x", []byte(strings.Repeat("\n", 500)))
	var r diag.Reporter
	r.Errorf(f.Pos(300), 1, diag.Syntax, "last")
	r.Errorf(f.Pos(300), 1, diag.Syntax, "the same place again")
	for i := range 200 {
		r.Errorf(f.Pos(i), 1, diag.Syntax, "error")
	}
	list := r.List()
	if len(list) != diag.MaxErrors+1 || list[0].Pos.Offset != 0 {
		t.Fatalf("%d diagnostics, the first at %d", len(list), list[0].Pos.Offset)
	}
	if got := list[len(list)-1].Error(); got != "too many errors: 101 more are not shown" {
		t.Error(got)
	}
	warning := diag.New(f.Pos(0), 1, diag.ConstName, "w")
	warning.Severity = diag.Warning
	if err := (diag.List{warning}).Err(); err != nil {
		t.Errorf("a warning is an error: %v", err)
	}
	if got := warning.Error(); got != "x:1:1: warning: w" {
		t.Error(got)
	}
}

func TestSuggest(t *testing.T) {
	types := []string{"String", "boolean", "byte", "int", "long", "List", "Map", "IBinder", "ParcelFileDescriptor"}
	for _, tt := range []struct{ name, want string }{
		{"Strnig", "String"},
		{"string", "String"},
		{"Sting", "String"},
		{"bolean", "boolean"},
		{"ParcelFileDescripter", "ParcelFileDescriptor"},
		{"Ibinder", "IBinder"},
		{"itn", "int"},
		{"Foo", ""},
		{"x", ""},
		{"", ""},
		{"SomethingElse", ""},
		{strings.Repeat("x", 1000), ""},
	} {
		if got := diag.Suggest(tt.name, types); got != tt.want {
			t.Errorf("Suggest(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}
