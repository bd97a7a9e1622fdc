// Package token holds the smallest words of AIDL source: places in a file,
// kinds of tokens, and comments.
package token

import (
	"fmt"
	"sort"
)

// File is one source file: its name as people know it and its bytes.
// It turns byte offsets into lines and columns.
type File struct {
	Name string
	Text []byte

	lines []int // offset of the first byte of each line; built when first asked for
}

// NewFile wraps text. The caller must not change text afterwards.
func NewFile(name string, text []byte) *File {
	f := &File{Name: name, Text: text, lines: []int{0}}
	for i, c := range text {
		if c == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// Pos makes the position of a byte of the file.
func (f *File) Pos(offset int) Pos { return Pos{File: f, Offset: offset} }

// LineColumn returns the line and the column of an offset. Both count from 1;
// the column counts bytes.
func (f *File) LineColumn(offset int) (line, column int) {
	i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i] > offset }) - 1
	return i + 1, offset - f.lines[i] + 1
}

// Line returns the text of a line, counted from 1, without its end.
// A line that does not exist is empty.
func (f *File) Line(n int) []byte {
	if n < 1 || n > len(f.lines) {
		return nil
	}
	start, end := f.lines[n-1], len(f.Text)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	line := f.Text[start:end]
	if k := len(line); k > 0 && line[k-1] == '\r' {
		line = line[:k-1]
	}
	return line
}

// Pos is a place in a file. The zero Pos is "nowhere", for things that no
// source line names.
type Pos struct {
	File   *File
	Offset int // bytes from the start of the file
}

// IsValid tells whether the position names a place.
func (p Pos) IsValid() bool { return p.File != nil }

// Line counts from 1; it is 0 for the zero Pos.
func (p Pos) Line() int {
	if !p.IsValid() {
		return 0
	}
	line, _ := p.File.LineColumn(p.Offset)
	return line
}

// Column counts bytes from 1; it is 0 for the zero Pos.
func (p Pos) Column() int {
	if !p.IsValid() {
		return 0
	}
	_, column := p.File.LineColumn(p.Offset)
	return column
}

// Add moves the position by n bytes.
func (p Pos) Add(n int) Pos { return Pos{File: p.File, Offset: p.Offset + n} }

// String is "file:line:column", or "-" for the zero Pos.
func (p Pos) String() string {
	if !p.IsValid() {
		return "-"
	}
	line, column := p.File.LineColumn(p.Offset)
	return fmt.Sprintf("%s:%d:%d", p.File.Name, line, column)
}
