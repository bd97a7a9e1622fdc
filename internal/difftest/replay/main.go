// Command replay carries programs out on the device that BINDER_DEVICE names and prints their
// histories:
//
//	replay [-full] -seeds FIRST-LAST,... made-up programs
//	replay -free FIRST-LAST              free runs
//	replay FILE...                       programs from files
//
// For seeds it prints one line each, the seed and a hash of the history; with -full the history. For
// free runs it prints what was wrong.
package main

import (
	"bufio"
	"crypto/sha256"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/fusebinder/fusebinder/internal/difftest"
)

func main() {
	// The runtime's own signals would end the driver's waits. Only the environment turns them off.
	const quiet = "asyncpreemptoff=1"
	if os.Getenv("GODEBUG") != quiet {
		os.Setenv("GODEBUG", quiet)
		err := syscall.Exec("/proc/self/exe", os.Args, os.Environ())
		fmt.Fprintln(os.Stderr, "replay: start again:", err)
		os.Exit(1)
	}
	if os.Getenv(difftest.ActorEnv) != "" {
		// Its threads wait in raw system calls, for which a collector would wait forever.
		debug.SetGCPercent(-1)
		runtime.GOMAXPROCS(8)
		difftest.ActorMain()
	}
	runtime.LockOSThread() // whose end is the actors' end
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run() error {
	full := flag.Bool("full", false, "print programs and histories")
	seeds := flag.String("seeds", "", "FIRST-LAST, or several of it with commas between")
	free := flag.String("free", "", "FIRST-LAST: carry out the free runs of these seeds")
	coverage := flag.String("coverage", "", "write what was reached to this file")
	output := flag.String("o", "", "write to this file instead of standard output")
	flag.Parse()
	m, err := difftest.NewMachine(os.Getenv("BINDER_DEVICE"))
	if err != nil {
		return err
	}
	to := os.Stdout
	if *output != "" {
		if to, err = os.Create(*output); err != nil {
			return err
		}
		defer to.Close()
	}
	out := bufio.NewWriter(to)
	defer out.Flush()
	for _, name := range flag.Args() {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p, err := difftest.Parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		history, err := m.Run(p)
		fmt.Fprintf(out, "== %s\n%s", name, history)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for part := range strings.SplitSeq(*seeds, ",") {
		if part == "" {
			continue
		}
		first, last, err := parseRange(part)
		if err != nil {
			return err
		}
		for seed := first; seed <= last; seed++ {
			p := difftest.Generate(seed)
			history, err := m.Run(p)
			if *full {
				fmt.Fprintf(out, "== seed %d\n%s", seed, history)
			} else {
				fmt.Fprintf(out, "%d %x\n", seed, sha256.Sum256([]byte(history)))
			}
			if err != nil {
				return fmt.Errorf("seed %d: %w", seed, err)
			}
			out.Flush()
		}
	}
	if *free != "" {
		first, last, err := parseRange(*free)
		if err != nil {
			return err
		}
		for seed := first; seed <= last; seed++ {
			wrong, err := m.RunFree(seed)
			if err != nil {
				return fmt.Errorf("free run %d: %w", seed, err)
			}
			fmt.Fprintf(out, "== free %d\n%s\n", seed, strings.Join(wrong, "\n"))
		}
	}
	if *coverage != "" {
		return writeCoverage(*coverage, m.Coverage)
	}
	return nil
}

func parseRange(s string) (first, last uint64, err error) {
	a, b, ok := strings.Cut(s, "-")
	if !ok {
		b = a
	}
	if first, err = strconv.ParseUint(a, 10, 64); err != nil {
		return 0, 0, err
	}
	last, err = strconv.ParseUint(b, 10, 64)
	return first, last, err
}

func writeCoverage(name string, reached map[string]int) error {
	lines := make([]string, 0, len(reached))
	for k, n := range reached {
		lines = append(lines, fmt.Sprintf("%s\t%d\n", k, n))
	}
	slices.Sort(lines)
	return os.WriteFile(name, []byte(strings.Join(lines, "")), 0o644)
}
