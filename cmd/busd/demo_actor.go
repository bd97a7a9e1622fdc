package main

import (
	"context"
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// socketFD is the actor's end of the socket that the latencies are compared with.
const socketFD = 3

// demoActor registers a greeter and serves until the stage is gone.
func demoActor(name string) error {
	bus, err := binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{})
	if err != nil {
		return err
	}
	defer bus.Close()
	object := bus.Export(&greeter{bus: bus})
	if err := servicemgr.NewClient(bus).Add(context.Background(), name, object, servicemgr.AddOptions{}); err != nil {
		return err
	}
	unix.CloseOnExec(socketFD)
	return echoSocket(socketFD)
}

// echoSocket sends back what comes: a length of 4 bytes and as many bytes. It ends with the other
// side.
func echoSocket(fd int) error {
	buf := make([]byte, 4+1<<20)
	for {
		if err := readFull(fd, buf[:4]); err != nil {
			return nil
		}
		n := 4 + min(int(binary.LittleEndian.Uint32(buf)), 1<<20)
		if err := readFull(fd, buf[4:n]); err != nil {
			return nil
		}
		if err := writeFull(fd, buf[:n]); err != nil {
			return nil
		}
	}
}

// readFull and writeFull are plain system calls: os.File would add its own waiting to the
// latencies compared.
func readFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Read(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return unix.EPIPE
		default:
			b = b[n:]
		}
	}
	return nil
}

func writeFull(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		default:
			b = b[n:]
		}
	}
	return nil
}
