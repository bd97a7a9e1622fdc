package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// TestTool does what docs/aidl.md tells users to: aidlgen becomes a tool of their go.mod, and
// go generate makes the Go package that their program imports. The module comes from this folder,
// its dependencies from the module cache.
func TestTool(t *testing.T) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(repository, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.sum": string(sums),
		"go.mod": "module example.com/app\n\ngo 1.26.0\n\nreplace github.com/fusebinder/fusebinder => " + repository +
			"\n\nrequire github.com/fusebinder/fusebinder v0.0.0\n",
		"aidl/org/example/IGreeter.aidl": "package org.example;\n\ninterface IGreeter {\n    String greet(String name);\n}\n",
		"main.go": `package main

import (
	"context"
	"fmt"

	"example.com/app/gen/org/example"
)

//go:generate go tool aidlgen -o gen aidl

type greeter struct{}

func (greeter) Greet(_ context.Context, name string) (string, error) { return "hello, " + name, nil }

func main() {
	var g example.IGreeter = greeter{}
	fmt.Println(g.Greet(context.Background(), "you"))
}
`,
	} {
		write(t, filepath.Join(dir, name), []byte(text))
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	command := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	command("get", "-tool", "github.com/fusebinder/fusebinder/cmd/aidlgen")
	command("generate", "./...")
	if got, want := command("run", "."), fmt.Sprintln("hello, you", nil); got != want {
		t.Errorf("the program says %q, want %q", got, want)
	}
}
