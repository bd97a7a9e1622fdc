package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/api"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/spf13/cobra"
)

// runCheck compares two versions of an interface.
func (o *options) runCheck(cmd *cobra.Command, args []string) error {
	level, ok := map[string]api.Level{"compatible": api.Compatible, "equal": api.Equal}[o.check]
	if !ok {
		return usagef("--checkapi is %q, but can be compatible or equal", o.check)
	}
	if len(args) != 2 {
		return usagef("--checkapi compares two folders, OLD NEW; %d were named", len(args))
	}
	older, err := o.loadVersion(cmd, args[0])
	if err != nil {
		return err
	}
	newer, err := o.loadVersion(cmd, args[1])
	if err != nil {
		return err
	}
	return tell(cmd, api.Check(older, newer, level))
}

// loadVersion loads a folder as a version of an interface; a single file is one, too.
func (o *options) loadVersion(cmd *cobra.Command, path string) (*model.Program, error) {
	if info, err := os.Stat(path); err == nil && !info.IsDir() {
		prog, list := aidl.Load(cmd.Context(), aidl.Options{Files: []string{path}, Include: o.include, Structured: true})
		return prog, tell(cmd, list)
	}
	prog, list := api.Load(cmd.Context(), path, o.include)
	return prog, tell(cmd, list)
}

// snapshot is what the files promise, under the preamble of --preamble or, without it, of the
// snapshot in the folder earlier, if any.
func (o *options) snapshot(prog *model.Program, earlier string) ([]api.File, error) {
	opts := api.Options{NoLicense: o.noLicense}
	from := o.preamble
	if from == "" {
		from = earlier
	}
	if from != "" {
		files, err := readSnapshot(from)
		if err != nil {
			return nil, err
		}
		opts.Preamble = api.Preamble(files)
		if opts.Preamble == "" && o.preamble != "" {
			return nil, fmt.Errorf("%s: no preamble: comments between a line of slashes and the package clause", from)
		}
	}
	return api.Snapshot(prog, opts), nil
}

// readSnapshot reads a folder or one file of a snapshot.
func readSnapshot(name string) ([]api.File, error) {
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		data, err := os.ReadFile(name)
		return []api.File{{Path: filepath.Base(name), Data: data}}, err
	}
	return api.Read(name)
}

// runDump writes what the files promise.
func (o *options) runDump(prog *model.Program) error {
	if o.out == "" {
		return usagef("--dumpapi wants -o DIR")
	}
	files, err := o.snapshot(prog, "")
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(o.out, filepath.FromSlash(f.Path)), f.Data); err != nil {
			return err
		}
	}
	return nil
}

// runFreeze makes the next version, if it is compatible with the one before.
func (o *options) runFreeze(cmd *cobra.Command, prog *model.Program) error {
	versions, err := api.Versions(o.freeze)
	if err != nil {
		return err
	}
	earlier := ""
	if _, err := os.Stat(api.VersionDir(o.freeze, 0)); err == nil {
		earlier = api.VersionDir(o.freeze, 0)
	}
	if n := len(versions); n > 0 {
		earlier = api.VersionDir(o.freeze, versions[n-1])
		if err := api.Verify(o.freeze, versions[n-1]); err != nil {
			return err
		}
		older, list := api.Load(cmd.Context(), earlier, o.include)
		if err := tell(cmd, list); err != nil {
			return err
		}
		if err := tell(cmd, api.Check(older, prog, api.Compatible)); err != nil {
			return fmt.Errorf("not frozen: it breaks who knows version %d", versions[n-1])
		}
	}
	files, err := o.snapshot(prog, earlier)
	if err != nil {
		return err
	}
	version, hash, err := api.Freeze(o.freeze, files)
	if err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "version %d, hash %s\n", version, hash)
	return nil
}

// takeFrozen makes a frozen version what is compiled.
func (o *options) takeFrozen() ([]string, error) {
	dir := filepath.Clean(o.frozen)
	version, err := strconv.Atoi(filepath.Base(dir))
	if err != nil || version < 1 {
		return nil, usagef("--frozen %s: it wants the folder of a version, aidl_api/NAME/N", o.frozen)
	}
	if err := api.Verify(filepath.Dir(dir), version); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(dir, ".hash"))
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(string(text))
	if len(lines) == 0 {
		return nil, fmt.Errorf("%s: it is empty", filepath.Join(dir, ".hash"))
	}
	o.version, o.hash = version, lines[len(lines)-1]
	o.include = append([]string{dir}, o.include...)
	return []string{dir}, nil
}

// text writes a text into a file; "-" is standard output.
func (o *options) text(cmd *cobra.Command, name, text string) error {
	if name == "-" {
		_, err := io.WriteString(cmd.OutOrStdout(), text)
		return err
	}
	return writeFile(name, []byte(text))
}
