// Package aidl is an example of AIDL: a notebook (notes) whose interface has two versions, v1 and v2.
// A program of either version talks to one of the other.
package aidl

//go:generate go tool aidlgen -I v1 -o gen/v1 --import github.com/fusebinder/fusebinder/examples/aidl/gen/v1 --api-version 1 --hash 1d0f5b0a v1/org/example/notes/INotebook.aidl
//go:generate go tool aidlgen -I v2 -o gen/v2 --import github.com/fusebinder/fusebinder/examples/aidl/gen/v2 --api-version 2 --hash 7c2be9f1 v2/org/example/notes/INotebook.aidl
