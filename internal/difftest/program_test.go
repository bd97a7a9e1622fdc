package difftest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fusebinder/fusebinder/internal/difftest"
)

func TestProgramAsText(t *testing.T) {
	for seed := range uint64(200) {
		p := difftest.Generate(seed)
		got, err := difftest.Parse([]byte(p.String()))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.String(), got.String()); diff != "" {
			t.Errorf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
}

func TestBadPrograms(t *testing.T) {
	for _, text := range []string{"x", `{"do":"dance"}`, `{"do":"io","p":4}`, `{"do":"io","t":-1}`, `{"do":"io","what":1}`, `{"do":"io"} {}`} {
		if _, err := difftest.Parse([]byte(text)); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestShrink(t *testing.T) {
	p := difftest.Generate(7)
	want := p[len(p)/2].Do
	got := difftest.Shrink(p, func(q difftest.Program) bool {
		for _, a := range q {
			if a.Do == want {
				return true
			}
		}
		return false
	})
	if len(got) != 1 || got[0].Do != want || len(got[0].Cmds) != 0 {
		t.Errorf("shrunk to\n%s, want one %q without commands", got, want)
	}
}

func TestCompare(t *testing.T) {
	const history = "0 io 1.0\n  1.0 ok wrote=4/4 read=4\n    NOOP\n1 close 0\n  1.1 ok wrote=0/0 read=16\n    DEAD_BINDER d0\n"
	for _, tc := range []struct {
		name, other string
		want        difftest.Verdict
	}{
		{"itself", history, difftest.Same},
		{"another thread at a close", "0 io 1.0\n  1.0 ok wrote=4/4 read=4\n    NOOP\n1 close 0\n  1.2 ok wrote=8/8 read=16\n    DEAD_BINDER d0\n", difftest.Racy},
		{"another result at a close", "0 io 1.0\n  1.0 ok wrote=4/4 read=4\n    NOOP\n1 close 0\n  1.2 ok wrote=8/8 read=16\n    DEAD_BINDER d1\n", difftest.Different},
		{"another thread elsewhere", "0 io 1.0\n  1.1 ok wrote=4/4 read=4\n    NOOP\n1 close 0\n  1.1 ok wrote=0/0 read=16\n    DEAD_BINDER d0\n", difftest.Different},
		{"a part", "0 io 1.0\n  1.0 ok wrote=4/4 read=4\n    NOOP\n", difftest.Different},
	} {
		if got, _, _, _ := difftest.Compare(history, tc.other); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}

func TestTwoAwake(t *testing.T) {
	history := func(taker, own string) string {
		return "0 io 1.0 FREE_BUFFER @0\n  1." + taker + " ok wrote=0/0 read=44\n    NOOP\n    RELEASE 1000 c0\n  1.0 ok wrote=12/12 read=" + own + "\n"
	}
	for _, tc := range []struct {
		name, a, b string
		want       bool
	}{
		{"after a read", history("1", "4\n    NOOP"), history("2", "4\n    NOOP"), true},
		{"the same", history("1", "4\n    NOOP"), history("1", "4\n    NOOP"), false},
		{"nothing read", history("1", "0"), history("2", "0"), false},
		{"something else read", history("1", "4\n    NOOP"), history("2", "8\n    NOOP\n    FAILED_REPLY"), false},
		{"an end", history("1", "4\n    NOOP"), "", false},
	} {
		if got := difftest.TwoAwake(tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
