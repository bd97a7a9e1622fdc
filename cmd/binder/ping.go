package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// A pinged is what became of one ping.
type pinged struct {
	Service string  `json:"service"`
	Alive   bool    `json:"alive"`
	Micros  float64 `json:"microseconds,omitempty"` // there and back
	Error   string  `json:"error,omitempty"`
}

func newPing(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "ping [SERVICE...]",
		Short: "Ask services whether they answer",
		Long: `Ask services whether they answer, and tell how long it took. Without a name, or for the
name @0, it is whoever holds the context manager's place (handle 0).

The exit status is 1 if one did not answer.`,
		Example: `  binder ping
  binder ping demo.greeter`,
		ValidArgsFunction: a.completeServices,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				names = []string{contextManager}
			}
			return a.open(cmd.Context(), func(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client) error {
				all := true
				results := make([]pinged, 0, len(names))
				for _, name := range names {
					p := ping(ctx, bus, manager, name)
					all = all && p.Alive
					results = append(results, p)
				}
				err := a.print(cmd, results, func(w io.Writer) error {
					for _, p := range results {
						fmt.Fprintln(w, p)
					}
					return nil
				})
				if err == nil && !all {
					return errTold
				}
				return err
			})
		},
	}
}

func ping(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client, name string) pinged {
	p := pinged{Service: name}
	service, err := lookUp(ctx, bus, manager, name)
	begin := time.Now()
	if err == nil {
		err = service.Ping(ctx)
	}
	if err != nil {
		p.Error = err.Error()
		return p
	}
	p.Alive = true
	p.Micros = float64(time.Since(begin)) / float64(time.Microsecond)
	return p
}

// String is the result for people.
func (p pinged) String() string {
	name := p.Service
	if name == contextManager {
		name = "context manager"
	}
	if !p.Alive {
		return fmt.Sprintf("%s does not answer: %s", name, p.Error)
	}
	return fmt.Sprintf("%s is alive: %.0f µs", name, p.Micros)
}
