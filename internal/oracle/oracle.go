package oracle

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// DirEnv names the environment variable that says where the kernel is kept.
const DirEnv = "BINDER_ORACLE_DIR"

// Device is the path of the driver's first device where programs run.
const Device = "/dev/binderfs/binder"

// ErrNotBuilt says that there is no kernel yet: Build makes it.
var ErrNotBuilt = errors.New("the oracle's kernel is not built; \"make oracle\" builds it")

// Dir is where the kernel is kept: what BINDER_ORACLE_DIR says, else a directory of the user's
// cache.
func Dir() (string, error) {
	if dir := os.Getenv(DirEnv); dir != "" {
		return dir, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for the oracle's kernel: %w; set %s", err, DirEnv)
	}
	return filepath.Join(cache, "fusebinder-oracle"), nil
}

// kernel is the path of the built kernel, or ErrNotBuilt.
func kernel() (string, error) {
	dir, err := Dir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "linux")
	if _, err := os.Stat(path); err != nil {
		return "", ErrNotBuilt
	}
	return path, nil
}

//go:embed build.sh
var buildScript []byte

//go:embed kernel.config
var kernelConfig []byte

// Build builds the kernel unless it is there. It tells what it does on log.
func Build(log io.Writer) error {
	if path, err := kernel(); err == nil {
		fmt.Fprintln(log, "oracle: already built:", path)
		return nil
	}
	dir, err := Dir()
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	script, config := filepath.Join(dir, "build.sh"), filepath.Join(dir, "kernel.config")
	if err := errors.Join(os.WriteFile(script, buildScript, 0o755), os.WriteFile(config, kernelConfig, 0o644)); err != nil {
		return err
	}
	fmt.Fprintln(log, "oracle: building a kernel in", dir)
	cmd := exec.Command("/bin/sh", script, dir, config)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build the oracle's kernel: %w", err)
	}
	return nil
}
