// Command boot builds the oracle's kernel, or runs a program on it:
//
//	boot -build
//	boot [-e NAME=VALUE]... [-f HERE[:THERE]]... [-dir DIR] [-timeout 2m] PROGRAM [ARG...]
//
// It ends with the program's exit status, or 125 if that was never told.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fusebinder/fusebinder/internal/oracle"
)

func main() {
	err := run()
	var exit *oracle.ExitError
	if errors.As(err, &exit) {
		os.Exit(exit.Status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(125)
	}
}

func run() error {
	job := oracle.Job{Files: map[string]string{}, Output: os.Stdout}
	build := flag.Bool("build", false, "build the kernel, if it is not there, and nothing else")
	timeout := flag.Duration("timeout", 2*time.Minute, "give up after this long")
	flag.StringVar(&job.Dir, "dir", "", "a directory that appears as /host there")
	flag.IntVar(&job.Memory, "memory", 0, "MiB of memory (0: 1024)")
	flag.Func("e", "NAME=VALUE for the program; may be given several times", func(s string) error {
		job.Env = append(job.Env, s)
		return nil
	})
	flag.Func("f", "HERE[:THERE], a file to put in; may be given several times", func(s string) error {
		here, there, ok := strings.Cut(s, ":")
		if !ok {
			there = "/bin/" + filepath.Base(here)
		}
		job.Files[there] = here
		return nil
	})
	flag.Parse()
	if *build {
		return oracle.Build(os.Stderr)
	}
	if flag.NArg() == 0 {
		flag.Usage()
		return errors.New("no program")
	}
	job.Program, job.Args = flag.Arg(0), flag.Args()[1:]
	ctx, cancel := context.WithTimeout(context.Background(), *timeout)
	defer cancel()
	return oracle.Run(ctx, job)
}
