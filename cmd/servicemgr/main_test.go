package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

// TestMessages shows what people get to read when something is wrong.
func TestMessages(t *testing.T) {
	t.Setenv("BINDER_DEVICE", "")
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"no device", []string{"--device", "/nonexistent/binder"}, "start a bus with `busd serve DIR`"},
		{"no binder", []string{"--device", "/dev/null"}, "is /dev/null a Binder device?"},
		{"unknown level", []string{"--api-level", "12"}, "--api-level 12 is not known; 26 (Android 8) to 36 (Android 16) are"},
		{"unknown flag", []string{"--nonsense"}, "unknown flag: --nonsense"},
		{"an argument", []string{"/dev/binder"}, `unknown command "/dev/binder" for "servicemgr"`},
		{"a descriptor that is closed", []string{"--ready-fd", "999"}, "--ready-fd 999: bad file descriptor"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if status := run(context.Background(), c.args, &out, &errs); status != 1 {
				t.Errorf("exit status %d", status)
			}
			got := errs.String()
			if !strings.HasPrefix(got, "servicemgr: ") || !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("said %q, want a line with %q", got, c.want)
			}
		})
	}
}

func TestHelp(t *testing.T) {
	t.Setenv("BINDER_DEVICE", "/run/bus/binder")
	var out, errs bytes.Buffer
	if status := run(context.Background(), []string{"--help"}, &out, &errs); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for _, want := range []string{"Examples:", "--ready-fd", `(default "/run/bus/binder")`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("help does not say %q:\n%s", want, out.String())
		}
	}
}
