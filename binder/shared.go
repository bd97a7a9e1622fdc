package binder

import "sync"

// shared are the buses that Shared has opened, by path.
var shared struct {
	mu    sync.Mutex
	buses map[string]*Bus
}

// Shared is this program's common bus at path, for packages that know nothing of each other: the
// first call opens it, with default options, and it stays open. Nobody closes it; after a failure of
// the device, or if somebody has closed it all the same, the next call opens it again.
func Shared(path string) (*Bus, error) {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if b := shared.buses[path]; b != nil && b.Err() == nil {
		return b, nil
	}
	b, err := Open(path, Options{})
	if err != nil {
		return nil, err
	}
	if shared.buses == nil {
		shared.buses = make(map[string]*Bus)
	}
	shared.buses[path] = b
	return b, nil
}
