package binder

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"
)

func TestDeathIsTold(t *testing.T) {
	path := device(t)
	process := startPeer(t, path)
	b := open(t, path, Options{})
	o := newObject(t, b.ContextManager())
	told := make(chan Binder, 10)
	tell := DeathFunc(func(who Binder) { told <- who })
	never := DeathFunc(func(Binder) { t.Error("told although unlinked") })
	for _, r := range []DeathRecipient{tell, never, tell, never} {
		if err := o.LinkToDeath(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.ContextManager().LinkToDeath(tell); err != nil {
		t.Fatal(err)
	}
	if unlinked := []bool{o.UnlinkToDeath(never), o.UnlinkToDeath(never), o.UnlinkToDeath(never)}; !slices.Equal(unlinked, []bool{true, true, false}) {
		t.Error("never was linked twice")
	}
	// Unlinked altogether and linked again: the driver has one subscription at a time.
	other := newObject(t, b.ContextManager())
	for range 10 {
		if err := other.LinkToDeath(tell); err != nil {
			t.Fatal(err)
		}
		other.UnlinkToDeath(tell)
	}
	if err := other.LinkToDeath(tell); err != nil {
		t.Fatal(err)
	}

	if _, err := try(context.Background(), b.ContextManager(), peerExit, nil); !errors.Is(err, ErrDeadObject) {
		t.Error("the call that killed it:", err)
	}
	_ = process.Wait()
	count := map[Binder]int{}
	for range 4 {
		select {
		case who := <-told:
			count[who]++
		case <-time.After(20 * time.Second):
			t.Fatalf("told %v", count)
		}
	}
	if count[o] != 2 || count[other] != 1 || count[b.ContextManager()] != 1 {
		t.Errorf("told %v", count)
	}
	if err := o.LinkToDeath(tell); !errors.Is(err, ErrDeadObject) {
		t.Error("linked to the dead:", err)
	}
	if err := o.Ping(context.Background()); !errors.Is(err, ErrDeadObject) {
		t.Error("ping of the dead:", err)
	}
	if err := b.ContextManager().Ping(context.Background()); !errors.Is(err, ErrDeadObject) {
		t.Error("ping of no context manager:", err)
	}
	if err := b.ContextManager().LinkToDeath(tell); !errors.Is(err, ErrDeadObject) {
		t.Error("linked to no context manager:", err)
	}

	// The next context manager has the same handle; its death is told, too.
	startPeer(t, path)
	if err := b.ContextManager().Ping(context.Background()); err != nil {
		t.Fatal("the new context manager:", err)
	}
	if err := b.ContextManager().LinkToDeath(tell); err != nil {
		t.Fatal(err)
	}
	if _, err := try(context.Background(), b.ContextManager(), peerExit, nil); !errors.Is(err, ErrDeadObject) {
		t.Error(err)
	}
	select {
	case <-told:
	case <-time.After(20 * time.Second):
		t.Error("the second death was not told")
	}
}

// A proxy that somebody is linked to is not collected.
func TestClosedProxiesTellNothing(t *testing.T) {
	path := device(t)
	startPeer(t, path)
	b := open(t, path, Options{})
	o := newObject(t, b.ContextManager())
	if err := o.LinkToDeath(DeathFunc(func(Binder) { t.Error("told after Close") })); err != nil {
		t.Fatal(err)
	}
	o.Close()
	again := newObject(t, b.ContextManager())
	told := make(chan Binder, 1)
	if err := again.LinkToDeath(DeathFunc(func(who Binder) { told <- who })); err != nil {
		t.Fatal(err)
	}
	_, _ = try(context.Background(), b.ContextManager(), peerExit, nil)
	select {
	case <-told:
	case <-time.After(20 * time.Second):
		t.Error("not told")
	}
}
