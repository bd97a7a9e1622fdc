package devicefs

import (
	"errors"
	"fmt"
	"math"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags of FUSE_INIT, 64 bits over two fields.
const (
	capAsyncRead      = 1 << 0  // FUSE_ASYNC_READ
	capBigWrites      = 1 << 5  // FUSE_BIG_WRITES
	capParallelDirs   = 1 << 18 // FUSE_PARALLEL_DIROPS
	capMaxPages       = 1 << 22 // FUSE_MAX_PAGES
	capExplicitInval  = 1 << 25 // FUSE_EXPLICIT_INVAL_DATA: drop cached pages only when told
	capInitExt        = 1 << 30 // FUSE_INIT_EXT
	capSharedMappings = 1 << 36 // FUSE_DIRECT_IO_ALLOW_MMAP: MAP_SHARED in the receive mode store
	capPassthrough    = 1 << 37 // FUSE_PASSTHROUGH
	capNoExport       = 1 << 38 // FUSE_NO_EXPORT_SUPPORT
	capRequestTimeout = 1 << 42 // FUSE_REQUEST_TIMEOUT

	wanted = capAsyncRead | capBigWrites | capParallelDirs | capMaxPages | capExplicitInval |
		capInitExt | capSharedMappings | capPassthrough | capNoExport | capRequestTimeout
)

// Protocol version 7.41 brought everything that we use.
const (
	fuseMajor = 7
	fuseMinor = 41
)

// init agrees with the kernel on the protocol. go-fuse hears of it, to know the kernel's version,
// but the answer is ours.
func (r *reader) init(h header) {
	s := r.server
	in := h[sizeofInHeader:]
	if len(in) < 16 {
		s.answered(s.wire.fail(h.unique(), syscall.EIO))
		return
	}
	major, minor := le.Uint32(in[0:]), le.Uint32(in[4:])
	if major != fuseMajor || minor < 31 {
		s.answered(s.wire.fail(h.unique(), syscall.EPROTO))
		s.fatal(fmt.Errorf("the kernel speaks FUSE %d.%d; at least %d.31 (Linux 5.4) is needed", major, minor, fuseMajor))
		return
	}
	var scratch [4096]byte
	s.fuse.HandleRequest([][]byte{h}, [][]byte{scratch[:]})
	s.greeted.Store(true)

	flags := uint64(le.Uint32(in[12:]))
	if flags&capInitExt != 0 && len(in) >= 20 {
		flags |= uint64(le.Uint32(in[16:])) << 32
	}
	flags &= wanted
	if s.opts.Mode == Store {
		flags &^= capPassthrough
	}

	// u32 major, minor, max_readahead, flags; u16 max_background, congestion_threshold;
	// u32 max_write, time_gran; u16 max_pages, map_alignment; u32 flags2, max_stack_depth;
	// u16 request_timeout
	var m [sizeofOutHeader + sizeofInitOut]byte
	putOutHeader(m[:], len(m), 0, h.unique())
	o := m[sizeofOutHeader:]
	le.PutUint32(o[0:], fuseMajor)
	le.PutUint32(o[4:], min(minor, fuseMinor))
	le.PutUint32(o[8:], 0) // no read-ahead: each page is stored before it is read
	le.PutUint32(o[12:], uint32(flags))
	le.PutUint16(o[16:], math.MaxUint16) // RELEASE is a background request; none shall wait for another
	le.PutUint16(o[18:], math.MaxUint16)
	le.PutUint32(o[20:], 4096)
	le.PutUint32(o[24:], 1)
	le.PutUint16(o[28:], maxRead/4096)
	le.PutUint32(o[32:], uint32(flags>>32))
	le.PutUint32(o[36:], 1)
	le.PutUint16(o[40:], math.MaxUint16) // ask for the longest; fs.fuse.max_request_timeout bounds it
	if errno := s.wire.write(m[:]); errno != 0 {
		s.fatal(fmt.Errorf("answer FUSE_INIT: %w", errno))
		return
	}
	s.chooseMode(flags)
}

// chooseMode finds out whether passthrough works here.
func (s *Server) chooseMode(flags uint64) {
	mode := s.opts.Mode
	if mode != Store {
		err := errors.New("the kernel's FUSE has no passthrough (Linux 6.9, CONFIG_FUSE_PASSTHROUGH)")
		if flags&capPassthrough != 0 {
			err = s.tryPassthrough()
		}
		switch {
		case err == nil:
			mode = Passthrough
		case mode == Passthrough:
			s.fatal(fmt.Errorf("receive mode passthrough does not work here: %w; use auto or store", err))
			return
		default:
			s.log.Info("receive mode is store", "because", err)
			mode = Store
		}
	}
	s.mode.Store(int32(mode))
	close(s.ready)
}

func (s *Server) tryPassthrough() error {
	fd, err := memfd("fusebinder-probe")
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	id, errno := s.wire.openBacking(fd)
	if errno == syscall.EPERM {
		return errors.New("it needs CAP_SYS_ADMIN outside any user namespace")
	}
	if errno != 0 {
		return fmt.Errorf("register a backing file: %w", errno)
	}
	s.wire.closeBacking(id)
	return nil
}

// openBacking registers fd as a file that an OPEN may name (FUSE_DEV_IOC_BACKING_OPEN).
func (w wire) openBacking(fd int) (int32, syscall.Errno) {
	m := struct {
		fd      int32
		flags   uint32
		padding uint64
	}{fd: int32(fd)}
	id, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(w), 0x4010e501, uintptr(unsafe.Pointer(&m)))
	return int32(id), errno
}

// closeBacking takes it back (FUSE_DEV_IOC_BACKING_CLOSE).
func (w wire) closeBacking(id int32) syscall.Errno {
	n := uint32(id)
	_, _, errno := syscall.Syscall(unix.SYS_IOCTL, uintptr(w), 0x4004e502, uintptr(unsafe.Pointer(&n)))
	return errno
}
