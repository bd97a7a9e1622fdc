package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestFormat formats standard input, lists what is not formatted, and mends it.
func TestFormat(t *testing.T) {
	t.Chdir(t.TempDir())
	const raw = "package  a;\nenum E{A,B}\n"
	step := func(args, in string, wantStatus int, want string) {
		t.Helper()
		var out, errs bytes.Buffer
		if status := run(strings.Fields(args), strings.NewReader(in), &out, &errs); status != wantStatus {
			t.Errorf("aidlgen %s: status %d, want %d\n%s", args, status, wantStatus, errs.String())
		}
		if want != "" && !strings.Contains(out.String()+errs.String(), want) {
			t.Errorf("aidlgen %s said %q%q, want %q", args, out.String(), errs.String(), want)
		}
	}
	step("fmt", raw, 0, "package a;\n")
	if err := os.WriteFile("E.aidl", []byte(raw), 0o666); err != nil {
		t.Fatal(err)
	}
	step("fmt -l .", "", 1, "E.aidl\n")
	step("fmt -d E.aidl", "", 1, "-package  a;\n")
	step("fmt -w .", "", 0, "")
	step("fmt -l .", "", 0, "")
	step("fmt", "enum", 1, "standard input:1:")
}
