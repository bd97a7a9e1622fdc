// Command busd serves Binder devices from an ordinary program.
//
// It is one binary with several parts: the broker (serve), a private bus for one command (run), a
// demonstration (demo), and the processes these start, which are hidden subcommands of it.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program; it answers its exit status.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	// As a part of ourselves we were started through /proc and would be called "exe" in lists.
	_ = os.WriteFile("/proc/self/comm", []byte("busd"), 0)
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	var status exitStatus
	switch {
	case err == nil:
		return 0
	case errors.As(err, &status):
		if status.err != nil {
			complain(cmd, status.err)
		}
		return status.code
	default:
		complain(cmd, err)
		return 1
	}
}

func complain(cmd *cobra.Command, err error) {
	fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", displayName(cmd), err)
}

// displayName is what messages of a command begin with: a hidden part speaks for the command that
// people typed.
func displayName(cmd *cobra.Command) string {
	if name := cmd.Annotations["speaks for"]; name != "" {
		return name
	}
	return cmd.CommandPath()
}

// exitStatus ends the program with a status of its own, after a message if err is set.
type exitStatus struct {
	code int
	err  error
}

func (s exitStatus) Error() string { return fmt.Sprintf("status %d: %v", s.code, s.err) }

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "busd",
		Short: "Binder devices without a kernel driver",
		Long: `busd is the Linux Binder driver as an ordinary program. It mounts a directory that
looks like binderfs; programs open "binder" in it and speak the driver's own ABI.`,
		Example: `  busd demo                      see it work
  busd run -- my-test            run a command on a bus of its own
  busd serve /run/binder         serve a bus until stopped`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.AddCommand(newServe(), newRun(), newDemo(), newVersion())
	root.AddCommand(newSession(), newLaunch(), newManager())
	root.AddCommand(newDemoParts()...)
	return root
}

// self prepares this program to be run again as one of its parts. It also works where the
// program's file is out of reach, or gone.
func self(args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = "busd"
	return cmd
}
