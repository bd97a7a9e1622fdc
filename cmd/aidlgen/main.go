// Command aidlgen compiles AIDL, the language of Binder interfaces, to Go.
//
//	//go:generate go tool aidlgen -I aidl -o gen --import example.com/app/gen aidl/org/example/IGreeter.aidl
//
// It is also the keeper of stable interfaces (--freeze, --checkapi, --dumpapi) and the formatter of
// AIDL source (fmt). See aidlgen --help.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/fusebinder/fusebinder/aidl/gogen"
)

func main() {
	// It lives for a second and has little that it could throw away: collecting seldom saves a
	// fifth of the time for a thousand files. GOGC still decides where it is set.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program; it answers its exit status: 0, 1 for invalid input, 2 for a wrong command
// line.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.Execute()
	var usage usageError
	var place *gogen.Error
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errTold):
		return 1
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "aidlgen: %v\nsee aidlgen --help\n", usage.error)
		return 2
	case errors.As(err, &place): // it begins with file:line:column
		fmt.Fprintln(stderr, place)
		return 1
	}
	fmt.Fprintf(stderr, "aidlgen: %v\n", err)
	return 1
}

// errTold ends the program after its messages have been written.
var errTold = errors.New("see above")

// usageError is a wrong command line.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
