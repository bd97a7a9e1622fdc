package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd/devicefs"
	"github.com/fusebinder/fusebinder/internal/nullioctl"
	"github.com/fusebinder/fusebinder/internal/session"
)

// A broker is the process that serves a mount. It never uses the mount itself: a process that
// waits for its own answer cannot be killed.
type broker struct {
	dir      string
	options  devicefs.Options
	manager  bool
	nice     int // added to what it was started with
	logLevel string

	// Descriptors of the session that started this process, -1 where there is none.
	lifelineFD, readyFD, listenerFD int
}

// serve mounts, serves and unmounts.
func (b *broker) serve() error {
	log := b.options.Logger
	lifeline := inherited(b.lifelineFD, "lifeline")
	ready := inherited(b.readyFD, "ready")
	listener := inherited(b.listenerFD, "listener socket")

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, unix.SIGTERM, unix.SIGINT)
	if !session.Privileged() {
		return errors.New("mounting a directory that all see needs root (CAP_SYS_ADMIN); ordinary users have \"busd run\"")
	}
	toughen(log)
	nice := hurry(b.nice, log)
	undo, err := makeMountPoint(b.dir)
	if err != nil {
		return err
	}
	defer undo()
	b.options.RawReader = true
	b.options.Inject = true
	if b.listenerFD >= 0 {
		b.options.ClientFilters = 1 // the one that mendNullArguments serves
	}
	// Nobody may write to files of an owner who does not exist in the mount's user namespace.
	b.options.DeviceUID, b.options.DeviceGID = uint32(os.Getuid()), uint32(os.Getgid())
	server, err := devicefs.Mount(b.dir, b.options)
	if err != nil && lifeline != nil {
		return session.Explain(err)
	}
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	path := server.Dir()
	go func() { served <- server.Serve() }()
	closed := false
	closeServer := func() error {
		if closed {
			return nil
		}
		closed = true
		err := server.Close()
		if errors.Is(err, devicefs.ErrHeld) {
			log.Warn("unmounted in use", "err", err)
			return nil
		}
		return err
	}
	defer func() { _ = closeServer() }()

	select {
	case <-server.Ready():
	case err := <-served:
		return errors.Join(err, errors.New("the mount has ended before it was ready"))
	case <-time.After(startWait):
		return fmt.Errorf("the kernel did not begin to use the mount at %s within %v", path, startWait)
	}
	if listener != nil {
		go mendNullArguments(listener, server, log)
	}
	stopManager := func() {}
	if b.manager {
		manager, err := startManager(filepath.Join(path, b.options.Devices[0]), nice, log)
		if err != nil {
			return err
		}
		stopManager = sync.OnceFunc(manager.stop)
		defer stopManager()
	}
	log.Info("serving", "dir", path, "mode", server.Mode())
	if err := errors.Join(tellReady(ready), notifySystemd("READY=1")); err != nil {
		log.Warn("nobody hears that the bus is ready", "err", err)
	}

	gone := make(chan struct{})
	if lifeline != nil {
		go func() {
			awaitEnd(lifeline)
			close(gone)
		}()
	}
	select {
	case s := <-stop:
		log.Info("stopping", "signal", s)
		signal.Stop(stop) // a second one ends us at once
	case <-gone:
	case err := <-served:
		if err == nil {
			log.Info("somebody has unmounted the bus", "dir", path)
		}
		return err
	}
	_ = notifySystemd("STOPPING=1")
	stopManager()
	return closeServer()
}

// mendNullArguments serves the seccomp notifications of the command that is run on this bus.
func mendNullArguments(socket *os.File, server *devicefs.Server, log *slog.Logger) {
	listener, err := nullioctl.Receive(socket)
	socket.Close()
	if errors.Is(err, os.ErrClosed) {
		return // the command goes without
	}
	if err == nil {
		major, minor := server.Device()
		err = nullioctl.Serve(listener, nullioctl.Device{Major: major, Minor: minor}, server)
	}
	if err != nil {
		log.Error("ioctls with a NULL argument are no longer mended", "err", err)
	}
}

// toughen makes the broker a little harder to starve and to kill than its clients, as far as it
// may: more descriptors, and a low place in the out-of-memory killer's list.
func toughen(log *slog.Logger) {
	const descriptors = 1 << 20
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil && limit.Cur < descriptors {
		raised := unix.Rlimit{Cur: descriptors, Max: max(limit.Max, descriptors)}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) != nil {
			raised = unix.Rlimit{Cur: limit.Max, Max: limit.Max}
			_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &raised)
		}
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-900"), 0); err != nil {
		log.Debug("the out-of-memory score stays as it is", "err", err)
	}
}
