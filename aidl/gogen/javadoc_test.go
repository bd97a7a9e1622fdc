package gogen

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestGoDoc(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"plain", "Plain text.\n\n    code stays code", "Plain text.\n\n    code stays code"},
		{"block tags", "Sells.\n\n@param item what\n  it is\n@param count\n@return the price\n@throws SecurityException if poor\n@see #buy\n@hide",
			"Sells.\n\n  - item_: what\n    it is\n  - count_\n\nReturns the price\n\nFails with SecurityException if poor\n\nSee #buy"},
		{"after a list", "@param a - the first\nand more\n\nText again.", "  - a_: the first\n    and more\n\nText again."},
		{"inline tags", "{@link Foo#bar(int, String)} and {@link #x the label}, {@code a<b}, {@linkplain Foo\nword}. {@hide}",
			"Foo.bar(int, String) and the label, a<b, word. "},
		{"markup", "One.<p>Two <b>bold</b> &lt;x&gt;.\n<ul>\n<li>first</li>\n<li>second\n</ul>", "One.\n\nTwo bold <x>.\n\n  - first\n  - second"},
		{"no markup", "A List<T> of <vendor>, a@b.c", "A List<T> of <vendor>, a@b.c"},
		{"unknown tags", "@access read\n@unit", "@access read\n\n@unit"},
		{"doxygen", "@a name is not @c NULL, @p x\n@access read", "name is not NULL, x\n\n@access read"},
		{"empty tags", "@return\n@param", "@param"},
		{"unclosed", "{@link Foo <b", "{@link Foo <b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, goDoc(tc.text, func(s string) string { return s + "_" })); d != "" {
				t.Errorf("-want +got\n%s", d)
			}
		})
	}
}
