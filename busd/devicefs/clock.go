package devicefs

import (
	"time"

	"github.com/fusebinder/fusebinder/busd"
)

// clock is the system's, for the broker.
type clock struct{}

// withClock gives the broker the system's clock unless it has one.
func withClock(c busd.Config) busd.Config {
	if c.Clock == nil {
		c.Clock = clock{}
	}
	return c
}

func (clock) AfterFunc(d time.Duration, ring func()) (stop func()) {
	t := time.AfterFunc(d, ring)
	return func() { t.Stop() }
}
