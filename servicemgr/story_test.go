package servicemgr_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
	"github.com/google/go-cmp/cmp"
)

// TestThreeProcesses is the everyday story: a manager, a service, and we who look it up.
func TestThreeProcesses(t *testing.T) {
	manager := serve(t, 0)
	service := start(t, "test.echo/default")
	c, bus := client(t)

	for _, look := range []func(context.Context, string) (binder.Binder, error){c.Get, c.Check, c.Wait} {
		found, err := look(within(t), "test.echo/default")
		if err != nil {
			t.Fatal(err)
		}
		say(t, bus, found, "hello 😀")
	}
	names, err := c.List(within(t), 0)
	if diff := cmp.Diff([]string{"manager", "test.echo/default"}, names); diff != "" || err != nil {
		t.Errorf("list: %v (-want +got):\n%s", err, diff)
	}
	infos, err := c.DebugInfo(within(t))
	want := []servicemgr.DebugInfo{{Name: "manager", PID: manager.Process.Pid}, {Name: "test.echo/default", PID: service.Process.Pid}}
	if diff := cmp.Diff(want, infos); diff != "" || err != nil {
		t.Errorf("debug info: %v (-want +got):\n%s", err, diff)
	}
	if declared, err := c.IsDeclared(within(t), "test.echo/default"); declared || err != nil {
		t.Errorf("declared: %v, %v", declared, err)
	}
	if _, err := c.Get(within(t), "test.nobody"); !errors.Is(err, servicemgr.ErrNotFound) {
		t.Errorf("a service that nobody is: %v", err)
	}

	service.Process.Kill()
	await(t, "the dead service lost its name", func() bool {
		_, err := c.Get(within(t), "test.echo/default")
		return errors.Is(err, servicemgr.ErrNotFound)
	})
}

func TestDeathTakesOnlyItsOwn(t *testing.T) {
	serve(t, 0)
	old, oldBus := client(t)
	young, youngBus := client(t)
	service := oldBus.Export(echo{})
	add(t, old, "a", service)
	add(t, old, "b", service) // one object may have several names
	add(t, young, "b", youngBus.Export(echo{}))
	oldBus.Close()
	await(t, "the death was noticed", func() bool { return listed(t, young) == "b manager" })
	found, err := young.Get(within(t), "b")
	if err != nil {
		t.Fatal(err)
	}
	say(t, youngBus, found, "still here")
}

// TestReferences follows the manager's reference to a service.
func TestReferences(t *testing.T) {
	serve(t, 0)
	c, bus := client(t)
	gone := make(chan struct{}, 4)
	expect := func(what string) {
		t.Helper()
		select {
		case <-gone:
		case <-within(t).Done():
			t.Fatalf("the manager kept a service that %s", what)
		}
	}
	first := bus.Export(echo{gone})
	add(t, c, "x", first)
	add(t, c, "y", first)
	add(t, c, "x", bus.Export(echo{}))
	if err := c.TryUnregister(within(t), "y", first); err != nil {
		t.Fatal(err)
	}
	expect("lost both its names")

	second := bus.Export(echo{gone})
	add(t, c, "x", second)
	if err := c.Add(within(t), "not a name", second, servicemgr.AddOptions{}); err == nil {
		t.Error("a bad name was taken")
	}
	if err := c.TryUnregister(within(t), "y", second); err == nil {
		t.Error("a name was given up that nobody had")
	}
	r, err := c.RegisterForNotifications(within(t), "x", func(string, binder.Binder) {})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	if err := c.TryUnregister(within(t), "x", second); err != nil {
		t.Fatal(err)
	}
	expect("was refused a second name, and told to who asked")
}

