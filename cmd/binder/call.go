package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
)

func newCall(a *app) *cobra.Command {
	var token string
	var noToken, oneway bool
	cmd := &cobra.Command{
		Use:   "call SERVICE CODE [TYPE VALUE]...",
		Short: "Call a method by its number",
		Long: `Call method number CODE of a service, like Android's "service call", and show the reply.

The arguments are pairs of a type and a value:

  i32 N    i64 N    f32 X    f64 X    numbers, in decimal or 0x...
  bool B                              true or false
  s16 TEXT                            a String (UTF-16), as most methods take
  s8 TEXT                             a UTF-8 string
  null                                a null binder (without a value)
  fd FILE                             a descriptor of FILE, opened for reading

The call begins with the token of the interface that the service says it has; --interface gives
another, --no-token none. SERVICE @0 is whoever holds the context manager's place.`,
		Example: `  binder call demo.greeter 1 s16 newcomer
  binder call manager 1 s16 demo.greeter
  binder call --oneway demo.greeter 4 i32 7`,
		Args:              cobra.MinimumNArgs(2),
		ValidArgsFunction: a.completeCall,
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := parseCode(args[1])
			if err != nil {
				return err
			}
			values, err := parseValues(args[2:])
			if err != nil {
				return err
			}
			return a.service(cmd.Context(), args[0], func(ctx context.Context, bus *binder.Bus, service binder.Binder) error {
				data := bus.NewParcel()
				defer data.Release()
				if !noToken {
					if token == "" {
						if token, err = service.Descriptor(ctx); err != nil {
							return fmt.Errorf("ask for the interface's name (--interface gives it, --no-token does without): %w", err)
						}
					}
					data.WriteInterfaceToken(token)
				}
				for _, v := range values {
					if err := v(data); err != nil {
						return err
					}
				}
				if err := data.Err(); err != nil {
					return err
				}
				flags := ioctl.TF_ACCEPT_FDS
				if oneway {
					flags |= ioctl.TF_ONE_WAY
				}
				reply, err := service.Transact(ctx, code, data, flags)
				if err != nil || reply == nil {
					return err
				}
				defer reply.Release()
				r := newReply(reply)
				return a.print(cmd, r, func(w io.Writer) error { return r.print(w) })
			})
		},
	}
	// A value may be a negative number.
	cmd.Flags().SetInterspersed(false)
	cmd.Flags().StringVar(&token, "interface", "", "name of the interface whose method it is")
	cmd.Flags().BoolVar(&noToken, "no-token", false, "begin with the first argument instead of an interface token")
	cmd.Flags().BoolVar(&oneway, "oneway", false, "do not wait for a reply")
	return cmd
}

func (a *app) completeCall(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	switch {
	case len(args) == 0:
		return a.completeServices(cmd, args, typed)
	case len(args) == 1:
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	want := false // a value
	for _, arg := range args[2:] {
		want = !want && arg != "null"
	}
	if want {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return types, cobra.ShellCompDirectiveNoFileComp
}

// codes are the methods that every object has, by name.
var codes = map[string]ioctl.Code{
	"ping":      binder.PING_TRANSACTION,
	"interface": binder.INTERFACE_TRANSACTION,
	"extension": binder.EXTENSION_TRANSACTION,
	"pid":       binder.DEBUG_PID_TRANSACTION,
}

func parseCode(s string) (ioctl.Code, error) {
	if code, ok := codes[s]; ok {
		return code, nil
	}
	n, err := strconv.ParseUint(s, 0, 32)
	if err != nil {
		return 0, fmt.Errorf("CODE %q is not a number from 0 to 2^32-1, nor ping, interface, extension or pid", s)
	}
	return ioctl.Code(n), nil
}

// A value writes one argument.
type value func(*parcel.Parcel) error

var types = []string{"i32", "i64", "f32", "f64", "bool", "s16", "s8", "null", "fd"}

// parseValues reads pairs of type and value.
func parseValues(args []string) (values []value, err error) {
	for len(args) > 0 {
		kind := args[0]
		args = args[1:]
		if kind == "null" {
			values = append(values, func(p *parcel.Parcel) error { p.WriteStrongBinder(nil); return nil })
			continue
		}
		if len(args) == 0 {
			return nil, fmt.Errorf("%s needs a value after it", kind)
		}
		v, err := parseValue(kind, args[0])
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		args = args[1:]
	}
	return values, nil
}

func parseValue(kind, s string) (value, error) {
	wrong := func(what string) error { return fmt.Errorf("%s %s: the value is not %s", kind, s, what) }
	switch kind {
	case "i32":
		n, err := parseInt(s, 32)
		if err != nil {
			return nil, wrong("an integer of 32 bits")
		}
		return func(p *parcel.Parcel) error { p.WriteInt32(int32(n)); return nil }, nil
	case "i64":
		n, err := parseInt(s, 64)
		if err != nil {
			return nil, wrong("an integer of 64 bits")
		}
		return func(p *parcel.Parcel) error { p.WriteInt64(n); return nil }, nil
	case "f32":
		x, err := strconv.ParseFloat(s, 32)
		if err != nil {
			return nil, wrong("a number that fits in 32 bits")
		}
		return func(p *parcel.Parcel) error { p.WriteFloat32(float32(x)); return nil }, nil
	case "f64":
		x, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return nil, wrong("a number")
		}
		return func(p *parcel.Parcel) error { p.WriteFloat64(x); return nil }, nil
	case "bool":
		b, err := strconv.ParseBool(s)
		if err != nil {
			return nil, wrong("true or false")
		}
		return func(p *parcel.Parcel) error { p.WriteBool(b); return nil }, nil
	case "s16":
		return func(p *parcel.Parcel) error { p.WriteString16(s); return nil }, nil
	case "s8":
		return func(p *parcel.Parcel) error { p.WriteString8(s); return nil }, nil
	case "fd":
		return func(p *parcel.Parcel) error {
			file, err := os.Open(s)
			if err != nil {
				return err
			}
			defer file.Close()
			p.WriteFile(file)
			return nil
		}, nil
	}
	return nil, fmt.Errorf("unknown type %q: use %s", kind, strings.Join(types, ", "))
}

// parseInt reads a signed number, or an unsigned one (such as 0xffffffff) that has as many bits.
func parseInt(s string, bits int) (int64, error) {
	n, err := strconv.ParseInt(s, 0, bits)
	if err == nil {
		return n, nil
	}
	u, uerr := strconv.ParseUint(s, 0, bits)
	if uerr != nil {
		return 0, err
	}
	return int64(u), nil
}
