package main

import (
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/binder/bindertest"
)

func TestHello(t *testing.T) {
	bus := bindertest.New(t) // a bus of this test's own, with a service manager
	if err := serve(t.Context(), bus.Open()); err != nil {
		t.Fatal(err)
	}
	answer, err := call(t.Context(), bus.Open(), "world")
	if err != nil || !strings.HasPrefix(answer, "hello world, ") {
		t.Errorf("got %q, %v", answer, err)
	}
}
