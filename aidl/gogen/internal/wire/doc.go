// Package wire holds generated code to the layouts of AOSP's backends: its tests have the bytes of
// every type and feature, each with the rule of AOSP that says so.
package wire

//go:generate go run github.com/fusebinder/fusebinder/cmd/aidlgen -I aidl -o gen --import github.com/fusebinder/fusebinder/aidl/gogen/internal/wire/gen aidl
