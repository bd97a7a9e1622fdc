package ioctl

import (
	"fmt"
	"os"
)

// Contains tells whether the n bytes at addr lie inside the receive buffer.
func (d *Device) Contains(addr Address, n uint64) bool {
	size := uint64(len(d.mapping))
	off := uint64(addr - d.base) // wraps round to a large number below base
	return addr >= d.base && off <= size && n <= size-off
}

// Bytes is a view of the n bytes at addr in the receive buffer, where TransactionData.Buffer and
// Offsets point. It is read-only memory: writing to it ends the program. It is valid until the
// buffer is freed (BC_FREE_BUFFER) or the device closed. The error is ErrOutside or os.ErrClosed.
func (d *Device) Bytes(addr Address, n uint64) ([]byte, error) {
	if d.state.Load()&closed != 0 {
		return nil, os.ErrClosed
	}
	if n == 0 {
		return nil, nil // the driver gives no promise about the address of nothing
	}
	if !d.Contains(addr, n) {
		return nil, fmt.Errorf("%d bytes at %#x: %w", n, uint64(addr), ErrOutside)
	}
	off := uint64(addr - d.base)
	return d.mapping[off : off+n : off+n], nil
}

// Mapping tells where the receive buffer is and how many bytes it has.
func (d *Device) Mapping() (Address, uint64) { return d.base, uint64(len(d.mapping)) }
