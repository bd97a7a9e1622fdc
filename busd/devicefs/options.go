package devicefs

import (
	"fmt"
	"log/slog"

	"github.com/fusebinder/fusebinder/busd"
)

// A Mode is how a client sees its receive area.
type Mode int

const (
	// Auto tries Passthrough and falls back to Store.
	Auto Mode = iota

	// Passthrough maps the broker's own memory into the client: the one copy of Binder. It needs
	// Linux 6.9 and CAP_SYS_ADMIN outside any user namespace.
	Passthrough

	// Store keeps a copy in the page cache of the client's file. It needs no privilege.
	Store
)

var modes = [...]string{"auto", "passthrough", "store"}

func (m Mode) String() string {
	if m < 0 || int(m) >= len(modes) {
		return fmt.Sprintf("mode %d", int(m))
	}
	return modes[m]
}

// Set makes m the mode called name (with String and Type it is a command line flag).
func (m *Mode) Set(name string) error {
	for i, s := range modes {
		if s == name {
			*m = Mode(i)
			return nil
		}
	}
	return fmt.Errorf("unknown receive mode %q: use auto, passthrough or store", name)
}

// Type is what help calls a Mode.
func (m *Mode) Type() string { return "mode" }

// DefaultDevices are the devices that Android has.
var DefaultDevices = []string{"binder", "hwbinder", "vndbinder"}

// DefaultFeatures are the files of the features directory: what the broker implements of what
// the driver of Linux 6.12 lists.
var DefaultFeatures = []string{"oneway_spam_detection", "extended_error", "freeze_notification"}

// Options say how to mount and serve. The zero value means the defaults.
type Options struct {
	Mode     Mode
	Bus      busd.Config
	Devices  []string // nil: DefaultDevices
	Features []string // nil: DefaultFeatures

	// MaxDevices is how many devices there may be at a time, those of the beginning and those that
	// are unlinked and still open included; nil: MaxMinors. (binderfs's mount option max.)
	MaxDevices *uint32

	// NoStats leaves binder_logs out, as binderfs does without the mount option stats=global.
	NoStats bool

	// FSName is the first column of the mount table; "": "busd".
	FSName string

	// Private keeps other users out of the mount. Otherwise file modes decide (allow_other).
	Private bool

	// DeviceMode, DeviceUID and DeviceGID belong to new devices; 0 mode: 0666. The owner must
	// exist in the user namespace of the mount.
	DeviceMode uint32
	DeviceUID  uint32
	DeviceGID  uint32

	// RawReader makes the reader wait without giving its processor back to Go's scheduler. It is
	// for a process that does nothing but serve: it changes the handling of SIGURG and raises
	// GOMAXPROCS for the whole process.
	RawReader bool

	// Inject puts descriptors into clients that have given no socket, by controlling the thread
	// that receives them for an instant (ptrace); otherwise they get none. It is for a process
	// that does nothing but serve: it changes the handling of SIGCHLD.
	Inject bool

	// ClientFilters is how many seccomp filters clients have that the broker has not, and that
	// are known to let injection pass. Where a client has more, they are suspended, which takes
	// CAP_SYS_ADMIN outside any user namespace; without that it gets no descriptors.
	ClientFilters int

	Logger *slog.Logger // nil: slog.Default()
}

// MaxMinors is the largest MaxDevices: as many minor numbers as there are.
const MaxMinors = 1 << 20

func (o *Options) maxDevices() uint32 {
	if o.MaxDevices == nil {
		return MaxMinors
	}
	return *o.MaxDevices
}

func (o Options) withDefaults() Options {
	if o.Devices == nil {
		o.Devices = DefaultDevices
	}
	if o.Features == nil {
		o.Features = DefaultFeatures
	}
	if o.FSName == "" {
		o.FSName = "busd"
	}
	if o.DeviceMode == 0 {
		o.DeviceMode = 0666
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}
