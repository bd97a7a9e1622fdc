package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

func newFreeze(a *app) *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "freeze PID...",
		Short: "Let nobody call some processes",
		Long: `Freeze processes as far as calls go: whoever calls them is told that they are frozen, as on
Android before an app in the background is stopped. The processes themselves run on, and oneway
calls still come to them.

What has happened to them since is told by "binder thaw".`,
		Example: `  binder freeze 4711
  binder freeze --wait 1s $(pidof server)`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachPID(cmd.Context(), args, func(bus *binder.Bus, pid int) error { return bus.Freeze(pid, wait) })
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 100*time.Millisecond, "how long calls under way may take to end")
	return cmd
}

// A thawed is what happened to a process while it was frozen.
type thawed struct {
	PID    int  `json:"pid"`
	Called bool `json:"called"` // and the caller was refused
	Oneway bool `json:"oneway"`
}

func newThaw(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "thaw PID...",
		Short:   "End what freeze began",
		Long:    `Let processes be called again, and tell whether somebody has tried while they were frozen.`,
		Example: `  binder thaw 4711`,
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			results := []thawed{}
			err := a.eachPID(cmd.Context(), args, func(bus *binder.Bus, pid int) error {
				since, err := bus.FrozenInfo(pid)
				if err != nil {
					return err
				}
				results = append(results, thawed{pid, since.Called, since.Oneway})
				return bus.Thaw(pid)
			})
			if err != nil {
				return err
			}
			return a.print(cmd, results, func(w io.Writer) error {
				for _, r := range results {
					fmt.Fprintln(w, r)
				}
				return nil
			})
		},
	}
}

// String is the result for people.
func (r thawed) String() string {
	switch {
	case r.Called && r.Oneway:
		return fmt.Sprintf("%d is thawed: calls were refused, and oneway calls came", r.PID)
	case r.Called:
		return fmt.Sprintf("%d is thawed: calls were refused", r.PID)
	case r.Oneway:
		return fmt.Sprintf("%d is thawed: oneway calls came", r.PID)
	}
	return fmt.Sprintf("%d is thawed: nobody called", r.PID)
}

func (a *app) eachPID(ctx context.Context, args []string, f func(bus *binder.Bus, pid int) error) error {
	var pids []int
	for _, arg := range args {
		pid, err := strconv.Atoi(arg)
		if err != nil || pid <= 0 {
			return fmt.Errorf("PID %q is not the number of a process", arg)
		}
		pids = append(pids, pid)
	}
	return a.open(ctx, func(_ context.Context, bus *binder.Bus, _ *servicemgr.Client) error {
		for _, pid := range pids {
			if err := f(bus, pid); err != nil {
				return err
			}
		}
		return nil
	})
}
