package api

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/fusebinder/fusebinder/aidl"
	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// Load loads all AIDL files below a folder, as a version of an interface. The
// folder is an import folder too; include are further ones.
func Load(ctx context.Context, dir string, include []string) (*model.Program, diag.List) {
	files, err := Read(dir)
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("no AIDL files in %s", dir)
	}
	if err != nil {
		return new(model.Program), diag.List{{Code: diag.Unreadable, Message: err.Error()}}
	}
	opts := aidl.Options{Include: append([]string{dir}, include...), Structured: true}
	for _, f := range files {
		opts.Files = append(opts.Files, filepath.Join(dir, filepath.FromSlash(f.Path)))
	}
	return aidl.Load(ctx, opts)
}
