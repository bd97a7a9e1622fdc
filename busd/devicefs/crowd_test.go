package devicefs

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

func init() {
	roles["crowd server"] = crowdServerMain
	roles["crowd manager"] = func() { crowdMain(1) }
	roles["crowd"] = func() { crowdMain(crowdOpens) }
}

// A crowd is so many programs, each of which opens the device so often.
const crowdPrograms, crowdOpens = 25, 8

const crowdDevice = "DEVICEFS_CROWD_DEVICE"

// weight is what a server has of what the operating system does not show.
type weight struct {
	Goroutines int
	Heap       uint64 // bytes
	Count      counted
	Stacks     string
}

// TestIntegrationCrowd lets crowds of processes come, call each other, and be killed. Once they have
// grown what grows with use (tables, readers in reserve), a crowd leaves no goroutine and no memory
// behind. With a leak, however small for one process, each crowd leaves more than the one before.
func TestIntegrationCrowd(t *testing.T) {
	needMount(t)
	dir := mountPoint(t)
	server := crowdStart(t, "crowd server", dir)
	server.hear()
	weigh := func() (w weight) {
		t.Helper()
		fmt.Fprintln(server.input, "weigh")
		if err := json.Unmarshal([]byte(server.hear()), &w); err != nil {
			t.Fatal(err)
		}
		return w
	}
	empty := func() (w weight) {
		t.Helper()
		await(t, "the server to be empty", func() (bool, string) {
			w = weigh()
			return w.Count.Opens+w.Count.Requests+w.Count.Watched+w.Count.Mappings == 0, fmt.Sprintf("%+v", w.Count)
		})
		return w
	}
	empty()
	crowd(t, dir)
	before := empty()
	for range 4 {
		crowd(t, dir)
		after := empty()
		for end := time.Now().Add(time.Second); after.Goroutines > before.Goroutines && time.Now().Before(end); {
			time.Sleep(10 * time.Millisecond) // they are about to end
			after = weigh()
		}
		t.Logf("%d goroutines, then %d; heap of %d bytes, then %d", before.Goroutines, after.Goroutines, before.Heap, after.Heap)
		const slack = 256 << 10 // little, for 200 processes
		if after.Goroutines <= before.Goroutines && after.Heap <= before.Heap+slack {
			return
		}
		before = after
	}
	t.Errorf("every crowd leaves something behind:\n%s", before.Stacks)
}

// crowd is one crowd, from the first that comes to the last that is killed.
func crowd(t *testing.T, dir string) {
	t.Helper()
	manager := crowdStart(t, "crowd manager", dir)
	manager.hear()
	var there []*crowdProgram
	var calls int64
	leave := func(i int) {
		p := there[i]
		there = append(there[:i], there[i+1:]...)
		p.hear()
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond) // somewhere in the middle of its calls
		p.end()
		calls += p.heard.Load()
	}
	for range crowdPrograms {
		there = append(there, crowdStart(t, "crowd", dir))
		if len(there) > 5 {
			leave(rand.IntN(len(there)))
		}
	}
	for len(there) > 0 {
		leave(0)
	}
	manager.end()
	t.Logf("%d programs with %d opens each made more than %d calls", crowdPrograms, crowdOpens, calls)
}

// A crowdProgram is the server or one of the crowd.
type crowdProgram struct {
	t     *testing.T
	cmd   *exec.Cmd
	input io.WriteCloser
	lines chan string
	heard atomic.Int64
}

func crowdStart(t *testing.T, role, dir string) *crowdProgram {
	t.Helper()
	p := &crowdProgram{t: t, cmd: exec.Command("/proc/self/exe"), lines: make(chan string)}
	p.cmd.Env = append(os.Environ(), roleEnv+"="+role, crowdDevice+"="+filepath.Join(dir, "binder"))
	p.cmd.Stderr = os.Stderr
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		s := bufio.NewScanner(out)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			p.lines <- s.Text()
		}
		close(p.lines)
	}()
	t.Cleanup(func() {
		p.cmd.Process.Kill()
		go func() {
			for range p.lines {
			}
		}()
		p.cmd.Wait()
	})
	return p
}

func (p *crowdProgram) hear() string {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.t.Fatalf("%v has ended by itself", p.cmd.Env[len(p.cmd.Env)-2])
		}
		p.heard.Add(1)
		return line
	case <-time.After(2 * patience):
		p.t.Fatalf("%v says nothing", p.cmd.Env[len(p.cmd.Env)-2])
		return ""
	}
}

