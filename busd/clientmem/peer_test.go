package clientmem

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/ioctl"
)

// peerEnv makes the test binary a peer: another process for the tests to reach into.
const peerEnv = "CLIENTMEM_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(peerEnv) != "" {
		peerMain()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// A peer is a process that holds pagesHeld pages between two holes, and some descriptors.
type peer struct {
	tid   busd.ThreadID
	input io.WriteCloser
	told
}

// told is what a peer says about itself.
type told struct {
	Base             uint64 // of pagesHeld pages; page i is full of byte 'a'+i
	Stream, SeqOurs  int    // sockets
	SeqTheirs, Plain int
}

const pagesHeld = 4

var page = os.Getpagesize()

func startPeer(t *testing.T, adapt func(*exec.Cmd)) *peer {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), peerEnv+"=1")
	c.Stderr = os.Stderr
	if adapt != nil {
		adapt(c)
	}
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skipf("cannot start a peer: %v", err)
	}
	kill := time.AfterFunc(30*time.Second, func() { c.Process.Kill() })
	t.Cleanup(func() {
		input.Close()
		c.Wait()
		kill.Stop()
	})
	p := &peer{tid: busd.ThreadID(c.Process.Pid), input: input}
	if err := json.NewDecoder(output).Decode(&p.told); err != nil {
		t.Fatalf("the peer did not start: %v", err)
	}
	return p
}

func (p *peer) tidString() string { return strconv.Itoa(int(p.tid)) }

func (p *peer) at(off int) ioctl.Address { return ioctl.Address(p.Base) + ioctl.Address(off) }

// peerMain is the peer: it tells about itself and waits until its input ends.
func peerMain() {
	b, err := unix.Mmap(-1, 0, (pagesHeld+2)*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	check(err)
	for i := range pagesHeld {
		copy(b[(i+1)*page:], strings.Repeat(string(rune('a'+i)), page))
	}
	check(unix.Mprotect(b[:page], unix.PROT_NONE))
	check(unix.Mprotect(b[(pagesHeld+1)*page:], unix.PROT_NONE))
	stream, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	check(err)
	seq, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET, 0)
	check(err)
	plain, err := unix.MemfdCreate("plain", 0)
	check(err)
	_, err = unix.Write(plain, []byte("content"))
	check(err)
	check(json.NewEncoder(os.Stdout).Encode(told{
		Base:   uint64(addressOf(b[page:])),
		Stream: stream[0], SeqOurs: seq[0], SeqTheirs: seq[1], Plain: plain,
	}))
	// "close N" closes a descriptor and answers a line.
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var fd int
		if _, err := fmt.Sscanf(lines.Text(), "close %d", &fd); err == nil {
			unix.Close(fd)
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "peer:", err)
		os.Exit(1)
	}
}
