package devicefs

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// passthrough is the receive mode in which the client's mapping is the broker's memory: there is
// nothing to publish.
type passthrough struct{ mem []byte }

func (passthrough) publish(int, int) {}

func (p passthrough) discard(off, n int) {
	unix.Madvise(p.mem[off:off+n], unix.MADV_REMOVE)
}

// newPassthrough makes the memory file of a client and registers it with the kernel. The client
// can write to its mapping of it (nothing in Linux prevents that), so it is never read back. It
// cannot shrink it under our feet.
func (w wire) newPassthrough() (*backing, int32, error) {
	fd, err := memfd("fusebinder")
	if err != nil {
		return nil, 0, err
	}
	defer unix.Close(fd) // the mapping and the registration keep the file
	if err := unix.Ftruncate(fd, fileSize); err != nil {
		return nil, 0, fmt.Errorf("size the memory file: %w", err)
	}
	// Not F_SEAL_FUTURE_WRITE: it would keep us, too, from giving memory back. FOPEN_DIRECT_IO
	// keeps the client from the file's other operations.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return nil, 0, fmt.Errorf("seal the memory file: %w", err)
	}
	mem, err := unix.Mmap(fd, 0, fileSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, 0, fmt.Errorf("map the memory file: %w", err)
	}
	id, errno := w.openBacking(fd)
	if errno != 0 {
		unix.Munmap(mem)
		return nil, 0, fmt.Errorf("register the memory file: %w", errno)
	}
	return newBacking(mem, passthrough{mem}), id, nil
}

// memfd makes an empty memory file that can be sealed and never be executed.
func memfd(name string) (int, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL { // before Linux 6.3
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return -1, fmt.Errorf("make a memory file: %w", err)
	}
	return fd, nil
}
