// Package examples runs the programs below it as their comments say: in processes of their own, on
// a bus of `busd run`.
package examples

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// bin is the directory with busd and the examples.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if bin, err = os.MkdirTemp("", "examples"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(bin)
	if out, err := exec.Command("go", "build", "-o", bin, "./...", "../cmd/...").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the examples and busd: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

func TestExamples(t *testing.T) {
	for _, tc := range []struct{ script, want string }{
		{
			script: "hello serve & hello world",
			want:   `hello world, from process \d+\n`,
		},
		{
			script: "greeter serve & greeter visit",
			want: fmt.Sprintf(`heard: hello, user %d\n`, os.Geteuid()) +
				`read: dear reader\n` +
				`the greeter is dead: .*the object's process is dead.*\n`,
		},
		{
			script: "binder list; binder ping",
			want:   `(?s).*manager.*`,
		},
	} {
		t.Run(strings.ReplaceAll(tc.script, " ", "_"), func(t *testing.T) {
			if out := busdRun(t, tc.script); !regexp.MustCompile(`^` + tc.want + `$`).MatchString(out) {
				t.Errorf("output:\n%swant:\n%s", out, tc.want)
			}
		})
	}
}

// busdRun runs a shell script on a bus of its own and answers what it wrote.
func busdRun(t *testing.T, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "busd"), "run", "--", "sh", "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 125 && os.Getenv("CI") == "" {
		t.Skip(strings.TrimSpace(errs.String())) // busd says what is missing on this machine
	}
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", script, err, out, errs.String())
	}
	return string(out)
}
