package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/gogen"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/spf13/cobra"
)

// options are the flags.
type options struct {
	include []string
	out     string
	prefix  string
	only    bool
	mapping []string
	version int
	hash    string
}

func newCommand(_ io.Reader, out, errs io.Writer) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:           "aidlgen -I DIR... -o DIR --import PREFIX FILE...",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return o.generate(cmd.Context(), files, errs)
		},
	}
	cmd.SetOut(out)
	cmd.SetErr(errs)
	fs := cmd.Flags()
	fs.StringArrayVarP(&o.include, "include", "I", nil, "look for imports below `DIR` (repeat for several)")
	fs.StringVarP(&o.out, "out", "o", ".", "write below `DIR`")
	fs.StringVar(&o.prefix, "import", "", "Go import path `PREFIX` of the output folder")
	fs.BoolVar(&o.only, "no-imports", false, "generate only the files named, not those that they import")
	fs.StringArrayVar(&o.mapping, "map", nil, "`NAME=PATH`: Go code for an AIDL package or parcelable exists already")
	fs.IntVar(&o.version, "api-version", 0, "version")
	fs.StringVar(&o.hash, "hash", "", "hash")
	return cmd
}

func report(errs io.Writer, err error) { fmt.Fprintln(errs, err) }

var errInvalid = errors.New("")

func load(ctx context.Context, o *options, files []string, errs io.Writer) (*model.Program, error) {
	if ctx == nil {
		ctx = context.Background()
	}
	prog, diags := aidl.Load(ctx, aidl.Options{Files: files, Include: o.include})
	io.WriteString(errs, diags.Format())
	if diags.HasErrors() {
		return nil, errInvalid
	}
	return prog, nil
}

func (o *options) generate(ctx context.Context, files []string, errs io.Writer) error {
	prog, err := load(ctx, o, files, errs)
	if err != nil {
		return err
	}
	opts := gogen.Options{Prefix: o.prefix, RequestedOnly: o.only, Map: map[string]string{}, Version: o.version, Hash: o.hash}
	for _, m := range o.mapping {
		name, path, ok := strings.Cut(m, "=")
		if !ok {
			return fmt.Errorf("--map %s: it wants NAME=PATH", m)
		}
		opts.Map[name] = path
	}
	list, err := gogen.Generate(prog, opts)
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := writeFile(filepath.Join(o.out, filepath.FromSlash(f.Path)), f.Content); err != nil {
			return err
		}
	}
	return nil
}

// writeFile writes what is not there already, so that what is the same stays as old as it was.
func writeFile(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o666)
}
