package gogen

import (
	"html"
	"regexp"
	"strings"
)

var (
	// inlineTag is {@link Foo#bar(int) label}, {@code x} and their like.
	inlineTag = regexp.MustCompile(`\{@(\w+)\s*([^{}]*)\}`)
	// doxygen are its words for a name or a bit of code: @a name, @c NULL.
	doxygen = regexp.MustCompile(`(^|\s)@(?:a|c|p|ref)\s+(\w)`)
	// markup are the HTML elements that Javadoc is written with; <T> and <vendor> are not.
	markup = regexp.MustCompile(`(?i)</?(p|br|ul|ol|li|dl|dt|dd|code|tt|b|i|em|strong|pre|var|sup|sub|a)(\s[^<>]*)?/?>`)
	// blockTag is what begins a line.
	blockTag = regexp.MustCompile(`^\s*@([a-zA-Z]+)(?:\s+(.*))?$`)
)

// item begins an item of a list.
const item = "  - "

// goDoc says in the manner of Go what a comment says in that of Javadoc. Names of parameters are
// those that param makes of them; nil keeps them.
func goDoc(text string, param func(string) string) string {
	if !strings.ContainsAny(text, "@<&") {
		return text
	}
	var out []string
	blank := func() {
		if n := len(out); n > 0 && out[n-1] != "" {
			out = append(out, "")
		}
	}
	inList := false
	for _, line := range strings.Split(plain(text), "\n") {
		tag := blockTag.FindStringSubmatch(line)
		switch {
		case tag == nil && strings.TrimSpace(line) == "":
			blank()
			inList = false
		case tag == nil && inList:
			out = append(out, "    "+strings.TrimSpace(line))
		case tag == nil:
			if n := len(out); n > 1 && strings.HasPrefix(line, item) && out[n-1] == "" && strings.HasPrefix(out[n-2], item) {
				out = out[:n-1]
			}
			out = append(out, line)
		case tag[1] == "param" && tag[2] != "":
			if !inList {
				blank()
			}
			inList = true
			name, rest, _ := strings.Cut(tag[2], " ")
			if param != nil {
				name = param(name)
			}
			if rest = strings.TrimLeft(rest, " -:"); rest != "" {
				name += ": " + rest
			}
			out = append(out, item+name)
		default:
			if inList {
				blank()
			}
			inList = false
			if sentence := tagSentence(tag[1], tag[2]); sentence != "" {
				blank()
				out = append(out, sentence)
			}
		}
	}
	return strings.Trim(strings.Join(out, "\n"), "\n")
}

// tagSentence is what a block tag says, "" if it says nothing to users of Go.
func tagSentence(tag, rest string) string {
	words := map[string]string{"return": "Returns", "returns": "Returns", "throws": "Fails with", "exception": "Fails with", "see": "See", "sa": "See"}
	switch w, known := words[tag]; {
	case tag == "hide" || known && rest == "":
		return ""
	case known:
		return w + " " + rest
	}
	return strings.TrimSpace("@" + tag + " " + rest)
}

// plain is a text without inline tags and markup.
func plain(text string) string {
	text = inlineTag.ReplaceAllStringFunc(text, func(s string) string {
		m := inlineTag.FindStringSubmatch(s)
		switch m[1] {
		case "link", "linkplain", "see", "value":
			return linkText(m[2])
		case "hide", "inheritDoc":
			return ""
		}
		return m[2]
	})
	text = doxygen.ReplaceAllString(text, "$1$2")
	text = markup.ReplaceAllStringFunc(text, func(s string) string {
		switch strings.ToLower(markup.FindStringSubmatch(s)[1]) {
		case "p", "br", "dt", "dd":
			return "\n\n"
		case "li":
			if s[1] == '/' {
				return ""
			}
			return "\n" + item
		case "ul", "ol", "dl":
			return "\n"
		}
		return ""
	})
	return html.UnescapeString(text)
}

// linkText is the label of a link, or else its target as Go would write it: Foo#bar is Foo.bar.
func linkText(link string) string {
	depth := 0
	for i, r := range link {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case depth == 0 && (r == ' ' || r == '\n') && strings.TrimSpace(link[i:]) != "":
			return strings.TrimSpace(link[i:])
		}
	}
	return strings.TrimPrefix(strings.ReplaceAll(strings.TrimSpace(link), "#", "."), ".")
}
