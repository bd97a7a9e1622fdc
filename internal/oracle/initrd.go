package oracle

import (
	"bufio"
	"compress/gzip"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A root is the content of an initial file system.
type root struct {
	files map[string]file // by absolute path
}

type file struct {
	mode    fs.FileMode
	content []byte
}

func newRoot() *root {
	r := &root{files: map[string]file{}}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/tmp", "/run", "/root", "/host", "/bin", "/etc"} {
		r.mkdir(dir)
	}
	r.put("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"))
	r.put("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	return r
}

func (r *root) mkdir(name string) {
	for ; name != "/"; name = path.Dir(name) {
		if _, ok := r.files[name]; !ok {
			r.files[name] = file{mode: fs.ModeDir | 0o755}
		}
	}
}

func (r *root) put(name string, mode fs.FileMode, content []byte) {
	r.mkdir(path.Dir(name))
	r.files[name] = file{mode: mode, content: content}
}

var libraryPath = regexp.MustCompile(`/[^ ]+`)

// add puts a file of this machine in. A dynamic executable brings its libraries.
func (r *root) add(name, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	r.put(name, 0o755, content)
	f, err := elf.Open(from)
	if err != nil {
		return nil // a script, or data
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) == 0 {
		return nil
	}
	out, err := exec.Command("ldd", from).Output()
	if err != nil {
		return fmt.Errorf("find the libraries of %s: %w", from, err)
	}
	for line := range strings.Lines(string(out)) {
		lib := strings.TrimSpace(libraryPath.FindString(line))
		if lib == "" {
			continue
		}
		if _, ok := r.files[lib]; ok {
			continue
		}
		content, err := os.ReadFile(lib)
		if err != nil {
			return err
		}
		r.put(lib, 0o755, content)
	}
	return nil
}

// write makes a compressed cpio archive of it, in the format that kernels read ("newc").
func (r *root) write(name string) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	buffered := bufio.NewWriter(f)
	z, _ := gzip.NewWriterLevel(buffered, gzip.BestSpeed)
	names := make([]string, 0, len(r.files))
	for name := range r.files {
		names = append(names, name)
	}
	slices.Sort(names) // a directory before what is in it
	for i, name := range names {
		if err := entry(z, i+1, strings.TrimPrefix(name, "/"), r.files[name]); err != nil {
			return err
		}
	}
	if err := entry(z, 0, "TRAILER!!!", file{}); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return buffered.Flush()
}

func entry(w io.Writer, inode int, name string, f file) error {
	mode := uint32(f.mode.Perm())
	switch {
	case f.mode.IsDir():
		mode |= 0o040000
	case inode != 0:
		mode |= 0o100000
	}
	// magic, inode, mode, uid, gid, links, time, size, device, special device, name's length, checksum
	_, err := fmt.Fprintf(w, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		inode, mode, 0, 0, 1, 0, len(f.content), 0, 0, 0, 0, len(name)+1, 0, name)
	if err == nil {
		_, err = w.Write(make([]byte, -(110+len(name)+1)&3))
	}
	if err == nil {
		_, err = w.Write(f.content)
	}
	if err == nil {
		_, err = w.Write(make([]byte, -len(f.content)&3))
	}
	return err
}

// buildInit compiles the init.
func buildInit(dir string) (string, error) {
	out := filepath.Join(dir, "init")
	cmd := exec.Command("go", "build", "-o", out, "github.com/fusebinder/fusebinder/internal/oracle/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if b, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the oracle's init: %w\n%s", err, b)
	}
	return out, nil
}
