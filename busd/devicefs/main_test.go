package devicefs

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// roleEnv makes the test binary another program: a process must not use a mount that it serves.
const roleEnv = "DEVICEFS_ROLE"

// roles are those programs.
var roles = map[string]func(){"server": serverMain, "stuck": stuckMain, "silent": silentMain, "parked": parkedMain}

// patience is how long anything that must happen may take.
const patience = 15 * time.Second

func TestMain(m *testing.M) {
	if role := os.Getenv(roleEnv); role != "" {
		roles[role]()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// setup is what a test tells a server.
type setup struct {
	Dir     string
	Mode    Mode
	Fake    bool          // a fakeBus behind "binder"
	Raw     bool          // RawReader
	Timeout time.Duration // as if the kernel had this request timeout
	Devices []string
	NoFDs   bool // as on a kernel without PIDFD_THREAD
}

// counted is what a server must have none of when nobody uses it.
type counted struct {
	Opens, Nodes, Snapshots, Requests, Watched, Mappings, Files int
}

// serverMain serves until its input ends or says "close". To "count" it answers a counted.
func serverMain() {
	var up setup
	input := bufio.NewScanner(os.Stdin)
	input.Scan()
	die(json.Unmarshal(input.Bytes(), &up))
	s, err := Mount(up.Dir, Options{
		Mode: up.Mode, RawReader: up.Raw, Devices: up.Devices,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	fake := &fakeBus{parked: map[*busd.Call]bool{}}
	if up.Fake {
		s.tree.devices["binder"].ctx = fakeContext{fake}
	}
	s.threads.withoutFDs = up.NoFDs
	if up.Timeout != 0 {
		s.timeout = up.Timeout
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	select {
	case <-s.Ready():
		fmt.Println("ready", s.Mode())
	case err := <-ended:
		fmt.Println("error", err)
		return
	}
	for input.Scan() {
		switch input.Text() {
		case "count":
			out, _ := json.Marshal(count(s))
			fmt.Println(string(out))
		case "close":
			err := s.Close()
			if err == nil {
				err = <-ended
			}
			fmt.Println("closed", err)
			return
		}
	}
	s.unmount(unix.MNT_DETACH)
}

func count(s *Server) (c counted) {
	if table := s.opens.table.Load(); table != nil {
		for i := range *table {
			if (*table)[i].Load() != nil {
				c.Opens++
			}
		}
	}
	s.tree.mu.Lock()
	c.Nodes, c.Snapshots = len(s.tree.nodes), len(s.tree.snapshots)
	s.tree.mu.Unlock()
	s.requests.mu.Lock()
	for _, q := range s.requests.buckets {
		for ; q != nil; q = q.next {
			c.Requests++
		}
	}
	s.requests.mu.Unlock()
	s.threads.mu.Lock()
	c.Watched = len(s.threads.watched) + len(s.threads.polled)
	s.threads.mu.Unlock()
	maps, _ := os.ReadFile("/proc/self/maps")
	c.Mappings = strings.Count(string(maps), "memfd:fusebinder")
	fds, _ := os.ReadDir("/proc/self/fd")
	c.Files = len(fds)
	return c
}

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A program is a test binary in one of the roles.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	input  *os.File
	output *bufio.Scanner
	errors *logBuffer
}

// logBuffer keeps what a program writes to its standard error.
type logBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// start runs the test binary in a role. It is killed at the end of the test, or when it takes
// too long.
func start(t *testing.T, role string, adapt func(*exec.Cmd)) *program {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), roleEnv+"="+role)
	p := &program{t: t, cmd: c, errors: &logBuffer{}}
	c.Stderr = p.errors
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin, p.input = r, w
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.output = bufio.NewScanner(out)
	if adapt != nil {
		adapt(c)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	r.Close()
	limit := time.AfterFunc(2*patience, func() { c.Process.Kill() })
	t.Cleanup(func() {
		w.Close()
		p.kill()
		limit.Stop()
		if t.Failed() && p.errors.String() != "" {
			t.Logf("%s wrote:\n%s", role, p.errors)
		}
	})
	return p
}

// kill ends a program now. That it can be waited for shows that it did not hang in the kernel.
func (p *program) kill() {
	p.t.Helper()
	if p.cmd.ProcessState != nil {
		return
	}
	p.cmd.Process.Kill()
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		p.t.Errorf("process %d cannot be killed", p.cmd.Process.Pid)
	}
}

func (p *program) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.input, line); err != nil {
		p.t.Fatal(err)
	}
}

// hear waits for a line.
func (p *program) hear() string {
	p.t.Helper()
	line := make(chan string, 1)
	go func() {
		if p.output.Scan() {
			line <- p.output.Text()
		} else {
			line <- ""
		}
	}()
	select {
	case l := <-line:
		return l
	case <-time.After(patience):
		p.t.Fatal("nothing was said in time")
		return ""
	}
}

