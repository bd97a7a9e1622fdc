// Package aidl reads AIDL, the language of Binder interfaces, as AOSP's
// compiler does.
//
// [Load] reads files and what they import, checks them and returns a
// [model.Program] in which every name is resolved and every constant
// evaluated.
package aidl

import (
	"context"
	"errors"

	"github.com/fusebinder/fusebinder/aidl/diag"
	"github.com/fusebinder/fusebinder/aidl/model"
)

// Options says what to load.
type Options struct {
	// Files are the files asked for.
	Files []string
	// Include are the folders where imports are looked for: the type a.b.C
	// is in a/b/C.aidl below one of them.
	Include []string
}

// Load reads the files and everything that they import. The program is never
// nil; where the list holds an error, parts of it may be missing, and no code
// should be generated from it.
func Load(ctx context.Context, opts Options) (*model.Program, diag.List) {
	return &model.Program{}, diag.List{{Message: errors.ErrUnsupported.Error()}}
}
