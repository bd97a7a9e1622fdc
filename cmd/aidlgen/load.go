package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
	"github.com/spf13/cobra"
)

// expand replaces folders by the AIDL files below them.
func expand(args []string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil || !info.IsDir() { // what is not there is the loader's to tell
			files = append(files, arg)
			continue
		}
		err = filepath.WalkDir(arg, func(path string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() && strings.HasSuffix(path, ".aidl") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// load reads and checks the files and tells what is wrong.
func (o *options) load(cmd *cobra.Command, files []string) (*model.Program, error) {
	opts := aidl.Options{
		Files: files, Include: o.include, Preprocessed: o.preprocessed,
		Structured: o.structured, VINTF: o.stability == "vintf", Backends: o.backends, MinSDK: o.minSDK,
	}
	for _, w := range o.warnings {
		if w == "error" {
			opts.WarningsAreErrors = true
		} else {
			opts.Warnings = append(opts.Warnings, w)
		}
	}
	prog, list := aidl.Load(cmd.Context(), opts)
	return prog, tell(cmd, list)
}

// tell writes what was found and is errTold if an error is among it.
func tell(cmd *cobra.Command, list diag.List) error {
	_, _ = io.WriteString(cmd.ErrOrStderr(), list.Format())
	if list.HasErrors() {
		return errTold
	}
	return nil
}
