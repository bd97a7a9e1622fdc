package devicefs

import (
	"strings"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
)

// controlName is the file that makes devices.
const controlName = "binder-control"

// deviceMajor is the major number that BINDER_CTL_ADD tells. Our devices are regular files and
// have none; this one is for local use (Documentation/admin-guide/devices.txt).
const deviceMajor = 242

// control answers an ioctl of a file that is no device.
func (r *reader) control(unique, handle uint64, request ioctl.Request, arg []byte, outSize int) {
	s := r.server
	f, ok := s.tree.snapshot(handle)
	switch {
	case !ok || !f.control:
		s.answered(s.wire.fail(unique, syscall.ENOTTY))
		return
	case request != ioctl.BINDER_CTL_ADD || len(arg) < ioctl.SizeofDevice || outSize != ioctl.SizeofDevice:
		s.answered(s.wire.fail(unique, syscall.EINVAL))
		return
	}
	var d ioctl.BinderfsDevice
	d.Decode(arg)
	d.Name[len(d.Name)-1] = 0
	minor, errno := s.tree.addDevice(d.NameString())
	if errno != 0 {
		s.answered(s.wire.fail(unique, errno))
		return
	}
	d.Major, d.Minor = deviceMajor, minor
	var m [argOffset + ioctl.SizeofDevice]byte
	putOutHeader(m[:], len(m), 0, unique)
	d.Encode(m[argOffset:])
	if errno := s.wire.write(m[:]); errno != 0 {
		s.answered(errno)
	}
}

// addDevice makes a device, with the errors of binderfs: EACCES for what is no file name, EEXIST
// for a name in use, ENOSPC for more devices than the mount may have.
func (t *tree) addDevice(name string) (minor uint32, errno syscall.Errno) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if uint32(len(t.minors)) > t.server.opts.maxDevices() { // one is binder-control's
		return 0, syscall.ENOSPC
	}
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return 0, syscall.EACCES
	}
	if t.devices[name] != nil || t.taken(name) {
		return 0, syscall.EEXIST
	}
	ctx, errno := t.server.bus.AddDevice(name)
	if errno != 0 {
		return 0, errno
	}
	for t.minors[minor] {
		minor++
	}
	t.minors[minor] = true
	t.made++
	o := &t.server.opts
	t.devices[name] = &device{
		name:       name,
		minor:      minor,
		made:       t.made,
		ctx:        brokerContext{ctx},
		attributes: newAttributes(o.DeviceMode, o.DeviceUID, o.DeviceGID),
	}
	return minor, 0
}

// removeDevice unlinks a device. binder-control stays, as does everything else.
func (t *tree) removeDevice(name string) syscall.Errno {
	t.mu.Lock()
	d := t.devices[name]
	delete(t.devices, name)
	t.mu.Unlock()
	if d == nil {
		return syscall.EPERM
	}
	t.unlinked(d)
	return 0
}

// unlinked ends a device that has no name any longer. Whoever has it open goes on with it.
func (t *tree) unlinked(d *device) {
	t.mu.Lock()
	d.removed = true
	t.freeMinor(d)
	t.mu.Unlock()
	d.ctx.Remove()
}

// freeMinor makes the minor number of a device free when nothing is left of it. It needs mu.
func (t *tree) freeMinor(d *device) {
	if d.removed && d.opens == 0 {
		delete(t.minors, d.minor)
	}
}
