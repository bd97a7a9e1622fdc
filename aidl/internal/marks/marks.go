// Package marks compares diagnostics with those that comments in the source
// ask for: behind the offending token stands /* ERROR "regular expression" */.
package marks

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/scanner"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// mark is a mistake that a comment asks for.
type mark struct {
	file *token.File
	from token.Token // the token before the comment
	rx   *regexp.Regexp
	met  bool
}

var comment = regexp.MustCompile(`(?s)^/\* ERROR (".*") \*/$`)

// Check fails the test for each diagnostic that no mark in the files asks
// for, and for each mark that no diagnostic meets.
func Check(t testing.TB, list diag.List, files ...*token.File) {
	t.Helper()
	var marks []*mark
	for _, f := range files {
		marks = append(marks, read(t, f)...)
	}
	for _, d := range list {
		if !meet(marks, d) {
			t.Errorf("unexpected:\n%s", d.Format())
		}
	}
	for _, m := range marks {
		if !m.met {
			t.Errorf("%s: missing: %s", m.file.Pos(m.from.Offset), m.rx)
		}
	}
}

func read(t testing.TB, f *token.File) []*mark {
	t.Helper()
	var list []*mark
	var last token.Token
	for _, tk := range scanner.All(f, new(diag.Reporter)) {
		for _, c := range tk.Comments {
			m := comment.FindStringSubmatch(c.Text)
			if m == nil {
				continue
			}
			text, err := strconv.Unquote(m[1])
			if err != nil {
				t.Fatalf("%s: %s: %v", f.Pos(c.Offset), c.Text, err)
			}
			list = append(list, &mark{file: f, from: last, rx: regexp.MustCompile(text)})
		}
		last = tk
	}
	return list
}

// meet finds a mark whose token the diagnostic touches.
func meet(marks []*mark, d *diag.Diagnostic) bool {
	if d.Pos.File == nil {
		return false
	}
	from, to := d.Pos.Offset, d.Pos.Offset+max(d.Length, 1)
	text := d.Message
	if d.Hint != "" {
		text += "; " + d.Hint
	}
	for _, m := range marks {
		if !m.met && m.file.Name == d.Pos.File.Name && from <= m.from.End() && m.from.Offset < to && m.rx.MatchString(text) {
			m.met = true
			return true
		}
	}
	return false
}
