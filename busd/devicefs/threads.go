package devicefs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/busd"
	"github.com/fusebinder/fusebinder/busd/clientmem"
)

// threads watches the threads that have used a device, and tells their process when one has
// ended: BINDER_THREAD_EXIT with a NULL argument, which clients use, never reaches us.
//
// Each thread is watched through a pidfd of its own in one epoll set. Where the kernel has no
// such pidfd (before Linux 6.9), /proc is looked through every second.
type threads struct {
	epoll int
	stop  int // an eventfd that ends the goroutine
	ended sync.WaitGroup

	withoutFDs bool // as on an old kernel; for tests

	mu      sync.Mutex
	last    watchID                   // guarded by mu
	watched map[watchID]watchedThread // guarded by mu
	polled  map[watchID]watchedThread // those without a pidfd; guarded by mu
	polling bool                      // guarded by mu
	closed  bool                      // guarded by mu
}

// A watchID names a watched thread. It is not the pidfd, whose number is soon used again: an
// event of a thread that is not watched any longer must not be taken for another's.
type watchID uint64

type watchedThread struct {
	open *open
	tid  busd.ThreadID
	fd   int
}

func newThreads() (*threads, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("watch threads: %w", err)
	}
	stop, err := unix.Eventfd(0, unix.EFD_CLOEXEC)
	if err == nil {
		err = unix.EpollCtl(epoll, unix.EPOLL_CTL_ADD, stop, &unix.EpollEvent{Events: unix.EPOLLIN})
	}
	if err != nil {
		unix.Close(epoll)
		return nil, fmt.Errorf("watch threads: %w", err)
	}
	t := &threads{epoll: epoll, stop: stop, watched: map[watchID]watchedThread{}, polled: map[watchID]watchedThread{}}
	t.ended.Go(t.loop)
	return t, nil
}

// close forgets all threads.
func (t *threads) close() {
	t.mu.Lock()
	t.closed = true
	for _, w := range t.watched {
		unix.Close(w.fd)
	}
	clear(t.watched)
	clear(t.polled)
	t.mu.Unlock()
	unix.Write(t.stop, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	t.ended.Wait()
	unix.Close(t.epoll)
	unix.Close(t.stop)
}

// watch begins to watch a thread that is in the middle of a request, and so alive. 0 says that
// nothing is watched any longer.
func (t *threads) watch(o *open, tid busd.ThreadID) watchID {
	fd, errno := -1, syscall.ENOSYS
	if !t.withoutFDs {
		fd, errno = clientmem.ThreadFD(tid)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		if errno == 0 {
			unix.Close(fd)
		}
		return 0
	}
	t.last++
	id := t.last
	if errno == 0 {
		event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(id), Pad: int32(id >> 32)}
		if err := unix.EpollCtl(t.epoll, unix.EPOLL_CTL_ADD, fd, &event); err == nil {
			t.watched[id] = watchedThread{o, tid, fd}
			return id
		}
		unix.Close(fd)
	}
	t.polled[id] = watchedThread{o, tid, -1} // also when descriptors have run out
	if !t.polling {
		t.polling = true
		t.ended.Go(t.poll)
	}
	return id
}

// take ends watching a thread; false: somebody else has done so.
func (t *threads) take(id watchID) (watchedThread, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if w, ok := t.watched[id]; ok {
		delete(t.watched, id)
		unix.Close(w.fd) // takes it out of the epoll set, too
		return w, true
	}
	w, ok := t.polled[id]
	delete(t.polled, id)
	return w, ok
}

// loop waits for threads to end.
func (t *threads) loop() {
	events := make([]unix.EpollEvent, 64)
	for {
		n, err := unix.EpollWait(t.epoll, events, -1)
		if err != nil && err != unix.EINTR {
			return
		}
		for _, e := range events[:max(n, 0)] {
			id := watchID(uint32(e.Fd)) | watchID(uint32(e.Pad))<<32
			if id == 0 {
				return // stop
			}
			if w, ok := t.take(id); ok {
				w.gone()
			}
		}
	}
}

// gone tells the process. That may take as long as some other client likes (the broker may
// deliver something to it), so it does not hold up the next.
func (w watchedThread) gone() {
	if w.open.threads.forget(w.tid) {
		w.open.server.aside.Go(func() { w.open.process.ThreadGone(w.tid) })
	}
}

const pollThreadsEvery = time.Second

// poll looks for polled threads in /proc while there are any.
func (t *threads) poll() {
	for {
		time.Sleep(pollThreadsEvery)
		t.mu.Lock()
		if t.closed || len(t.polled) == 0 {
			t.polling = false
			t.mu.Unlock()
			return
		}
		list := maps.Clone(t.polled)
		t.mu.Unlock()
		for id, w := range list {
			if !dead(w.tid) {
				continue
			}
			if _, ok := t.take(id); ok {
				w.gone()
			}
		}
	}
}

// dead tells whether a thread has ended.
func dead(tid busd.ThreadID) bool {
	_, err := os.Stat("/proc/" + strconv.Itoa(int(tid)))
	return errors.Is(err, os.ErrNotExist)
}

// threadSet is the threads that have used one open device.
type threadSet struct {
	// recent remembers threads that are in the set, so that an ioctl of a known thread takes no
	// lock. A thread has one place in it, which it may have to share.
	recent [16]atomic.Int32

	mu     sync.Mutex
	ids    map[busd.ThreadID]watchID // guarded by mu
	closed bool                      // guarded by mu
}

// see adds a thread that uses the device.
func (s *threadSet) see(o *open, tid busd.ThreadID) {
	if r := &s.recent[uint32(tid)%uint32(len(s.recent))]; r.Load() != int32(tid) {
		s.add(o, tid)
		r.Store(int32(tid))
	}
}

func (s *threadSet) add(o *open, tid busd.ThreadID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.ids[tid]; ok || s.closed {
		return
	}
	if s.ids == nil {
		s.ids = map[busd.ThreadID]watchID{}
	}
	s.ids[tid] = o.server.threads.watch(o, tid)
}

// forget takes out a thread that has ended.
func (s *threadSet) forget(tid busd.ThreadID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.ids[tid]; !ok {
		return false
	}
	delete(s.ids, tid)
	s.recent[uint32(tid)%uint32(len(s.recent))].CompareAndSwap(int32(tid), 0)
	return true
}

// close ends watching: the device has been closed.
func (s *threadSet) close(o *open) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, id := range s.ids {
		o.server.threads.take(id)
	}
	clear(s.ids)
}
