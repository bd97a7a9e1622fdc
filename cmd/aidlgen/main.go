// Command aidlgen compiles AIDL to Go.
package main

import (
	"io"
	"os"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is main with its world given: tests call it.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	cmd := newCommand(in, out, errs)
	cmd.SetArgs(args)
	if err := cmd.Execute(); err != nil {
		report(errs, err)
		return 1
	}
	return 0
}
