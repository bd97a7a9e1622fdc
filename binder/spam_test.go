package binder

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// floodPeer sends oneway calls that the peer does not carry out, until its buffer for them is full, and
// then lets it carry them out.
func floodPeer(t *testing.T, peer Binder) {
	t.Helper()
	ctx := context.Background()
	if _, err := peer.Transact(ctx, peerWait, nil, ioctl.TF_ONE_WAY); err != nil {
		t.Fatal(err)
	}
	data := parcel.New()
	defer data.Release()
	data.WriteRaw(make([]byte, 4<<10))
	full := false
	for range 1 << 10 {
		_, err := peer.Transact(ctx, peerTorn, data, ioctl.TF_ONE_WAY)
		if errors.Is(err, ErrFailedTransaction) {
			full = true
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !full {
		t.Error("the peer has endless room")
	}
	ask(t, ctx, peer, peerGo, nil)
}

func TestOnewaySpam(t *testing.T) {
	path := device(t)
	startPeer(t, path)
	told := make(chan OnewaySpam, 10)
	b := open(t, path, Options{DetectOnewaySpam: true, OnewaySpam: func(s OnewaySpam) { told <- s; panic("as asked") }})
	floodPeer(t, b.ContextManager())
	select {
	case s := <-told:
		if s.Code != peerTorn || s.Handle != 0 || !strings.Contains(s.Stack, "floodPeer") {
			t.Errorf("%+v", s)
		}
	case <-time.After(20 * time.Second):
		t.Error("nobody was told")
	}
	if n := len(told); n != 0 {
		t.Errorf("told %d times more", n)
	}
}

func TestOnewaySpamIsLogged(t *testing.T) {
	path := device(t)
	startPeer(t, path)
	var log bytes.Buffer
	b := open(t, path, Options{DetectOnewaySpam: true, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	floodPeer(t, b.ContextManager())
	if n := strings.Count(log.String(), "oneway calls"); n != 1 || !strings.Contains(log.String(), "floodPeer") {
		t.Errorf("logged %d times: %s", n, &log)
	}
}
