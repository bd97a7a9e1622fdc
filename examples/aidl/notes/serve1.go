package main

import (
	"context"
	"fmt"
	"os"
	"sync"

	notes "github.com/fusebinder/fusebinder/examples/aidl/gen/v1/org/example/notes"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// notebook1 is a notebook of version 1.
type notebook1 struct {
	closed chan struct{}

	mu       sync.Mutex
	notes    []notes.Note
	watchers []notes.IWatcher
}

func serve1(ctx context.Context, bus *binder.Bus) error {
	n := &notebook1{closed: make(chan struct{}, 1)}
	return serve(ctx, bus, notes.ExportINotebook(bus, n), n.closed)
}

// serve gives the object away and waits until it is not wanted any more.
func serve(ctx context.Context, bus *binder.Bus, o *binder.Object, closed <-chan struct{}) error {
	if err := servicemgr.NewClient(bus).Add(ctx, "notes", o, servicemgr.AddOptions{}); err != nil {
		return err
	}
	select {
	case <-closed:
		return nil
	case <-bus.Done():
		return bus.Err()
	}
}

// Add is called by clients; its ctx lets the calls of the watchers go to threads that wait for us.
func (n *notebook1) Add(ctx context.Context, note notes.Note) (int64, error) {
	n.mu.Lock()
	id := int64(len(n.notes))
	n.notes = append(n.notes, note)
	watchers := n.watchers
	n.mu.Unlock()
	for _, w := range watchers {
		if err := w.Added(ctx, id, note); err != nil {
			return 0, fmt.Errorf("tell a watcher: %w", err)
		}
	}
	return id, nil
}

func (n *notebook1) Get(_ context.Context, id int64) (notes.Note, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id < 0 || id >= int64(len(n.notes)) {
		return notes.Note{}, parcel.ServiceSpecific(notes.INotebookNoSuchNote, fmt.Sprintf("there is no note %d", id))
	}
	return n.notes[id], nil
}

func (n *notebook1) Watch(_ context.Context, w notes.IWatcher) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers = append(n.watchers, w)
	return nil
}

// Print returns a pipe; the end it returns is closed here when it has been sent.
func (n *notebook1) Print(context.Context) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	list := n.notes
	n.mu.Unlock()
	go func() {
		defer write.Close()
		for id, note := range list {
			fmt.Fprintf(write, "%d: %v\n", id, note)
		}
	}()
	return read, nil
}

func (n *notebook1) Close(context.Context) error {
	select {
	case n.closed <- struct{}{}:
	default: // said before
	}
	return nil
}
