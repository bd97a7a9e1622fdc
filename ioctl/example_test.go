package ioctl_test

import (
	"fmt"
	"log"
	"runtime"

	"github.com/fusebinder/fusebinder/ioctl"
)

// What a thread has read is taken apart, one return after the other.
func ExampleReturnReader() {
	// A driver would have written this.
	read := ioctl.AppendReturn(nil, ioctl.BR_NOOP)
	read = ioctl.AppendReturnTransaction(read, ioctl.BR_TRANSACTION, &ioctl.TransactionData{Cookie: 0x42, Code: 1, DataSize: 12})
	read = ioctl.AppendReturnCookie(read, ioctl.BR_DEAD_BINDER, 0x77)

	r := ioctl.NewReturnReader(read)
	for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
		switch ret {
		case ioctl.BR_TRANSACTION:
			var t ioctl.TransactionData
			t.Decode(arg)
			fmt.Printf("%s: code %d for object %#x, %d bytes\n", ret, t.Code, t.Cookie, t.DataSize)
		case ioctl.BR_DEAD_BINDER:
			fmt.Printf("%s: %#x\n", ret, ioctl.DecodeCookie(arg))
		default:
			fmt.Println(ret)
		}
	}
	if err := r.Err(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// BR_NOOP
	// BR_TRANSACTION: code 1 for object 0x42, 12 bytes
	// BR_DEAD_BINDER: 0x77
}

// A driver reads commands in the same way. Offset tells how many bytes it has carried out.
func ExampleCommandReader() {
	write := ioctl.AppendCommand(nil, ioctl.BC_ENTER_LOOPER)
	write = ioctl.AppendHandle(write, ioctl.BC_ACQUIRE, 3)
	write = append(write, ioctl.AppendFreeBuffer(nil, 0x1000)[:6]...) // breaks off

	r := ioctl.NewCommandReader(write)
	for cmd, arg, ok := r.Next(); ok; cmd, arg, ok = r.Next() {
		fmt.Printf("%s, %d bytes of argument, %d bytes done\n", cmd, len(arg), r.Offset())
	}
	fmt.Println(r.Err())
	// Output:
	// BC_ENTER_LOOPER, 0 bytes of argument, 4 bytes done
	// BC_ACQUIRE, 4 bytes of argument, 12 bytes done
	// command stream breaks off at byte 12: BC_FREE_BUFFER has 6 bytes and needs 12
}

// The numbers print as their names, those nobody knows as their parts.
func ExampleNumber_String() {
	fmt.Println(ioctl.Number(0xc0306201))
	fmt.Println(ioctl.Number(0x40046305))
	fmt.Println(ioctl.Return(0x80087263))
	// Output:
	// BINDER_WRITE_READ
	// BC_ACQUIRE
	// _IOR('r', 99, 8 bytes)
}

// Calling the context manager: PING, the transaction that every object answers.
func ExampleDevice_Exchange() {
	device, err := ioctl.Open("/dev/binderfs/binder", 0)
	if err != nil {
		log.Fatal(err)
	}
	defer device.Close()

	// The driver answers the thread that asked.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	const ping = '_'<<24 | 'P'<<16 | 'N'<<8 | 'G' // B_PACK_CHARS('_', 'P', 'N', 'G')
	write := ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &ioctl.TransactionData{
		Target: uint64(ioctl.ContextManager),
		Code:   ping,
	})
	read := make([]byte, 256)
	for {
		n, err := device.Exchange(write, read)
		if err != nil {
			log.Fatal(err)
		}
		write = nil // what is sent is sent; from now on only read
		r := ioctl.NewReturnReader(read[:n])
		for ret, arg, ok := r.Next(); ok; ret, arg, ok = r.Next() {
			switch ret {
			case ioctl.BR_REPLY:
				var t ioctl.TransactionData
				t.Decode(arg)
				device.Exchange(ioctl.AppendFreeBuffer(nil, t.Buffer), nil)
				fmt.Println("it lives")
				return
			case ioctl.BR_DEAD_REPLY, ioctl.BR_FAILED_REPLY:
				fmt.Println("no answer:", ret)
				return
			}
		}
	}
}

// Data that a command points to has to stay alive until the driver has taken it.
func ExampleAddressOf() {
	data := []byte("parcel")
	write := ioctl.AppendTransaction(nil, ioctl.BC_TRANSACTION, &ioctl.TransactionData{
		Target:   1,
		Flags:    ioctl.TF_ONE_WAY,
		Buffer:   ioctl.AddressOf(data),
		DataSize: uint64(len(data)),
	})
	// ... device.Exchange(write, nil) ...
	runtime.KeepAlive(data)
	fmt.Println(len(write), "bytes of commands")
	// Output:
	// 68 bytes of commands
}
