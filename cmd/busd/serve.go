package main

import (
	"fmt"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/busd/devicefs"
)

func newServe() *cobra.Command {
	b := broker{lifelineFD: -1, readyFD: -1, listenerFD: -1}
	cmd := &cobra.Command{
		Use:   "serve [flags] DIR",
		Short: "Serve a bus at a directory until stopped",
		Long: `Mount a directory of Binder devices at DIR and serve it in the foreground until SIGTERM
or SIGINT, which unmount it. DIR is made if need be; what a killed busd left mounted there is
cleared away. systemd is told when the bus is ready (Type=notify).

Serving for others needs root. Ordinary users have "busd run".`,
		Example: `  busd serve --servicemanager /dev/binderfs
  busd serve --device binder --device my-binder /run/bus`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			b.dir = args[0]
			var err error
			if b.options.Logger, err = newLogger(cmd, b.logLevel); err != nil {
				return err
			}
			return b.serve()
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
	}
	f := cmd.Flags()
	f.Var(&b.options.Mode, "mode", "how clients see their receive buffers: auto, passthrough or store")
	f.StringSliceVar(&b.options.Devices, "device", devicefs.DefaultDevices, "name of a device; may be given several times")
	f.BoolVar(&b.manager, "servicemanager", false, "hold the context manager's place on the first device with a service manager")
	f.StringVar(&b.logLevel, "log-level", "info", "what to tell on standard error: debug, info, warn or error")
	limits := &b.options.Bus.Limits
	f.Int64Var(&limits.Processes, "max-processes", 0, "devices that one user may have open (0: 4096)")
	f.Int64Var(&limits.BufferBytes, "max-buffer-bytes", 0, "bytes that one user's calls may occupy in receive buffers (0: 1 GiB)")
	f.Int64Var(&limits.Nodes, "max-nodes", 0, "objects that one user may have given away (0: 1000000)")
	f.Int64Var(&limits.Handles, "max-handles", 0, "handles that one user's transactions may have given to processes (0: 1000000)")
	f.Int64Var(&limits.ParkedCalls, "max-parked-calls", 0, "threads of one user that may wait in the devices (0: 32768)")
	f.IntVar(&b.lifelineFD, "lifeline-fd", -1, "serve until this descriptor's other end is closed")
	f.IntVar(&b.readyFD, "ready-fd", -1, "write a byte to this descriptor when ready")
	f.IntVar(&b.listenerFD, "listener-fd", -1, "receive a seccomp listener on this socket")
	for _, name := range []string{"lifeline-fd", "ready-fd", "listener-fd"} {
		_ = f.MarkHidden(name)
	}
	completeModes(cmd)
	return cmd
}

// completeModes makes the shell complete --mode and --log-level.
func completeModes(cmd *cobra.Command) {
	for flag, values := range map[string][]string{
		"mode":      {"auto", "passthrough", "store"},
		"log-level": {"debug", "info", "warn", "error"},
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

func newLogger(cmd *cobra.Command, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		return nil, fmt.Errorf("--log-level %s: use debug, info, warn or error", level)
	}
	return slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: l})), nil
}
