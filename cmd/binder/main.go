// Command binder looks at a bus and calls objects on it, for people.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, unix.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program; it answers its exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if !errors.Is(err, errTold) {
		fmt.Fprintf(stderr, "%s: %v\n", cmd.CommandPath(), err)
	}
	return 1
}

// errTold is a failure that the output tells already.
var errTold = errors.New("told")

// app is what the subcommands have in common.
type app struct {
	device   string
	json     bool
	timeout  time.Duration
	apiLevel int
}

func newRoot() *cobra.Command {
	a := new(app)
	root := &cobra.Command{
		Use:   "binder",
		Short: "Look at a Binder bus and call objects on it",
		Long: `binder lists, pings, calls and dumps the services of a Binder bus, busd's or the kernel's,
and shows what the driver holds.`,
		Example: `  binder list
  binder call demo.greeter 1 s16 newcomer
  busd run -- binder ping`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	f := root.PersistentFlags()
	device := os.Getenv("BINDER_DEVICE")
	if device == "" {
		device = "/dev/binder"
	}
	f.StringVarP(&a.device, "device", "d", device, "the bus's device (environment: BINDER_DEVICE)")
	f.BoolVar(&a.json, "json", false, "print JSON for programs")
	f.DurationVar(&a.timeout, "timeout", 10*time.Second, "how long to wait for answers (0: for ever)")
	f.IntVar(&a.apiLevel, "api-level", parcel.APILevel, "Android release of the bus's service manager and services, 26 to 36")
	_ = root.MarkPersistentFlagFilename("device")
	root.AddCommand(newList(a), newPing(a), newCall(a), newDump(a), newState(a), newFreeze(a), newThaw(a))
	return root
}

// open opens the bus for as long as f runs.
func (a *app) open(ctx context.Context, f func(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client) error) error {
	if a.apiLevel < 26 || a.apiLevel > 36 {
		return fmt.Errorf("--api-level %d is not known; 26 (Android 8) to 36 (Android 16) are", a.apiLevel)
	}
	bus, err := binder.Open(a.device, binder.Options{APILevel: a.apiLevel})
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: there is no bus here; name one with --device or BINDER_DEVICE, or start one (busd run, busd serve)", err)
	}
	if err != nil {
		return err
	}
	defer bus.Close()
	if a.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, a.timeout)
		defer cancel()
	}
	err = f(ctx, bus, servicemgr.NewClient(bus))
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v (--timeout)", a.timeout)
	}
	return err
}

// service opens the bus and looks a service up.
func (a *app) service(ctx context.Context, name string, f func(ctx context.Context, bus *binder.Bus, service binder.Binder) error) error {
	return a.open(ctx, func(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client) error {
		service, err := lookUp(ctx, bus, manager, name)
		if err != nil {
			return err
		}
		return f(ctx, bus, service)
	})
}

// contextManager is how people name whoever holds handle 0.
const contextManager = "@0"

func lookUp(ctx context.Context, bus *binder.Bus, manager *servicemgr.Client, name string) (binder.Binder, error) {
	if name == contextManager {
		return bus.ContextManager(), nil
	}
	service, err := manager.Check(ctx, name)
	switch {
	case errors.Is(err, binder.ErrDeadObject):
		return nil, fmt.Errorf("%s has no service manager: %w", bus.Path(), err)
	case errors.Is(err, servicemgr.ErrNotFound):
		return nil, fmt.Errorf("there is no service %q: \"binder list\" shows those there are", name)
	case err != nil:
		return nil, fmt.Errorf("look up %s: %w", name, err)
	}
	return service, nil
}

// print writes v as JSON if asked to, otherwise what text writes.
func (a *app) print(cmd *cobra.Command, v any, text func(w io.Writer) error) error {
	if !a.json {
		return text(cmd.OutOrStdout())
	}
	encoder := json.NewEncoder(cmd.OutOrStdout())
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(v)
}

// completeServices makes the shell complete a first argument with the names of services.
func (a *app) completeServices(cmd *cobra.Command, args []string, _ string) (names []string, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	a.timeout = time.Second
	_ = a.open(cmd.Context(), func(ctx context.Context, _ *binder.Bus, manager *servicemgr.Client) (err error) {
		names, err = manager.List(ctx, 0)
		return err
	})
	return names, cobra.ShellCompDirectiveNoFileComp
}
