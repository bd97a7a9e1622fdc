package difftest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/fusebinder/fusebinder/internal/difftest"
	"github.com/fusebinder/fusebinder/internal/oracle"
)

var update = flag.Bool("update", false, "ask the oracle again for everything that is recorded")

// Recorded seeds: the kernel's answers to them are in testdata.
const (
	recordedSeeds = 400
	recordedFile  = "testdata/recorded.gz"
)

// binaries is where build puts what it compiles.
var binaries string

// build compiles a command of this module, once.
var build = func() func(t testing.TB, path string) string {
	var mu sync.Mutex
	built := map[string]string{}
	return func(t testing.TB, path string) string {
		mu.Lock()
		defer mu.Unlock()
		if built[path] == "" {
			out := filepath.Join(binaries, filepath.Base(path))
			cmd := exec.Command("go", "build", "-o", out, "github.com/fusebinder/fusebinder/"+path)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if b, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("build %s: %v\n%s", path, err, b)
			}
			built[path] = out
		}
		return built[path]
	}
}()

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "difftest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "difftest:", err)
		os.Exit(1)
	}
	binaries = dir
	status := m.Run()
	os.RemoveAll(dir)
	os.Exit(status)
}

// A runner carries out programs: seeds and files, as the arguments of replay say.
type runner func(t testing.TB, args ...string) string

func replay(t testing.TB) string {
	if p := os.Getenv("DIFFTEST_REPLAY"); p != "" {
		return p
	}
	return build(t, "internal/difftest/replay")
}

// here runs on the device that BINDER_DEVICE names, or on a busd of its own.
func here(t testing.TB) runner {
	t.Helper()
	if os.Getenv("BINDER_DEVICE") == "" {
		f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
		if err != nil {
			t.Skipf("no BINDER_DEVICE, and nothing can be mounted here: %v", err)
		}
		f.Close()
	}
	return func(t testing.TB, args ...string) string {
		t.Helper()
		argv := append([]string{replay(t)}, args...)
		if os.Getenv("BINDER_DEVICE") == "" {
			busd := os.Getenv("BINDER_BUSD")
			if busd == "" {
				busd = build(t, "cmd/busd")
			}
			argv = append([]string{busd, "run", "--no-servicemanager", "--no-seccomp", "--"}, argv...)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.WaitDelay = time.Second
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, errs.Bytes())
		}
		return out.String()
	}
}

