package binder

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/parcel"
)

func TestACallIsAnswered(t *testing.T) {
	_, peer := meet(t)
	want := []byte("0123456789ab")
	deadline, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for name, ctx := range map[string]context.Context{"that cannot end": context.Background(), "that can": deadline} {
		t.Run("with a context "+name, func(t *testing.T) {
			for range 10 {
				reply := ask(t, ctx, peer, peerEcho, func(p *parcel.Parcel) { p.WriteRaw(want) })
				if got := reply.ReadRaw(len(want)); !bytes.Equal(got, want) {
					t.Fatalf("echo of %q is %q", want, got)
				}
			}
		})
	}
}
