// Package diag says what is wrong in a source file, so that a person can
// mend it: where, what, what was expected, and what was perhaps meant.
package diag

import (
	"fmt"
	"sort"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// Severity tells an error, which stops the compiler, from a warning.
type Severity uint8

// The severities.
const (
	Error Severity = iota
	Warning
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// Diagnostic is one thing to tell.
type Diagnostic struct {
	Pos      token.Pos
	Length   int // of the marked text in bytes; 0 marks one byte
	Severity Severity
	Code     Code
	Message  string // lower case, no full stop
	Hint     string // what to do; may be empty
	Related  []Related
}

// Related is another place that explains the diagnostic.
type Related struct {
	Pos     token.Pos
	Message string
}

// New makes an error about length bytes at pos.
func New(pos token.Pos, length int, code Code, format string, args ...any) *Diagnostic {
	return &Diagnostic{Pos: pos, Length: length, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Error is "file:line:column: message".
func (d *Diagnostic) Error() string {
	word := ""
	if d.Severity == Warning {
		word = "warning: "
	}
	if !d.Pos.IsValid() {
		return word + d.Message
	}
	return fmt.Sprintf("%s: %s%s", d.Pos, word, d.Message)
}

// Format is the whole story: the line above, the source line with a mark
// below it, the hint, and the related places.
func (d *Diagnostic) Format() string {
	var b strings.Builder
	b.WriteString(d.Error())
	if d.Code != "" {
		fmt.Fprintf(&b, " [%s]", d.Code)
	}
	b.WriteByte('\n')
	snippet(&b, d.Pos, d.Length)
	if d.Hint != "" {
		fmt.Fprintf(&b, "\t%s\n", d.Hint)
	}
	for _, r := range d.Related {
		fmt.Fprintf(&b, "%s: %s\n", r.Pos, r.Message)
		snippet(&b, r.Pos, 0)
	}
	return b.String()
}

// A line longer than this is shown around the mark only.
const maxSnippet = 160

func snippet(b *strings.Builder, pos token.Pos, length int) {
	if !pos.IsValid() {
		return
	}
	n, column := pos.File.LineColumn(pos.Offset)
	line := string(pos.File.Line(n))
	if line == "" {
		return
	}
	at := min(column-1, len(line))
	if start := at - maxSnippet/2; start > 0 && len(line) > maxSnippet {
		line, at = line[start:], maxSnippet/2
	}
	if len(line) > maxSnippet {
		line = line[:maxSnippet]
	}
	line = strings.Map(printable, line)
	length = max(1, min(length, len(line)-at))
	// Tabs stay tabs, so that the mark stands under the text at any width.
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, line[:min(at, len(line))])
	fmt.Fprintf(b, "\t%s\n\t%s%s\n", line, pad, strings.Repeat("^", length))
}

// printable keeps a hostile file from talking to the terminal.
func printable(r rune) rune {
	if r != '\t' && r < ' ' || r == 0x7f {
		return '?'
	}
	return r
}

// List is what a run found, in the order of files and places.
type List []*Diagnostic

// HasErrors tells whether any of them is an error.
func (l List) HasErrors() bool {
	for _, d := range l {
		if d.Severity == Error {
			return true
		}
	}
	return false
}

// Err is nil when the list holds no error, else the list itself.
func (l List) Err() error {
	if !l.HasErrors() {
		return nil
	}
	return l
}

// Error is the first errors, one in each line.
func (l List) Error() string {
	lines := make([]string, len(l))
	for i, d := range l {
		lines[i] = d.Error()
	}
	return strings.Join(lines, "\n")
}

// Format is the whole story of each.
func (l List) Format() string {
	var b strings.Builder
	for _, d := range l {
		b.WriteString(d.Format())
	}
	return b.String()
}

// Sort orders by file name, place and message.
func (l List) Sort() {
	name := func(d *Diagnostic) string {
		if d.Pos.File == nil {
			return ""
		}
		return d.Pos.File.Name
	}
	sort.SliceStable(l, func(i, j int) bool {
		a, b := l[i], l[j]
		if na, nb := name(a), name(b); na != nb {
			return na < nb
		}
		if a.Pos.Offset != b.Pos.Offset {
			return a.Pos.Offset < b.Pos.Offset
		}
		return a.Message < b.Message
	})
}
