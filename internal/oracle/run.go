package oracle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// A Job is a program to run on the oracle's kernel.
type Job struct {
	Program string   // a file of this machine; a static executable is simplest
	Args    []string // without the program's name
	Env     []string // NAME=VALUE; BINDER_DEVICE is set anyway

	// Files are put in too: path there to path here.
	Files map[string]string

	// Dir, if not empty, is a directory of this machine that appears as /host, and is the working
	// directory then; otherwise /tmp is.
	Dir string

	Memory int       // MiB; 0: 1024
	Output io.Writer // what the program prints, on either output
}

// plan is what init reads at /plan.
type plan struct {
	Path string
	Args []string
	Env  []string
	Dir  string // to mount at /host
}

// An ExitError says that a program ran and ended with a status other than 0.
type ExitError struct{ Status int }

func (e *ExitError) Error() string { return "exit status " + strconv.Itoa(e.Status) }

// Run boots the kernel, runs the job's program there as root and waits for its end, or the
// context's, which ends the kernel.
func Run(ctx context.Context, job Job) error {
	linux, err := kernel()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "oracle-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	initrd, err := job.initrd(work)
	if err != nil {
		return err
	}
	memory := job.Memory
	if memory == 0 {
		memory = 1024
	}
	output, input, err := os.Pipe()
	if err != nil {
		return err
	}
	defer output.Close()
	console, err := os.Create(filepath.Join(work, "console"))
	if err != nil {
		input.Close()
		return err
	}
	defer console.Close()
	cmd := exec.CommandContext(ctx, linux, "mem="+strconv.Itoa(memory)+"M", "initrd="+initrd, "rdinit=/init",
		"con=null", "con0=null,fd:3", "ssl=null", "ssl1=null,fd:4", "quiet", "loglevel=4", "panic=-1")
	cmd.ExtraFiles = []*os.File{console, input}
	cmd.Stdout, cmd.Stderr = console, console
	cmd.WaitDelay = 5 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		input.Close()
		return fmt.Errorf("boot the oracle's kernel: %w", err)
	}
	input.Close()
	status, printed := copyOutput(job.Output, output)
	waited := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("the program did not end in time: %w", ctx.Err())
	case printed != nil:
		return printed
	case status < 0:
		log, _ := os.ReadFile(console.Name())
		log = log[max(0, len(log)-2000):]
		return fmt.Errorf("the oracle's kernel ended without the program's exit status (%v); its console:\n%s", waited, log)
	case status > 0:
		return &ExitError{Status: status}
	}
	return nil
}

// initrd writes the initial file system and answers its path.
func (job *Job) initrd(work string) (string, error) {
	init, err := buildInit(work)
	if err != nil {
		return "", err
	}
	r := newRoot()
	p := plan{Path: "/bin/" + filepath.Base(job.Program), Args: job.Args, Env: job.Env}
	if job.Dir != "" {
		if p.Dir, err = filepath.Abs(job.Dir); err != nil {
			return "", err
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		return "", err
	}
	r.put("/plan", 0o644, text)
	err = errors.Join(r.add("/init", init), r.add(p.Path, job.Program))
	for there, here := range job.Files {
		err = errors.Join(err, r.add(there, here))
	}
	if err != nil {
		return "", err
	}
	name := filepath.Join(work, "initrd")
	return name, r.write(name)
}
