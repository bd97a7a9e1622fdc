package check

import (
	"regexp"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/fusebinder/fusebinder/aidl/token"
)

var hide = regexp.MustCompile(`@hide\b`)

// document reads the comments before a thing. As AOSP has it, only the last
// comment counts, and only if it is a block.
func document(comments []token.Comment) model.Doc {
	var d model.Doc
	if len(comments) == 0 {
		return d
	}
	last := comments[len(comments)-1]
	if !last.IsBlock() {
		return d
	}
	lines := blockLines(last.Text)
	d.Hide = hide.MatchString(last.Text)
	d.Note, d.Deprecated = blockTag(lines, "@deprecated")
	if !last.Trailing {
		d.Text = strings.Join(lines, "\n")
	}
	return d
}

// blockLines takes the text out of a block comment: no stars, no space
// behind, no empty lines at both ends.
func blockLines(text string) []string {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/*"), "*/")
	var lines []string
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimLeft(line, " \t\r")
		line = strings.TrimPrefix(line, "*")
		line = strings.TrimPrefix(line, " ")
		line = strings.TrimRight(line, " \t\r")
		if line == "" && len(lines) == 0 {
			continue
		}
		lines = append(lines, line)
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// blockTag finds the first "@tag text" at the start of a line and returns its
// text, which goes on to the next tag.
func blockTag(lines []string, tag string) (text string, found bool) {
	var parts []string
	for _, line := range lines {
		line = strings.TrimLeft(line, " \t")
		if strings.HasPrefix(line, "@") {
			if found {
				break
			}
			end := 1
			for end < len(line) && isAlpha(line[end]) {
				end++
			}
			if found = line[:end] == tag; found {
				line = strings.TrimPrefix(line[end:], " ")
			}
		}
		if found && line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, " "), found
}

func isAlpha(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
