package devicefs

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Harden prepares a process that does nothing but serve: as many descriptors as it may have (a
// broker holds one for each client thread), and a low place on the list of those that go first
// when memory runs out, for its end is the end of every client's bus. It does what it may and
// answers what it could not do.
func Harden() []error {
	var errs []error
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		errs = append(errs, fmt.Errorf("read the limit of open files: %w", err))
	} else {
		const plenty = 1 << 20
		if limit.Max < plenty {
			if unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: plenty, Max: plenty}) == nil {
				limit = unix.Rlimit{Cur: plenty, Max: plenty}
			}
		}
		if limit.Cur < limit.Max {
			if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit.Max, Max: limit.Max}); err != nil {
				errs = append(errs, fmt.Errorf("raise the limit of open files: %w", err))
			}
		}
	}
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("-900"), 0); err != nil {
		errs = append(errs, fmt.Errorf("lower the out-of-memory score: %w", err))
	}
	return errs
}
