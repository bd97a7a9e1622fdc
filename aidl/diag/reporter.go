package diag

import (
	"fmt"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// MaxErrors is how many errors a Reporter keeps. A file that is not AIDL at
// all would otherwise bury its first, telling, error.
const MaxErrors = 100

// Reporter collects diagnostics. It keeps one for each place and code, and
// no more than MaxErrors errors.
type Reporter struct {
	list   List
	errors int
	more   int
	seen   map[key]bool
}

type key struct {
	pos  token.Pos
	code Code
}

// Report adds a diagnostic.
func (r *Reporter) Report(d *Diagnostic) {
	if d.Severity == Error && r.errors >= MaxErrors {
		r.more++
		return
	}
	k := key{d.Pos, d.Code}
	if d.Pos.IsValid() && r.seen[k] {
		return
	}
	if r.seen == nil {
		r.seen = make(map[key]bool)
	}
	r.seen[k] = true
	if d.Severity == Error {
		r.errors++
	}
	r.list = append(r.list, d)
}

// ReportAll adds a diagnostic also where one of the same code stands.
func (r *Reporter) ReportAll(d *Diagnostic) {
	delete(r.seen, key{d.Pos, d.Code})
	r.Report(d)
}

// Errorf adds an error about length bytes at pos and returns it, so that a
// hint can be added.
func (r *Reporter) Errorf(pos token.Pos, length int, code Code, format string, args ...any) *Diagnostic {
	d := New(pos, length, code, format, args...)
	r.Report(d)
	return d
}

// Errors is the number of errors so far.
func (r *Reporter) Errors() int { return r.errors + r.more }

// Merge adds all of another reporter's diagnostics.
func (r *Reporter) Merge(o *Reporter) {
	for _, d := range o.list {
		r.Report(d)
	}
	r.more += o.more
}

// List returns the diagnostics in the order of files and places. When errors
// were left out, the last entry says so.
func (r *Reporter) List() List {
	r.list.Sort()
	if r.more > 0 {
		return append(r.list, &Diagnostic{Code: TooManyErrors, Message: fmt.Sprintf("too many errors: %d more are not shown", r.more)})
	}
	return r.list
}
