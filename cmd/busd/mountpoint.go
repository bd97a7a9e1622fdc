package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// makeMountPoint makes dir if it is not there; undo removes what it made. What may be mounted
// there already is devicefs's matter.
func makeMountPoint(dir string) (undo func(), err error) {
	switch err := os.Mkdir(dir, 0o755); {
	case err == nil:
		return func() { os.Remove(dir) }, nil
	case errors.Is(err, fs.ErrExist):
		return func() {}, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: the directory that should hold it does not exist", dir)
	default:
		return nil, err
	}
}
