// Command greeter shows what can go over a bus beside values: an object that is called back, a file
// descriptor, and the news of a death.
//
//	busd run -- sh -c 'greeter serve & greeter visit'
package main

import (
	"context"
	"log"
	"os"
	"time"

	"github.com/fusebinder/fusebinder/binder"
)

func main() {
	log.SetFlags(0)
	parts := map[string]func(context.Context, *binder.Bus) error{"serve": serve, "visit": visit}
	if len(os.Args) != 2 || parts[os.Args[1]] == nil {
		log.Fatal("usage: greeter serve | greeter visit")
	}
	bus, err := binder.Open("/dev/binder", binder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer bus.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := parts[os.Args[1]](ctx, bus); err != nil {
		log.Fatal(err)
	}
}
