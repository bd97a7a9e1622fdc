package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
)

// A latency is what a number of round trips took.
type latency struct{ median, p99 time.Duration }

// measure times trip for a while.
func measure(trip func() error) (latency, error) {
	const warm, least, budget = 50, 200, 400 * time.Millisecond
	for range warm {
		if err := trip(); err != nil {
			return latency{}, err
		}
	}
	var took []time.Duration
	begin := time.Now()
	for len(took) < least || time.Since(begin) < budget {
		t := time.Now()
		if err := trip(); err != nil {
			return latency{}, err
		}
		took = append(took, time.Since(t))
	}
	slices.Sort(took)
	return latency{median: took[len(took)/2], p99: took[len(took)*99/100]}, nil
}

// latencyTable compares a call that carries n bytes there and back with the same over a unix
// socket, between the same two processes.
func latencyTable(ctx context.Context, out io.Writer, bus *binder.Bus, on binder.Binder, socket int) error {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "there and back\tbinder call\t99 %\tunix socket\t99 %\t")
	for _, size := range []int{64, 4 << 10, 64 << 10} {
		payload := make([]byte, size)
		calls, err := measure(func() error {
			reply, err := call(ctx, bus, on, greeterInterface, greeterEcho, func(p *parcel.Parcel) { p.WriteByteArray(payload) })
			if err != nil {
				return err
			}
			reply.Release()
			return nil
		})
		if err != nil {
			return err
		}
		message := make([]byte, 4+size)
		binary.LittleEndian.PutUint32(message, uint32(size))
		trips, err := measure(func() error {
			if err := writeFull(socket, message); err != nil {
				return err
			}
			return readFull(socket, message)
		})
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t\n", bytesOf(size), micros(calls.median), micros(calls.p99), micros(trips.median), micros(trips.p99))
	}
	return table.Flush()
}

func bytesOf(n int) string {
	if n >= 1<<10 {
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d B", n)
}

func micros(d time.Duration) string {
	return fmt.Sprintf("%.1f µs", float64(d)/float64(time.Microsecond))
}
