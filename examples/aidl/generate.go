// Package aidl is an example of AIDL: a notebook (the program in notes) whose interface has two
// versions. A program of either version talks to one of the other.
//
//	aidl            the interface as it is now
//	aidl_api/notes  its frozen versions, by aidlgen --freeze aidl_api/notes aidl
//	gen/v1, gen/v2  Go for each of them
package aidl

//go:generate go run github.com/fusebinder/fusebinder/cmd/aidlgen --frozen aidl_api/notes/1 -o gen/v1 --import github.com/fusebinder/fusebinder/examples/aidl/gen/v1
//go:generate go run github.com/fusebinder/fusebinder/cmd/aidlgen --frozen aidl_api/notes/2 -o gen/v2 --import github.com/fusebinder/fusebinder/examples/aidl/gen/v2
//go:generate go run github.com/fusebinder/fusebinder/cmd/aidlgen --checkapi=equal aidl_api/notes/current aidl
