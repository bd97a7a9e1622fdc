package devicefs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/ioctl"
)

// silentMain is a file system whose one file never answers a read.
func silentMain() {
	dir := os.Getenv("DIR")
	root := &fs.Inode{}
	s, err := fs.Mount(dir, root, &fs.Options{
		MountOptions:    fuse.MountOptions{DirectMountStrict: true, AllowOther: true},
		NullPermissions: true,
		OnAdd: func(ctx context.Context) {
			root.AddChild("file", root.NewPersistentInode(ctx, &silentFile{}, fs.StableAttr{Mode: syscall.S_IFREG}), true)
		},
	})
	die(err)
	fmt.Println("mounted")
	os.Stdin.Read(make([]byte, 1))
	unix.Unmount(dir, unix.MNT_DETACH)
	_ = s
}

type silentFile struct{ fs.Inode }

func (*silentFile) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	out.Mode, out.Size = 0o666, 1<<20
	return 0
}

func (*silentFile) Open(context.Context, uint32) (fs.FileHandle, uint32, syscall.Errno) {
	return nil, 0, 0
}

func (*silentFile) Read(context.Context, fs.FileHandle, []byte, int64) (fuse.ReadResult, syscall.Errno) {
	select {}
}

// stuckMain is a client that makes the broker read its memory, which lies on that file.
func stuckMain() {
	fd, err := unix.Open(os.Getenv("DEVICE"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	die(err)
	file, err := unix.Open(os.Getenv("SILENT"), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	die(err)
	mem, err := unix.Mmap(file, 0, 1<<20, unix.PROT_READ, unix.MAP_PRIVATE)
	die(err)
	f := &openFile{fd: fd}
	for i := range 8 {
		thread(func() syscall.Errno {
			return f.do(requestRead, &order{Off: uint64(addressOf(mem)) + uint64(i)*65536, N: 8})
		})
	}
	fmt.Println("stuck")
	select {}
}

// A client whose memory never answers delays nobody: a spare reader goes on. It cannot take all
// of them, and it can be killed, together with its file system.
func TestIntegrationStuckClient(t *testing.T) {
	eachMode(t, setup{Fake: true, Raw: true}, func(t *testing.T, m *served) {
		silent := mountPoint(t)
		s := start(t, "silent", func(c *exec.Cmd) { c.Env = append(c.Env, "DIR="+silent) })
		if s.hear() != "mounted" {
			t.Fatalf("the silent file system does not mount\n%s", s.errors)
		}
		f := m.open(4096)
		defer f.close()
		p := start(t, "stuck", func(c *exec.Cmd) {
			c.Env = append(c.Env, "DEVICE="+m.dir+"/binder", "SILENT="+silent+"/file")
		})
		p.hear()
		m.awaitParked(4) // of its eight calls; the others get EFAULT
		var slowest time.Duration
		_, result := thread(func() syscall.Errno {
			for range 200 {
				begun := time.Now()
				if errno := f.do(ioctl.BINDER_VERSION, &order{}); errno != 0 {
					return errno
				}
				slowest = max(slowest, time.Since(begun))
			}
			return 0
		})
		if errno := outcome(t, result); errno != 0 {
			t.Fatal(errno)
		}
		t.Logf("slowest call of another client: %v", slowest)
		s.kill() // its reads end with an error
		m.awaitParked(0)
		p.kill()
		if errno := f.do(ioctl.BINDER_VERSION, &order{}); errno != 0 {
			t.Error(errno)
		}
	})
}

// Nor does it keep others waiting for the broker's end, in good order or not.
func TestIntegrationEndWithStuckClient(t *testing.T) {
	for _, end := range []string{"close", "kill"} {
		t.Run(end, func(t *testing.T) {
			silent := mountPoint(t)
			s := start(t, "silent", func(c *exec.Cmd) { c.Env = append(c.Env, "DIR="+silent) })
			s.hear()
			m := serve(t, setup{Fake: true}, nil)
			f := m.open(4096)
			defer f.close()
			p := start(t, "stuck", func(c *exec.Cmd) {
				c.Env = append(c.Env, "DEVICE="+m.dir+"/binder", "SILENT="+silent+"/file")
			})
			p.hear()
			m.awaitParked(4)
			_, result := park(f, &order{})
			m.awaitParked(5)
			if end == "kill" {
				m.kill()
			} else {
				m.say("close")
			}
			if errno := outcome(t, result); errno != syscall.ECONNABORTED {
				t.Errorf("a parked ioctl: %v, want ECONNABORTED", errno)
			}
			if errno := f.do(ioctl.BINDER_VERSION, &order{}); errno != syscall.ENOTCONN {
				t.Errorf("afterwards: %v, want ENOTCONN", errno)
			}
			if end == "close" {
				if answer := m.hear(); !strings.Contains(answer, ErrHeld.Error()) {
					t.Errorf("the server says %q", answer)
				}
			}
			s.kill()
			p.kill()
		})
	}
}

// Publishing waits for a page that the client is just reading from us; with a single reader that
// would be for ever.
func TestIntegrationPublishWhileReading(t *testing.T) {
	eachMode(t, setup{Fake: true, Raw: true}, func(t *testing.T, m *served) {
		f := m.open(64 << 10)
		defer f.close()
		stop, stopped := make(chan bool), make(chan bool)
		go func() {
			defer close(stopped)
			for {
				select {
				case <-stop:
					return
				default:
					drop(t, f)
					for off := 0; off < len(f.mem); off += 4096 {
						_ = f.mem[off]
					}
				}
			}
		}()
		for i, end := 0, time.Now().Add(300*time.Millisecond); time.Now().Before(end); i++ {
			v := byte('a' + i%26)
			m.must(f, requestFill, order{Off: 100, N: 16 << 10, Value: uint64(v)})
			f.full(t, "just written", 100, 16<<10, v)
		}
		close(stop)
		<-stopped
	})
}
