package parcel

import (
	"os"
	"reflect"
)

// Equal says whether two values of generated types are the same: binders and files if they are one,
// floats as == has it, null and empty slices if they have the same elements, and all else by what
// is in it.
func Equal(a, b any) bool { return equal(reflect.ValueOf(a), reflect.ValueOf(b)) }

func equal(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	if a.Type() != b.Type() {
		return false
	}
	if a.CanInterface() && b.CanInterface() && a.Kind() != reflect.Interface {
		switch x := a.Interface().(type) {
		case *os.File, Binder:
			return x == b.Interface()
		case Holder:
			return x.Equal(b.Interface().(Holder))
		}
	}
	switch a.Kind() {
	case reflect.Interface:
		return equalDynamic(a.Elem(), b.Elem())
	case reflect.Pointer:
		if a.IsNil() || b.IsNil() || a.Pointer() == b.Pointer() {
			return a.Pointer() == b.Pointer()
		}
		return equal(a.Elem(), b.Elem())
	case reflect.Struct:
		for i := range a.NumField() {
			if !equal(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !equal(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.Map:
		if a.Len() != b.Len() {
			return false
		}
		for iter := a.MapRange(); iter.Next(); {
			other := b.MapIndex(iter.Key())
			if !other.IsValid() || !equal(iter.Value(), other) {
				return false
			}
		}
		return true
	}
	return a.Comparable() && b.Comparable() && a.Equal(b)
}

// writer is what the variants of a union have in common.
var writer = reflect.TypeFor[interface{ WriteToParcel(*Parcel) }]()

// equalDynamic compares what stands in an interface: the variants of a union and values of an
// untyped list by what is in them, objects as == has it.
func equalDynamic(a, b reflect.Value) bool {
	if !a.IsValid() || !b.IsValid() {
		return a.IsValid() == b.IsValid()
	}
	object := a.Kind() == reflect.Pointer || a.Kind() == reflect.Struct
	if object && !a.Type().Implements(writer) {
		return a.Type() == b.Type() && a.Comparable() && b.Comparable() && a.Equal(b)
	}
	return equal(a, b)
}
