package binder

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// Defaults of Options.
const (
	DefaultMaxThreads  = 15 // as Android's libbinder has it
	DefaultCallThreads = 256
)

// Options says how to open a bus. The zero value is good.
type Options struct {
	// MaxThreads is how many threads the driver may ask for to serve calls, beside the first one;
	// 0 means DefaultMaxThreads, less than 0 means none.
	MaxThreads int

	// CallThreads is how many calls may wait for replies at the same time, each of which takes a
	// thread; 0 means DefaultCallThreads. Calls beyond it wait for their turn (BusyError). Calls
	// made while one is carried out, with its context, do not count.
	CallThreads int

	// MapSize is the size in bytes of the buffer in which calls and replies are received; 0 means
	// ioctl.DefaultMapSize.
	MapSize int

	// APILevel is the Android release whose parcel layouts are used; 0 means parcel.APILevel.
	APILevel int

	// DetectOnewaySpam asks the driver to say when this program is filling another's receive buffer
	// with oneway calls, and is likely to be the reason that others find no room there. The driver
	// says so once, until there is room again; kernels before 5.14 never do.
	DetectOnewaySpam bool

	// OnewaySpam is called, in a goroutine of its own, when the driver says so; nil means that
	// Logger is told, with the stack of the call.
	OnewaySpam func(OnewaySpam)

	// Logger hears of panics, of failures that nobody else is told, and of the end of the device;
	// nil means slog.Default().
	Logger *slog.Logger
}

// A Bus is one open Binder device: this program's place on the bus. Its methods may be called by
// several goroutines.
type Bus struct {
	path string
	dev  *ioctl.Device
	opts Options
	log  *slog.Logger

	done chan struct{} // closed when the bus is closed or gone
	end  sync.Once     // closes done
	lost atomic.Pointer[DeviceError]

	// gate is entered by whoever uses the device, views by each received buffer. The gate is left
	// while a service's code runs, so Close does not wait for it; the mapping stays while somebody
	// may read there.
	gate   gate
	quiet  chan struct{} // closed when the gate is closed and nobody is inside
	views  gate
	closed chan struct{} // closed when Close is over

	pending       pending
	buffers       buffers
	files         files
	nodes         nodes
	exports       exports
	handles       handles
	subscriptions subscriptions // to deaths
	freezes       subscriptions
	threads       sync.Pool
	slots         slots
	callThreads   callThreads
	stuck         stuck

	manager atomic.Pointer[Object] // ours, if this program is the context manager
	zero    *Proxy                 // for somebody else's
}

