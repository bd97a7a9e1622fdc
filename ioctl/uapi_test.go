package ioctl

import (
	"bufio"
	_ "embed"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// table is what testdata/uapi.c prints, part of the test's binary so that it can run anywhere.
//
//go:embed testdata/uapi.txt
var table string

// uapi is table, read.
type uapi struct {
	sizes   map[string]int            // C struct: its size
	offsets map[string]map[string]int // C struct, field: the field's offset
	widths  map[string]map[string]int // C struct, field: the field's size
	numbers map[string]uint64
}

func readUAPI(t *testing.T) uapi {
	t.Helper()
	u := uapi{map[string]int{}, map[string]map[string]int{}, map[string]map[string]int{}, map[string]uint64{}}
	for s := bufio.NewScanner(strings.NewReader(table)); s.Scan(); {
		var name, field string
		var number uint64
		var size, offset int
		line := s.Text()
		if n, _ := fmt.Sscanf(line, "struct %s size %d", &name, &size); n == 2 {
			u.sizes[name] = size
			u.offsets[name], u.widths[name] = map[string]int{}, map[string]int{}
		} else if n, _ := fmt.Sscanf(line, "struct %s field %s offset %d size %d", &name, &field, &offset, &size); n == 4 {
			u.offsets[name][field], u.widths[name][field] = offset, size
		} else if n, _ := fmt.Sscanf(line, "number %s 0x%x", &name, &number); n == 2 {
			u.numbers[name] = number
		} else if !strings.HasPrefix(line, "since ") {
			t.Fatalf("testdata/uapi.txt: cannot read %q", line)
		}
	}
	return u
}

// The checked-in table is what the headers of this system say, as far as they go.
func TestTableIsTheHeaders(t *testing.T) {
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler: testdata/uapi.txt is taken at its word")
	}
	program := filepath.Join(t.TempDir(), "uapi")
	sources(t)
	if out, err := exec.Command(cc, "-Wall", "-Werror", "-o", program, "testdata/uapi.c").CombinedOutput(); err != nil {
		t.Skipf("testdata/uapi.c does not compile with this system's headers (they have to be those of Linux 6.1 or later): %v\n%s", err, out)
	}
	fresh, err := exec.Command(program).Output()
	if err != nil {
		t.Fatal(err)
	}
	// Older headers print a beginning of the table, up to a "since" line.
	want := table
	if rest, older := strings.CutPrefix(want, string(fresh)); older && strings.HasPrefix(rest, "since ") {
		want = string(fresh)
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(fresh), "\n")); diff != "" {
		t.Errorf("testdata/uapi.txt (-) and this system's headers (+):\n%s", diff)
	}
}

func TestNumbersAreTheHeaders(t *testing.T) {
	if diff := cmp.Diff(readUAPI(t).numbers, numbers); diff != "" {
		t.Errorf("numbers of the headers (-) and of this package (+):\n%s", diff)
	}
}

// sources is the package's own files, without tests.
func sources(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Skip("the test's binary runs far from its sources")
	}
	return slices.DeleteFunc(all, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// Every constant that bears a C name is in the table; a new one cannot be forgotten there.
func TestEveryConstantIsInTheTable(t *testing.T) {
	ours := regexp.MustCompile(`^(BC|BR|TF|BINDER|BINDERFS|FLAT)_`)
	files := sources(t)
	found := 0
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for _, id := range spec.Names {
				if !ours.MatchString(id.Name) {
					continue
				}
				found++
				if _, ok := numbers[id.Name]; !ok {
					t.Errorf("%s: %s is in no table", name, id.Name)
				}
			}
			return false
		})
	}
	if want := len(numbers) - 1; found != want { // all but BINDER_CURRENT_PROTOCOL_VERSION
		t.Errorf("%d constants in the sources, %d in the table", found, want)
	}
}

