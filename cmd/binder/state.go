package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func newState(a *app) *cobra.Command {
	var verbose bool
	cmd := &cobra.Command{
		Use:   "state",
		Short: "Show what the driver holds",
		Long: `Show the processes, threads, objects, handles and buffers that the driver holds, and the
transactions under way, from binder_logs/state beside the device. On the kernel's driver it may
take root to read.`,
		Example: `  binder state
  binder state --verbose
  binder state --json | jq '.processes[] | select(.pending > 0)'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			file, err := openLog(a.device)
			if err != nil {
				return err
			}
			defer file.Close()
			s, err := parseState(file)
			if err != nil {
				return fmt.Errorf("read %s: %w", file.Name(), err)
			}
			for _, p := range s.Processes {
				p.Program = programOf(p.PID)
			}
			return a.print(cmd, s, func(w io.Writer) error { return s.print(w, verbose) })
		},
	}
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "also list each object and handle")
	return cmd
}

// debugfs is where the kernel's driver tells its state without binderfs.
const debugfs = "/sys/kernel/debug/binder/state"

// openLog opens the state of the bus that a device belongs to.
func openLog(device string) (*os.File, error) {
	real, err := filepath.EvalSymlinks(device)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no bus here; name one with --device or BINDER_DEVICE, or start one (busd run, busd serve)", device)
	}
	if err != nil {
		return nil, err
	}
	beside := filepath.Join(filepath.Dir(real), "binder_logs", "state")
	file, err := os.Open(beside)
	if errors.Is(err, fs.ErrNotExist) {
		if file, err := os.Open(debugfs); err == nil {
			return file, nil
		}
		return nil, fmt.Errorf("%s: no such file; a kernel's binderfs has it when mounted with stats=global", beside)
	}
	return file, err
}

// programOf names a process's program, "" if it cannot be seen.
func programOf(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(name))
}

func (s *state) print(w io.Writer, verbose bool) error {
	programs := map[int]string{}
	threads, nodes, refs := 0, 0, 0
	for _, p := range s.Processes {
		programs[p.PID] = p.Program
		threads += len(p.Threads)
		nodes += len(p.Nodes)
		refs += len(p.Refs)
	}
	who := func(pid int) string {
		switch name := programs[pid]; {
		case pid == 0:
			return "nobody"
		case name == "":
			return fmt.Sprint(pid)
		default:
			return fmt.Sprintf("%d (%s)", pid, name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s, %s, %s, %s under way\n", count(len(s.Processes), "process"), count(threads, "thread"),
		count(nodes, "object"), count(refs, "handle"), count(len(s.Transactions), "transaction"))
	if len(s.DeadNodes) > 0 {
		fmt.Fprintf(&b, "of dead processes are still held: %s\n", count(len(s.DeadNodes), "object"))
	}
	if len(s.Processes) > 0 {
		b.WriteByte('\n')
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "PID\tPROGRAM\tDEVICE\tTHREADS\tWAITING\tOBJECTS\tHANDLES\tBUFFERS\tBYTES\tPENDING")
		for _, p := range s.Processes {
			waiting := 0
			for _, t := range p.Threads {
				if t.Waiting {
					waiting++
				}
			}
			program := p.Program
			if program == "" {
				program = "-"
			}
			fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n", p.PID, program, p.Device,
				len(p.Threads), waiting, len(p.Nodes), len(p.Refs), p.Buffers, p.Bytes, p.Pending)
		}
		table.Flush()
	}
	if len(s.Transactions) > 0 {
		b.WriteString("\nunder way:\n")
		for _, t := range s.Transactions {
			kind, end := "call", "being served"
			if t.Oneway {
				kind = "oneway call"
			}
			if t.Pending {
				end = "not taken yet"
			}
			fmt.Fprintf(&b, "  %d: %s of code %d from %s thread %d to %s, %s\n", t.ID, kind, t.Code, who(t.FromPID), t.FromTID, who(t.ToPID), end)
		}
	}
	if verbose {
		s.printObjects(&b, who)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// printObjects lists each object with those who have handles for it.
func (s *state) printObjects(b *strings.Builder, who func(int) string) {
	type holder struct {
		process *process
		ref     ref
	}
	holders := map[int][]holder{}
	for _, p := range s.Processes {
		for _, r := range p.Refs {
			holders[r.Node] = append(holders[r.Node], holder{p, r})
		}
	}
	one := func(n node, owner string) {
		fmt.Fprintf(b, "  %d of %s\n", n.ID, owner)
		for _, h := range holders[n.ID] {
			fmt.Fprintf(b, "      handle %d of %s, %d strong %d weak\n", h.ref.Handle, who(h.process.PID), h.ref.Strong, h.ref.Weak)
		}
	}
	b.WriteString("\nobjects:\n")
	for _, p := range s.Processes {
		for _, n := range slices.SortedFunc(slices.Values(p.Nodes), func(a, b node) int { return a.ID - b.ID }) {
			one(n, who(p.PID))
		}
	}
	for _, n := range s.DeadNodes {
		one(n, "a dead process")
	}
}

func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "s"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
