package clientmem

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// openFiles counts our descriptors.
func openFiles(t *testing.T) int {
	t.Helper()
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(d)
}

func TestIntegrationTake(t *testing.T) {
	p := startPeer(t, nil)
	f := NewFiles(nil)
	before := openFiles(t)
	x, errno := f.Take(p.tid, uint32(p.Plain))
	if errno != 0 {
		t.Fatal(errno)
	}
	b := make([]byte, 16)
	n, err := unix.Pread(int(x.(file)), b, 0)
	if d := cmp.Diff("content", string(b[:max(n, 0)])); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if flags, err := unix.FcntlInt(uintptr(x.(file)), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("flags %#x, %v: not close-on-exec", flags, err)
	}
	x.Close()
	for _, fd := range []uint32{9999, ^uint32(0), 1 << 31} {
		if _, errno := f.Take(p.tid, fd); errno != syscall.EBADF {
			t.Errorf("descriptor %d: %v, want EBADF", int32(fd), errno)
		}
	}
	if _, errno := f.Take(1<<30, 0); errno != syscall.ESRCH {
		t.Errorf("a thread that is not there: %v, want ESRCH", errno)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// give makes n files to be given.
func give(t *testing.T, n int) []busd.File {
	t.Helper()
	files := make([]busd.File, n)
	for i := range files {
		fd, err := unix.MemfdCreate("given", unix.MFD_CLOEXEC)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(os.NewFile(uintptr(must(unix.Dup(fd))), ""), i)
		files[i] = file(fd)
	}
	t.Cleanup(func() {
		for _, x := range files {
			x.Close()
		}
	})
	return files
}

func must(fd int, err error) int {
	if err != nil {
		panic(err)
	}
	return fd
}

// ourSocket makes this process the client: one end is given to f, the other stays for receiving.
func ourSocket(t *testing.T, f *Files) int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]) })
	errno := f.SetSocket(busd.ThreadID(unix.Gettid()), int32(pair[1]))
	unix.Close(pair[1])
	if errno != 0 {
		t.Fatal(errno)
	}
	unix.SetsockoptTimeval(pair[0], unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5})
	return pair[0]
}

