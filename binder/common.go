package binder

import (
	"context"
	"os"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

// A Dumper is a Service that can describe itself to people (`binder dump`, dumpsys).
type Dumper interface {
	Dump(ctx context.Context, out *os.File, args []string) error
}

// A Sheller is a Service that takes commands from people (`cmd` on Android). It returns the
// command's exit status.
type Sheller interface {
	ShellCommand(ctx context.Context, in, out, err *os.File, args []string) int
}

// common answers a code that every object knows, as libbinder's BBinder does; false for others.
func (o *Object) common(ctx context.Context, code ioctl.Code, data, reply *parcel.Parcel) (known bool, err error) {
	switch code {
	case PING_TRANSACTION, SYSPROPS_TRANSACTION:
		return true, nil
	case INTERFACE_TRANSACTION:
		reply.WriteString16(o.descriptor)
	case EXTENSION_TRANSACTION:
		if o.extension == nil {
			reply.WriteStrongBinder(nil)
		} else {
			reply.WriteStrongBinder(o.extension)
		}
	case DEBUG_PID_TRANSACTION:
		reply.WriteInt32(int32(os.Getpid()))
	case DUMP_TRANSACTION:
		return true, o.dump(ctx, data)
	case SHELL_COMMAND_TRANSACTION:
		return true, o.shell(ctx, data)
	default:
		return false, nil
	}
	return true, reply.Err()
}

func (o *Object) dump(ctx context.Context, data *parcel.Parcel) error {
	out := data.ReadFile("dump")
	args := readArguments(data)
	if out != nil {
		defer out.Close()
	}
	if err := data.Err(); err != nil {
		return err
	}
	if d, ok := o.service.(Dumper); ok {
		return d.Dump(ctx, out, args)
	}
	return nil
}

func readArguments(data *parcel.Parcel) (args []string) {
	for n := data.ReadInt32(); n > 0 && data.Err() == nil && data.Remaining() > 0; n-- {
		args = append(args, data.ReadString16())
	}
	return args
}

// shell runs a command and sends its exit status to the IResultReceiver that came with it.
func (o *Object) shell(ctx context.Context, data *parcel.Parcel) error {
	in, out, errs := data.ReadFile("stdin"), data.ReadFile("stdout"), data.ReadFile("stderr")
	for _, f := range []*os.File{in, out, errs} {
		if f != nil {
			defer f.Close()
		}
	}
	args := readArguments(data)
	_ = data.ReadNullableStrongBinder() // IShellCallback, which opens files for the command
	receiver, _ := ReadBinder(data)
	if err := data.Err(); err != nil {
		return err
	}
	result, err := int32(parcel.INVALID_OPERATION), error(nil)
	if s, ok := o.service.(Sheller); ok {
		result = int32(s.ShellCommand(ctx, in, out, errs, args))
	}
	if receiver != nil {
		answer := o.bus.NewParcel()
		defer answer.Release()
		answer.WriteInterfaceToken("com.android.internal.os.IResultReceiver")
		answer.WriteInt32(result)
		_, err = receiver.Transact(ctx, FIRST_CALL_TRANSACTION, answer, ioctl.TF_ONE_WAY)
	}
	return err
}