// end kills the program and waits until it is gone.
func (p *crowdProgram) end() {
	p.t.Helper()
	p.cmd.Process.Kill()
	ended := make(chan bool)
	go func() {
		for range p.lines {
			p.heard.Add(1)
		}
		p.cmd.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(2 * patience):
		p.t.Fatalf("process %d cannot be killed", p.cmd.Process.Pid)
	}
}

// crowdServerMain serves until its input ends; to "weigh" it answers a weight.
func crowdServerMain() {
	s, err := Mount(filepath.Dir(os.Getenv(crowdDevice)), Options{
		RawReader: true,
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	die(err)
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	<-s.Ready()
	fmt.Println("ready")
	for input := bufio.NewScanner(os.Stdin); input.Scan(); {
		runtime.GC()
		runtime.GC() // the first one empties pools, the second frees what was in them
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w := weight{Goroutines: runtime.NumGoroutine(), Heap: m.HeapAlloc, Count: count(s)}
		var stacks writeString
		pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		w.Stacks = string(stacks)
		out, err := json.Marshal(w)
		die(err)
		fmt.Println(string(out))
	}
	die(s.Close())
	<-ended
}

type writeString []byte

func (w *writeString) Write(b []byte) (int, error) { *w = append(*w, b...); return len(b), nil }

// crowdMain is a program that opens the device n times. If that is once it is the context manager, who
// knows the others.
func crowdMain(n int) {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	for range n {
		bus, err := binder.Open(os.Getenv(crowdDevice), binder.Options{MapSize: 128 << 10, Logger: slog.New(slog.DiscardHandler)})
		die(err)
		if n == 1 {
			die(bus.BecomeContextManager(bus.Export(&crowdManager{})))
			fmt.Println("ready")
		} else {
			go crowdLife(bus)
		}
	}
	select {}
}

const (
	crowdMeet = binder.FIRST_CALL_TRANSACTION + iota // an object; an object of somebody else, or null
	crowdEcho                                        // bytes; the same
	crowdBack                                        // an object, which is called with crowdEcho
)

type crowdManager struct{ last atomic.Pointer[binder.Proxy] }

func (m *crowdManager) OnTransact(_ context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
	o, err := binder.ReadBinder(data)
	if err != nil || code != crowdMeet {
		return err
	}
	p, ok := o.(*binder.Proxy)
	if !ok {
		return parcel.BAD_TYPE
	}
	if last := m.last.Swap(p); last != nil {
		reply.WriteStrongBinder(last)
	} else {
		reply.WriteStrongBinder(nil)
	}
	return nil
}

// crowdLife calls others until the process is killed.
func crowdLife(bus *binder.Bus) {
	own := bus.Export(binder.ServiceFunc(func(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel, _ ioctl.Flags) error {
		if code == crowdBack {
			o, err := binder.ReadBinder(data)
			if err != nil {
				return err
			}
			_, err = crowdCall(ctx, o, crowdEcho, func(p *parcel.Parcel) { p.WriteInt32(7) }, 0)
			return err
		}
		reply.WriteRaw(data.ReadRaw(data.Remaining()))
		return nil
	}))
	ctx := context.Background()
	for {
		other, err := crowdCall(ctx, bus.ContextManager(), crowdMeet, func(p *parcel.Parcel) { p.WriteStrongBinder(own) }, 0)
		if err != nil || other == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		if rand.IntN(2) == 0 {
			_ = other.LinkToDeath(binder.DeathFunc(func(binder.Binder) {}))
		}
		for range 3 {
			switch rand.IntN(3) {
			case 0:
				_, err = crowdCall(ctx, other, crowdBack, func(p *parcel.Parcel) { p.WriteStrongBinder(own) }, 0)
			case 1:
				_, err = crowdCall(ctx, other, crowdEcho, func(p *parcel.Parcel) { p.WriteRaw(make([]byte, rand.IntN(4096))) }, ioctl.TF_ONE_WAY)
			default:
				_, err = crowdCall(ctx, other, crowdEcho, func(p *parcel.Parcel) { p.WriteRaw(make([]byte, rand.IntN(4096))) }, 0)
			}
		}
		if err == nil {
			fmt.Println("called")
		}
		if p, ok := other.(*binder.Proxy); ok && rand.IntN(2) == 0 {
			p.Close()
		}
	}
}

// crowdCall makes a call; of crowdMeet it answers the object.
func crowdCall(ctx context.Context, o binder.Binder, code ioctl.Code, write func(*parcel.Parcel), flags ioctl.Flags) (binder.Binder, error) {
	data := parcel.New()
	defer data.Release()
	write(data)
	reply, err := o.Transact(ctx, code, data, flags)
	if err != nil || reply == nil {
		return nil, err
	}
	defer reply.Release()
	if code != crowdMeet {
		return nil, nil
	}
	return binder.ReadBinder(reply)
}
