package conformance

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// Environment of the processes of TestChaos.
const (
	chaosDevice   = "CONFORMANCE_CHAOS_DEVICE"
	chaosProgress = "CONFORMANCE_CHAOS_PROGRESS" // a file of counters, one for each process
	chaosSlot     = "CONFORMANCE_CHAOS_SLOT"     // the process's place in it; 0 is the manager
)

// Codes of the chaos.
const (
	chaosRegister = iota + 1 // to the manager: here is my object
	chaosPeers               // to the manager: give me some of the others'
	chaosCount               // to the manager: how many are registered
	chaosEcho
	chaosCallBack // calls the object it carries, with chaosEcho
	chaosNews     // oneway
)

const chaosSlots = 4096

// TestChaos lets many processes call each other while random ones, now and then the manager
// too, are killed. Nobody may hang, and nothing may be left in the driver afterwards.
func TestChaos(t *testing.T) {
	crowd, rounds, kills := 200, 30, 10
	if isKernel(t) && runtime.NumCPU() == 1 {
		crowd, rounds = 20, 10 // a virtual machine with slow system calls, most likely
	}
	if testing.Short() {
		crowd, rounds = 20, 10
	}
	b := newBus(t)
	if !b.own {
		t.Skip("needs a device of its own")
	}
	base := settledStats(t, b)
	descriptors := busdDescriptors()
	progress := chaosCounters(t)

	start := func(slot int) *exec.Cmd {
		cmd := exec.Command("/proc/self/exe")
		cmd.Env = append(os.Environ(), actorEnv+"=chaos", chaosDevice+"="+b.path, chaosSlot+"="+strconv.Itoa(slot), chaosProgress+"="+progress.path)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		return cmd
	}
	end := func(cmd *exec.Cmd) {
		t.Helper()
		cmd.Process.Kill()
		done := make(chan struct{})
		go func() { cmd.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(patience):
			t.Fatalf("process %d does not die of SIGKILL", cmd.Process.Pid)
		}
	}
	next := 0
	type member struct {
		cmd  *exec.Cmd
		slot int
	}
	join := func() member {
		next++
		return member{start(next), next}
	}
	manager := start(0)
	var all []member
	for range crowd {
		all = append(all, join())
	}
	lively := func() {
		t.Helper()
		before := make([]uint64, len(all))
		for i, m := range all {
			before[i] = progress.load(m.slot)
		}
		for i, m := range all {
			deadline := time.Now().Add(3 * patience)
			for progress.load(m.slot) <= before[i] {
				if time.Now().After(deadline) {
					t.Fatalf("process %d hangs, after %d calls\n%s", m.cmd.Process.Pid, before[i], chaosState(b, m.cmd.Process.Pid))
				}
				time.Sleep(time.Millisecond)
			}
		}
	}
	lively()
	for round := range rounds {
		for range kills {
			i := rand.IntN(len(all))
			end(all[i].cmd)
			all[i] = join()
		}
		if round%10 == 5 {
			end(manager)
			manager = start(0)
		}
		time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // a different moment each time
	}
	lively()
	var calls uint64
	for slot := range next + 1 {
		calls += progress.load(slot)
	}
	t.Logf("%d processes, %d killed, %d calls", next, next-crowd, calls)
	for _, m := range all {
		m.cmd.Process.Kill()
	}
	for _, m := range all {
		end(m.cmd)
	}
	// The manager hears of every death.
	c := b.open().thread()
	await(t, "the manager has forgotten all", func() bool {
		es, err := events(c.try(readSize, c.call(0, msg(chaosCount, ""))).Read)
		if err != nil || len(es) != 3 {
			t.Fatalf("the manager does not answer: %v %v", names(es), err)
		}
		q := c.p.parcelOf(es[2])
		n := binary.LittleEndian.Uint32(q.data)
		c.send(q.free())
		return n == 0
	})
	c.p.close()
	end(manager)
	var left map[string]int
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		left = stats(t, b)
		if cmp.Equal(base, left) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("left in the driver (-before +after):\n%s", cmp.Diff(base, left))
		}
	}
	if descriptors > 0 {
		await(t, fmt.Sprintf("busd's descriptors are back at %d", descriptors), func() bool { return busdDescriptors() <= descriptors })
	}
}

