package gogen

import (
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
)

// doc writes a doc comment: what we say, then what the AIDL says.
func (f *file) doc(indent, ours string, d model.Doc) { f.methodDoc(indent, ours, d, nil) }

// methodDoc is doc for what has parameters: param makes Go names of theirs.
func (f *file) methodDoc(indent, ours string, d model.Doc, param func(string) string) {
	lines := commentLines(ours)
	if text := strings.TrimSpace(goDoc(withoutDeprecated(d), param)); text != "" {
		if len(lines) > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, commentLines(text)...)
	}
	if d.Deprecated && !strings.Contains(d.Text, "Deprecated:") {
		note := strings.Join(strings.Fields(plain(d.Note)), " ")
		if note == "" {
			note = "the AIDL says so."
		}
		lines = append(lines, "", "Deprecated: "+note)
	}
	for _, l := range lines {
		if l == "" {
			f.P(indent, "//")
		} else {
			f.P(indent, "// ", l)
		}
	}
}

// withoutDeprecated is the text without its @deprecated tag, which Go says in a way of its own.
func withoutDeprecated(d model.Doc) string {
	if !d.Deprecated {
		return d.Text
	}
	var kept []string
	skip := false
	for _, l := range strings.Split(d.Text, "\n") {
		trimmed := strings.TrimSpace(l)
		switch {
		case strings.HasPrefix(trimmed, "@deprecated"):
			skip = true
		case trimmed == "" || strings.HasPrefix(trimmed, "@"):
			skip = false
		}
		if !skip {
			kept = append(kept, l)
		}
	}
	return strings.Join(kept, "\n")
}

// commentLines are the lines of a comment, without what could end it or mean something to a tool.
func commentLines(text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(strings.Map(func(r rune) rune {
			if r < ' ' && r != '\t' {
				return -1
			}
			return r
		}, l), " \t")
	}
	return lines
}
