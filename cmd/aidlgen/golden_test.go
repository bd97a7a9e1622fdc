package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write what the commands answer into testdata")

// TestGolden runs the commands of each testdata/*.txtar in a folder with its files, and compares
// what they say and what they write below out with the rest of the archive. A line "$ aidlgen …" of
// its comment is a command that succeeds, "$! aidlgen …" one that fails. All that was written for
// the import path example.com/golden/NAME must compile and please vet.
func TestGolden(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	module := t.TempDir()
	for _, archive := range archives {
		name := strings.TrimSuffix(filepath.Base(archive), ".txtar")
		t.Run(name, func(t *testing.T) { golden(t, archive, filepath.Join(module, name)) })
	}
	t.Run("compile", func(t *testing.T) {
		sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(module, "go.sum"), sums)
		write(t, filepath.Join(module, "go.mod"), fmt.Appendf(nil,
			"module example.com/golden\n\ngo 1.26.0\n\nrequire github.com/fusebinder/fusebinder v0.0.0\n\nreplace github.com/fusebinder/fusebinder => %s\n", repository))
		ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
		defer cancel()
		vet := exec.CommandContext(ctx, "go", "vet", "./...")
		vet.Dir = module
		vet.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		if out, err := vet.CombinedOutput(); err != nil {
			t.Errorf("go vet: %v\n%s", err, out)
		}
		gofmt := exec.CommandContext(ctx, "gofmt", "-l", "-s", ".")
		gofmt.Dir = module
		if out, err := gofmt.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("gofmt -l -s: %v\n%s", err, out)
		}
	})
}

// golden runs one archive. What it writes is copied to the folder module, to be compiled.
func golden(t *testing.T, archive, module string) {
	ar, err := txtar.ParseFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	archivePath, err := filepath.Abs(archive)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Chdir(dir)
	sources, want := &txtar.Archive{Comment: ar.Comment}, map[string]string{}
	for _, f := range ar.Files {
		if f.Name == "said" || strings.HasPrefix(f.Name, "out/") {
			want[f.Name] = string(f.Data)
			continue
		}
		sources.Files = append(sources.Files, f)
		write(t, f.Name, f.Data)
	}
	got := map[string]string{}
	var said bytes.Buffer
	for _, line := range strings.Split(string(ar.Comment), "\n") {
		command, expectFailure := strings.CutPrefix(line, "$! aidlgen ")
		command, expectSuccess := strings.CutPrefix(command, "$ aidlgen ")
		if !expectFailure && !expectSuccess {
			continue
		}
		status := run(strings.Fields(command), strings.NewReader(""), &said, &said)
		if (status != 0) != expectFailure {
			t.Errorf("aidlgen %s: status %d\n%s", command, status, said.String())
		}
	}
	if said.Len() > 0 {
		got["said"] = said.String()
	}
	err = filepath.WalkDir("out", func(path string, e fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		got[filepath.ToSlash(path)] = string(data)
		if strings.HasSuffix(path, ".go") {
			write(t, filepath.Join(module, strings.TrimPrefix(path, "out/")), data)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		for _, name := range sorted(got) {
			sources.Files = append(sources.Files, txtar.File{Name: name, Data: []byte(got[name])})
		}
		write(t, archivePath, txtar.Format(sources))
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got (go test -update writes what is right now):\n%s", diff)
	}
}

func sorted(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	// "said" first, then files by name.
	less := func(a, b string) bool { return a == "said" || b != "said" && a < b }
	for i := range names {
		for j := i; j > 0 && less(names[j], names[j-1]); j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
	return names
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
}
