package servicemgr

import (
	"context"
	"fmt"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	aidl "github.com/fusebinder/fusebinder/servicemgr/internal/gen/android/os"
)

// manager is handle 0 of a bus as generated code may call it: with the codes of Android 16, which
// become those of the bus's release.
type manager struct {
	binder.Binder
	bus   *binder.Bus
	level int
}

// NewParcel makes a parcel in the bus's layout.
func (m manager) NewParcel() *parcel.Parcel { return m.bus.NewParcel() }

// Transact calls the manager if it has that method.
func (m manager) Transact(ctx context.Context, code ioctl.Code, data *parcel.Parcel, flags ioctl.Flags) (*parcel.Parcel, error) {
	is, ok := methodAt(levelOfAIDL, code)
	if ok {
		code, ok = codeOf(m.level, is)
	}
	if !ok || m.level < levelAIDL {
		return nil, unsupported(m.level)
	}
	return m.Binder.Transact(ctx, code, data, flags)
}

func unsupported(level int) error { return fmt.Errorf("API level %d: %w", level, ErrUnsupported) }

// levelOfAIDL is the release whose interface is in aidl/.
const levelOfAIDL = 36

// aidlCode is the code that generated code knows m by.
func aidlCode(m method) ioctl.Code {
	code, _ := codeOf(levelOfAIDL, m)
	return code
}

// proxy is the manager for generated code.
func (c *Client) proxy() aidl.IServiceManager {
	return aidl.NewIServiceManagerProxy(manager{Binder: c.manager, bus: c.bus, level: c.level})
}
