// Command servicemgr is the service manager of a Binder device, FuseBinder's or the kernel's.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program until ctx ends; it answers its exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cmd := command()
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	if err := cmd.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(stderr, "servicemgr: %v\n", err)
		return 1
	}
	return 0
}

// settings are the flags.
type settings struct {
	device   string
	readyFD  int
	apiLevel int
	verbose  bool
}

func command() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use:   "servicemgr",
		Short: "Be the service manager of a Binder device",
		Long: `servicemgr becomes the context manager of a Binder device, FuseBinder's or the kernel's, and gives
names to services: android.os.IServiceManager. It stays until SIGTERM or SIGINT.`,
		Example: `  servicemgr --device /dev/binderfs/binder
  BINDER_DEVICE=/run/bus/binder servicemgr --ready-fd 3 3>ready`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return manage(cmd.Context(), s, cmd.ErrOrStderr()) },
	}
	device := os.Getenv("BINDER_DEVICE")
	if device == "" {
		device = "/dev/binder"
	}
	cmd.Flags().StringVar(&s.device, "device", device, "path of the device; the default is $BINDER_DEVICE or /dev/binder")
	cmd.Flags().IntVar(&s.readyFD, "ready-fd", -1, "write a byte to this descriptor and close it once services can register")
	cmd.Flags().IntVar(&s.apiLevel, "api-level", parcel.APILevel, "Android release to speak as, 26 to 36")
	cmd.Flags().BoolVarP(&s.verbose, "verbose", "v", false, "tell of deaths as well")
	return cmd
}

// manage serves until ctx ends.
func manage(ctx context.Context, s settings, stderr io.Writer) error {
	if s.apiLevel < 26 || s.apiLevel > 36 {
		return fmt.Errorf("--api-level %d is not known; 26 (Android 8) to 36 (Android 16) are", s.apiLevel)
	}
	ready, err := readyFile(s.readyFD)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if s.verbose {
		level = slog.LevelInfo
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))

	bus, err := binder.Open(s.device, binder.Options{APILevel: s.apiLevel, Logger: log})
	if err != nil {
		return explainOpen(s.device, err)
	}
	defer bus.Close()
	if _, err := servicemgr.Serve(bus, servicemgr.ServerOptions{Log: log}); err != nil {
		return explainServe(s.device, err)
	}
	if ready != nil {
		_, err := ready.Write([]byte{'\n'})
		if err = errors.Join(err, ready.Close()); err != nil {
			return fmt.Errorf("--ready-fd %d: %w", s.readyFD, err)
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case <-bus.Done():
		return fmt.Errorf("the device has ended: %w", bus.Err())
	}
}

// readyFile is the descriptor to be told, nil if none.
func readyFile(fd int) (*os.File, error) {
	if fd < 0 {
		return nil, nil
	}
	var stat syscall.Stat_t
	if err := syscall.Fstat(fd, &stat); err != nil {
		return nil, fmt.Errorf("--ready-fd %d: %w", fd, err)
	}
	syscall.CloseOnExec(fd)
	return os.NewFile(uintptr(fd), "ready"), nil
}

func explainOpen(device string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w; start a bus with `busd serve DIR` and name its DIR/binder with --device or BINDER_DEVICE", err)
	}
	return fmt.Errorf("%w; is %s a Binder device?", err, device)
}

func explainServe(device string, err error) error {
	switch {
	case errors.Is(err, syscall.EBUSY):
		return fmt.Errorf("%s has a service manager already; there is one for each device, so stop that one first or use another device", device)
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w; once a user has been context manager of a device, no other user may be", err)
	}
	return err
}
