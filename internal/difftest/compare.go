package difftest

import (
	"regexp"
	"slices"
	"strings"
)

// A Verdict says how two histories of a program compare.
type Verdict int

// The verdicts.
const (
	Same Verdict = iota

	// Racy histories part where a close woke several threads of one process at once, and only in
	// which of them took what: the kernel's own scheduler decides that, not the driver. What comes
	// after is not compared.
	Racy

	Different
)

func (v Verdict) String() string { return [...]string{"same", "racy", "different"}[v] }

// A step is what one action led to.
type step struct {
	head    string
	results []string // one for each thread
}

var (
	stepHead   = regexp.MustCompile(`^\d+ [a-z]+ `)
	resultHead = regexp.MustCompile(`^  (\d)\.\d [a-zA-Z]+ wrote=\d+/\d+ `)
)

func steps(history string) []step {
	var all []step
	for line := range strings.Lines(history) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
		case stepHead.MatchString(line):
			all = append(all, step{head: line})
		case len(all) == 0:
		case strings.HasPrefix(line, "    ") && len(all[len(all)-1].results) > 0:
			s := &all[len(all)-1]
			s.results[len(s.results)-1] += "\n" + line
		default:
			s := &all[len(all)-1]
			s.results = append(s.results, line)
		}
	}
	return all
}

// Compare compares two histories. For those that are not the same it tells the number of the first
// step that differs, and its texts.
func Compare(a, b string) (v Verdict, at int, stepA, stepB string) {
	x, y := steps(a), steps(b)
	for i := range max(len(x), len(y)) {
		var s, t step
		if i < len(x) {
			s = x[i]
		}
		if i < len(y) {
			t = y[i]
		}
		if s.head == t.head && slices.Equal(s.results, t.results) {
			continue
		}
		v = Different
		if s.head == t.head && wakesAll(s.head) && slices.Equal(anyThread(s.results), anyThread(t.results)) {
			v = Racy
		}
		return v, i, s.text(), t.text()
	}
	return Same, 0, "", ""
}

func (s step) text() string { return strings.Join(append([]string{s.head}, s.results...), "\n") }

func wakesAll(head string) bool {
	verb := strings.Fields(head)
	return len(verb) > 1 && (verb[1] == "close" || verb[1] == "flush")
}

// anyThread forgets which thread of a process had which result, and what it had written before.
func anyThread(results []string) []string {
	out := make([]string, len(results))
	for i, r := range results {
		out[i] = resultHead.ReplaceAllString(r, "  $1 ")
	}
	slices.Sort(out)
	return out
}
