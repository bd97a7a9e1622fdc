package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/binder"
)

// A dumped is a service's description of itself.
type dumped struct {
	Service string `json:"service"`
	Text    string `json:"text"`
}

func newDump(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dump SERVICE [ARGUMENT...]",
		Short: "Let a service describe itself",
		Long:  `Ask a service to describe itself to people (DUMP_TRANSACTION); what it understands of the arguments is its own matter.`,
		Example: `  binder dump manager
  binder dump demo.greeter --verbose`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeServices,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.service(cmd.Context(), args[0], func(ctx context.Context, _ *binder.Bus, service binder.Binder) error {
				if !a.json {
					return dump(ctx, service, cmd.OutOrStdout(), args[1:])
				}
				text := new(collector)
				if err := dump(ctx, service, text, args[1:]); err != nil {
					return err
				}
				return a.print(cmd, dumped{args[0], string(*text)}, nil)
			})
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

type collector []byte

func (c *collector) Write(b []byte) (int, error) {
	*c = append(*c, b...)
	return len(b), nil
}

// dump copies what the service writes until the service has answered and all who have the pipe
// have closed it, or ctx ends.
func dump(ctx context.Context, service binder.Binder, out io.Writer, args []string) error {
	proxy, ok := service.(*binder.Proxy)
	if !ok {
		return fmt.Errorf("%T is not an object of another process", service)
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := read.SetReadDeadline(deadline); err != nil {
			return err
		}
	}
	copied := make(chan error, 1)
	go func() {
		_, err := io.Copy(out, read)
		copied <- err
	}()
	err = proxy.Dump(ctx, int(write.Fd()), args...)
	write.Close()
	if err != nil {
		return err
	}
	return <-copied
}
