package clientmem

import (
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

func TestParseStatus(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       status
		ok         bool
	}{
		{
			"thread in a namespace two levels down",
			"Name:\ta: b\nTgid:\t4711\nPid:\t4712\nUid:\t1000\t1001\t1002\t1003\nNStgid:\t4711\t12\t1\nNSpid:\t4712\t13\t2\n",
			status{4711, 1001, []int32{4711, 12, 1}}, true,
		},
		{"kernel without namespaces", "Tgid:\t5\nUid:\t0\t0\t0\t0\n", status{5, 0, []int32{5}}, true},
		{"unmapped user", "Tgid:\t5\nUid:\t0\t4294967295\t0\t0\n", status{5, 4294967295, []int32{5}}, true},
		{"no Uid", "Tgid:\t5\n", status{}, false},
		{"no Tgid", "Uid:\t5\t5\n", status{}, false},
		{"Uid cut short", "Tgid:\t5\nUid:\t0", status{}, false},
		{"no number", "Tgid:\tx\nUid:\t0\t0\n", status{}, false},
		{"name that looks like a line", "Name:\tTgid:\nTgid:\t5\nUid:\t0\t0\n", status{5, 0, []int32{5}}, true},
	} {
		got, ok := parseStatus([]byte(tc.text))
		if ok != tc.ok {
			t.Errorf("%s: ok %v, want %v", tc.name, ok, tc.ok)
			continue
		}
		if d := cmp.Diff(tc.want, got, cmp.AllowUnexported(status{})); ok && d != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, d)
		}
	}
}

func TestParseUIDMap(t *testing.T) {
	text := "         0     100000         10\n       500       4242          1\n        20 4294967295          5\nno line\n"
	m := parseUIDMap([]byte(text))
	want := busd.UIDMap{{Inside: 0, Outside: 100000, Count: 10}, {Inside: 500, Outside: 4242, Count: 1}}
	if d := cmp.Diff(want, m); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for outside, inside := range map[uint32]uint32{
		99999: busd.NoUID, 100000: 0, 100009: 9, 100010: busd.NoUID, 4242: 500, 0: busd.NoUID, busd.NoUID: busd.NoUID,
	} {
		if got := m.Inside(outside); got != inside {
			t.Errorf("%d is %d inside, want %d", outside, got, inside)
		}
	}
	if parseUIDMap(nil).Inside(0) != busd.NoUID {
		t.Error("a namespace without a map knows a uid")
	}
	if busd.UIDMap(nil).Inside(7) != 7 {
		t.Error("our own namespace has other names")
	}
}

func FuzzParseStatus(f *testing.F) {
	f.Add([]byte("Tgid:\t4711\nUid:\t1000\t1001\t1002\t1003\nNStgid:\t4711\t12\t1\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if s, ok := parseStatus(text); ok && len(s.nstgid) == 0 {
			t.Error("a process without a number")
		}
	})
}

func TestIdentifyMyself(t *testing.T) {
	got, err := Identify(busd.ThreadID(unix.Gettid()))
	if err != nil {
		t.Fatal(err)
	}
	ns, err := inode("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	want := busd.Identity{
		PID:      busd.ProcessID(os.Getpid()),
		EUID:     uint32(os.Geteuid()),
		Security: got.Security, // the machine's business
		PIDs:     []busd.NamespacePID{{Namespace: ns, PID: int32(os.Getpid())}},
	}
	if len(got.PIDs) > 1 {
		t.Skip("this machine's /proc shows an outer pid namespace")
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestIdentifyNobody(t *testing.T) {
	if id, err := Identify(1 << 30); err == nil {
		t.Errorf("thread 2^30 is %+v", id)
	}
}

// A process in a pid namespace of its own is known by two numbers.
func TestIntegrationIdentifyAcrossNamespaces(t *testing.T) {
	p := startPeer(t, func(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID} })
	got, err := Identify(p.tid)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := inode("/proc/self/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	inner, err := inode("/proc/" + p.tidString() + "/ns/pid")
	if err != nil {
		t.Fatal(err)
	}
	want := []busd.NamespacePID{{Namespace: outer, PID: int32(p.tid)}, {Namespace: inner, PID: 1}}
	if d := cmp.Diff(want, got.PIDs); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if inner == outer {
		t.Error("the peer is in our own namespace")
	}
}

func TestEUID(t *testing.T) {
	tid, pid := busd.ThreadID(os.Getpid()), busd.ProcessID(os.Getpid())
	if uid, err := EUID(tid, pid); err != nil || uid != uint32(os.Geteuid()) {
		t.Errorf("%d, %v; want %d", uid, err, os.Geteuid())
	}
	if uid, err := EUID(tid, pid+1); err == nil {
		t.Errorf("of another process: %d", uid)
	}
	if uid, err := EUID(1<<30, pid); err == nil {
		t.Errorf("of nobody: %d", uid)
	}
}
