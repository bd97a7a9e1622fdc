package model

import (
	"sort"
	"strings"

	"github.com/fusebinder/fusebinder/aidl/token"
)

// Annotation is one annotation with its evaluated parameters.
type Annotation struct {
	Name   string       // without the @
	Params []*ParamPair // by name
	Pos    token.Pos
}

// ParamPair is a parameter of an annotation; "value" for @Name(value).
type ParamPair struct {
	Name  string
	Value *Value
}

// Param returns a parameter's value, or nil. Like the methods below it may
// be called on a nil annotation.
func (a *Annotation) Param(name string) *Value {
	if a == nil {
		return nil
	}
	for _, p := range a.Params {
		if p.Name == name {
			return p.Value
		}
	}
	return nil
}

// Strings returns a String[] parameter, or nil.
func (a *Annotation) Strings(name string) []string {
	v := a.Param(name)
	if v == nil {
		return nil
	}
	list := make([]string, len(v.Elems))
	for i, e := range v.Elems {
		list[i] = e.Text
	}
	return list
}

// Text returns a String parameter, or "".
func (a *Annotation) Text(name string) string {
	if v := a.Param(name); v != nil {
		return v.Text
	}
	return ""
}

// Bool returns a boolean parameter, or false.
func (a *Annotation) Bool(name string) bool {
	v := a.Param(name)
	return v != nil && v.Bool
}

// String is the annotation as the API dump writes it.
func (a *Annotation) String() string {
	if len(a.Params) == 0 {
		return "@" + a.Name
	}
	parts := make([]string, len(a.Params))
	for i, p := range a.Params {
		parts[i] = p.Name + "=" + p.Value.Spelling
	}
	return "@" + a.Name + "(" + strings.Join(parts, ", ") + ")"
}

// Annotations are the annotations of one thing, as written.
type Annotations []*Annotation

// Get returns the first annotation of that name, or nil.
func (l Annotations) Get(name string) *Annotation {
	for _, a := range l {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// Has tells whether the annotation is there.
func (l Annotations) Has(name string) bool { return l.Get(name) != nil }

// String is all of them in the order of their text, as the API dump writes
// them.
func (l Annotations) String() string {
	parts := make([]string, len(l))
	for i, a := range l {
		parts[i] = a.String()
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

// PermissionKind says how a method's permission is checked.
type PermissionKind uint8

// The kinds of permission annotations.
const (
	Enforce          PermissionKind = iota + 1 // @EnforcePermission: the generated code asks
	ManuallyEnforced                           // @PermissionManuallyEnforced: the server asks
	NotRequired                                // @RequiresNoPermission: nobody asks
)

// Permission is what a permission annotation says.
type Permission struct {
	Kind  PermissionKind
	Names []string // for Enforce, as written
	Any   bool     // for Enforce: one of the names suffices; else all must be held
	Pos   token.Pos
}
