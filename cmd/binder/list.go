package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// A listed is one service as list shows it.
type listed struct {
	Name      string `json:"name"`
	Interface string `json:"interface"` // "" if it has none or does not tell
	PID       int    `json:"pid"`       // 0 if it does not tell
	Error     string `json:"error,omitempty"`
}

func newList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the services that are registered",
		Example: `  binder list
  binder list --json | jq -r '.[].name'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.open(cmd.Context(), func(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client) error {
				services, err := list(ctx, bus, manager)
				if err != nil {
					return err
				}
				return a.print(cmd, services, func(w io.Writer) error { return printList(w, services) })
			})
		},
	}
}

func list(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client) ([]listed, error) {
	if err := bus.ContextManager().Ping(ctx); err != nil {
		return nil, fmt.Errorf("%s has no service manager: %w", bus.Path(), err)
	}
	names, err := manager.List(ctx, 0)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	services := make([]listed, 0, len(names))
	for _, name := range names {
		services = append(services, describe(ctx, bus, manager, name))
	}
	return services, nil
}

// describe asks a service about itself. One that does not answer is listed all the same.
func describe(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client, name string) listed {
	l := listed{Name: name}
	service, err := lookUp(ctx, bus, manager, name)
	if err == nil {
		l.Interface, err = service.Descriptor(ctx)
	}
	if err != nil {
		l.Error = err.Error()
		return l
	}
	if p, ok := service.(*binder.Proxy); ok {
		l.PID, _ = p.DebugPID(ctx) // not every object tells
	}
	return l
}

func printList(w io.Writer, services []listed) error {
	if len(services) == 0 {
		_, err := fmt.Fprintln(w, "no services are registered")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tINTERFACE\tPID")
	for _, s := range services {
		about, pid := s.Interface, "-"
		if s.Error != "" {
			about = "(" + s.Error + ")"
		} else if about == "" {
			about = "-"
		}
		if s.PID != 0 {
			pid = fmt.Sprint(s.PID)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, about, pid)
	}
	return table.Flush()
}
