package main

import (
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// newManager is the service manager as a process beside the broker.
func newManager() *cobra.Command {
	lifelineFD, readyFD := -1, -1
	cmd := &cobra.Command{
		Use:         "servicemanager DEVICE",
		Hidden:      true,
		Annotations: map[string]string{"speaks for": "busd servicemanager"},
		Args:        cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			lifeline, ready := inherited(lifelineFD, "lifeline"), inherited(readyFD, "ready")
			return manage(args[0], lifeline, ready)
		},
	}
	cmd.Flags().IntVar(&lifelineFD, "lifeline-fd", -1, "serve until this descriptor's other end is closed")
	cmd.Flags().IntVar(&readyFD, "ready-fd", -1, "write a byte to this descriptor when ready")
	return cmd
}

// A managerKeeper keeps a service manager running on a device.
type managerKeeper struct {
	device string
	nice   niceness // the broker's, and what it was
	log    *slog.Logger
	quit   chan struct{}
	ended  sync.WaitGroup
}

// restartPause is how long a service manager that ended stays away, so that one that cannot work
// does not busy the machine.
const restartPause = time.Second

// startManager starts a service manager and starts it again whenever it ends.
func startManager(device string, nice niceness, log *slog.Logger) (*managerKeeper, error) {
	k := &managerKeeper{device: device, nice: nice, log: log, quit: make(chan struct{})}
	first, err := k.start()
	if err != nil {
		return nil, err
	}
	k.ended.Go(func() { k.keep(first) })
	return k, nil
}

func (k *managerKeeper) start() (*part, error) {
	cmd := self("servicemanager", "--lifeline-fd=3", "--ready-fd=4", k.device)
	cmd.Env = without(os.Environ(), "NOTIFY_SOCKET")
	var p *part
	k.nice.forOthers(func() { p = startPart(cmd) })
	if err := p.waitReady(); err != nil {
		p.stop()
		return nil, fmt.Errorf("the service manager did not start: %w", err)
	}
	return p, nil
}

func (k *managerKeeper) keep(p *part) {
	for {
		select {
		case <-k.quit:
			p.stop()
			return
		case <-p.done:
			k.log.Error("the service manager has ended and is started again; services must register again", "err", p.err)
		}
		for {
			select {
			case <-k.quit:
				return
			case <-time.After(restartPause):
			}
			next, err := k.start()
			if err == nil {
				p = next
				break
			}
			k.log.Error("the service manager is still away", "err", err)
		}
	}
}

// stop ends the service manager.
func (k *managerKeeper) stop() {
	close(k.quit)
	k.ended.Wait()
}

// manage is the context manager of a device until its parent is gone, or the bus.
func manage(device string, lifeline, ready *os.File) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	bus, err := binder.Open(device, binder.Options{Logger: log})
	if err != nil {
		return err
	}
	defer bus.Close()
	if _, err := servicemgr.Serve(bus, servicemgr.ServerOptions{Log: log}); err != nil {
		return fmt.Errorf("%s: %w", device, err)
	}
	if err := tellReady(ready); err != nil {
		return err
	}
	gone := make(chan struct{})
	if lifeline != nil {
		go func() {
			awaitEnd(lifeline)
			close(gone)
		}()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	select {
	case <-stop:
	case <-gone:
	case <-bus.Done():
		return bus.Err()
	}
	return nil
}
