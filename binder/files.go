package binder

import (
	"encoding/binary"
	"sync"
	"syscall"

	"github.com/fusebinder/fusebinder/ioctl"
	"golang.org/x/sys/unix"
)

// files finds the descriptors that come with received transactions. The kernel's driver has put them
// into the process, and the objects hold their numbers. A FuseBinder device sends them through
// sock, before the read that carries the transaction returns; whoever reads there may find those
// of another thread's transaction first, so they are sorted by buffer.
type files struct {
	sock int // our end, -1 on the kernel's driver

	mu      sync.Mutex
	arrived map[ioctl.Address][]int // by buffer; -1 for those not here yet
}

// open offers the device a socket for descriptors.
func (f *files) open(dev *ioctl.Device) error {
	f.sock = -1
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(pair[1])
	if err := dev.SetDescriptorSocket(pair[1]); err != nil {
		unix.Close(pair[0])
		return nil // the kernel's driver: it needs none
	}
	f.sock = pair[0]
	f.arrived = make(map[ioctl.Address][]int)
	return nil
}

// close gives back what nobody has asked for.
func (f *files) close() {
	if f.sock < 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	unix.Close(f.sock)
	for addr := range f.arrived {
		f.lockedForget(addr)
	}
}

// collect takes over the descriptors of the transaction in h.
func (f *files) collect(dev *ioctl.Device, h *held) {
	h.index = f.sock >= 0
	numbers := descriptors(dev, h.data, h.table)
	if len(numbers) == 0 {
		return
	}
	if !h.index {
		for _, n := range singles(h.data, h.table) {
			h.files = append(h.files, int(int32(n)))
		}
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for !complete(f.arrived[h.addr]) && f.lockedRead() {
	}
	h.files = append(h.files, f.arrived[h.addr]...)
	delete(f.arrived, h.addr)
}

func complete(fds []int) bool {
	for _, fd := range fds {
		if fd < 0 {
			return false
		}
	}
	return len(fds) > 0
}

// lockedRead takes one message from the socket, false if there is none.
func (f *files) lockedRead() bool {
	var data [ioctl.SizeofDescriptorMessage]byte
	oob := make([]byte, unix.CmsgSpace(4*ioctl.MaxDescriptors))
	var n, oobn int
	var err error
	for {
		n, oobn, _, _, err = unix.Recvmsg(f.sock, data[:], oob, unix.MSG_DONTWAIT|unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			break
		}
	}
	if err != nil || n == 0 {
		return false
	}
	var fds []int
	if list, err := unix.ParseSocketControlMessage(oob[:oobn]); err == nil {
		for i := range list {
			if got, err := unix.ParseUnixRights(&list[i]); err == nil {
				fds = append(fds, got...)
			}
		}
	}
	var m ioctl.DescriptorMessage
	if n == len(data) {
		m.Decode(data[:])
	}
	f.lockedPut(m, fds)
	return true
}

// maxFiles is more descriptors than one transaction can hold: RLIMIT_NOFILE's ceiling is 2^20.
const maxFiles = 1 << 20

// lockedPut puts received descriptors in their places; those that have none are closed.
func (f *files) lockedPut(m ioctl.DescriptorMessage, fds []int) {
	if m.First == 0 {
		f.lockedForget(m.Buffer) // of a transaction at the same place that we never saw
	}
	places := f.arrived[m.Buffer]
	if places == nil && m.Total <= maxFiles {
		places = make([]int, m.Total)
		for i := range places {
			places[i] = -1
		}
		f.arrived[m.Buffer] = places
	}
	for i, fd := range fds {
		at := uint64(m.First) + uint64(i)
		if at >= uint64(len(places)) || places[at] >= 0 {
			syscall.Close(fd)
			continue
		}
		places[at] = fd
	}
}

func (f *files) lockedForget(addr ioctl.Address) {
	for _, fd := range f.arrived[addr] {
		if fd >= 0 {
			syscall.Close(fd)
		}
	}
	delete(f.arrived, addr)
}

// singles are the numbers of the descriptors of a transaction that are not in arrays. The driver closes
// those in arrays when the buffer is freed; to close them here, too, would hit whatever had their
// numbers by then.
func singles(data, table []byte) (fds []uint32) {
	for i := 0; i+8 <= len(table); i += 8 {
		if o := object(data, binary.LittleEndian.Uint64(table[i:])); kindOf(o) == ioctl.BINDER_TYPE_FD {
			var fd ioctl.FDObject
			fd.Decode(o)
			fds = append(fds, fd.FD)
		}
	}
	return fds
}

// descriptors are what stands for descriptors in a transaction: numbers, or indices.
func descriptors(dev *ioctl.Device, data, table []byte) (fds []uint32) {
	for i := 0; i+8 <= len(table); i += 8 {
		o := object(data, binary.LittleEndian.Uint64(table[i:]))
		switch kindOf(o) {
		case ioctl.BINDER_TYPE_FD:
			var fd ioctl.FDObject
			fd.Decode(o)
			fds = append(fds, fd.FD)
		case ioctl.BINDER_TYPE_FDA:
			var a ioctl.FDArrayObject
			a.Decode(o)
			if a.Parent >= uint64(len(table)/8) || a.NumFDs > maxFiles {
				continue
			}
			p := object(data, binary.LittleEndian.Uint64(table[8*a.Parent:]))
			if kindOf(p) != ioctl.BINDER_TYPE_PTR {
				continue
			}
			var parent ioctl.BufferObject
			parent.Decode(p)
			numbers, err := dev.Bytes(parent.Buffer+ioctl.Address(a.ParentOffset), 4*a.NumFDs)
			if err != nil {
				continue
			}
			for ; len(numbers) >= 4; numbers = numbers[4:] {
				fds = append(fds, binary.LittleEndian.Uint32(numbers))
			}
		}
	}
	return fds
}

// object is the object at offset off of data, nil if no whole one is there.
func object(data []byte, off uint64) []byte {
	if off > uint64(len(data)) || uint64(len(data))-off < ioctl.SizeofObjectHeader {
		return nil
	}
	o := data[off:]
	if size := kindOf(o).Size(); size == 0 || len(o) < size {
		return nil
	}
	return o
}

func kindOf(o []byte) ioctl.ObjectType {
	if len(o) < ioctl.SizeofObjectHeader {
		return 0
	}
	return ioctl.ObjectType(binary.LittleEndian.Uint32(o))
}