func TestLayoutIsTheHeaders(t *testing.T) {
	u := readUAPI(t)
	seen := map[string]bool{"binder_version": true} // an int32 to us
	for _, tw := range twins {
		seen[tw.c] = true
		size, ok := u.sizes[tw.c]
		if !ok {
			t.Errorf("testdata/uapi.txt has no struct %s", tw.c)
			continue
		}
		if tw.size != size {
			t.Errorf("Sizeof for %s is %d, sizeof(struct %s) is %d", tw.name(), tw.size, tw.c, size)
		}
		if tw.packed {
			continue // TestPackedStruct looks at it
		}
		typ := reflect.TypeOf(tw.fresh()).Elem()
		if int(typ.Size()) != size {
			t.Errorf("%s takes %d bytes, struct %s %d", typ.Name(), typ.Size(), tw.c, size)
		}
		named := map[string]bool{}
		tw.pairs(func(goField, cField string) {
			named[goField] = true
			f, ok := typ.FieldByName(goField)
			if !ok {
				t.Fatalf("%s has no field %s", typ.Name(), goField)
			}
			offset, ok := u.offsets[tw.c][cField]
			if !ok {
				t.Fatalf("testdata/uapi.txt: struct %s has no field %s", tw.c, cField)
			}
			if int(f.Offset) != offset {
				t.Errorf("%s.%s is at %d, %s.%s at %d", typ.Name(), goField, f.Offset, tw.c, cField, offset)
			}
			if goField == "Reserved" && typ == reflect.TypeFor[NodeInfoForRef]() {
				return // three fields in one array
			}
			if width := u.widths[tw.c][cField]; int(f.Type.Size()) != width {
				t.Errorf("%s.%s has %d bytes, %s.%s %d", typ.Name(), goField, f.Type.Size(), tw.c, cField, width)
			}
		})
		for i := range typ.NumField() {
			if f := typ.Field(i); f.Name != "_" && !named[f.Name] {
				t.Errorf("%s.%s is compared with no C field", typ.Name(), f.Name)
			}
		}
	}
	for c := range u.sizes {
		if !seen[c] {
			t.Errorf("struct %s has no Go twin", c)
		}
	}
}

// A number says how long its argument is: the structs' sizes are in the numbers.
func TestNumberParts(t *testing.T) {
	type parts struct {
		Letter  byte
		Ordinal int
		Size    int
		Text    string
	}
	for _, tc := range []struct {
		n    Number
		want parts
	}{
		{Number(BINDER_WRITE_READ), parts{'b', 1, 48, "BINDER_WRITE_READ"}},
		{Number(BC_TRANSACTION), parts{'c', 0, 64, "BC_TRANSACTION"}},
		{Number(BC_ENTER_LOOPER), parts{'c', 12, 0, "BC_ENTER_LOOPER"}},
		{Number(BR_TRANSACTION), parts{'r', 2, 64, "BR_TRANSACTION"}},
		{Number(BR_TRANSACTION_SEC_CTX), parts{'r', 2, 72, "BR_TRANSACTION_SEC_CTX"}},
		{Number(FUSEBINDER_SET_DESCRIPTOR_SOCKET), parts{'b', 0xf0, 4, "FUSEBINDER_SET_DESCRIPTOR_SOCKET"}},
		{0x40046363, parts{'c', 99, 4, "_IOW('c', 99, 4 bytes)"}},
		{0x80087263, parts{'r', 99, 8, "_IOR('r', 99, 8 bytes)"}},
		{0xc0086263, parts{'b', 99, 8, "_IOWR('b', 99, 8 bytes)"}},
		{0x00007a05, parts{'z', 5, 0, "_IO('z', 5)"}},
		{0xffffffff, parts{0xff, 255, 0x3fff, "_IOWR('ÿ', 255, 16383 bytes)"}},
		{0, parts{0, 0, 0, `_IO('\x00', 0)`}},
	} {
		got := parts{tc.n.Letter(), tc.n.Ordinal(), tc.n.Size(), tc.n.String()}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%#x (-want +got):\n%s", uint32(tc.n), diff)
		}
	}
}

// Every number is printed by its own name.
func TestNames(t *testing.T) {
	for name, v := range numbers {
		var got string
		switch {
		case strings.HasPrefix(name, "BC_"):
			got = Command(v).String()
		case strings.HasPrefix(name, "BR_"):
			got = Return(v).String()
		case strings.HasPrefix(name, "BINDER_TYPE_"):
			got = ObjectType(v).String()
		case strings.HasPrefix(name, "BINDER_") && v > 0xff:
			got = Request(v).String()
		default:
			continue
		}
		if got != name {
			t.Errorf("%#x is printed as %s, want %s", v, got, name)
		}
	}
	if got, want := ObjectType(7).String(), "object type 0x7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