// chaosState is what the driver tells of a process and of those that its calls wait for, and what
// the system says their threads are in.
func chaosState(b *bus, pid int) string {
	var text strings.Builder
	seen := map[string]bool{}
	for next := []string{strconv.Itoa(pid)}; len(next) > 0 && len(seen) < 8; next = next[1:] {
		if seen[next[0]] {
			continue
		}
		seen[next[0]] = true
		state, err := os.ReadFile(filepath.Join(b.dir, "binder_logs", "proc", next[0]))
		fmt.Fprintf(&text, "process %s (%v):\n%s", next[0], err, state)
		threads, _ := filepath.Glob(filepath.Join("/proc", next[0], "task/*"))
		for _, dir := range threads {
			call, _ := os.ReadFile(filepath.Join(dir, "syscall"))
			fmt.Fprintf(&text, "  system: thread %s in %s\n", filepath.Base(dir), strings.TrimSpace(string(call)))
		}
		for _, m := range regexp.MustCompile(`transaction \d+:.* to (\d+):`).FindAllStringSubmatch(string(state), -1) {
			next = append(next, m[1])
		}
	}
	return text.String()
}

func stats(t *testing.T, b *bus) map[string]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, "binder_logs", "stats"))
	if err != nil {
		t.Skipf("the driver tells no stats: %v", err)
	}
	all := map[string]int{}
	for s := bufio.NewScanner(strings.NewReader(string(text))); s.Scan(); {
		if strings.HasPrefix(s.Text(), "proc ") {
			break // from here on by process
		}
		var active, total int
		name, rest, _ := strings.Cut(s.Text(), ":")
		if n, _ := fmt.Sscanf(rest, " active %d total %d", &active, &total); n == 2 && active != 0 {
			all[name] = active
		}
	}
	return all
}

// settledStats are the stats once they stand still: what earlier tests closed is cleaned up in the
// background.
func settledStats(t *testing.T, b *bus) map[string]int {
	t.Helper()
	last, since := stats(t, b), time.Now()
	await(t, "the driver is quiet", func() bool {
		now := stats(t, b)
		if !cmp.Equal(last, now) {
			last, since = now, time.Now()
		}
		return time.Since(since) > 200*time.Millisecond
	})
	return last
}

// busdPID is the busd that the package serves itself, 0 if it does not.
func busdPID() int {
	pid, _ := strconv.Atoi(os.Getenv("CONFORMANCE_BUSD_PID"))
	return pid
}

func busdDescriptors() int {
	if busdPID() == 0 {
		return 0
	}
	es, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", busdPID()))
	if err != nil {
		return 0
	}
	return len(es)
}

// counters live in a file that all processes of the chaos map.
type counters struct {
	path string
	mem  []byte
}

func (c *counters) load(slot int) uint64 {
	return atomic.LoadUint64((*uint64)(unsafe.Pointer(&c.mem[8*slot])))
}

func (c *counters) add(slot int) { atomic.AddUint64((*uint64)(unsafe.Pointer(&c.mem[8*slot])), 1) }

