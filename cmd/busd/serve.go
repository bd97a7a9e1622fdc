package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/busd/devicefs"
)

func newServe() *cobra.Command {
	b := broker{lifelineFD: -1, readyFD: -1, listenerFD: -1}
	var mountOpts []string
	cmd := &cobra.Command{
		Use:   "serve [flags] DIR",
		Short: "Serve a bus at a directory until stopped",
		Long: `Mount a directory of Binder devices at DIR and serve it in the foreground until SIGTERM
or SIGINT, which unmount it. DIR is made if need be; what a killed busd left mounted there is
cleared away. systemd is told when the bus is ready (Type=notify).

Serving for others needs root. Ordinary users have "busd run".`,
		Example: `  busd serve --servicemanager /dev/binderfs
  busd serve --device binder --device my-binder /run/bus`,
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return errors.New("no directory given: say where the devices are to appear (busd serve /dev/binderfs)")
			case 1:
				return nil
			}
			return fmt.Errorf("one directory at a time, not %q: start another busd serve for each", args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			b.dir = args[0]
			if err := mountOptions(&b.options, mountOpts); err != nil {
				return err
			}
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
	f.StringSliceVarP(&mountOpts, "options", "o", nil, "mount options of binderfs: max=N (devices there may be), stats=global (binder_logs; the default) or stats=none, mode=OCTAL (of new devices)")
	f.BoolVar(&b.manager, "servicemanager", false, "hold the context manager's place on the first device with a service manager")
	f.StringVar(&b.logLevel, "log-level", "info", "what to tell on standard error: debug, info, warn or error")
	f.IntVar(&b.nice, "nice", 0, "what to add to busd's nice value, as nice(1) does: -5 where many busy programs share few processors")
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

// mountOptions takes binderfs's mount options, and two of ours: stats=none and mode=.
func mountOptions(o *devicefs.Options, list []string) error {
	for _, option := range list {
		name, value, _ := strings.Cut(option, "=")
		switch name {
		case "max":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil || n > devicefs.MaxMinors {
				return fmt.Errorf("-o %s: max is a number of devices, at most %d", option, devicefs.MaxMinors)
			}
			most := uint32(n)
			o.MaxDevices = &most
		case "stats":
			if value != "global" && value != "none" {
				return fmt.Errorf("-o %s: stats is global or none", option)
			}
			o.NoStats = value == "none"
		case "mode":
			n, err := strconv.ParseUint(value, 8, 32)
			if err != nil || n == 0 || n > 0o777 {
				return fmt.Errorf("-o %s: mode is octal, as for chmod: 0600, for one", option)
			}
			o.DeviceMode = uint32(n)
		default:
			return fmt.Errorf("-o %s: there are only max=N, stats=global, stats=none and mode=OCTAL", option)
		}
	}
	return nil
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
