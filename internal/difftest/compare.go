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
	// after is not compared. So do those where a process was killed, and its callers were told so
	// before or after it lost its holds on objects of theirs: busd hears of a thread's end before the
	// last descriptor is closed, and the kernel's driver lets a caller on another processor go on
	// while it is still at it.
	Racy

	// Either is for a program to which the kernel's driver does not always give the same history,
	// and to which it has also given the other's. Compare alone cannot find it. See TwoAwake for how
	// it comes about.
	Either

	Different
)

func (v Verdict) String() string { return [...]string{"same", "racy", "either", "different"}[v] }

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
		if s.head == t.head && wakesAll(s) && slices.Equal(s.anyThread(), t.anyThread()) {
			v = Racy
		}
		if s.head == t.head && s.verb() == "kill" && slices.Equal(withoutHolds(s.anyThread()), withoutHolds(t.anyThread())) {
			v = Racy
		}
		return v, i, s.text(), t.text()
	}
	return Same, 0, "", ""
}

// TwoAwake says whether two histories part in which of two waiting threads took the work of their
// process, after an ioctl of a third that had queued the work and then read. Queueing woke one
// thread; and a read ends by waking another if the process still has work, as it has when the first
// has not run yet. Two were awake then, and the scheduler decided which of them came first.
func TwoAwake(a, b string) bool {
	v, at, _, _ := Compare(a, b)
	x, y := steps(a), steps(b)
	if v != Different || at >= len(x) || at >= len(y) {
		return false
	}
	s, t := x[at], y[at]
	own := "  " + s.word(2) + " "
	read := func(r string) bool { return strings.HasPrefix(r, own) && strings.Contains(r, "\n") }
	return s.head == t.head && s.verb() == "io" && slices.ContainsFunc(s.results, read) && slices.Equal(s.anyThread(), t.anyThread())
}

func (s step) text() string { return strings.Join(append([]string{s.head}, s.results...), "\n") }

// verb is what the action does, proc the process that it does it to.
func (s step) verb() string { return s.word(1) }
func (s step) proc() string {
	p, _, _ := strings.Cut(s.word(2), ".")
	return p
}

func (s step) word(n int) string {
	if f := strings.Fields(s.head); len(f) > n {
		return f[n]
	}
	return ""
}

func wakesAll(s step) bool { return slices.Contains([]string{"close", "flush", "kill"}, s.verb()) }

// anyThread forgets which thread of a process had which result, and what it had written before, and
// those of other processes that were woken in vain: whoever comes second may find the work gone,
// and goes on waiting, or, if it had no room for it anyway, returned because it still was there.
func (s step) anyThread() []string {
	var out []string
	for _, r := range s.results {
		if strings.HasSuffix(r, " read=4\n    NOOP") && !strings.HasPrefix(r, "  "+s.proc()+".") {
			continue
		}
		out = append(out, resultHead.ReplaceAllString(r, "  $1 "))
	}
	slices.Sort(out)
	return out
}

// holds are the lines, and the counts of bytes read, that tell of a process's holds on an object.
var holds = regexp.MustCompile(`\n    (INCREFS|ACQUIRE|RELEASE|DECREFS) .*| read=\d+`)

// withoutHolds forgets what was said about holds.
func withoutHolds(results []string) []string {
	var out []string
	for _, r := range results {
		out = append(out, holds.ReplaceAllString(r, ""))
	}
	slices.Sort(out)
	return out
}
