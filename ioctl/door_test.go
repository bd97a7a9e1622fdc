package ioctl

import (
	"go/ast"
	"go/parser"
	"go/token"
	"runtime"
	"strings"
	"testing"
)

// Only door.go may touch unsafe or make system calls; the others use package syscall for its
// numbers.
func TestOneDoor(t *testing.T) {
	allowed := map[string]bool{"Errno": true, "O_RDWR": true, "O_NONBLOCK": true}
	for _, name := range sources(t) {
		if name == "door.go" {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range file.Imports {
			if imp.Path.Value == `"unsafe"` {
				t.Errorf("%s imports unsafe", name)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if id, ok := sel.X.(*ast.Ident); ok && id.Name == "syscall" {
				errno := strings.HasPrefix(sel.Sel.Name, "E") && strings.ToUpper(sel.Sel.Name) == sel.Sel.Name
				if !errno && !allowed[sel.Sel.Name] {
					t.Errorf("%s: syscall.%s belongs in door.go", set.Position(sel.Pos()), sel.Sel.Name)
				}
			}
			return true
		})
	}
}

// An address given to the kernel stays good when the goroutine's stack moves.
func TestAddressesDoNotMove(t *testing.T) {
	done := make(chan bool)
	go func() { // a fresh goroutine has a small stack
		var buf [64]byte
		buf[5] = 5
		before := AddressOf(buf[:])
		growStack(1000)
		done <- before == AddressOf(buf[:]) && buf[5] == 5
	}()
	if !<-done {
		t.Error("the buffer moved with the stack")
	}
	if got := AddressOf(nil); got != 0 {
		t.Errorf("the address of nothing is %#x, want 0", got)
	}
}

//go:noinline
func growStack(n int) byte {
	var page [1024]byte
	if n == 0 {
		return page[0]
	}
	page[n] = growStack(n - 1)
	runtime.KeepAlive(&page)
	return page[0]
}
