package aidl

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/fusebinder/fusebinder/aidl/ast"
	"github.com/fusebinder/fusebinder/aidl/check"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/parser"
	"github.com/fusebinder/fusebinder/aidl/token"
)

// maxFile is the largest file that is read. The largest of AOSP has 60 kB.
const maxFile = 8 << 20

// loader finds and parses files, each once.
type loader struct {
	opts   Options
	report *diag.Reporter

	include []string // cleaned, each once
	roots   []string // folders in which the requested files' packages begin
	files   map[string]*entry
	near    map[string][]string
}

// entry is a file that was looked for.
type entry struct {
	source *check.Source // nil when there is no such file
	err    error
}

func newLoader(opts Options, report *diag.Reporter) *loader {
	l := &loader{opts: opts, report: report, files: make(map[string]*entry), near: make(map[string][]string)}
	for _, dir := range opts.Include {
		if dir = filepath.Clean(dir); !slices.Contains(l.include, dir) {
			l.include = append(l.include, dir)
		}
	}
	return l
}

// key is the identity of a file: two ways to write its path are one file.
func key(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

// parsed is a file read on its own, with its own mistakes.
type parsed struct {
	entry
	report diag.Reporter
}

func (l *loader) parse(path string, requested, preprocessed bool) *parsed {
	p := new(parsed)
	text, err := l.opts.FS.ReadFile(path)
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	if err != nil {
		p.err = err
		return p
	}
	syntax := parser.Parse(token.NewFile(path, text), &p.report, parser.Options{Preprocessed: preprocessed})
	p.source = &check.Source{Path: path, Syntax: syntax, Requested: requested, Preprocessed: preprocessed,
		Broken: p.report.Errors() > 0}
	return p
}

// sources reads the requested and the preprocessed files.
func (l *loader) sources(ctx context.Context) []*check.Source {
	type job struct {
		path         string
		preprocessed bool
		result       *parsed
	}
	var jobs []*job
	seen := make(map[string]bool)
	add := func(paths []string, preprocessed bool) {
		for _, path := range paths {
			path = filepath.Clean(path)
			if !seen[key(path)] {
				seen[key(path)] = true
				jobs = append(jobs, &job{path: path, preprocessed: preprocessed})
			}
		}
	}
	add(l.opts.Files, false)
	add(l.opts.Preprocessed, true)

	next := make(chan *job)
	var workers sync.WaitGroup
	for range min(len(jobs), runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for j := range next {
				if ctx.Err() == nil {
					j.result = l.parse(j.path, !j.preprocessed, j.preprocessed)
				}
			}
		})
	}
	for _, j := range jobs {
		next <- j
	}
	close(next)
	workers.Wait()
	if ctx.Err() != nil {
		l.report.Report(&diag.Diagnostic{Code: diag.Unreadable, Message: context.Cause(ctx).Error()})
		return nil
	}

	var list []*check.Source
	for _, j := range jobs {
		if j.result.err != nil {
			l.report.Report(&diag.Diagnostic{Code: diag.Unreadable, Message: j.result.err.Error()})
			continue
		}
		l.report.Merge(&j.result.report)
		l.files[key(j.path)] = &j.result.entry
		list = append(list, j.result.source)
		if !j.preprocessed {
			l.addRoot(j.path, j.result.source.Syntax)
		}
	}
	return list
}

// addRoot remembers the folder in which a file's package begins.
func (l *loader) addRoot(path string, syntax *ast.File) {
	dir := filepath.Dir(path)
	if syntax.Package != nil {
		suffix := strings.ReplaceAll(syntax.Package.Name.String(), ".", "/")
		switch rest, ok := strings.CutSuffix(dir, suffix); {
		case ok && rest == "":
			dir = "."
		case ok && strings.HasSuffix(rest, "/"):
			dir = filepath.Clean(rest)
		default:
			return
		}
	}
	if !slices.Contains(l.roots, dir) && !slices.Contains(l.include, dir) {
		l.roots = append(l.roots, dir)
	}
}

// load returns the file at path, parsing it if it was not before; nil when
// there is none.
func (l *loader) load(path string) (*check.Source, error) {
	k := key(path)
	if e := l.files[k]; e != nil {
		return e.source, e.err
	}
	p := l.parse(path, false, false)
	// A folder without that file, or a file where a folder should be.
	if errors.Is(p.err, fs.ErrNotExist) || errors.Is(p.err, fs.ErrInvalid) || isNotDir(p.err) {
		p.err = nil
	}
	l.report.Merge(&p.report)
	l.files[k] = &p.entry
	return p.source, p.err
}

func isNotDir(err error) bool {
	var pathErr *fs.PathError
	return errors.As(err, &pathErr) && pathErr.Err.Error() == "not a directory"
}

// Import finds the file of a type: for a.b.Outer.Inner that is
// a/b/Outer/Inner.aidl or else a/b/Outer.aidl.
func (l *loader) Import(name string) (*check.Source, error) {
	for _, folders := range [][]string{l.include, l.roots} {
		for parts := strings.Split(name, "."); len(parts) > 0; parts = parts[:len(parts)-1] {
			var found []string
			var source *check.Source
			for _, dir := range folders {
				path := filepath.Join(dir, filepath.Join(parts...)+".aidl")
				s, err := l.load(path)
				if err != nil {
					return nil, err
				}
				if s != nil && s != source {
					source, found = s, append(found, path)
				}
			}
			if len(found) > 1 {
				return nil, fmt.Errorf("it is in %s", strings.Join(found, " and in "))
			}
			if source != nil {
				return source, nil
			}
		}
	}
	return nil, nil
}

// Near returns the types of a package, by the names of its files.
func (l *loader) Near(pkg, _ string) []string {
	if names, ok := l.near[pkg]; ok {
		return names
	}
	var names []string
	for _, dir := range append(slices.Clone(l.include), l.roots...) {
		entries, err := l.opts.FS.ReadDir(filepath.Join(dir, strings.ReplaceAll(pkg, ".", "/")))
		if err != nil {
			continue
		}
		for _, e := range entries {
			if name, ok := strings.CutSuffix(e.Name(), ".aidl"); ok && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	l.near[pkg] = names
	return names
}
