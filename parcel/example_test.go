package parcel_test

import (
	"fmt"

	"github.com/fusebinder/fusebinder/parcel"
)

func Example() {
	call := parcel.New()
	defer call.Release()
	call.WriteInterfaceToken("com.example.ITalk")
	call.WriteString16("hi")
	call.WriteInt64Array([]int64{1, 2, 3})

	received := parcel.FromBuffer(call.Data(), call.Offsets(), parcel.ReadOptions{})
	defer received.Release()
	received.EnforceInterface("com.example.ITalk")
	word := received.ReadString16()
	numbers := received.ReadInt64Array()
	fmt.Println(word, numbers, received.Err())
	// Output: hi [1 2 3] <nil>
}

// The first error sticks, and says where it happened.
func ExampleParcel_Err() {
	p := parcel.FromBuffer([]byte{5, 0, 0, 0, 'h', 0, 'i', 0}, nil, parcel.ReadOptions{})
	defer p.Release()
	name := p.ReadString16()
	age := p.ReadInt32()
	fmt.Printf("%q %d\n%v\n", name, age, p.Err())
	// Output:
	// "" 0
	// parcel: read string16 at offset 0: its length is 5, but 4 bytes are left: NOT_ENOUGH_DATA
}

func ExampleParcel_ReadStatus() {
	reply := parcel.New()
	defer reply.Release()
	reply.WriteStatus(parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "no such door"))
	fmt.Println(reply.ReadStatus().Err())
	// Output: EX_ILLEGAL_ARGUMENT: no such door
}
