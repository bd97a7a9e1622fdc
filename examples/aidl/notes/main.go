// Command notes is a notebook that other programs write to, and a program that does. Each is there
// in the two versions of the AIDL.
//
//	busd run -- sh -c 'notes serve v1 & notes visit v2'
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/fusebinder/fusebinder/binder"
)

func main() {
	log.SetFlags(0)
	parts := map[string]func(context.Context, *binder.Bus) error{
		"serve v1": serve1, "serve v2": serve2,
		"visit v1": visit1, "visit v2": visit2,
	}
	if len(os.Args) != 3 || parts[os.Args[1]+" "+os.Args[2]] == nil {
		log.Fatal("usage: notes serve|visit v1|v2")
	}
	device := os.Getenv("BINDER_DEVICE")
	if device == "" {
		device = "/dev/binder"
	}
	bus, err := binder.Open(device, binder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := parts[os.Args[1]+" "+os.Args[2]](ctx, bus); err != nil {
		log.Fatal(fmt.Errorf("notes %s %s: %w", os.Args[1], os.Args[2], err))
	}
}
