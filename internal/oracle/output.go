package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strconv"
	"syscall"
)

// exitLine begins the line with which init tells the program's exit status.
var exitLine = []byte("ORACLE-EXIT ")

// copyOutput copies what the program prints until init tells its exit status, and answers that; -1
// if it never comes.
func copyOutput(w io.Writer, r io.Reader) (status int, err error) {
	if w == nil {
		w = io.Discard
	}
	status = -1
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, readErr := lines.ReadSlice('\n')
		if at := bytes.Index(line, exitLine); at >= 0 {
			if n, e := strconv.Atoi(string(bytes.TrimSpace(line[at+len(exitLine):]))); e == nil {
				status, line = n, line[:at]
			}
		}
		if _, e := w.Write(line); e != nil && err == nil {
			err = e
		}
		if readErr != nil && !errors.Is(readErr, bufio.ErrBufferFull) {
			return status, err // the end, or as good: the kernel is gone
		}
	}
}

// ownGroup makes the end of a command the end of all the processes that are part of it.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
