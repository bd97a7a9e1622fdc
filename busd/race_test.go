//go:build race

package busd

// Under the race detector sync.Pool forgets what it was given now and then.
const raceDetector = true
