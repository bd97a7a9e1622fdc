package ioctl

import (
	"fmt"
	"os"
)

// Shut closes the device's file and leaves the receive buffer mapped, for programs whose threads may
// still be reading there: Close does the rest. Threads waiting in a read return, and every call from
// now on answers os.ErrClosed, as does a second Shut.
//
// A mapping keeps the file of the kernel's driver open, and the process alive to others: see Keep.
func (d *Device) Shut() error {
	for {
		n := d.state.Load()
		if n&closed != 0 {
			return fmt.Errorf("close %s: %w", d.path, os.ErrClosed)
		}
		if d.state.CompareAndSwap(n, (n+1)|closed) { // +1: we use fd ourselves
			break
		}
	}
	// This closes the device, which wakes its waiting threads, while the number stays ours until
	// they have left.
	hollowFile(d.fd)
	d.leave()
	return nil
}

// Keep lets go of the device after Shut while views, results of Bytes, are still in use: it puts
// memory of the process's own with the same bytes in the place of the receive buffer. To the driver
// the process is dead then. Bytes outside views, and those that cannot be read, become 0.
func (d *Device) Keep(views [][]byte) error {
	size := len(d.mapping)
	p, err := newPages(size)
	if err != nil {
		return fmt.Errorf("keep %d bytes received from %s: %w", size, d.path, err)
	}
	for _, v := range views {
		if addr := AddressOf(v); d.Contains(addr, uint64(len(v))) {
			copyPages(p, uintptr(addr-d.base), v)
		}
	}
	if err := moveOver(p, d.mapping); err != nil {
		return fmt.Errorf("keep %d bytes received from %s: %w", size, d.path, err)
	}
	return nil
}