// receive takes one message.
func receive(t *testing.T, socket int) (m ioctl.DescriptorMessage, content []string) {
	t.Helper()
	b, oob := make([]byte, 64), make([]byte, 4096)
	n, oobn, _, _, err := unix.Recvmsg(socket, b, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil || n != ioctl.SizeofDescriptorMessage {
		t.Fatalf("receive: %d bytes, %v", n, err)
	}
	m.Decode(b)
	c, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(c) != 1 {
		t.Fatalf("control messages %v, %v", c, err)
	}
	fds, err := unix.ParseUnixRights(&c[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		n, _ := unix.Pread(fd, b, 0)
		content = append(content, string(b[:max(n, 0)]))
		unix.Close(fd)
	}
	return m, content
}

func TestGiveBySocket(t *testing.T) {
	f := NewFiles(nil)
	defer f.Close()
	socket := ourSocket(t, f)
	for _, n := range []int{1, 3, ioctl.MaxDescriptors, ioctl.MaxDescriptors + 1} {
		fds := make([]uint32, n)
		if _, errno := f.Give(0, 0xcafe000, give(t, n), fds); errno != 0 {
			t.Fatalf("%d files: %v", n, errno)
		}
		var want, got []string
		for i := range n {
			want = append(want, fmt.Sprint(i))
			if fds[i] != uint32(i) {
				t.Fatalf("file %d has index %d", i, fds[i])
			}
		}
		for len(got) < n {
			m, content := receive(t, socket)
			if d := cmp.Diff(ioctl.DescriptorMessage{Buffer: 0xcafe000, First: uint32(len(got)), Total: uint32(n)}, m); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			got = append(got, content...)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d files (-want +got):\n%s", n, d)
		}
	}
}

func TestGiveFails(t *testing.T) {
	f := NewFiles(nil)
	defer f.Close()
	fds := make([]uint32, 1)
	files := give(t, 1)
	if _, errno := f.Give(0, 0, files, fds); errno != syscall.EPERM {
		t.Errorf("without a socket: %v, want EPERM", errno)
	}

	ourSocket(t, f)
	deadline := time.Now().Add(10 * time.Second)
	var errno syscall.Errno
	for errno == 0 && time.Now().Before(deadline) {
		_, errno = f.Give(0, 0, files, fds)
	}
	if errno != syscall.EAGAIN && errno != syscall.ENOBUFS && errno != syscall.ETOOMANYREFS {
		t.Errorf("a socket that nobody empties: %v, want EAGAIN", errno)
	}
	socket := ourSocket(t, f) // a second one takes the place of the first
	if _, errno := f.Give(0, 1, files, fds); errno != 0 {
		t.Errorf("another socket: %v", errno)
	}
	receive(t, socket)
	if errno := f.SetSocket(busd.ThreadID(unix.Gettid()), -1); errno != 0 {
		t.Errorf("take the socket back: %v", errno)
	}
	if _, errno := f.Give(0, 0, files, fds); errno != syscall.EPERM {
		t.Errorf("after it was taken back: %v, want EPERM", errno)
	}
}

func TestGiveToAClosedSocket(t *testing.T) {
	f := NewFiles(nil)
	before := openFiles(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if errno := f.SetSocket(busd.ThreadID(unix.Gettid()), int32(pair[1])); errno != 0 {
		t.Fatal(errno)
	}
	unix.Close(pair[0])
	unix.Close(pair[1])
	if _, errno := f.Give(0, 0, []busd.File{file(0)}, make([]uint32, 1)); errno != syscall.EPERM {
		t.Errorf("%v, want EPERM", errno)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func TestIntegrationSetSocketChecks(t *testing.T) {
	p := startPeer(t, nil)
	f := NewFiles(nil)
	before := openFiles(t)
	for _, tc := range []struct {
		name  string
		fd    int
		errno syscall.Errno
	}{
		{"stream socket", p.Stream, syscall.EINVAL},
		{"no socket", p.Plain, syscall.EINVAL},
		{"not open", 9999, syscall.EBADF},
		{"negative", -2, syscall.EBADF},
		{"seqpacket", p.SeqOurs, 0},
	} {
		if errno := f.SetSocket(p.tid, int32(tc.fd)); errno != tc.errno {
			t.Errorf("%s: %v, want %v", tc.name, errno, tc.errno)
		}
	}
	f.Close()
	f.Close()
	if after := openFiles(t); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

type injector struct {
	files     []int
	withdrawn []uint32
}

func (i *injector) Withdraw(_ busd.ThreadID, fds []uint32) { i.withdrawn = fds }

func (i *injector) Inject(_ busd.ThreadID, files []int, fds []uint32) syscall.Errno {
	i.files = files
	for k := range fds {
		fds[k] = uint32(40 + k)
	}
	return 0
}

func TestGiveByInjector(t *testing.T) {
	i := &injector{}
	f := NewFiles(i)
	fds := make([]uint32, 2)
	if installed, errno := f.Give(7, 0, []busd.File{file(3), file(5)}, fds); errno != 0 || !installed {
		t.Fatal(installed, errno)
	}
	f.Withdraw(7, fds[1:])
	if d := cmp.Diff([]int{3, 5}, i.files) + cmp.Diff([]uint32{40, 41}, fds) + cmp.Diff(fds[1:], i.withdrawn); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestThreadFD(t *testing.T) {
	end := make(chan struct{})
	fd, errno := ThreadFD(startThread(end))
	if errno == syscall.EINVAL {
		t.Skip("no PIDFD_THREAD before Linux 6.9")
	}
	if errno != 0 {
		t.Fatal(errno)
	}
	defer unix.Close(fd)
	poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, 0); n != 0 || err != nil {
		t.Errorf("while it lives: %d, %v", n, err)
	}
	close(end)
	deadline := time.Now().Add(10 * time.Second)
	for {
		n, err := unix.Poll(poll, 1000)
		if n == 1 {
			break
		}
		if err != nil && err != unix.EINTR || time.Now().After(deadline) {
			t.Fatalf("after its end: %d, %v", n, err)
		}
	}
}

// startThread starts a thread that lives until end is closed.
func startThread(end chan struct{}) busd.ThreadID {
	tids := make(chan int)
	for {
		go func() {
			runtime.LockOSThread() // and never unlock: the thread ends with the goroutine
			tids <- unix.Gettid()
			<-end
		}()
		if tid := <-tids; tid != os.Getpid() { // the first thread only ends with the process
			return busd.ThreadID(tid)
		}
	}
}
