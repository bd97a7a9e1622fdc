// Package devicefs is the broker's edge: it mounts a directory that looks like binderfs and turns
// what happens to its files into calls of the broker.
//
// A reader takes one request after the other from /dev/fuse and handles it in place: an ioctl is
// answered at once, or parked as a plain struct that the broker completes later. Nothing is
// handed from goroutine to goroutine, because that costs more than everything else together.
// The price is that a reader may get stuck in a client's memory; a watchdog sees that within
// milliseconds and wakes a spare reader.
//
// IOCTL, POLL, INTERRUPT, FLUSH and RELEASE are handled here. All other operations go to go-fuse,
// which parses them and calls the methods of tree.
//
// Locks: Server.mu (readers), tree.mu (nodes and devices), opens.mu, requests.mu (ioctls under
// way), threadSet.mu before threads.mu. Otherwise each is taken with none of the others held, and
// none is held while the broker is called, or a client's memory touched.
package devicefs

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// A Server is a mounted directory of binder devices.
type Server struct {
	opts  Options
	log   *slog.Logger
	dir   string
	wire  wire
	mount mountID
	bus   *busd.Bus
	tree  *tree
	fuse  *fuse.ProtocolServer

	requests requests
	opens    opens
	threads  *threads
	timeout  time.Duration // the kernel aborts the mount when an ioctl waits for so long; 0: never

	cannotLend sync.Once // tells of it

	greeted  atomic.Bool  // go-fuse has heard FUSE_INIT
	mode     atomic.Int32 // Mode; Auto until the kernel has been asked
	ready    chan struct{}
	done     chan struct{}
	failed   error       // why Serve ended, if not because of the unmount; read after done
	aborting atomic.Bool // readers end with the next EINTR

	watchdog watchdog

	mu      sync.Mutex
	reading sync.WaitGroup // the readers
	aside   sync.WaitGroup // calls of the broker beside the readers
	spares  []*reader      // guarded by mu
	total   int            // guarded by mu
	ended   bool           // guarded by mu
}

// Mount mounts the devices at dir, an existing directory. It clears away what a crashed broker
// left there, and refuses a directory on which anything else is mounted. Nobody is served before
// Serve is called.
//
// Whoever mounts must not use the mount: a process that waits for itself cannot be killed.
func Mount(dir string, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	s := &Server{
		opts:    opts,
		log:     opts.Logger,
		bus:     busd.New(withClock(opts.Bus)),
		ready:   make(chan struct{}),
		done:    make(chan struct{}),
		timeout: requestTimeout(),
	}
	s.watchdog.wake = make(chan struct{}, 1)
	s.watchdog.traffic = make(chan struct{}, 1)
	var err error
	if s.tree, err = newTree(s); err != nil {
		return nil, err
	}
	s.fuse = fuse.NewProtocolServer(s.tree, &fuse.MountOptions{
		MaxWrite:      maxRead,
		MaxStackDepth: 1,
		Logger:        slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		PanicHandler: func(v any) fuse.Status {
			panic(v) // a bug: die at once, so that the kernel aborts the mount and nobody hangs
		},
	})
	if s.threads, err = newThreads(); err != nil {
		return nil, err
	}
	if s.dir, s.wire, s.mount, err = mount(dir, opts); err != nil {
		s.threads.close()
		return nil, err
	}
	return s, nil
}

// Bus is the broker behind the mount.
func (s *Server) Bus() *busd.Bus { return s.bus }

// Dir is the mount point, absolute and without symbolic links.
func (s *Server) Dir() string { return s.dir }

// Mode is how clients see their receive areas: Passthrough or Store once Ready is closed.
func (s *Server) Mode() Mode { return Mode(s.mode.Load()) }

// Ready is closed when the mount works.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// Done is closed when the mount is gone and Serve about to return.
func (s *Server) Done() <-chan struct{} { return s.done }