// TestComeAndGo gives names to the same object and takes them back, many times and from many sides: the
// manager must never use a reference that it has just given back.
func TestComeAndGo(t *testing.T) {
	serve(t, 0)
	c, bus := client(t)
	service := bus.Export(echo{})
	var sides sync.WaitGroup
	for i := range 4 {
		sides.Go(func() {
			name := fmt.Sprint("side.", i)
			for range 50 {
				if err := c.Add(within(t), name, service, servicemgr.AddOptions{}); err != nil {
					t.Error(err)
				}
				if err := c.TryUnregister(within(t), name, service); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sides.Wait()
	if got := listed(t, c); got != "manager" {
		t.Errorf("left are %s", got)
	}
	add(t, c, "last", service)
	other, otherBus := client(t)
	found, err := other.Get(within(t), "last")
	if err != nil {
		t.Fatal(err)
	}
	say(t, otherBus, found, "still here")
}

// notices collects notifications.
type notices struct {
	mu   sync.Mutex
	seen []string
	last binder.Binder
}

func (n *notices) hear(name string, service binder.Binder) {
	d, err := service.Descriptor(context.Background())
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seen = append(n.seen, fmt.Sprint(name, "=", d, err))
	n.last = service
}

func (n *notices) are(want ...string) func() bool {
	return func() bool {
		n.mu.Lock()
		defer n.mu.Unlock()
		return slices.Equal(want, n.seen)
	}
}

func TestNotifications(t *testing.T) {
	serve(t, 0)
	listener, _ := client(t)
	c, bus := client(t)
	object := func(d string) binder.Binder { return bus.Export(echo{}, binder.WithDescriptor(d)) }

	var early, late notices
	r, err := listener.RegisterForNotifications(within(t), "x", early.hear)
	if err != nil {
		t.Fatal(err)
	}
	add(t, c, "x", object("1"))
	add(t, c, "other", object("0"))
	add(t, c, "x", object("2"))
	await(t, "both services were told", early.are("x=1<nil>", "x=2<nil>"))

	if _, err := listener.RegisterForNotifications(within(t), "x", late.hear); err != nil {
		t.Fatal(err)
	}
	await(t, "the present service was told", late.are("x=2<nil>"))

	if err := r.Close(within(t)); err != nil {
		t.Fatal(err)
	}
	add(t, c, "x", object("3"))
	await(t, "the third service was told", late.are("x=2<nil>", "x=3<nil>"))
	if !early.are("x=1<nil>", "x=2<nil>")() {
		t.Errorf("who had unregistered heard %v", early.seen)
	}
	var status parcel.Status
	if err := r.Close(within(t)); !errors.As(err, &status) || status != parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Nothing to unregister.") {
		t.Errorf("unregistering twice: %v", err)
	}
}

func TestWait(t *testing.T) {
	device(t)
	waiter, waiterBus := client(t)
	type result struct {
		b   binder.Binder
		err error
	}
	found := make(chan result, 1)
	go func() { // before there is a manager
		b, err := waiter.Wait(within(t), "late")
		found <- result{b, err}
	}()
	first := serve(t, 0)
	c, bus := client(t)
	await(t, "the manager is there", func() bool { _, err := c.List(within(t), 0); return err == nil })
	first.Process.Kill() // the wish goes with it
	first.Wait()
	serve(t, 0)
	add(t, c, "late", bus.Export(echo{}))
	select {
	case got := <-found:
		if got.err != nil {
			t.Fatal(got.err)
		}
		say(t, waiterBus, got.b, "at last")
	case <-within(t).Done():
		t.Fatal("Wait never returned")
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("changed my mind")
	cancel(why)
	if _, err := waiter.Wait(ctx, "never"); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was called off: %v", err)
	}
}

// TestExceptions shows what the manager refuses and how, in AOSP's words.
func TestExceptions(t *testing.T) {
	serve(t, 0)
	c, bus := client(t)
	mine := bus.Export(echo{})
	add(t, c, "mine", mine)
	start(t, "theirs")
	theirs, err := c.Get(within(t), "theirs")
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", servicemgr.MaxName)
	add(t, c, long, mine)

	ctx := within(t)
	cases := []struct {
		name string
		call func() error
		want parcel.Status
	}{
		{"a null service", func() error { return c.Add(ctx, "x", nil, servicemgr.AddOptions{}) }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Null binder.")},
		{"an empty name", func() error { return c.Add(ctx, "", mine, servicemgr.AddOptions{}) }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")},
		{"a long name", func() error { return c.Add(ctx, long+"x", mine, servicemgr.AddOptions{}) }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")},
		{"a name with a blank", func() error { return c.Add(ctx, "a b", mine, servicemgr.AddOptions{}) }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")},
		{"a name that is not ASCII", func() error { return c.Add(ctx, "größe", mine, servicemgr.AddOptions{}) }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")},
		{"waiting for a bad name", func() error { _, err := c.RegisterForNotifications(ctx, "a b", nil); return err }, parcel.Exceptionf(parcel.EX_ILLEGAL_ARGUMENT, "Invalid service name.")},
		{"giving up what nobody has", func() error { return c.TryUnregister(ctx, "x", mine) }, parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Service not registered.")},
		{"giving up another's name", func() error { return c.TryUnregister(ctx, "theirs", theirs) }, parcel.Exceptionf(parcel.EX_UNSUPPORTED_OPERATION, "Service can only unregister itself.")},
		{"giving up with another service", func() error { return c.TryUnregister(ctx, "mine", theirs) }, parcel.Exceptionf(parcel.EX_ILLEGAL_STATE, "Different service registered under this name.")},
		{"giving up with no service", func() error { return c.TryUnregister(ctx, "mine", nil) }, parcel.Exceptionf(parcel.EX_NULL_POINTER, "Null service.")},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			var got parcel.Status
			if err := tc.call(); !errors.As(err, &got) {
				t.Fatalf("no exception: %v", err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestStrangers calls the manager as no client of ours would.
func TestStrangers(t *testing.T) {
	serve(t, 0)
	bus := open(t, binder.Options{})
	manager := bus.ContextManager()
	if d, err := manager.Descriptor(within(t)); d != servicemgr.Descriptor || err != nil {
		t.Errorf("the descriptor is %q, %v", d, err)
	}
	if err := manager.Ping(within(t)); err != nil {
		t.Error(err)
	}
	token := func(p *parcel.Parcel) { p.WriteInterfaceToken(servicemgr.Descriptor) }
	cases := []struct {
		name  string
		code  ioctl.Code
		write func(*parcel.Parcel)
		want  error // nil: read looks at the reply
		read  func(*testing.T, *parcel.Parcel)
	}{
		{name: "another interface", code: 1, write: func(p *parcel.Parcel) { p.WriteInterfaceToken("x"); p.WriteString16("manager") }, want: parcel.BAD_TYPE},
		{name: "nothing", code: 1, write: func(*parcel.Parcel) {}, want: parcel.BAD_TYPE},
		{name: "code 15", code: 15, write: token, want: parcel.UNKNOWN_TRANSACTION},
		{name: "code 0", code: 0, write: token, want: parcel.UNKNOWN_TRANSACTION},
		{name: "getService without a name", code: 1, write: token, want: parcel.NOT_ENOUGH_DATA},
		{name: "getService of null", code: 1, write: func(p *parcel.Parcel) { token(p); p.WriteNullableString16(nil) }, want: parcel.UNEXPECTED_NULL},
		{name: "addService without a service", code: 3, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x") }, want: parcel.NOT_ENOUGH_DATA},
		{name: "registerForNotifications of null", code: 5, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x"); p.WriteStrongBinder(nil) },
			read: func(t *testing.T, p *parcel.Parcel) {
				if s := p.ReadStatus(); s != parcel.Exceptionf(parcel.EX_NULL_POINTER, "Null callback.") {
					t.Error(s)
				}
			}},
		{name: "getDeclaredInstances", code: 8, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x") },
			read: func(t *testing.T, p *parcel.Parcel) {
				if s, names := p.ReadStatus(), p.ReadString16Array(); !s.OK() || names == nil || len(names) != 0 {
					t.Error(s, names)
				}
			}},
		{name: "updatableViaApex", code: 9, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x") },
			read: func(t *testing.T, p *parcel.Parcel) {
				if s, name := p.ReadStatus(), p.ReadNullableString16(); !s.OK() || name != nil {
					t.Error(s, name)
				}
			}},
		{name: "getUpdatableNames", code: 10, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x") },
			read: func(t *testing.T, p *parcel.Parcel) {
				if s, names := p.ReadStatus(), p.ReadString16Array(); !s.OK() || names == nil || len(names) != 0 {
					t.Error(s, names)
				}
			}},
		{name: "getConnectionInfo", code: 11, write: func(p *parcel.Parcel) { token(p); p.WriteString16("x") },
			read: func(t *testing.T, p *parcel.Parcel) {
				if s, flag := p.ReadStatus(), p.ReadInt32(); !s.OK() || flag != 0 {
					t.Error(s, flag)
				}
			}},
		{name: "registerClientCallback", code: 12,
			write: func(p *parcel.Parcel) {
				token(p)
				p.WriteString16("test.echo")
				p.WriteStrongBinder(nil)
				p.WriteStrongBinder(nil)
			},
			read: func(t *testing.T, p *parcel.Parcel) {
				if s := p.ReadStatus(); s.Exception != parcel.EX_UNSUPPORTED_OPERATION {
					t.Error(s)
				}
			}},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			data := bus.NewParcel()
			defer data.Release()
			tc.write(data)
			reply, err := manager.Transact(within(t), tc.code, data, 0)
			if tc.want != nil || err != nil {
				if !errors.Is(err, tc.want) || tc.want == nil {
					t.Errorf("%v, want %v", err, tc.want)
				}
				return
			}
			defer reply.Release()
			tc.read(t, reply)
			if reply.Err() != nil || reply.Remaining() != 0 {
				t.Errorf("%v; %d bytes are left", reply.Err(), reply.Remaining())
			}
		})
	}
}

// TestWords has clients of several releases register, list and look up, word by word as those releases
// do: with their codes, and with just the arguments that they knew.
func TestWords(t *testing.T) {
	nothing := func(*parcel.Parcel) {}
	status := func(p *parcel.Parcel) { p.ReadInt32() }
	// What Android 15 and 16 put around a service: not null, union field 0, not null, size.
	service := func(p *parcel.Parcel) {
		p.ReadInt32()
		words := []int32{p.ReadInt32(), p.ReadInt32(), p.ReadInt32(), p.ReadInt32()}
		if diff := cmp.Diff([]int32{1, 0, 1, 36}, words); diff != "" {
			t.Errorf("before the service (-want +got):\n%s", diff)
		}
	}
	for _, tc := range []struct {
		level            int
		add, list, check ioctl.Code
		priorities       bool
		before           func(*parcel.Parcel) // of a service in the answer to check
	}{
		{26, 3, 4, 2, false, nothing},
		{27, 3, 4, 1, false, nothing},
		{28, 3, 4, 2, true, nothing},
		{30, 3, 4, 2, true, status},
		{34, 3, 4, 1, true, status},
		{35, 4, 5, 1, true, status},
		{35, 4, 5, 2, true, service},
		{35, 4, 5, 3, true, service},
		{36, 5, 6, 3, true, status},
		{36, 5, 6, 2, true, service},
		{36, 5, 6, 4, true, service},
	} {
		t.Run(fmt.Sprintf("%d by %d", tc.level, tc.check), func(t *testing.T) {
			serve(t, tc.level)
			bus := open(t, binder.Options{APILevel: tc.level})
			mine := bus.Export(echo{})
			call := func(code ioctl.Code, write func(*parcel.Parcel)) *parcel.Parcel {
				t.Helper()
				data := bus.NewParcel()
				defer data.Release()
				data.WriteInterfaceToken(servicemgr.Descriptor)
				write(data)
				reply, err := bus.ContextManager().Transact(within(t), code, data, 0)
				if err != nil {
					t.Fatalf("call %d: %v", code, err)
				}
				t.Cleanup(reply.Release)
				return reply
			}
			added := call(tc.add, func(p *parcel.Parcel) {
				p.WriteString16("mine")
				p.WriteStrongBinder(mine)
				p.WriteInt32(0)
				if tc.priorities {
					p.WriteInt32(int32(servicemgr.DUMP_FLAG_PRIORITY_DEFAULT))
				}
			})
			if s := added.ReadInt32(); s != 0 || added.Err() != nil || added.Remaining() != 0 {
				t.Errorf("added: %d, %v, %d bytes left", s, added.Err(), added.Remaining())
			}
			second := call(tc.list, func(p *parcel.Parcel) {
				if tc.level < 30 {
					p.WriteInt32(1)
				}
				if tc.priorities {
					p.WriteInt32(int32(servicemgr.DUMP_FLAG_PRIORITY_ALL))
				}
			})
			if tc.level >= 30 {
				if s, n, first := second.ReadInt32(), second.ReadInt32(), second.ReadString16(); s != 0 || n != 2 || first != "manager" {
					t.Errorf("list: %d, %d names, first %q", s, n, first)
				}
			}
			if name := second.ReadString16(); name != "mine" || second.Err() != nil {
				t.Errorf("list: second is %q, %v", name, second.Err())
			}
			found := call(tc.check, func(p *parcel.Parcel) { p.WriteString16("mine") })
			tc.before(found)
			if b := binder.ReadNullable(found); b != binder.Binder(mine) || found.Err() != nil {
				t.Errorf("found %v, %v", b, found.Err())
			}
		})
	}
}

// guard lets nobody near "secret", and nobody list.
type guard struct{}

func (guard) CanFind(_ binder.Caller, name string) bool { return name != "secret" }
func (guard) CanAdd(c binder.Caller, name string) bool {
	return name != "secret" && c.EUID == uint32(os.Geteuid()) && c.PID == os.Getppid()
}
func (guard) CanList(binder.Caller) bool { return false }

func TestAccess(t *testing.T) {
	device(t)
	start(t, "guarded manager 0")
	c, bus := client(t)
	add(t, c, "open", bus.Export(echo{}))
	if _, err := c.Get(within(t), "open"); err != nil {
		t.Error(err)
	}
	if _, err := c.Get(within(t), "secret"); !errors.Is(err, servicemgr.ErrNotFound) {
		t.Errorf("getting the secret: %v", err)
	}
	denied := map[string]error{}
	denied["add"] = c.Add(within(t), "secret", bus.Export(echo{}), servicemgr.AddOptions{})
	denied["unregister"] = c.TryUnregister(within(t), "secret", bus.Export(echo{}))
	_, denied["list"] = c.List(within(t), 0)
	_, denied["debug info"] = c.DebugInfo(within(t))
	_, denied["declared"] = c.IsDeclared(within(t), "secret")
	_, denied["wait"] = c.RegisterForNotifications(within(t), "secret", nil)
	for what, err := range denied {
		var s parcel.Status
		if !errors.As(err, &s) || s.Exception != parcel.EX_SECURITY {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestDumpPriorities(t *testing.T) {
	serve(t, 0)
	c, bus := client(t)
	for name, priority := range map[string]servicemgr.DumpPriority{
		"critical": servicemgr.DUMP_FLAG_PRIORITY_CRITICAL,
		"both":     servicemgr.DUMP_FLAG_PRIORITY_CRITICAL | servicemgr.DUMP_FLAG_PRIORITY_HIGH | servicemgr.DUMP_FLAG_PROTO,
		"usual":    0,
		"proto":    servicemgr.DUMP_FLAG_PROTO,
	} {
		if err := c.Add(within(t), name, bus.Export(echo{}), servicemgr.AddOptions{DumpPriority: priority}); err != nil {
			t.Fatal(err)
		}
	}
	for priority, want := range map[servicemgr.DumpPriority][]string{
		servicemgr.DUMP_FLAG_PRIORITY_CRITICAL: {"both", "critical"},
		servicemgr.DUMP_FLAG_PRIORITY_HIGH:     {"both"},
		servicemgr.DUMP_FLAG_PRIORITY_NORMAL:   {},
		servicemgr.DUMP_FLAG_PRIORITY_ALL:      {"both", "critical", "manager", "usual"},
		servicemgr.DUMP_FLAG_PROTO:             {"both", "proto"},
	} {
		got, err := c.List(within(t), priority)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("list of %#x: %v (-want +got):\n%s", priority, err, diff)
		}
	}
}

// TestAPILevels has client and server speak as each Android release.
func TestAPILevels(t *testing.T) {
	for _, level := range []int{26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36} {
		t.Run(fmt.Sprint(level), func(t *testing.T) {
			serve(t, level)
			bus := open(t, binder.Options{APILevel: level})
			c := servicemgr.NewClient(bus)
			mine := bus.Export(echo{})
			add(t, c, "mine", mine)
			found, err := c.Get(within(t), "mine")
			if err != nil || found != binder.Binder(mine) {
				t.Errorf("got %v, %v", found, err)
			}
			if found, err := c.Wait(within(t), "manager"); err != nil || found == nil {
				t.Errorf("waited for %v, %v", found, err)
			}
			if _, err := c.Check(within(t), "nobody"); !errors.Is(err, servicemgr.ErrNotFound) {
				t.Errorf("a service that nobody is: %v", err)
			}
			if err := c.Add(within(t), "a b", mine, servicemgr.AddOptions{}); err == nil {
				t.Error("a bad name was taken")
			}
			names, err := c.List(within(t), 0)
			if diff := cmp.Diff([]string{"manager", "mine"}, names); diff != "" || err != nil {
				t.Errorf("list: %v (-want +got):\n%s", err, diff)
			}
			infos, err := c.DebugInfo(within(t))
			switch {
			case level < 31 && !errors.Is(err, servicemgr.ErrUnsupported):
				t.Errorf("debug info: %v", err)
			case level >= 31 && (err != nil || len(infos) != 2):
				t.Errorf("debug info: %v, %v", infos, err)
			}
			err = c.TryUnregister(within(t), "mine", mine)
			switch {
			case level < 30 && !errors.Is(err, servicemgr.ErrUnsupported):
				t.Errorf("unregister: %v", err)
			case level >= 30 && (err != nil || listed(t, c) != "manager"):
				t.Errorf("unregister: %v; left are %s", err, listed(t, c))
			}
		})
	}
}

func TestSecondManager(t *testing.T) {
	serve(t, 0)
	if _, err := servicemgr.Serve(open(t, binder.Options{}), servicemgr.ServerOptions{}); !errors.Is(err, syscall.EBUSY) {
		t.Errorf("a second manager: %v", err)
	}
}

// TestCrowd has many processes come, be found and die at once.
func TestCrowd(t *testing.T) {
	serve(t, 0)
	c, bus := client(t)
	const n = 12
	var crowd sync.WaitGroup
	for i := range n {
		crowd.Go(func() {
			name := fmt.Sprintf("crowd.%d", i)
			one, err := launch(t, name)
			if err != nil {
				t.Error(err)
				return
			}
			defer one.Process.Kill()
			found, err := c.Wait(within(t), name)
			if err != nil {
				t.Error(err)
				return
			}
			if err := tryToSay(t, bus, found, name); err != nil {
				t.Error(err)
			}
		})
	}
	crowd.Wait()
	await(t, "all are gone", func() bool { return listed(t, c) == "manager" })
}
