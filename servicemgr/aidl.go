package servicemgr

// The interfaces are in aidl/, in the form of Android 16. What aidlgen makes of them is in
// internal/gen; other releases differ in the codes only (code.go), until Android 10 and before, which
// had no AIDL here (legacy.go).

//go:generate go run github.com/fusebinder/fusebinder/cmd/aidlgen -I aidl -o internal/gen --import github.com/fusebinder/fusebinder/servicemgr/internal/gen aidl
