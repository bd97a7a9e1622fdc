package main

import (
	"os"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/busd/devicefs"
	"github.com/fusebinder/fusebinder/internal/session"
)

// runOptions are what run, demo and the session they start have in common.
type runOptions struct {
	mode      devicefs.Mode
	noManager bool
	noSeccomp bool
	logLevel  string
	asSelf    bool // the command is a part of busd
}

func (o *runOptions) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.SetInterspersed(false)
	f.Var(&o.mode, "mode", "how clients see their receive buffers: auto, passthrough or store")
	f.BoolVar(&o.noManager, "no-servicemanager", false, "leave the context manager's place to the command")
	f.BoolVar(&o.noSeccomp, "no-seccomp", false, "do not mend ioctls with a NULL argument by a seccomp filter")
	f.StringVar(&o.logLevel, "log-level", "warn", "what the broker tells on standard error: debug, info, warn or error")
	completeModes(cmd)
}

// flags are the command line of o for the session.
func (o *runOptions) flags() []string {
	args := []string{"--mode=" + o.mode.String(), "--log-level=" + o.logLevel}
	for name, set := range map[string]bool{"--no-servicemanager": o.noManager, "--no-seccomp": o.noSeccomp, "--self": o.asSelf} {
		if set {
			args = append(args, name)
		}
	}
	return args
}

func newRun() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run [flags] [--] COMMAND [ARGUMENT...]",
		Short: "Run a command on a bus of its own",
		Long: `Run COMMAND on a private bus that lives as long as the command does.

BINDER_DEVICE names the bus's device. In the command's own mount namespace the bus also stands
where programs expect it: /dev/binderfs with /dev/binder, /dev/hwbinder and /dev/vndbinder as links
into it. A service manager holds the context manager's place on "binder", on the others nobody.

Ordinary users can run it too: everything then happens in a user namespace, in which COMMAND keeps
its user number and has no capabilities (so sudo and its kin do not work there).

BINDER_THREAD_EXIT and BINDER_SET_CONTEXT_MGR with a NULL argument, which a FUSE device cannot
carry, are mended by a seccomp filter on COMMAND.

The exit status is COMMAND's (128 and the signal's number if one ended it), 127 if it was not
found, 126 if it could not be run, 125 if busd failed. Signals are passed on; if busd is killed,
COMMAND is too.`,
		Example: `  busd run -- binder list
  busd run -- sh -c 'ls -l /dev/binder*; echo $BINDER_DEVICE'
  busd run --no-servicemanager -- servicemanager`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return runOutside(cmd, &o, args)
		},
	}
	o.register(cmd)
	return cmd
}

// runOutside is the process that the user started. It stays outside of the new namespaces and
// waits for the session.
func runOutside(cmd *cobra.Command, o *runOptions, argv []string) error {
	if err := session.Check(); err != nil {
		return exitStatus{statusFailed, err}
	}
	// The session holds the other end of the lifeline and ends when this process does.
	theirs, ours, err := os.Pipe()
	if err != nil {
		return exitStatus{statusFailed, err}
	}
	defer ours.Close()
	args := append([]string{"session"}, o.flags()...)
	child := self(append(append(args, "--"), argv...)...)
	child.Stdin, child.Stdout, child.Stderr = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	child.ExtraFiles = []*os.File{theirs}
	child.SysProcAttr = new(syscall.SysProcAttr)
	session.Isolate(child.SysProcAttr)

	signals := session.Catch()
	err = child.Start()
	theirs.Close()
	if err != nil {
		return exitStatus{statusFailed, session.Explain(err)}
	}
	stop := signals.Forward(child.Process)
	err = child.Wait()
	stop()
	if child.ProcessState == nil {
		return exitStatus{statusFailed, err}
	}
	if status := session.ExitStatus(child.ProcessState); status != 0 {
		return exitStatus{code: status}
	}
	return nil
}
