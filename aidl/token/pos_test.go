package token_test

import (
	"testing"

	"github.com/fusebinder/fusebinder/aidl/token"
)

func TestLineColumn(t *testing.T) {
	f := token.NewFile("x.aidl", []byte("ab\r\n\ncd"))
	for _, tt := range []struct {
		offset int
		want   string
	}{{0, "x.aidl:1:1"}, {1, "x.aidl:1:2"}, {3, "x.aidl:1:4"}, {4, "x.aidl:2:1"}, {5, "x.aidl:3:1"}, {7, "x.aidl:3:3"}} {
		if got := f.Pos(tt.offset).String(); got != tt.want {
			t.Errorf("offset %d: %s, want %s", tt.offset, got, tt.want)
		}
	}
	for n, want := range []string{"", "ab", "", "cd", ""} {
		if got := string(f.Line(n)); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
	if got := (token.Pos{}).String(); got != "-" {
		t.Errorf("nowhere is %q", got)
	}
}
