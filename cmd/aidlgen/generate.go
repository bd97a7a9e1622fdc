package main

import (
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/api"
	"github.com/fusebinder/fusebinder/aidl/gogen"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// generate writes the Go code of a program.
func (o *options) generate(prog *model.Program) error {
	if o.out == "" {
		return usagef("-o DIR is missing: where is the output to go?")
	}
	prefix, err := o.importPrefix()
	if err != nil {
		return err
	}
	opts := gogen.Options{Prefix: prefix, RequestedOnly: o.noImports, Version: o.version, Hash: o.hash, Map: make(map[string]string)}
	for _, m := range o.mapping {
		name, target, ok := strings.Cut(m, "=")
		if !ok || name == "" || target == "" {
			return usagef("--map %s: it wants NAME=PATH", m)
		}
		if d := prog.Lookup(name); d != nil && !strings.Contains(path.Base(target), ".") {
			return usagef("--map %s: %s is a type, so it wants %s=import/path.Type", m, name, name)
		}
		opts.Map[name] = target
	}
	list, err := gogen.Generate(prog, opts)
	if err != nil {
		return err
	}
	outputs := make([]string, len(list))
	for i, f := range list {
		outputs[i] = filepath.Join(o.out, filepath.FromSlash(f.Path))
		if err := writeFile(outputs[i], f.Content); err != nil {
			return err
		}
	}
	if o.deps != "" {
		return writeFile(o.deps, []byte(api.Deps(prog, outputs, o.ninja)))
	}
	return nil
}

// importPrefix is --import, or what go.mod above the output folder says.
func (o *options) importPrefix() (string, error) {
	if o.prefix != "" {
		return strings.TrimSuffix(o.prefix, "/"), nil
	}
	dir, err := filepath.Abs(o.out)
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		if text, err := os.ReadFile(filepath.Join(at, "go.mod")); err == nil {
			for _, line := range strings.Split(string(text), "\n") {
				if f := strings.Fields(line); len(f) == 2 && f[0] == "module" {
					rel, err := filepath.Rel(at, dir)
					return path.Join(strings.Trim(f[1], `"`), filepath.ToSlash(rel)), err
				}
			}
		}
		if at == filepath.Dir(at) {
			return "", usagef("--import PREFIX is missing: the Go import path of %s", o.out)
		}
	}
}

// writeFile writes what is not there already: what is the same keeps its time.
func writeFile(name string, content []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("the output folder: %w", err)
	}
	return os.WriteFile(name, content, 0o666)
}