// Serve answers requests until the directory is unmounted, by Close or by anybody else.
func (s *Server) Serve() error {
	if s.opts.RawReader {
		if err := interruptible(); err != nil {
			s.log.Warn("the raw reader is not available, the ordinary one serves", "err", err)
			s.opts.RawReader = false
		}
	}
	s.mu.Lock()
	first := s.newReader()
	for range sparesAhead {
		s.spares = append(s.spares, s.newSpare())
	}
	s.mu.Unlock()
	s.watchdog.current.Store(first)
	stop := make(chan struct{})
	var helpers sync.WaitGroup
	helpers.Go(func() { s.watch(stop) })
	helpers.Go(func() { s.trim(stop) })
	if s.timeout > 0 {
		helpers.Go(func() { s.sweep(stop) })
	}

	first.loop()

	s.reading.Wait()
	close(stop)
	helpers.Wait()
	s.bus.Shutdown()
	s.opens.each((*open).release)
	s.threads.close()
	s.aside.Wait()
	unix.Close(int(s.wire))
	close(s.done)
	return s.failed
}

// end lets every reader go; the first to see that the mount is gone calls it.
func (s *Server) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	s.failed = err
	for _, r := range s.spares {
		close(r.wake)
	}
	s.spares = nil
}

const (
	// closeWait is how long Close waits for clients that still hold the device open, or for a
	// mount namespace that has a copy of the mount.
	closeWait = time.Second

	// abortWait is how long it then takes at most to cut them off.
	abortWait = 2 * time.Second
)

// ErrHeld says that the directory was unmounted while a client still held the broker back.
var ErrHeld = errors.New("a client's memory does not answer and holds the broker back until this process ends")

// Close ends the service: every parked ioctl, and every later one, is answered ECONNREFUSED, and
// the directory is unmounted. Clients that keep a device open, and mount namespaces that have a
// copy of the mount, are cut off after a second. Close answers ErrHeld when it cannot wait for
// the end of Serve; nobody hangs on the mount even then.
func (s *Server) Close() error {
	s.bus.Shutdown()
	patience := time.After(closeWait)
	for s.unmount(0) == unix.EBUSY {
		select {
		case <-s.done:
			return nil
		case <-patience:
			if err := s.unmount(unix.MNT_FORCE | unix.MNT_DETACH); err != nil {
				return fmt.Errorf("unmount %s: %w", s.dir, err)
			}
			return s.abort()
		case <-time.After(10 * time.Millisecond):
		}
	}
	select {
	case <-s.done:
		return nil
	case <-patience:
		return s.abort()
	}
}

// unmount unmounts the directory unless that has been done; MNT_FORCE also ends the connection.
func (s *Server) unmount(flags int) error {
	if id, _, err := mounted(s.dir); err == nil && id != s.mount {
		return nil
	}
	return unix.Unmount(s.dir, flags|unix.UMOUNT_NOFOLLOW)
}

// abort makes the readers stop, so that Serve closes the connection, which ends the mount wherever
// it still is and whoever uses it.
func (s *Server) abort() error {
	s.aborting.Store(true)
	if err := clearRestart(); err != nil {
		return fmt.Errorf("unmount %s: %w: %w", s.dir, ErrHeld, err)
	}
	end := time.After(abortWait)
	for {
		kick()
		select {
		case <-s.done:
			return nil
		case <-end:
			return fmt.Errorf("unmount %s: %w", s.dir, ErrHeld)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// fatal ends a mount that cannot work.
func (s *Server) fatal(err error) {
	s.log.Error("the mount cannot work", "dir", s.dir, "err", err)
	s.end(err)
	go func() {
		if err := s.unmount(unix.MNT_DETACH); err != nil {
			s.log.Error("cannot unmount", "err", err)
		}
	}()
}

// gone tells whether errno of a read means that the mount is gone.
func gone(errno syscall.Errno) bool { return errno == syscall.ENODEV }
