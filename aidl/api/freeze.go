package api

import (
	"crypto/sha1"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Hash names a version: what getInterfaceHash answers. It goes over all AIDL
// files of a folder and the number of the version before, or "latest-version"
// for the first one, as AOSP's build/hash_gen.sh does.
func Hash(files []File, version int) string {
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare("./"+a.Path, "./"+b.Path) })
	h := sha1.New()
	for _, f := range sorted {
		fmt.Fprintf(h, "%x  ./%s\n", sha1.Sum(f.Data), f.Path)
	}
	if version > 1 {
		fmt.Fprintln(h, version-1)
	} else {
		fmt.Fprintln(h, "latest-version")
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// Read reads the AIDL files below a folder, for [Hash] and for comparison.
func Read(dir string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".aidl") {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files = append(files, File{Path: filepath.ToSlash(rel), Data: data})
		return nil
	})
	return files, err
}

// Versions lists the frozen versions below an interface's folder, ascending.
func Versions(dir string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var versions []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 && e.IsDir() && strconv.Itoa(n) == e.Name() {
			versions = append(versions, n)
		}
	}
	slices.Sort(versions)
	return versions, nil
}

// VersionDir is the folder of a version; 0 stands for "current".
func VersionDir(dir string, version int) string {
	if version == 0 {
		return filepath.Join(dir, "current")
	}
	return filepath.Join(dir, strconv.Itoa(version))
}

// Update writes a snapshot into "current", and nothing else stays there.
func Update(dir string, snapshot []File) error { return write(VersionDir(dir, 0), snapshot, "") }

// Freeze lays down a snapshot as the next version, with its hash in the file
// ".hash", and as "current". Where that exact snapshot is the latest version
// already, nothing is written and that version returned. It does not check
// compatibility.
func Freeze(dir string, snapshot []File) (version int, hash string, err error) {
	versions, err := Versions(dir)
	if err != nil {
		return 0, "", err
	}
	if n := len(versions); n > 0 {
		version = versions[n-1]
		frozen, err := Read(VersionDir(dir, version))
		if err != nil {
			return 0, "", err
		}
		if hash = Hash(frozen, version); hash == Hash(snapshot, version) {
			return version, hash, Update(dir, snapshot)
		}
	}
	version++
	hash = Hash(snapshot, version)
	if err := write(VersionDir(dir, version), snapshot, hash); err != nil {
		return 0, "", err
	}
	return version, hash, Update(dir, snapshot)
}

// Verify tells whether a frozen version is what its hash says.
func Verify(dir string, version int) error {
	files, err := Read(VersionDir(dir, version))
	if err != nil {
		return err
	}
	path := filepath.Join(VersionDir(dir, version), ".hash")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// When rules changed, AOSP appended a second hash; the last one counts.
	lines := strings.Fields(string(text))
	if len(lines) == 0 || lines[len(lines)-1] != Hash(files, version) {
		return fmt.Errorf("%s: version %d was changed after it was frozen", path, version)
	}
	return nil
}

// write fills a folder beside its place and then puts it there, so that a
// version is there whole or not at all.
func write(dir string, snapshot []File, hash string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), ".new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	for _, f := range snapshot {
		path := filepath.Join(temp, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.Data, 0o666); err != nil {
			return err
		}
	}
	if hash != "" {
		if err := os.WriteFile(filepath.Join(temp, ".hash"), []byte(hash+"\n"), 0o666); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(temp, dir)
}
