//go:build !race

package busd

const raceDetector = false
