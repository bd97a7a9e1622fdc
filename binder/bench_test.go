package binder

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/parcel"
)

// What a call between two processes costs: without arguments, and with as many bytes there and back
// as its name says. Beside it, in the same run, what a unix socket takes for the same between two
// processes.
func BenchmarkCall(b *testing.B) {
	_, peer := meet(b)
	long, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	for _, size := range benchmarkSizes {
		for _, c := range []struct {
			name string
			ctx  context.Context
		}{{"", context.Background()}, {" with a deadline", long}} {
			b.Run(sizeName(size)+c.name, func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(2 * size))
				payload := make([]byte, size)
				for b.Loop() {
					data := parcel.New()
					data.WriteRaw(payload)
					reply, err := peer.Transact(c.ctx, peerEcho, data, 0)
					data.Release()
					if err != nil {
						b.Fatal(err)
					}
					if reply.Len() != size {
						b.Fatalf("%d bytes came back", reply.Len())
					}
					reply.Release()
				}
			})
		}
	}
}

// Several goroutines call at the same time.
func BenchmarkCallParallel(b *testing.B) {
	_, peer := meet(b)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := peer.Ping(context.Background()); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

var benchmarkSizes = []int{0, 4 << 10, 64 << 10}

func sizeName(size int) string {
	if size == 0 {
		return "null"
	}
	return fmt.Sprintf("%dKiB", size>>10)
}

const peerSocket = "FUSEBINDER_TEST_SOCKET"

// socketMain echoes what comes from standard input, a unix socket.
func socketMain() error {
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		return err
	}
	_, err = io.Copy(struct{ io.Writer }{conn}, struct{ io.Reader }{conn})
	return err
}

func BenchmarkUnixSocket(b *testing.B) {
	for _, size := range benchmarkSizes {
		b.Run(sizeName(size), func(b *testing.B) {
			pair, err := socketPair()
			if err != nil {
				b.Fatal(err)
			}
			cmd := exec.Command("/proc/self/exe")
			cmd.Env = append(os.Environ(), peerSocket+"=1")
			cmd.Stdin, cmd.Stderr = pair[1], os.Stderr
			if err := cmd.Start(); err != nil {
				b.Fatal(err)
			}
			pair[1].Close()
			conn, err := net.FileConn(pair[0])
			pair[0].Close()
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				conn.Close()
				_ = cmd.Wait()
			})
			b.ReportAllocs()
			b.SetBytes(int64(2 * size))
			out, in := []byte(strings.Repeat("x", max(size, 1))), make([]byte, max(size, 1))
			for b.Loop() {
				if _, err := conn.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn, in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
