//go:build race

package binder

import "sync/atomic"

// passage stands, for the race detector, for the driver between two threads of one program: what
// a thread did before it wrote to the driver happens before what another does after it has read
// from it. The memory is ordered without this; the detector cannot know.
var passage atomic.Uint32

func beforeDriver() { passage.Add(1) }
func afterDriver()  { passage.Load() }
