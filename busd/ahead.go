package busd

import "github.com/fusebinder/fusebinder/ioctl"

// maxAhead is the longest payload that is read ahead of its command, in bytes.
const maxAhead = 512

// A guess is what a thread's next payload is expected to be: a program that makes the same call
// again mostly sends it from the same place. It is only a guess, and costs little when wrong.
type guess struct {
	at   ioctl.Address
	size int
	sure bool // the last two payloads were at the same place
}

// learn takes note of a payload.
func (g *guess) learn(at ioctl.Address, size, objects uint64) {
	small := objects == 0 && size > 0 && size <= maxAhead
	g.sure = small && at == g.at
	g.at, g.size = at, int(min(size, maxAhead))
}

// An ahead is a payload that was read together with the commands, before the command that
// sends it was looked at. It saves the second of two visits to the client's memory.
type ahead struct {
	at   ioctl.Address
	n    int // bytes of data that were read
	data [maxAhead]byte
}

// payload answers the n bytes at an address, if they were read ahead.
func (a *ahead) payload(at ioctl.Address, n int) []byte {
	if at != a.at || n > a.n {
		return nil
	}
	return a.data[:n]
}
