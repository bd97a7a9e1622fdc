package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"

	notes "github.com/fusebinder/fusebinder/examples/aidl/gen/v2/org/example/notes"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
)

// notebook2 is a notebook of version 2. What it does not have, and what later versions will have,
// is answered as a service does that does not know the call.
type notebook2 struct {
	notes.INotebookDefault
	closed chan struct{}

	mu       sync.Mutex
	notes    []notes.Note
	watchers []notes.IWatcher
}

func serve2(ctx context.Context, bus *binder.Bus) error {
	n := &notebook2{closed: make(chan struct{}, 1)}
	return serve(ctx, bus, notes.ExportINotebook(bus, n), n.closed)
}

func (n *notebook2) Add(ctx context.Context, note notes.Note) (int64, error) {
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

func (n *notebook2) Get(_ context.Context, id int64) (notes.Note, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if id < 0 || id >= int64(len(n.notes)) {
		return notes.Note{}, parcel.ServiceSpecific(notes.INotebookNoSuchNote, fmt.Sprintf("there is no note %d", id))
	}
	return n.notes[id], nil
}

func (n *notebook2) Watch(_ context.Context, w notes.IWatcher) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers = append(n.watchers, w)
	return nil
}

func (n *notebook2) Print(context.Context) (*os.File, error) {
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

func (n *notebook2) Find(_ context.Context, tag string) ([]int64, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	var found []int64
	for id, note := range n.notes {
		if slices.Contains(note.Tags, tag) {
			found = append(found, int64(id))
		}
	}
	return found, nil
}

func (n *notebook2) Close(context.Context) error {
	select {
	case n.closed <- struct{}{}:
	default: // said before
	}
	return nil
}
