package devicefs

import (
	"os"
	"strconv"
	"strings"
	"time"
)

// requestTimeout answers after how long the kernel aborts a mount whose request has not been
// answered, or 0. The kernel counts seconds. A default timeout can be overridden at FUSE_INIT,
// which we do, but kernels that have the one and not the other are not known to us: heed both.
func requestTimeout() time.Duration {
	shortest := 0
	for _, name := range []string{"max_request_timeout", "default_request_timeout"} {
		text, err := os.ReadFile("/proc/sys/fs/fuse/" + name)
		if err != nil {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil && n > 0 && (shortest == 0 || n < shortest) {
			shortest = n
		}
	}
	return time.Duration(shortest) * time.Second
}

// sweepsPerTimeout is how many sweeps there are in the time that the kernel allows. An ioctl is
// ended at half of it.
const sweepsPerTimeout = 4

// sweep ends ioctls with EINTR before the kernel thinks that the broker hangs. Clients repeat an
// interrupted ioctl.
func (s *Server) sweep(stop <-chan struct{}) {
	s.log.Info("parked ioctls end with EINTR early, because of fs.fuse.*_request_timeout", "timeout", s.timeout)
	t := time.NewTicker(s.timeout / sweepsPerTimeout)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
		}
		for _, q := range s.requests.pinAged(sweepsPerTimeout / 2) {
			q.open.process.Interrupt(&q.call)
			s.requests.unpin(q)
		}
	}
}

// pinAged answers, pinned, the requests that this sweep sees for the age-th time.
func (t *requests) pinAged(age int) []*request {
	t.mu.Lock()
	defer t.mu.Unlock()
	var aged []*request
	for _, q := range t.buckets {
		for ; q != nil; q = q.next {
			if q.age++; q.age >= age {
				q.pins++
				aged = append(aged, q)
			}
		}
	}
	return aged
}
