package main

import (
	"context"
	"errors"
	"fmt"

	notes "github.com/fusebinder/fusebinder/examples/aidl/gen/v2/org/example/notes"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// watcher2 is an object of ours that the notebook calls.
type watcher2 struct{ notes.IWatcherDefault }

func (watcher2) Added(_ context.Context, id int64, note notes.Note) error {
	fmt.Printf("added %d: %s, %v\n", id, note.Title, note.Weight)
	return nil
}

// older answers for notebooks that cannot find.
type older struct{ notes.INotebookDefault }

func (older) Find(context.Context, string) ([]int64, error) { return []int64{-1}, nil }

func visit2(ctx context.Context, bus *binder.Bus) error {
	object, err := servicemgr.NewClient(bus).Wait(ctx, "notes")
	if err != nil {
		return err
	}
	notebook := notes.NewINotebookProxy(object)
	version, err := notebook.InterfaceVersion(ctx)
	if err != nil {
		return err
	}
	fmt.Println("the notebook has version", version)
	if err := notebook.Watch(ctx, &watcher2{}); err != nil {
		return err
	}
	note := notes.NewNote()
	note.Title, note.Content, note.Tags = "shopping", notes.ContentText{Value: "bread"}, []string{"home"}
	note.Weight = notes.NoteWeightHeavy
	id, err := notebook.Add(ctx, note)
	if err != nil {
		return err
	}
	// A notebook of version 1 skips what it does not know of a note.
	got, err := notebook.Get(ctx, id)
	if err != nil {
		return err
	}
	fmt.Println(got)

	// It does not know links at all: a union has no room for what is unknown.
	note.Content = notes.ContentLink{Value: "https://example.org"}
	switch _, err := notebook.Add(ctx, note); {
	case errors.Is(err, parcel.BAD_VALUE):
		fmt.Println("it does not know links")
	case err != nil:
		return err
	}

	// Nor can it find; then we ask somebody else.
	if _, err := notebook.Find(ctx, "home"); errors.Is(err, binder.ErrUnknownTransaction) {
		fmt.Println("it cannot find")
	}
	found, err := notebook.WithDefault(older{}).Find(ctx, "home")
	if err != nil {
		return err
	}
	fmt.Println("found:", found)
	if err := absent(notebook.Get(ctx, 99)); err != nil {
		return err
	}
	file, err := notebook.Print(ctx)
	if err != nil {
		return err
	}
	if err := show(file); err != nil {
		return err
	}
	return notebook.Close(ctx)
}
