package main

import (
	"github.com/spf13/cobra"
)

func newDemo() *cobra.Command {
	o := runOptions{asSelf: true}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show separate processes talking over a bus",
		Long: `Start a private bus and show on one screen what Binder does: separate processes register,
look up and call an object; pass a callback object and a file descriptor; call one way; and are
told when one of them crashes. At the end stand latencies beside those of a unix socket.

It needs no more privilege than "busd run".`,
		Example: "  busd demo",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runOutside(cmd, &o, []string{"demo-stage"})
		},
	}
	o.register(cmd)
	_ = cmd.Flags().MarkHidden("no-servicemanager")
	_ = cmd.Flags().MarkHidden("no-seccomp")
	return cmd
}

// newDemoParts are the processes of the demonstration: the stage, which tells the story and is the
// client, and the actor, which is the server.
func newDemoParts() []*cobra.Command {
	stage := &cobra.Command{
		Use:         "demo-stage",
		Hidden:      true,
		Annotations: map[string]string{"speaks for": "busd demo"},
		Args:        cobra.NoArgs,
		RunE:        func(cmd *cobra.Command, _ []string) error { return demoStage(cmd.OutOrStdout()) },
	}
	actor := &cobra.Command{
		Use:         "demo-actor NAME",
		Hidden:      true,
		Annotations: map[string]string{"speaks for": "busd demo"},
		Args:        cobra.ExactArgs(1),
		RunE:        func(_ *cobra.Command, args []string) error { return demoActor(args[0]) },
	}
	return []*cobra.Command{stage, actor}
}
