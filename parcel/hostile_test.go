package parcel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestHostile reads what no honest peer writes: each case fails with the status libbinder has for
// it and names the place.
func TestHostile(t *testing.T) {
	const handle5 = "852a6873 13000000 0500000000000000 0000000000000000"
	cases := []struct {
		name          string
		data, offsets string
		read          func(*Parcel)
		status        StatusT
		text          string
	}{
		{"an int32 of 3 bytes", "000000", "", func(p *Parcel) { p.ReadInt32() }, NOT_ENOUGH_DATA,
			"parcel: read int32 at offset 0: it takes 4 bytes, 3 are left: NOT_ENOUGH_DATA"},
		{"an int64 of 4 bytes after an int32", "01000000 02000000", "", func(p *Parcel) { p.ReadInt32(); p.ReadInt64() }, NOT_ENOUGH_DATA,
			"parcel: read int64 at offset 4: it takes 8 bytes, 4 are left: NOT_ENOUGH_DATA"},
		{"a string longer than the parcel", "ffffff7f 6100 0000", "", func(p *Parcel) { p.ReadString16() }, NOT_ENOUGH_DATA,
			"parcel: read string16 at offset 0: its length is 2147483647, but 4 bytes are left: NOT_ENOUGH_DATA"},
		{"a string without its NUL", "01000000 6100 6200", "", func(p *Parcel) { p.ReadString16() }, BAD_VALUE,
			"parcel: read string16 at offset 4: no NUL follows its 1 units: BAD_VALUE"},
		{"a string with no room for its NUL", "02000000 6100 6200", "", func(p *Parcel) { p.ReadString16() }, NOT_ENOUGH_DATA,
			"parcel: read string16 at offset 4: it takes 8 bytes, 4 are left: NOT_ENOUGH_DATA"},
		{"a string8 without its NUL", "03000000 61626364", "", func(p *Parcel) { p.ReadString8() }, BAD_VALUE,
			"parcel: read string8 at offset 4: no NUL follows its 3 bytes: BAD_VALUE"},
		{"a null where none may be", "ffffffff", "", func(p *Parcel) { p.ReadString16() }, UNEXPECTED_NULL,
			"parcel: read string16 at offset 0: UNEXPECTED_NULL"},
		{"a length of -2", "feffffff", "", func(p *Parcel) { p.ReadNullableString16() }, BAD_VALUE,
			"parcel: read string16 at offset 0: its length is -2: BAD_VALUE"},
		{"an array whose bytes overflow an int32", "00000040 00000000", "", func(p *Parcel) { p.ReadInt32Array() }, NOT_ENOUGH_DATA,
			"parcel: read int32 array at offset 0: its length is 1073741824, but 4 bytes are left: NOT_ENOUGH_DATA"},
		{"a list longer than the parcel", "00000010 00000000", "", func(p *Parcel) { p.ReadString16Array() }, NOT_ENOUGH_DATA,
			"parcel: read array at offset 0: its length is 268435456, but 4 bytes are left: NOT_ENOUGH_DATA"},
		{"a presence flag of 2", "02000000", "", func(p *Parcel) { p.ReadParcelable(&point{}) }, UNEXPECTED_NULL,
			"parcel: read parcelable at offset 0: its presence flag is 2: UNEXPECTED_NULL"},
		{"a parcelable that is null", "00000000", "", func(p *Parcel) { p.ReadParcelable(&point{}) }, UNEXPECTED_NULL,
			"parcel: read parcelable at offset 0: UNEXPECTED_NULL"},
		{"a parcelable larger than the parcel", "01000000 10000000 00000000", "", func(p *Parcel) { p.ReadParcelable(&point{}) }, BAD_VALUE,
			"parcel: read parcelable size at offset 4: its size is 16, but 8 bytes are left: BAD_VALUE"},
		{"a parcelable smaller than its size field", "01000000 03000000", "", func(p *Parcel) { p.ReadParcelable(&point{}) }, BAD_VALUE,
			"parcel: read parcelable size at offset 4: its size is 3, but 4 bytes are left: BAD_VALUE"},
		{"a parcelable whose fields leave it", "01000000 06000000 00000000 00000000", "", func(p *Parcel) { p.ReadParcelable(&point{}) }, BAD_VALUE,
			"parcel: read parcelable at offset 4: its size is 6, its fields took 8: BAD_VALUE"},
		{"a binder that the table does not list", handle5 + "0c000000", "", func(p *Parcel) { p.ReadStrongBinder() }, BAD_TYPE,
			"parcel: read strong binder at offset 0: the object is not in the offsets table: BAD_TYPE"},
		{"a null binder where none may be", "852a6273 00000000 0000000000000000 0000000000000000 00000000", "", func(p *Parcel) { p.ReadStrongBinder() }, UNEXPECTED_NULL,
			"parcel: read strong binder at offset 0: UNEXPECTED_NULL"},
		{"a binder where a descriptor stands", "852a6466 00000000 0300000000000000 0000000000000000 0c000000", "0000000000000000", func(p *Parcel) { p.ReadStrongBinder() }, BAD_TYPE,
			"parcel: read strong binder at offset 0: object of type 0x66642a85 stands there: BAD_TYPE"},
		{"a weak binder", "852a6877 00000000 0300000000000000 0000000000000000 0c000000", "0000000000000000", func(p *Parcel) { p.ReadStrongBinder() }, BAD_TYPE,
			"parcel: read strong binder at offset 0: object of type 0x77682a85 stands there: BAD_TYPE"},
		{"a descriptor where a binder stands", handle5, "0000000000000000", func(p *Parcel) { p.ReadFileDescriptor() }, BAD_TYPE,
			"parcel: read file descriptor at offset 0: no descriptor is listed there: BAD_TYPE"},
		{"a descriptor that the table does not list", "852a6466 00000000 0300000000000000 0000000000000000", "", func(p *Parcel) { p.ReadFileDescriptor() }, BAD_TYPE,
			"parcel: read file descriptor at offset 0: no descriptor is listed there: BAD_TYPE"},
		{"a strong binder where a weak one may be", handle5 + "0c000000", "0000000000000000", func(p *Parcel) { p.ReadWeakBinder() }, BAD_TYPE,
			"parcel: read weak binder at offset 0: object of type 0x73682a85 stands there: BAD_TYPE"},
		{"a weak binder that the table does not list", "852a6877 00000000 0300000000000000 0000000000000000", "", func(p *Parcel) { p.ReadWeakBinder() }, BAD_TYPE,
			"parcel: read weak binder at offset 0: the object is not in the offsets table: BAD_TYPE"},
		{"the stability of another release", handle5 + "0100000c", "0000000000000000", func(p *Parcel) { p.ReadStrongBinder() }, BAD_TYPE,
			"parcel: read strong binder at offset 24: stability word 0xc000001 is none of API level 34; is the peer of another Android release?: BAD_TYPE"},
		{"a number where an object stands", handle5 + "0c000000", "0000000000000000", func(p *Parcel) { p.ReadInt32() }, PERMISSION_DENIED,
			"parcel: read int32 at offset 0: the object at offset 0 is in the way: PERMISSION_DENIED"},
		{"a number that ends in an object", "00000000" + handle5, "0400000000000000", func(p *Parcel) { p.ReadInt64() }, PERMISSION_DENIED,
			"parcel: read int64 at offset 0: the object at offset 4 is in the way: PERMISSION_DENIED"},
		{"bytes that reach over an object", "1c000000" + handle5 + "00000000", "0400000000000000", func(p *Parcel) { p.ReadByteArray() }, PERMISSION_DENIED,
			"parcel: read byte array at offset 4: the object at offset 4 is in the way: PERMISSION_DENIED"},
		{"an object beyond the data", "00000000", "0800000000000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: object 0 cannot be at offset 8: BAD_VALUE"},
		{"an object that ends beyond the data", "852a6873 00000000", "0000000000000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: no whole object of type 0x73682a85 stands there: BAD_VALUE"},
		{"an object of no known type", handle5[9:] + "0000000000000000", "0000000000000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: no whole object of type 0x13 stands there: BAD_VALUE"},
		{"objects one in another", handle5 + handle5, "0000000000000000 0800000000000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: object 1 cannot be at offset 8: BAD_VALUE"},
		{"an object between the fours", "0000" + handle5, "0200000000000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: object 0 cannot be at offset 2: BAD_VALUE"},
		{"a table that is not whole", handle5, "00000000", func(*Parcel) {}, BAD_VALUE,
			"parcel: check offsets at offset 0: a table of 4 bytes is not whole: BAD_VALUE"},
		{"another interface", "00000080 ffffffff 54535953 01000000 6200 0000", "", func(p *Parcel) { p.EnforceInterface("a") }, PERMISSION_DENIED,
			`parcel: enforce interface at offset 0: the call is for "b", this is "a"`},
		{"another libbinder", "00000080 ffffffff 58585858 01000000 6100 0000", "", func(p *Parcel) { p.EnforceInterface("a") }, PERMISSION_DENIED,
			"parcel: enforce interface at offset 0: the call for a begins with the tag 0x58585858, which is none of API level 34"},
		{"a token cut short", "00000080 ffffffff", "", func(p *Parcel) { p.EnforceInterface("a") }, NOT_ENOUGH_DATA,
			"parcel: read uint32 at offset 8: it takes 4 bytes, 0 are left: NOT_ENOUGH_DATA"},
		{"a stack trace larger than the reply", "ffffffff ffffffff 09000000 00000000", "", func(p *Parcel) { p.ReadStatus() }, UNKNOWN_ERROR,
			"parcel: read remote stack trace at offset 8: its size is 9, but 8 bytes are left: UNKNOWN_ERROR"},
		{"a reply header of negative size", "80ffffff ffffffff", "", func(p *Parcel) { p.ReadStatus() }, UNKNOWN_ERROR,
			"parcel: read reply header at offset 4: its size is -1, but 4 bytes are left: UNKNOWN_ERROR"},
		{"a header of app ops", "81ffffff", "", func(p *Parcel) { p.ReadStatus() }, UNKNOWN_ERROR,
			"parcel: read status at offset 0: a header of app ops stands there, whose size Android 14 does not tell: UNKNOWN_ERROR"},
		{"a blob of kind 3", "03000000", "", func(p *Parcel) { p.ReadBlob(0) }, BAD_VALUE,
			"parcel: read blob at offset 0: it is of kind 3: BAD_VALUE"},
		{"a blob of negative length", "feffffff", "", func(p *Parcel) { p.ReadByteBlob() }, BAD_VALUE,
			"parcel: read blob at offset 0: its length is -2: BAD_VALUE"},
		{"a position beyond the end", "00000000", "", func(p *Parcel) { p.SetPosition(5) }, BAD_VALUE,
			"parcel: set position at offset 0: 5 is not within the 4 bytes of data: BAD_VALUE"},
		{"a write to what was received", "00000000", "", func(p *Parcel) { p.WriteInt32(1) }, INVALID_OPERATION,
			"parcel: write int32 at offset 4: a received parcel is read-only: INVALID_OPERATION"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := FromBuffer(unhex(t, c.data), unhex(t, c.offsets), ReadOptions{Resolver: directory{}, Files: InstalledFiles})
			p.opts.Files = nil // no descriptor here is ours to close
			c.read(p)
			err := p.Err()
			if err == nil {
				t.Fatalf("no error, at position %d", p.Position())
			}
			if got := StatusOf(err); got != c.status {
				t.Errorf("status is %v, want %v", got, c.status)
			}
			if diff := cmp.Diff(c.text, err.Error()); diff != "" {
				t.Errorf("text (-want +got):\n%s", diff)
			}
			p.ReadString16()
			p.ReadStrongBinder()
			if p.Err() != err {
				t.Errorf("the first error did not stick; now %v", p.Err())
			}
		})
	}
}