// A served is a running server.
type served struct {
	*program
	dir   string
	mode  Mode
	empty counted
}

// mountPoint makes a directory that is unmounted at the end, whatever happened.
func mountPoint(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	return dir
}

// serve starts a server; at the end of the test nothing may be left in it.
func serve(t *testing.T, up setup, adapt func(*exec.Cmd)) *served {
	t.Helper()
	needMount(t)
	if up.Dir == "" {
		up.Dir = mountPoint(t)
	}
	m := &served{program: start(t, "server", adapt), dir: up.Dir}
	line, err := json.Marshal(up)
	if err != nil {
		t.Fatal(err)
	}
	m.say(string(line))
	answer := m.hear()
	mode, ok := strings.CutPrefix(answer, "ready ")
	if !ok {
		t.Fatalf("the server says %q\n%s", answer, m.errors)
	}
	if err := m.mode.Set(mode); err != nil {
		t.Fatal(err)
	}
	m.empty = m.count()
	return m
}

func (m *served) count() (c counted) {
	m.t.Helper()
	m.say("count")
	if err := json.Unmarshal([]byte(m.hear()), &c); err != nil {
		m.t.Fatal(err)
	}
	return c
}

// checkEmpty waits until the server holds nothing for anybody.
func (m *served) checkEmpty() {
	m.t.Helper()
	await(m.t, "the server to be empty", func() (bool, string) {
		c := m.count()
		c.Nodes, c.Files = 0, min(c.Files, m.empty.Files+1) // the kernel forgets nodes when it likes
		return c.Opens+c.Snapshots+c.Requests+c.Watched+c.Mappings == 0 && c.Files <= m.empty.Files, fmt.Sprintf("%+v", c)
	})
}

// close ends the server in good order.
func (m *served) close() {
	m.t.Helper()
	m.say("close")
	if answer := m.hear(); answer != "closed <nil>" {
		m.t.Errorf("the server says %q", answer)
	}
	m.cmd.Wait()
}

// await waits for a condition.
func await(t *testing.T, what string, ok func() (bool, string)) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		good, state := ok()
		if good {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s: %s", what, state)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// needMount skips a test where mounting is forbidden. Where the tests run as root that is no
// reason but a failure.
func needMount(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("mounting needs root, or a user namespace")
	}
}

// eachMode runs a test with a server in each receive mode that works here.
func eachMode(t *testing.T, up setup, f func(t *testing.T, m *served)) {
	for _, mode := range []Mode{Passthrough, Store} {
		t.Run(mode.String(), func(t *testing.T) {
			if mode == Passthrough && inUserNamespace() {
				t.Skip("passthrough needs CAP_SYS_ADMIN outside any user namespace")
			}
			up := up
			up.Mode = mode
			m := serve(t, up, nil)
			f(t, m)
			if !t.Failed() {
				m.checkEmpty()
				m.close()
			}
		})
	}
}

func inUserNamespace() bool {
	text, _ := os.ReadFile("/proc/self/uid_map")
	return strings.Join(strings.Fields(string(text)), " ") != "0 0 4294967295"
}

// open opens and maps a device.
func (m *served) open(size int) *openFile {
	m.t.Helper()
	f := m.openOnly("binder")
	if size > 0 {
		var err error
		if f.mem, err = unix.Mmap(f.fd, 0, size, unix.PROT_READ, unix.MAP_PRIVATE|unix.MAP_NORESERVE); err != nil {
			m.t.Fatal(err)
		}
	}
	return f
}

func (m *served) openOnly(name string) *openFile {
	m.t.Helper()
	fd, err := unix.Open(m.dir+"/"+name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		m.t.Fatal(err)
	}
	f := &openFile{fd: fd}
	m.t.Cleanup(f.close)
	return f
}

func (f *openFile) close() {
	if f.mem != nil {
		unix.Munmap(f.mem)
		f.mem = nil
	}
	if f.fd >= 0 {
		unix.Close(f.fd)
		f.fd = -1
	}
}

// must carries out an order that has to succeed.
func (m *served) must(f *openFile, r ioctl.Request, o order) order {
	m.t.Helper()
	if errno := f.do(r, &o); errno != 0 {
		m.t.Fatalf("order %d %+v: %v", r&0xff, o, errno)
	}
	return o
}

// thread runs f on a thread of its own and answers its number, and what f gave when it is over.
func thread(f func() syscall.Errno) (tid int, result <-chan syscall.Errno) {
	tids, results := make(chan int), make(chan syscall.Errno, 1)
	for {
		stay := make(chan bool)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			tids <- unix.Gettid()
			if <-stay {
				results <- f()
			}
		}()
		tid := <-tids
		if tid != os.Getpid() { // the first thread ends with the process only
			stay <- true
			return tid, results
		}
		defer func() { stay <- false }()
	}
}
