// Package docs checks that what the documents say of the code is there.
package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// read is a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents are all texts for people in the repository, by path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != "..":
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			name, _ := filepath.Rel("..", path)
			texts[name] = read(t, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fence   = regexp.MustCompile("(?s)```.*?```")
	notSlug = regexp.MustCompile("[^a-z0-9 _-]")
)

// anchors are the fragments that links into a document may have, as GitHub makes them.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		slug := notSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(slug, " ", "-")] = true
	}
	return found
}

func TestLinks(t *testing.T) {
	for name, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			path, fragment, _ := strings.Cut(m[1], "#")
			target := name
			if path != "" {
				target = filepath.Join(filepath.Dir(name), path)
			}
			if _, err := os.Stat(filepath.Join("..", target)); err != nil {
				t.Errorf("%s: link to %s: %v", name, m[1], err)
				continue
			}
			if fragment != "" && !anchors(read(t, target))[fragment] {
				t.Errorf("%s: link to %s: no such heading", name, m[1])
			}
		}
	}
}

// Each constant of the ABI is on the page that says what is supported.
func TestEveryConstantIsListed(t *testing.T) {
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(read(t, "docs/abi.md"), -1) {
		listed[word] = true
	}
	files, err := filepath.Glob("../ioctl/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	ours := regexp.MustCompile(`^(BINDER|BINDERFS|BC|BR|TF|FLAT_BINDER_FLAG|FUSEBINDER)_`)
	found := 0
	for _, file := range files {
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, s := range g.Specs {
				for _, n := range s.(*ast.ValueSpec).Names {
					if !ours.MatchString(n.Name) {
						continue
					}
					found++
					if !listed[n.Name] {
						t.Errorf("docs/abi.md does not say whether %s is supported", n.Name)
					}
				}
			}
		}
	}
	if found < 80 {
		t.Errorf("only %d constants found in package ioctl", found)
	}
}

// Each line of the ABI's tables is proved by a test, or says why none can be.
func TestEveryLineNamesATest(t *testing.T) {
	rows := 0
	for n, line := range strings.Split(read(t, "docs/abi.md"), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") || strings.HasSuffix(line, "| test |") {
			continue
		}
		rows++
		if !regexp.MustCompile("`Test[A-Z]\\w*`|no test: \\w").MatchString(line) {
			t.Errorf("docs/abi.md:%d: names no test: %s", n+1, line)
		}
	}
	if rows < 60 {
		t.Errorf("only %d lines found", rows)
	}
}

// Each request and each command is in the list of errors, if only to say that it has none.
func TestEveryErrorIsListed(t *testing.T) {
	_, list, ok := strings.Cut(read(t, "internal/conformance/README.md"), "\n## Every error\n")
	if !ok {
		t.Fatal("internal/conformance/README.md has no list of errors")
	}
	listed := map[string]bool{}
	for _, word := range regexp.MustCompile(`\w+`).FindAllString(list, -1) {
		listed[word] = true
	}
	found := 0
	for _, file := range []string{"ioctl/request.go", "ioctl/command.go"} {
		for _, m := range regexp.MustCompile(`(?m)^\s+(\w+)\s+(?:Request|Command)\s+=`).FindAllStringSubmatch(read(t, file), -1) {
			found++
			if !listed[m[1]] {
				t.Errorf("internal/conformance/README.md does not say how %s fails", m[1])
			}
		}
	}
	if found < 35 {
		t.Errorf("only %d requests and commands found", found)
	}
}

// Each test that a document names is there.
func TestNamedTestsExist(t *testing.T) {
	code := ""
	for _, pattern := range []string{"../*/*_test.go", "../*/*/*_test.go", "../aidl/gogen/internal/wire/*_test.go"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			code += read(t, strings.TrimPrefix(file, "../"))
		}
	}
	for name, text := range documents(t) {
		for _, m := range regexp.MustCompile("`(Test[A-Z]\\w*)`").FindAllStringSubmatch(text, -1) {
			if !strings.Contains(code, "func "+m[1]+"(") {
				t.Errorf("%s: there is no test %s", name, m[1])
			}
		}
	}
}

// Go code and AIDL in a document are those of the examples, which are run.
func TestGoCode(t *testing.T) {
	code := ""
	for _, pattern := range []string{"hello/*.go", "aidl/notes/*.go", "aidl/aidl/org/example/notes/*.aidl"} {
		files, err := filepath.Glob("../examples/" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, files, err)
		}
		for _, file := range files {
			code += read(t, strings.TrimPrefix(file, "../"))
		}
	}
	blocks := 0
	for name, text := range documents(t) {
		for _, b := range regexp.MustCompile("(?s)```(?:go|aidl)\n(.*?)```").FindAllStringSubmatch(text, -1) {
			blocks++
			if !strings.Contains(code, b[1]) {
				t.Errorf("%s shows code that is not in the examples:\n%s", name, b[1])
			}
		}
	}
	if blocks == 0 {
		t.Error("no document shows Go code")
	}
}
