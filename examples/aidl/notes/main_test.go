package main

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/binder/bindertest"
	"github.com/google/go-cmp/cmp"
)

// TestMain is the program itself when a test runs it again.
func TestMain(m *testing.M) {
	if os.Getenv("NOTES_TEST") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestVersions runs a notebook and its visitor as two processes, in all versions.
func TestVersions(t *testing.T) {
	const (
		lightNote = `Note{title: "shopping", author: Author{name: "anonymous", place: null}, content: Content{text: "bread"}, tags: ["home"]}` + "\n"
		heavyNote = `Note{title: "shopping", author: Author{name: "anonymous", place: null}, content: Content{text: "bread"}, tags: ["home"], weight: HEAVY}` + "\n"
		usualNote = `Note{title: "shopping", author: Author{name: "anonymous", place: null}, content: Content{text: "bread"}, tags: ["home"], weight: NORMAL}` + "\n"
		linkNote  = `Note{title: "shopping", author: Author{name: "anonymous", place: null}, content: Content{link: "https://example.org"}, tags: ["home"], weight: HEAVY}` + "\n"
		refused   = "refused: there is no note 99\n"
	)
	for _, tc := range []struct{ serve, visit, want string }{
		{"v1", "v1", "added 0: shopping\nshopping by anonymous: bread\n" + refused + "0: " + lightNote},
		{"v2", "v1", "added 0: shopping\nshopping by anonymous: bread\n" + refused + "0: " + usualNote},
		{"v1", "v2", "the notebook has version 1\nadded 0: shopping, NORMAL\n" + usualNote +
			"it does not know links\nit cannot find\nfound: [-1]\n" + refused + "0: " + lightNote},
		{"v2", "v2", "the notebook has version 2\nadded 0: shopping, HEAVY\n" + heavyNote +
			"added 1: shopping, HEAVY\nfound: [0 1]\n" + refused + "0: " + heavyNote + "1: " + linkNote},
	} {
		t.Run("serve_"+tc.serve+"_visit_"+tc.visit, func(t *testing.T) {
			bus := bindertest.New(t)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			notebook := program(ctx, t, bus, "serve", tc.serve)
			if err := notebook.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := notebook.Wait(); err != nil { // the visitor closes it
					t.Errorf("the notebook: %v", err)
				}
			}()
			out, err := program(ctx, t, bus, "visit", tc.visit).Output()
			if err != nil {
				cancel()
				t.Fatalf("the visitor: %v\n%s", err, out)
			}
			if diff := cmp.Diff(tc.want, string(out)); diff != "" {
				t.Errorf("what the visitor says, -want +got:\n%s", diff)
			}
		})
	}
}

// program is this test binary as the program, on the bus.
func program(ctx context.Context, t *testing.T, bus *bindertest.Bus, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, exe, args...)
	cmd.Env = append(bus.Env(), "NOTES_TEST=1")
	cmd.Stderr = os.Stderr
	return cmd
}