func chaosCounters(t *testing.T) *counters {
	t.Helper()
	path := filepath.Join(t.TempDir(), "progress")
	if err := os.WriteFile(path, make([]byte, 8*chaosSlots), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := openCounters(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func openCounters(path string) (*counters, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	mem, err := unix.Mmap(int(f.Fd()), 0, 8*chaosSlots, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	return &counters{path, mem}, err
}

// chaosMain is a process of the chaos.
func chaosMain() {
	slot, _ := strconv.Atoi(os.Getenv(chaosSlot))
	progress, err := openCounters(os.Getenv(chaosProgress))
	if err != nil {
		chaosFail("counters: %v", err)
	}
	var a Actor
	var o OpenReply
	if err := a.Open(OpenArgs{Path: os.Getenv(chaosDevice), MapSize: 256 << 10, NoSocket: true}, &o); err != nil || o.Errno != 0 {
		chaosFail("open: %v %v", err, o.Errno)
	}
	p := &chaotic{opened: a.open(0), progress: progress, slot: slot}
	if slot == 0 {
		runtime.LockOSThread()
		p.manage()
	}
	go func() {
		runtime.LockOSThread()
		p.newThread().serve()
	}()
	runtime.LockOSThread()
	p.newThread().live()
}

func chaosFail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "chaos: "+format+"\n", args...)
	os.Exit(1)
}

// chaotic is one of the crowd, or their manager.
type chaotic struct {
	*opened
	progress *counters
	slot     int
	known    []ioctl.Handle // the manager's
}

// A chaosThread keeps what it has still to write across ioctls: an error that has not been read
// stops a write.
type chaosThread struct {
	*chaotic
	out        []byte
	unhandled  []event // read while something was to be written
	wbuf, rbuf ioctl.Address
	data       ioctl.Address // content of what is being sent
	own        node
}

const chaosBuffer = 16 << 10

func (p *chaotic) newThread() *chaosThread {
	return &chaosThread{chaotic: p, wbuf: p.alloc(chaosBuffer), rbuf: p.alloc(readSize), data: p.alloc(chaosBuffer), own: node{0x0b, 0xc0}}
}

func (th *chaosThread) put(cs ...command) {
	for _, c := range cs {
		th.out = append(th.out, c...)
	}
}

// exchange writes what is there and reads, if told to.
func (th *chaosThread) exchange(read bool) []event {
	for {
		w, _ := th.bytes(th.wbuf, chaosBuffer)
		wr := ioctl.WriteRead{WriteSize: uint64(copy(w, th.out)), WriteBuffer: th.wbuf, ReadBuffer: th.rbuf}
		if read {
			wr.ReadSize = readSize
		}
		errno := writeRead(int(th.fd.Load()), &wr)
		th.out = th.out[:copy(th.out, th.out[wr.WriteConsumed:])]
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			chaosFail("write-read: %v", errno)
		}
		b, err := th.bytes(th.rbuf, int(wr.ReadConsumed))
		if err != nil {
			chaosFail("read: %v", err)
		}
		es, err := events(slices.Clone(b))
		if err != nil {
			chaosFail("read: %v", err)
		}
		return es
	}
}

// flush writes everything, so that the content's place can be used again. How it fared is in later
// reads. Errors that were in its way are those of earlier oneway calls and replies.
func (th *chaosThread) flush() {
	th.exchange(false)
	for len(th.out) > 0 {
		for _, e := range th.exchange(true) {
			if !failed(e) {
				th.unhandled = append(th.unhandled, e)
			}
		}
	}
}

func failed(e event) bool { return e.cmd == ioctl.BR_DEAD_REPLY || e.cmd == ioctl.BR_FAILED_REPLY }

// send is a transaction with content at a fresh place.
func (th *chaosThread) send(c ioctl.Command, h ioctl.Handle, m *message) {
	at := th.data
	if c == ioctl.BC_REPLY {
		at += chaosBuffer / 2 // a call of the same write may still need the first half
	}
	b, _ := th.bytes(at, chaosBuffer/2)
	n := copy(b, m.data)
	offs := (n + 7) &^ 7
	for i, o := range m.offsets {
		binary.LittleEndian.PutUint64(b[offs+8*i:], o)
	}
	th.put(encode(c, ioctl.TransactionData{
		Target: uint64(h), Code: m.code, Flags: m.flags, DataSize: uint64(n), OffsetsSize: uint64(8 * len(m.offsets)),
		Buffer: at, Offsets: at + ioctl.Address(offs),
	}))
}

// serve is a looper's life.
func (th *chaosThread) serve() {
	th.put(enterLooper)
	for {
		th.work(false)
	}
}

// work writes, reads and does what it is told, once, or until the call that it has put last has
// its answer. It returns the reply, nil if the call failed.
func (th *chaosThread) work(calling bool) *ioctl.TransactionData {
	sent := false
	for {
		var reply *ioctl.TransactionData
		over := !calling
		es := th.unhandled
		th.unhandled = nil
		if len(es) == 0 {
			es = th.exchange(true)
		}
		sent = sent || len(th.out) == 0 // until then an error is that of a oneway call before
		for _, e := range es {
			switch e.cmd {
			case ioctl.BR_INCREFS, ioctl.BR_ACQUIRE:
				th.put(append(bc(map[ioctl.Return]ioctl.Command{ioctl.BR_INCREFS: ioctl.BC_INCREFS_DONE, ioctl.BR_ACQUIRE: ioctl.BC_ACQUIRE_DONE}[e.cmd]), e.payload...))
			case ioctl.BR_DEAD_BINDER:
				th.put(deadDone(ioctl.Cookie(binary.LittleEndian.Uint64(e.payload))))
				th.died(ioctl.Handle(binary.LittleEndian.Uint64(e.payload)))
			case ioctl.BR_TRANSACTION:
				var tr ioctl.TransactionData
				tr.Decode(e.payload)
				th.answer(&tr)
			case ioctl.BR_REPLY:
				reply = new(ioctl.TransactionData)
				reply.Decode(e.payload)
				over = true
			case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY:
				over = over || sent
			}
		}
		if over {
			return reply
		}
	}
}

func (th *chaosThread) call(h ioctl.Handle, m *message) *ioctl.TransactionData {
	th.send(ioctl.BC_TRANSACTION, h, m)
	return th.work(true)
}

// objects are the handles in a received buffer.
func (th *chaosThread) objects(tr *ioctl.TransactionData) []ioctl.Handle {
	var hs []ioctl.Handle
	offs, err := th.bytes(tr.Offsets, int(tr.OffsetsSize))
	if err != nil {
		chaosFail("offsets: %v", err)
	}
	for ; len(offs) > 0; offs = offs[8:] {
		b, err := th.bytes(tr.Buffer+ioctl.Address(binary.LittleEndian.Uint64(offs)), ioctl.SizeofFlatObject)
		if err != nil {
			chaosFail("object: %v", err)
		}
		var o ioctl.FlatObject
		o.Decode(b)
		if o.Type == ioctl.BINDER_TYPE_HANDLE {
			hs = append(hs, o.Handle())
		}
	}
	return hs
}

func (th *chaosThread) answer(tr *ioctl.TransactionData) {
	r := msg(0, "")
	switch tr.Code {
	case chaosRegister:
		for _, h := range th.objects(tr) {
			if !slices.Contains(th.known, h) {
				th.known = append(th.known, h)
				th.put(acquire(h), requestDeath(h, ioctl.Cookie(h)))
			}
		}
	case chaosPeers:
		for range min(3, len(th.known)) {
			r.handle(th.known[rand.IntN(len(th.known))])
		}
	case chaosCount:
		r.data = binary.LittleEndian.AppendUint32(nil, uint32(len(th.known)))
	case chaosEcho:
		r.data = make([]byte, tr.DataSize%2000)
	case chaosCallBack:
		if hs := th.objects(tr); len(hs) > 0 {
			if reply := th.call(hs[0], msg(chaosEcho, "back")); reply != nil {
				th.put(freeBuffer(reply.Buffer))
			}
		}
	}
	if tr.Flags&ioctl.TF_ONE_WAY == 0 {
		th.send(ioctl.BC_REPLY, 0, r)
		th.flush()
	}
	th.put(freeBuffer(tr.Buffer))
	th.progress.add(th.slot)
}

// died is the manager's: somebody is gone.
func (th *chaosThread) died(h ioctl.Handle) {
	if th.slot == 0 {
		th.known = slices.DeleteFunc(th.known, func(k ioctl.Handle) bool { return k == h })
		th.put(clearDeath(h, ioctl.Cookie(h)), release(h))
	}
}

func (p *chaotic) manage() {
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		o := ioctl.FlatObject{Type: ioctl.BINDER_TYPE_BINDER}
		b := make([]byte, ioctl.SizeofFlatObject)
		o.Encode(b)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.fd.Load()), uintptr(ioctl.BINDER_SET_CONTEXT_MGR_EXT), uintptr(unsafe.Pointer(&b[0])))
		if errno == 0 {
			break
		}
		if errno != syscall.EBUSY || time.Now().After(deadline) {
			chaosFail("become manager: %v", errno)
		}
	}
	p.newThread().serve()
}