// TestSkippedHeaders reads replies as Java writes them, with more before the result than C++ has.
func TestSkippedHeaders(t *testing.T) {
	cases := []struct {
		name, data string
		want       Status
		rest       int
	}{
		{"reply header", "80ffffff 08000000 aaaaaaaa 05000000", Status{}, 4},
		{"empty reply header", "80ffffff 00000000 05000000", Status{}, 4},
		{"stack trace", "fbffffff 02000000 6e00 6f00 0000 0000 0c000000 aaaaaaaa aaaaaaaa", Exceptionf(EX_ILLEGAL_STATE, "no"), 0},
		{"stack trace before a code", "f8ffffff ffffffff 08000000 aaaaaaaa 07000000", ServiceSpecific(7, ""), 0},
		{"exception that is a parcelable", "f7ffffff ffffffff 00000000 08000000 aaaaaaaa", Status{Exception: EX_PARCELABLE}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := FromBuffer(unhex(t, c.data), nil, ReadOptions{})
			got := p.ReadStatus()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if p.Err() != nil || p.Remaining() != c.rest {
				t.Errorf("%d bytes are left, want %d; err %v", p.Remaining(), c.rest, p.Err())
			}
		})
	}
}

// TestListsBuyNoMemory reads a list that claims as many elements as could be, and has one.
func TestListsBuyNoMemory(t *testing.T) {
	data := make([]byte, 1<<20)
	binary.LittleEndian.PutUint32(data, uint32(len(data)/4-1))
	binary.LittleEndian.PutUint32(data[4:], 7) // no presence flag
	type large [4096]byte
	allocated := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			p := FromBuffer(data, nil, ReadOptions{})
			ReadSlice(p, func(p *Parcel) *large { p.ReadParcelable(&point{}); return nil })
			if p.Err() == nil {
				b.Fatal("no error")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 4096 {
		t.Errorf("%d bytes were allocated for a list that broke at its first element", allocated)
	}
}

func TestStatusErrors(t *testing.T) {
	if err := (Status{}).Err(); err != nil {
		t.Errorf("success is the error %v", err)
	}
	var s Status
	err := fmt.Errorf("look up: %w", ServiceSpecific(3, "full").Err())
	if !errors.As(err, &s) || s.Code != 3 {
		t.Errorf("%v holds no Status of code 3", err)
	}
	failed := Status{Exception: EX_TRANSACTION_FAILED, Code: int32(DEAD_OBJECT)}
	if !errors.Is(failed, DEAD_OBJECT) || StatusOf(failed) != DEAD_OBJECT {
		t.Errorf("%v is not DEAD_OBJECT", failed)
	}
	p := New()
	defer p.Release()
	if err := p.WriteStatus(failed); err != DEAD_OBJECT || p.Len() != 0 {
		t.Errorf("EX_TRANSACTION_FAILED wrote %d bytes and returned %v", p.Len(), err)
	}
	for text, err := range map[string]error{
		"EX_SERVICE_SPECIFIC 3: full":         ServiceSpecific(3, "full"),
		"EX_SECURITY: no":                     Exceptionf(EX_SECURITY, "no"),
		"-77":                                 Status{Exception: -77},
		"EX_TRANSACTION_FAILED DEAD_OBJECT":   failed,
		"status_t(-9999)":                     StatusT(-9999),
		"the parcel was released":             ErrReleased,
		"EX_TRANSACTION_FAILED status_t(-99)": Status{Exception: EX_TRANSACTION_FAILED, Code: -99},
	} {
		if err.Error() != text {
			t.Errorf("%q, want %q", err, text)
		}
	}
	if StatusOf(errors.New("x")) != UNKNOWN_ERROR || StatusOf(nil) != OK {
		t.Error("StatusOf is wrong for what holds no StatusT")
	}
}
