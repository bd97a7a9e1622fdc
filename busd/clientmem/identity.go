package clientmem

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
)

// Identify tells who a thread is, for the moment: its process, effective uid, security label, and
// its process's number in each pid namespace that it can be seen in.
func Identify(tid busd.ThreadID) (busd.Identity, error) {
	s, err := readStatus(tid)
	if err != nil {
		return busd.Identity{}, err
	}
	return busd.Identity{
		PID:      s.tgid,
		EUID:     s.euid,
		Security: label(tid),
		PIDs:     name(tid, s.nstgid),
		UIDs:     uids(tid),
	}, nil
}

// EUID is the effective uid of process pid, of which tid is a thread; an error if it is none. A thread
// that waits for us keeps its process's number from being given to another meanwhile.
func EUID(tid busd.ThreadID, pid busd.ProcessID) (uint32, error) {
	s, err := readStatus(tid)
	if err != nil {
		return 0, err
	}
	if s.tgid != pid {
		return 0, fmt.Errorf("thread %d is of process %d, not %d", tid, s.tgid, pid)
	}
	if s, err = readStatus(busd.ThreadID(pid)); err != nil {
		return 0, err
	}
	return s.euid, nil
}

// status is what we need of /proc/TID/status.
type status struct {
	tgid   busd.ProcessID
	euid   uint32
	nstgid []int32 // outermost namespace that we see first
}

func readStatus(tid busd.ThreadID) (status, error) {
	file := fmt.Sprintf("/proc/%d/status", tid)
	text, err := os.ReadFile(file)
	if err != nil {
		return status{}, err
	}
	s, ok := parseStatus(text)
	if !ok {
		return status{}, fmt.Errorf("%s: no Tgid or Uid line", file)
	}
	return s, nil
}

func parseStatus(text []byte) (s status, ok bool) {
	var tgid, uid bool
	for line := range bytes.Lines(text) {
		key, value, found := bytes.Cut(line, []byte(":"))
		if !found {
			continue
		}
		switch string(key) {
		case "Tgid":
			v, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 32)
			s.tgid, tgid = busd.ProcessID(v), err == nil
		case "Uid": // real, effective, saved, file system
			if f := bytes.Fields(value); len(f) > 1 {
				v, err := strconv.ParseUint(string(f[1]), 10, 32)
				s.euid, uid = uint32(v), err == nil
			}
		case "NStgid":
			for _, f := range bytes.Fields(value) {
				v, err := strconv.ParseInt(string(f), 10, 32)
				if err != nil {
					return s, false
				}
				s.nstgid = append(s.nstgid, int32(v))
			}
		}
	}
	if tgid && len(s.nstgid) == 0 { // a kernel without pid namespaces
		s.nstgid = []int32{int32(s.tgid)}
	}
	return s, tgid && uid
}

// label answers a thread's security label, "" where there is none.
func label(tid busd.ThreadID) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/attr/current", tid))
	if err != nil {
		return ""
	}
	return strings.TrimRight(string(text), "\x00\n")
}

// uids answers how a thread's user namespace calls our uids, nil where it is ours or may not be
// looked at.
func uids(tid busd.ThreadID) busd.UIDMap {
	own, err := inode("/proc/self/ns/user")
	if err != nil {
		return nil
	}
	theirs, err := inode(fmt.Sprintf("/proc/%d/ns/user", tid))
	if err != nil || theirs == own {
		return nil
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/uid_map", tid))
	if err != nil {
		return nil
	}
	return parseUIDMap(text)
}

// parseUIDMap reads /proc/TID/uid_map, whose outer uids are those of the reader's namespace.
func parseUIDMap(text []byte) busd.UIDMap {
	uids := busd.UIDMap{}
	for line := range bytes.Lines(text) {
		var r busd.UIDRange
		if _, err := fmt.Sscan(string(line), &r.Inside, &r.Outside, &r.Count); err == nil && r.Outside != busd.NoUID {
			uids = append(uids, r)
		}
	}
	return uids
}

// name pairs a process's numbers with the pid namespaces they belong to, outermost first. What
// cannot be found out is left away from the inside: the outermost number always stays.
func name(tid busd.ThreadID, numbers []int32) []busd.NamespacePID {
	spaces := namespaces(tid, len(numbers))
	pids := make([]busd.NamespacePID, 0, len(numbers))
	for i, ns := range spaces {
		pids = append(pids, busd.NamespacePID{Namespace: ns, PID: numbers[i]})
	}
	return pids
}

// namespaces answers the inode numbers of the n pid namespaces that a thread is visible in,
// outermost (ours) first; only our own if the others may not be looked at.
func namespaces(tid busd.ThreadID, n int) []uint64 {
	own := func() []uint64 {
		ns, err := inode("/proc/self/ns/pid")
		if err != nil {
			return nil
		}
		return []uint64{ns}
	}
	if n == 1 {
		return own()
	}
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/pid", tid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return own()
	}
	defer func() { unix.Close(fd) }()
	spaces := make([]uint64, n)
	for i := n - 1; ; i-- {
		var st unix.Stat_t
		if err := unix.Fstat(fd, &st); err != nil {
			return own()
		}
		spaces[i] = st.Ino
		if i == 0 {
			return spaces
		}
		parent, err := unix.IoctlRetInt(fd, unix.NS_GET_PARENT)
		if err != nil {
			return own()
		}
		unix.Close(fd)
		fd = parent
	}
}

func inode(path string) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return 0, fmt.Errorf("stat %s: %w", path, err)
	}
	return st.Ino, nil
}