// live calls the others until it is killed.
func (th *chaosThread) live() {
	for {
		r := th.call(0, msg(chaosRegister, "").binder(th.own))
		if r == nil { // no manager just now
			time.Sleep(time.Millisecond)
			continue
		}
		th.put(freeBuffer(r.Buffer))
		for r != nil {
			r = th.call(0, msg(chaosPeers, ""))
			if r == nil {
				break
			}
			hs := th.objects(r)
			for _, h := range hs {
				th.put(acquire(h))
				if rand.IntN(2) == 0 {
					th.put(requestDeath(h, ioctl.Cookie(h)))
				}
			}
			th.put(freeBuffer(r.Buffer))
			for _, h := range hs {
				var m *message
				switch rand.IntN(4) {
				case 0:
					m = msg(chaosCallBack, "").binder(th.own)
				case 1:
					m = oneway(chaosNews, string(make([]byte, rand.IntN(500))))
				default:
					m = msg(chaosEcho, string(make([]byte, rand.IntN(4000))))
				}
				if m.flags&ioctl.TF_ONE_WAY != 0 {
					th.send(ioctl.BC_TRANSACTION, h, m)
					th.flush()
					continue
				}
				if q := th.call(h, m); q != nil {
					th.put(freeBuffer(q.Buffer))
				}
			}
			for _, h := range hs {
				th.put(clearDeath(h, ioctl.Cookie(h)), release(h))
			}
			th.progress.add(th.slot)
		}
	}
}
