package servicemgr

import (
	"context"
	"errors"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// Until Android 10 the service manager was a C program (service_manager.c) and its interface written
// by hand: replies have no status, a refusal is the status -1, names are listed one by one.

// legacy answers a client of those releases.
func (v *visit) legacy(m method, data, reply *parcel.Parcel) error {
	if err := data.EnforceInterface(Descriptor); err != nil {
		return err
	}
	err := v.legacyMethod(m, data, reply)
	var status parcel.Status
	if errors.As(err, &status) {
		return parcel.StatusT(-1) // it knew no exceptions
	}
	return err
}

func (v *visit) legacyMethod(m method, data, reply *parcel.Parcel) error {
	switch m {
	case getService, checkService:
		name := data.ReadString16()
		if err := data.Err(); err != nil {
			return err
		}
		if found := v.find(name); found != nil {
			reply.WriteStrongBinder(found)
		} else {
			reply.WriteInt32(0) // instead of an object
		}
		return reply.Err()
	case addService:
		name := data.ReadString16()
		b := binder.ReadNullable(data)
		isolated := data.ReadBool()
		priority := v.priority(data, DUMP_FLAG_PRIORITY_DEFAULT)
		if err := data.Err(); err != nil {
			return err
		}
		reply.WriteInt32(0)
		return v.AddService(context.Background(), name, b, isolated, priority)
	case listServices:
		at := data.ReadInt32()
		priority := v.priority(data, DUMP_FLAG_PRIORITY_ALL)
		if err := data.Err(); err != nil {
			return err
		}
		names, err := v.ListServices(context.Background(), priority)
		if err != nil {
			return err
		}
		if at < 0 || int(at) >= len(names) {
			return parcel.StatusT(-1)
		}
		reply.WriteString16(names[at])
		return reply.Err()
	}
	return binder.ErrUnknownTransaction
}

// priority reads a dump priority if the release has them.
func (v *visit) priority(data *parcel.Parcel, otherwise DumpPriority) int32 {
	if v.s.level < levelPriority {
		return int32(otherwise)
	}
	return data.ReadInt32()
}

// legacy is the service manager of those releases, as a client sees it.
type legacy struct {
	bus     *binder.Bus
	manager binder.Binder
}

// call makes one call: write writes the arguments, read reads the results.
func (l legacy) call(ctx context.Context, m method, write, read func(*parcel.Parcel)) error {
	code, ok := codeOf(l.level(), m)
	if !ok {
		return unsupported(l.level())
	}
	data := l.bus.NewParcel()
	defer data.Release()
	data.WriteInterfaceToken(Descriptor)
	write(data)
	if err := data.Err(); err != nil {
		return err
	}
	reply, err := l.manager.Transact(ctx, code, data, 0)
	if err != nil {
		return err
	}
	defer reply.Release()
	read(reply)
	return reply.Err()
}

func (l legacy) level() int { return levelOf(l.bus) }

// priority writes a dump priority if the release has them.
func (l legacy) priority(data *parcel.Parcel, priority DumpPriority) {
	if l.level() >= levelPriority {
		data.WriteInt32(int32(priority))
	}
}

func (l legacy) find(ctx context.Context, m method, name string) (found binder.Binder, err error) {
	err = l.call(ctx, m, func(p *parcel.Parcel) { p.WriteString16(name) }, func(p *parcel.Parcel) {
		if p.Remaining() >= ioctl.SizeofFlatObject {
			found = binder.ReadNullable(p)
		}
	})
	return found, err
}

func (l legacy) add(ctx context.Context, name string, service binder.Binder, isolated bool, priority DumpPriority) error {
	return l.call(ctx, addService, func(p *parcel.Parcel) {
		p.WriteString16(name)
		binder.WriteNullable(p, service)
		p.WriteBool(isolated)
		l.priority(p, priority)
	}, func(p *parcel.Parcel) { p.SetErr(p.ReadStatus().Err()) })
}

// list asks as libbinder did: until the manager refuses.
func (l legacy) list(ctx context.Context, priority DumpPriority) (names []string, err error) {
	for {
		var name string
		err := l.call(ctx, listServices, func(p *parcel.Parcel) {
			p.WriteInt32(int32(len(names)))
			l.priority(p, priority)
		}, func(p *parcel.Parcel) { name = p.ReadString16() })
		var refused *binder.StatusError
		switch {
		case errors.As(err, &refused):
			return names, nil
		case err != nil:
			return nil, err
		}
		names = append(names, name)
	}
}
