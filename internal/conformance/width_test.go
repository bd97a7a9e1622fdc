package conformance

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// narrow is what 32-bit clients do: each kind of struct, of pointer and of wait.
var narrow = []string{
	"TestCallAndReply", "TestContentOfAllSizes", "TestScatterGather", "TestNestedBuffers",
	"TestDescriptorInACall", "TestClientWithoutDescriptorSocket",
	"TestReferenceHandshake", "TestManagerObject", "TestNodeDebugInfo", "TestNodeInfoForRef",
	"TestDeathNotification", "TestServerDiesWithCallsPending",
	"TestFrozenProcess", "TestFreezeNotification",
	"TestBadPointersAndSizes", "TestCommandsUnreadable", "TestUnwritableCall", "TestCommandCutShort",
	"TestReadConsumedOnTheWayIn", "TestInterruptedRead", "TestPoll", "TestSpawnLooper",
	"TestSendFromTheReceiveBuffer", "TestExtendedErrorOfAReply",
}

// A 32-bit program is a client like any other: some of the stories, told by this package as it is
// built for 386. (The whole suite passes, too: README.md says how.)
func TestNarrowClients(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("not a machine that runs 386 programs beside its own")
	}
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("go is not installed")
	}
	if _, err := os.Stat("width_test.go"); err != nil {
		t.Skip("the source is not here")
	}
	binary := filepath.Join(t.TempDir(), "narrow.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build for 386: %v\n%s", err, out)
	}
	if err := exec.Command(binary, "-test.list", "^$").Run(); errors.Is(err, unix.ENOEXEC) {
		t.Skip("this kernel runs no 386 programs")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 6*patience)
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.v", "-test.run", "^("+strings.Join(narrow, "|")+")$")
	run.WaitDelay = time.Second
	out, err := run.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if n := bytes.Count(out, []byte("\n--- PASS: ")); n < len(narrow) {
		t.Errorf("%d of %d stories passed\n%s", n, len(narrow), out)
	}
}