// Open opens the Binder device at path, such as "/dev/binder", and starts the thread that serves
// calls. Each Open is a process of its own to the driver; most programs open a device once.
func Open(path string, opts Options) (*Bus, error) {
	switch {
	case opts.MaxThreads == 0:
		opts.MaxThreads = DefaultMaxThreads
	case opts.MaxThreads < 0:
		opts.MaxThreads = 0
	}
	if opts.CallThreads <= 0 {
		opts.CallThreads = DefaultCallThreads
	}
	if opts.MapSize == 0 {
		opts.MapSize = ioctl.DefaultMapSize
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	dev, err := ioctl.Open(path, opts.MapSize)
	if err != nil {
		return nil, err
	}
	b := &Bus{
		path:   path,
		dev:    dev,
		opts:   opts,
		log:    opts.Logger.With("bus", path),
		done:   make(chan struct{}),
		quiet:  make(chan struct{}),
		closed: make(chan struct{}),
		slots:  make(slots, opts.CallThreads),
	}
	b.gate.last = func() { close(b.quiet) }
	b.views.last = func() { _ = dev.Close() }
	b.buffers.all = make(map[*held]struct{})
	b.nodes.byID = make(map[ioctl.Pointer]*node)
	b.handles.byHandle = make(map[ioctl.Handle]handle)
	b.subscriptions.byCookie = make(map[ioctl.Cookie]*Proxy)
	b.freezes.byCookie = make(map[ioctl.Cookie]*Proxy)
	b.zero = &Proxy{bus: b, ref: &reference{bus: b, handle: ioctl.ContextManager}}
	b.zero.stability.Store(int32(parcel.StabilitySystem))
	if err := dev.SetMaxThreads(uint32(min(opts.MaxThreads, math.MaxInt32))); err != nil {
		dev.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := b.detectSpam(); err != nil {
		dev.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := b.files.open(dev); err != nil {
		dev.Close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	b.pending.start(b.flush)
	go b.looper(ioctl.BC_ENTER_LOOPER)
	return b, nil
}

// Path is the path the bus was opened with.
func (b *Bus) Path() string { return b.path }

// Done is closed when the bus has been closed, or its device has ended: then Err tells why.
func (b *Bus) Done() <-chan struct{} { return b.done }

// Err is nil while the bus works, ErrClosed after Close, and a *DeviceError when the device has
// ended by itself.
func (b *Bus) Err() error {
	if e := b.lost.Load(); e != nil {
		return e
	}
	select {
	case <-b.done:
		return ErrClosed
	default:
		return nil
	}
}

// NewParcel makes an empty parcel in the bus's layout.
func (b *Bus) NewParcel() *parcel.Parcel {
	p := parcel.New()
	p.SetAPILevel(b.opts.APILevel)
	p.SetOwner(b)
	return p
}

// ContextManager is the object that everybody knows: the service manager. It is there to be called
// even before anybody is the context manager; calls answer ErrDeadObject then. The driver refuses
// calls from the context manager's own process, whatever Bus it uses; where that is this Bus,
// ContextManager is the Object itself.
func (b *Bus) ContextManager() Binder {
	if o := b.manager.Load(); o != nil {
		return o // the driver takes no calls to oneself
	}
	return b.zero
}

// BecomeContextManager makes o what the others get from ContextManager. There is one for each
// device: EBUSY if there is another, EPERM if this program may not.
func (b *Bus) BecomeContextManager(o *Object) error {
	flat, err := o.FlattenBinder()
	if err != nil {
		return err
	}
	if !b.manager.CompareAndSwap(nil, o) {
		return fmt.Errorf("become context manager of %s: %w", b.path, syscall.EBUSY)
	}
	err = b.dev.SetContextManager(&flat)
	if errors.Is(err, syscall.EINVAL) { // a kernel before 5.4
		err = b.dev.SetContextManager(nil)
	}
	if err != nil {
		b.manager.Store(nil)
		return fmt.Errorf("become context manager of %s: %w", b.path, err)
	}
	return nil
}

// Close leaves the bus. To others this process's objects are dead. Calls under way answer ErrClosed,
// the contexts of calls being carried out end; Close waits for neither the goroutines that carry
// them out nor for those that call, only until they have left the device. Received parcels stay
// readable until they are released. A second Close waits for the first and answers ErrClosed.
func (b *Bus) Close() error {
	if !b.gate.close() {
		<-b.closed
		return ErrClosed
	}
	b.end.Do(func() { close(b.done) })
	b.pending.stop()
	b.callThreads.close()
	err := b.dev.Shut() // wakes all who wait in the driver
	<-b.quiet
	b.files.close()
	if views := b.buffers.kept(); len(views) > 0 {
		err = errors.Join(err, b.dev.Keep(views))
	}
	b.buffers.mu.Lock()
	b.buffers.idle = nil
	b.buffers.mu.Unlock()
	b.views.close()
	b.subscriptions.removeAll()
	b.freezes.removeAll()
	close(b.closed)
	return err
}

// fail ends the bus because its device does not work any more. Everything on it is dead.
func (b *Bus) fail(err error) {
	var e *DeviceError
	if !errors.As(err, &e) {
		e = &DeviceError{Path: b.path, Err: err}
	}
	if !b.lost.CompareAndSwap(nil, e) {
		return
	}
	if errors.Is(e.Err, syscall.ECONNREFUSED) {
		b.log.Info("the bus has been stopped", "device", b.path)
	} else {
		b.log.Error("the bus is gone", "device", b.path, "error", e.Err)
	}
	b.end.Do(func() { close(b.done) })
	b.freezes.removeAll()
	for cookie, p := range b.subscriptions.removeAll() {
		p.died(cookie)
	}
}
