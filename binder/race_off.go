//go:build !race

package binder

// Without the race detector there is nobody to be told: see race_on.go.

func beforeDriver() {}
func afterDriver()  {}
