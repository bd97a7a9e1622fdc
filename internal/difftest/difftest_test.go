package difftest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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

// recordedFile has the kernel's answers to the recorded seeds.
const recordedFile = "testdata/recorded.gz"

// recordedSeeds are as replay takes them.
var recordedSeeds = fmt.Sprintf("1-400,%d-%d", difftest.Wide+1, difftest.Wide+200)

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
	for name, runs := range repeated(out) {
		all[name] = runs[0]
	}
	return all
}

// repeated takes replay's output apart where a program may have run several times.
func repeated(out string) map[string][]string {
	all := map[string][]string{}
	for _, part := range strings.Split("\n"+out, "\n== ")[1:] {
		name, history, _ := strings.Cut(part, "\n")
		all[name] = append(all[name], strings.TrimRight(history, "\n")+"\n")
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
	run := here(t)
	if *update {
		record(t)
	}
	want := hashes(readRecorded(t))
	got := hashes(run(t, "-seeds", recordedSeeds))
	if len(got) != len(want) {
		t.Fatalf("%d histories, want %d", len(got), len(want))
	}
	differ := func(got map[string]string) (seeds []string) {
		for seed, hash := range got {
			if want[seed] != hash && want[seed] != "racy" {
				seeds = append(seeds, seed)
			}
		}
		slices.Sort(seeds)
		return seeds
	}
	wrong := differ(got)
	// A broker that the machine lets wait for long may be seen at rest too early: again then.
	for n := 0; len(wrong) > 0 && n < 3; n++ {
		wrong = differ(hashes(run(t, "-seeds", strings.Join(wrong, ","))))
	}
	for _, seed := range wrong {
		n, _ := strconv.ParseUint(seed, 10, 64)
		t.Errorf("seed %s: not as the kernel's driver; make test-kernel shows the difference. Program:\n%s\nHistory:\n%s",
			seed, difftest.Generate(n), run(t, "-full", "-seeds", seed))
	}
}

// TestFree lets threads go on as they like and looks at what holds in any order, on busd and on the
// oracle. It runs where programs are compared with the oracle: what it finds may come once in a
// thousand runs, and is for somebody to look into.
func TestFree(t *testing.T) {
	if os.Getenv("BINDER_DIFF_SEEDS") == "" {
		t.Skip("no BINDER_DIFF_SEEDS: only programs in lock-step are carried out")
	}
	const runs = 20
	check := func(name string, run runner) {
		all := histories(run(t, "-free", fmt.Sprintf("1-%d", runs)))
		if len(all) != runs {
			t.Errorf("%s: %d runs, want %d", name, len(all), runs)
		}
		for seed, wrong := range all {
			if wrong != "\n" {
				t.Errorf("%s, run %s:\n%s", name, seed, wrong)
			}
		}
	}
	check("here", here(t))
	check("the oracle", onKernel)
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
func record(t *testing.T) {
	t.Helper()
	first := hashes(onKernel(t, "-seeds", recordedSeeds))
	for range 3 {
		for seed, hash := range hashes(onKernel(t, "-seeds", recordedSeeds)) {
			if first[seed] != hash {
				first[seed] = "racy"
			}
		}
	}
	// So is one that differs in nothing but who was quicker, or may: a process that is killed.
	run := here(t)
	kernel, busd := histories(onKernel(t, "-full", "-seeds", recordedSeeds)), histories(run(t, "-full", "-seeds", recordedSeeds))
	var seeds []uint64
	var doubtful []string
	for seed := range first {
		n, _ := strconv.ParseUint(seed, 10, 64)
		seeds = append(seeds, n)
		switch v, _, _, _ := difftest.Compare(kernel["seed "+seed], busd["seed "+seed]); {
		case v == difftest.Racy, slices.ContainsFunc(difftest.Generate(n), func(a difftest.Action) bool { return a.Do == "kill" }):
			first[seed] = "racy"
		case v == difftest.Different && first[seed] != "racy":
			doubtful = append(doubtful, seed)
		}
	}
	for seed, v := range again(t, run, doubtful, kernel) {
		if v == difftest.Either {
			first[seed] = "racy"
		}
	}
	slices.Sort(seeds)
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	for _, n := range seeds {
		fmt.Fprintln(z, n, first[fmt.Sprint(n)])
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
	coverage := filepath.Join(t.TempDir(), "coverage")
	kernel, busd := histories(onKernel(t, "-full", "-seeds", seeds)), histories(run(t, "-full", "-coverage", coverage, "-seeds", seeds))
	count := map[difftest.Verdict]int{}
	var doubtful []string
	for name, want := range kernel {
		verdict, _, _, _ := difftest.Compare(want, busd[name])
		if verdict == difftest.Different {
			doubtful = append(doubtful, strings.TrimPrefix(name, "seed "))
			continue
		}
		count[verdict]++
	}
	slices.Sort(doubtful)
	for seed, verdict := range again(t, run, doubtful, kernel) {
		count[verdict]++
		if verdict == difftest.Either {
			t.Logf("seed %s: the kernel's driver answers now so, now so, and once as busd", seed)
		}
		if verdict != difftest.Different {
			continue
		}
		n, _ := strconv.ParseUint(seed, 10, 64)
		p := difftest.Generate(n)
		if count[verdict] <= 3 {
			deadline := time.Now().Add(shrinkTime)
			p = difftest.Shrink(p, func(p difftest.Program) bool { return time.Now().Before(deadline) && differs(t, run, p) })
		}
		t.Errorf("seed %s differs:\n%s%s", seed, p, difference(t, run, p))
	}
	t.Logf("%d programs: %d the same, %d racy, %d either, %d different", len(kernel),
		count[difftest.Same], count[difftest.Racy], count[difftest.Either], count[difftest.Different])
	reached(t, coverage)
}

// shrinkTime is how long a program may take to become small.
const shrinkTime = 2 * time.Minute

// again judges seeds whose histories differed, by more runs on both: a driver whose own histories
// differ is not to be told from one that gives one of them. first are the kernel's from before.
func again(t *testing.T, run runner, seeds []string, first map[string]string) map[string]difftest.Verdict {
	verdicts := map[string]difftest.Verdict{}
	for _, times := range []int{12, 60} {
		if len(seeds) == 0 {
			break
		}
		list := strings.Join(seeds, ",")
		kernel := repeated(onKernel(t, "-full", "-seeds", strings.Repeat(list+",", times-1)+list))
		busd := repeated(run(t, "-full", "-seeds", strings.Repeat(list+",", 2)+list))
		seeds = nil
		for name, histories := range kernel {
			seed := strings.TrimPrefix(name, "seed ")
			best, varies, two := difftest.Different, false, false
			for _, want := range histories {
				varies = varies || want != first[name]
				for _, got := range busd[name] {
					v, _, _, _ := difftest.Compare(want, got)
					best = min(best, v)
					two = two || difftest.TwoAwake(want, got)
				}
			}
			switch {
			case best == difftest.Different && two && times > 12:
				best = difftest.Either
			case best == difftest.Different:
				seeds = append(seeds, seed)
			case best == difftest.Same && varies:
				best = difftest.Either
			case best == difftest.Same:
				t.Logf("seed %s: once seen before busd had come to rest", seed)
			}
			verdicts[seed] = best
		}
	}
	return verdicts
}

// reached tells how many different things programs have met. Where BINDER_DIFF_COVERAGE names a
// file, what earlier runs have met is in it and counts too.
func reached(t *testing.T, coverage string) {
	counts := map[string]int{}
	total := os.Getenv("BINDER_DIFF_COVERAGE")
	for _, name := range []string{coverage, total} {
		b, err := os.ReadFile(name)
		if err != nil && (name != total || !errors.Is(err, fs.ErrNotExist)) {
			t.Error(err)
		}
		for line := range strings.Lines(string(b)) {
			key, n, _ := strings.Cut(strings.TrimSpace(line), "\t")
			k, _ := strconv.Atoi(n)
			counts[key] += k
		}
	}
	pairs := map[string]bool{}
	var lines []string
	for key, n := range counts {
		lines = append(lines, fmt.Sprintf("%s\t%d\n", key, n))
		part := strings.Split(key, "|") // command, state, result
		pairs[part[0]+"|"+part[1]] = true
	}
	t.Logf("reached: %d pairs of a command and a state; %d with what came of it", len(pairs), len(counts))
	if total == "" {
		return
	}
	slices.Sort(lines)
	if err := os.WriteFile(total, []byte(strings.Join(lines, "")), 0o644); err != nil {
		t.Error(err)
	}
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
