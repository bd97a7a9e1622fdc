package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/fusebinder/fusebinder/parcel"
	"github.com/fusebinder/fusebinder/servicemgr"
)

// demoWait bounds the whole demonstration.
const demoWait = time.Minute

// A stage is the process that tells the story.
type stage struct {
	ctx     context.Context
	out     io.Writer
	bus     *binder.Bus
	manager *servicemgr.Client
	name    string // of the service

	actor   *exec.Cmd
	socket  int // to the actor
	greeter binder.Binder
}

// demoStage plays the demonstration on the bus that BINDER_DEVICE names.
func demoStage(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), demoWait)
	defer cancel()
	s := &stage{ctx: ctx, out: out, name: "demo.greeter", socket: -1}
	var err error
	if s.bus, err = binder.Open(os.Getenv("BINDER_DEVICE"), binder.Options{}); err != nil {
		return err
	}
	defer s.bus.Close()
	s.manager = servicemgr.NewClient(s.bus)
	defer s.endActor()
	for _, scene := range []struct {
		title string
		play  func() (string, error)
	}{
		{"bus", s.theBus},
		{"register", s.register},
		{"look up", s.lookUp},
		{"call", s.call},
		{"callback", s.callback},
		{"descriptor", s.descriptor},
		{"oneway", s.oneway},
		{"death", s.death},
	} {
		told, err := scene.play()
		if err != nil {
			return fmt.Errorf("%s: %w", scene.title, err)
		}
		fmt.Fprintf(out, "%-11s %s\n", scene.title, strings.ReplaceAll(told, "\n", "\n"+strings.Repeat(" ", 12)))
	}
	// A new actor, since the first is dead, and a new name, since the service manager may hear of
	// that after us.
	s.name = "demo.echo"
	if _, err := s.register(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	return latencyTable(ctx, out, s.bus, s.greeter, s.socket)
}

func (s *stage) theBus() (string, error) {
	begin := time.Now()
	if err := s.bus.ContextManager().Ping(s.ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, served by busd; the service manager answered in %s", os.Getenv("BINDER_DEVICE"), micros(time.Since(begin))), nil
}

func (s *stage) register() (string, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	s.socket = pair[0]
	s.actor = self("demo-actor", s.name)
	s.actor.Stderr = os.Stderr
	s.actor.ExtraFiles = []*os.File{theirs}
	if err := s.actor.Start(); err != nil {
		return "", err
	}
	if s.greeter, err = s.manager.Wait(s.ctx, s.name); err != nil {
		return "", err
	}
	return fmt.Sprintf("pid %d gives the service manager an object, %q", s.actor.Process.Pid, s.name), nil
}

func (s *stage) lookUp() (string, error) {
	var err error
	if s.greeter, err = s.manager.Get(s.ctx, s.name); err != nil {
		return "", err
	}
	descriptor, err := s.greeter.Descriptor(s.ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("pid %d asks for it and gets %s, a %s", os.Getpid(), handleName(s.greeter), descriptor), nil
}

func handleName(b binder.Binder) string {
	if p, ok := b.(*binder.Proxy); ok {
		return fmt.Sprintf("handle %d", p.Handle())
	}
	return "an object of its own"
}

func (s *stage) call() (string, error) {
	reply, err := call(s.ctx, s.bus, s.greeter, greeterInterface, greeterGreet, func(p *parcel.Parcel) { p.WriteString16("newcomer") })
	if err != nil {
		return "", err
	}
	defer reply.Release()
	return fmt.Sprintf("greet(\"newcomer\") = %q", reply.ReadString16()), reply.Err()
}

func (s *stage) callback() (string, error) {
	var heard string
	object := s.bus.Export(listener(func(ctx context.Context, what string) {
		heard = fmt.Sprintf("called back by pid %d: %q", binder.CallerFrom(ctx).PID, what)
	}))
	reply, err := call(s.ctx, s.bus, s.greeter, greeterInterface, greeterCallMe, func(p *parcel.Parcel) { p.WriteStrongBinder(object) })
	if err != nil {
		return "", err
	}
	reply.Release()
	return "an object of mine goes along, and while I wait I am\n" + heard, nil
}

func (s *stage) descriptor() (string, error) {
	reply, err := call(s.ctx, s.bus, s.greeter, greeterInterface, greeterLetter, nil)
	if err != nil {
		return "", err
	}
	defer reply.Release()
	file := os.NewFile(uintptr(reply.ReadParcelFileDescriptor()), "letter")
	if err := reply.Err(); err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	return fmt.Sprintf("a file descriptor comes back, and in it stands %q", text), err
}

func (s *stage) oneway() (string, error) {
	begin := time.Now()
	const n = 5
	for i := range n {
		data := s.bus.NewParcel()
		data.WriteInterfaceToken(greeterInterface)
		data.WriteInt32(int32(i + 1))
		_, err := s.greeter.Transact(s.ctx, greeterNote, data, ioctl.TF_ONE_WAY)
		data.Release()
		if err != nil {
			return "", err
		}
	}
	sent := time.Since(begin)
	// Oneway calls and others are not ordered among each other, so ask until all are there.
	for {
		reply, err := call(s.ctx, s.bus, s.greeter, greeterInterface, greeterNotes, nil)
		if err != nil {
			return "", err
		}
		notes := reply.ReadInt32Array()
		err = reply.Err()
		reply.Release()
		if err != nil {
			return "", err
		}
		if len(notes) == n {
			return fmt.Sprintf("%d calls sent in %s without waiting; they arrived as %v", n, micros(sent), notes), nil
		}
	}
}

func (s *stage) death() (string, error) {
	died := make(chan time.Time, 1)
	if err := s.greeter.LinkToDeath(binder.DeathFunc(func(binder.Binder) { died <- time.Now() })); err != nil {
		return "", err
	}
	begin := time.Now()
	if err := s.actor.Process.Kill(); err != nil {
		return "", err
	}
	select {
	case at := <-died:
		pid := s.actor.Process.Pid
		_, err := call(s.ctx, s.bus, s.greeter, greeterInterface, greeterNotes, nil)
		s.endActor()
		return fmt.Sprintf("pid %d is killed; told so %s later; a call now says\n%v", pid, micros(at.Sub(begin)), err), nil
	case <-s.ctx.Done():
		return "", s.ctx.Err()
	}
}

// endActor ends the server, whatever has become of it.
func (s *stage) endActor() {
	if s.actor == nil {
		return
	}
	unix.Close(s.socket)
	_ = s.actor.Process.Kill()
	_ = s.actor.Wait()
	s.actor = nil
}
