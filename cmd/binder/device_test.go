package main

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// The scripts read the state of busd's own bus. This test reads the state of whatever driver it is
// run on, such as the kernel's.
func TestStateOfTheDevice(t *testing.T) {
	device := os.Getenv("BINDER_DEVICE")
	if device == "" {
		t.Skip("BINDER_DEVICE names no device")
	}
	bus, err := binder.Open(device, binder.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer bus.Close()
	if _, err := servicemgr.Serve(bus, servicemgr.ServerOptions{}); err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	if status := run(t.Context(), []string{"--device", device, "state", "--json"}, nil, &out, &complaints); status != 0 {
		t.Fatalf("status %d: %s", status, &complaints)
	}
	var s state
	if err := json.Unmarshal(out.Bytes(), &s); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Processes {
		if p.PID == os.Getpid() {
			if p.Device != "binder" || len(p.Nodes) != 1 || len(p.Threads) == 0 {
				t.Errorf("this process is not told right: %+v", p)
			}
			return
		}
	}
	t.Errorf("this process is not told of:\n%s", &out)
}