// onKernel runs on the oracle.
func onKernel(t testing.TB, args ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, a := range args {
		if text, err := os.ReadFile(a); err == nil && !strings.HasPrefix(a, "-") {
			args[i] = filepath.Base(a)
			if err := os.WriteFile(filepath.Join(dir, args[i]), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	var printed bytes.Buffer
	err := oracle.Run(ctx, oracle.Job{Program: replay(t), Args: append([]string{"-o", "out"}, args...), Dir: dir, Output: &printed})
	if errors.Is(err, oracle.ErrNotBuilt) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("replay on the oracle: %v\n%s", err, printed.Bytes())
	}
	out, err := os.ReadFile(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// histories takes replay's output apart.
func histories(out string) map[string]string {
	all := map[string]string{}
	for _, part := range strings.Split("\n"+out, "\n== ")[1:] {
		name, history, _ := strings.Cut(part, "\n")
		all[name] = strings.TrimRight(history, "\n") + "\n"
	}
	return all
}

// hashes takes replay's output apart that has a line for each seed.
func hashes(out string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(out) {
		if seed, hash, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			all[seed] = hash
		}
	}
	return all
}

// TestRecorded carries made-up programs out and compares their histories with those the kernel's
// driver gave.
func TestRecorded(t *testing.T) {
	seeds := fmt.Sprintf("1-%d", recordedSeeds)
	run := here(t)
	if *update {
		record(t, seeds)
	}
	want := hashes(readRecorded(t))
	got := hashes(run(t, "-seeds", seeds))
	if len(got) != recordedSeeds {
		t.Fatalf("%d histories, want %d", len(got), recordedSeeds)
	}
	for n := 1; n <= recordedSeeds; n++ {
		seed := fmt.Sprint(n)
		again := 0
		// A broker that the machine lets wait for long may be seen at rest too early: again then.
		for ; got[seed] != want[seed] && want[seed] != "racy" && again < 3; again++ {
			got[seed] = hashes(run(t, "-seeds", seed))[seed]
		}
		if again == 3 {
			t.Errorf("seed %d: not as the kernel's driver; make test-kernel shows the difference. Program:\n%s\nHistory:\n%s",
				n, difftest.Generate(uint64(n)), run(t, "-full", "-seeds", seed))
		}
	}
}

func readRecorded(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile(recordedFile)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// record asks the kernel. A program whose history is not always the same is recorded as racy.
func record(t *testing.T, seeds string) {
	t.Helper()
	first := hashes(onKernel(t, "-seeds", seeds))
	for range 3 {
		for seed, hash := range hashes(onKernel(t, "-seeds", seeds)) {
			if first[seed] != hash {
				first[seed] = "racy"
			}
		}
	}
	// So is one that differs in nothing but who was quicker.
	kernel, busd := histories(onKernel(t, "-full", "-seeds", seeds)), histories(here(t)(t, "-full", "-seeds", seeds))
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	for n := 1; n <= recordedSeeds; n++ {
		seed := fmt.Sprint(n)
		if v, _, _, _ := difftest.Compare(kernel["seed "+seed], busd["seed "+seed]); v == difftest.Racy {
			first[seed] = "racy"
		}
		fmt.Fprintln(z, seed, first[seed])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(recordedFile, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRegressions carries out the programs that once showed a difference.
func TestRegressions(t *testing.T) {
	run := here(t)
	files, err := filepath.Glob("testdata/regress/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no regression cases", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if len(a.Files) == 0 || a.Files[0].Name != "program" {
				t.Fatal("the first file is not the program")
			}
			program := filepath.Join(t.TempDir(), "program")
			if err := os.WriteFile(program, a.Files[0].Data, 0o644); err != nil {
				t.Fatal(err)
			}
			if *update {
				kernel := histories(onKernel(t, program))["program"]
				a.Files = append(a.Files[:1], txtar.File{Name: "history", Data: []byte(kernel)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if len(a.Files) != 2 {
				t.Fatal("no recorded history: run with -update where the oracle is")
			}
			if diff := cmp.Diff(string(a.Files[1].Data), histories(run(t, program))[program]); diff != "" {
				t.Errorf("not as the kernel's driver (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLive compares programs on busd with the oracle, those of the seeds that BINDER_DIFF_SEEDS
// names. It makes a small program of the first that differ.
func TestLive(t *testing.T) {
	seeds := os.Getenv("BINDER_DIFF_SEEDS")
	if seeds == "" {
		t.Skip("BINDER_DIFF_SEEDS (FIRST-LAST) does not say which programs to compare")
	}
	run := here(t)
	kernel, busd := histories(onKernel(t, "-full", "-seeds", seeds)), histories(run(t, "-full", "-seeds", seeds))
	count := map[difftest.Verdict]int{}
	for name, want := range kernel {
		verdict, _, _, _ := difftest.Compare(want, busd[name])
		count[verdict]++
		if verdict != difftest.Different {
			continue
		}
		var seed uint64
		fmt.Sscanf(name, "seed %d", &seed)
		p := difftest.Generate(seed)
		if !differs(t, run, p) {
			t.Logf("%s differed once, and then no more", name)
			continue
		}
		if count[verdict] <= 3 {
			p = difftest.Shrink(p, func(p difftest.Program) bool { return differs(t, run, p) })
		}
		t.Errorf("%s differs:\n%s%s", name, p, difference(t, run, p))
	}
	t.Logf("%d programs: %d the same, %d racy, %d different", len(kernel), count[difftest.Same], count[difftest.Racy], count[difftest.Different])
}

// both runs a program on busd and on the oracle.
func both(t *testing.T, run runner, p difftest.Program) (kernel, busd string) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte(p.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return histories(onKernel(t, program))["program"], histories(run(t, program))[program]
}

func differs(t *testing.T, run runner, p difftest.Program) bool {
	kernel, busd := both(t, run, p)
	v, _, _, _ := difftest.Compare(kernel, busd)
	return v == difftest.Different
}

func difference(t *testing.T, run runner, p difftest.Program) string {
	kernel, busd := both(t, run, p)
	_, at, want, got := difftest.Compare(kernel, busd)
	return fmt.Sprintf("at action %d the kernel:\n%s\nbusd:\n%s\n", at, want, got)
}
