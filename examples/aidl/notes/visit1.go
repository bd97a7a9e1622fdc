package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	notes "github.com/fusebinder/fusebinder/examples/aidl/gen/v1/org/example/notes"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// watcher1 is an object of ours that the notebook calls.
type watcher1 struct{}

func (watcher1) Added(_ context.Context, id int64, note notes.Note) error {
	fmt.Printf("added %d: %s\n", id, note.Title)
	return nil
}

func visit1(ctx context.Context, bus *binder.Bus) error {
	object, err := servicemgr.NewClient(bus).Wait(ctx, "notes")
	if err != nil {
		return err
	}
	notebook := notes.AsINotebook(object)
	if err := notebook.Watch(ctx, watcher1{}); err != nil {
		return err
	}
	note := notes.NewNote()
	note.Title, note.Content, note.Tags = "shopping", notes.ContentText{Value: "bread"}, []string{"home"}
	id, err := notebook.Add(ctx, note)
	if err != nil {
		return err
	}
	got, err := notebook.Get(ctx, id)
	if err != nil {
		return err
	}
	switch c := got.Content.(type) {
	case notes.ContentText:
		fmt.Printf("%s by %s: %s\n", got.Title, got.Author.Name, c.Value)
	case notes.ContentPicture:
		fmt.Printf("%s by %s: %d bytes of picture\n", got.Title, got.Author.Name, len(c.Value))
	}
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

// absent checks that a call ended with the service's own error.
func absent[T any](_ T, err error) error {
	var status parcel.Status
	if !errors.As(err, &status) || status.Code != notes.INotebookNoSuchNote {
		return fmt.Errorf("a note that is not there: %w", err)
	}
	fmt.Println("refused:", status.Message)
	return nil
}

// show prints what comes out of a file that we own now.
func show(file *os.File) error {
	defer file.Close()
	text, err := io.ReadAll(file)
	fmt.Print(string(text))
	return err
}
