package session

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestExplain(t *testing.T) {
	for _, test := range []struct {
		name       string
		fuse       error
		sysctls    map[string]string
		privileged bool
		err        error
		want       string // part of the sentence; "" for no complaint by Check
	}{
		{name: "all is well", err: nil},
		{name: "no module", fuse: unix.ENOENT, want: "modprobe fuse"},
		{name: "module not loaded", fuse: unix.ENODEV, want: "modprobe fuse"},
		{name: "mode", fuse: unix.EACCES, want: "chmod 666 /dev/fuse"},
		{name: "device cgroup", fuse: unix.EPERM, want: "--device /dev/fuse"},
		{name: "root without the device", fuse: unix.ENOENT, privileged: true, want: "modprobe fuse"},
		{name: "no user namespaces", sysctls: map[string]string{"user/max_user_namespaces": "0"}, want: "sysctl user.max_user_namespaces="},
		{name: "root needs none", sysctls: map[string]string{"user/max_user_namespaces": "0"}, privileged: true},
		{name: "Debian's switch", sysctls: map[string]string{"kernel/unprivileged_userns_clone": "0"}, want: "sysctl kernel.unprivileged_userns_clone=1"},
		{name: "AppArmor", sysctls: map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "1"}, err: unix.EACCES, want: "kernel.apparmor_restrict_unprivileged_userns=0"},
		{name: "AppArmor off", sysctls: map[string]string{"kernel/apparmor_restrict_unprivileged_userns": "0"}, err: unix.EPERM, want: "seccomp"},
		{name: "too many", err: unix.ENOSPC, want: "too many user namespaces"},
		{name: "container root", err: unix.EPERM, privileged: true, want: "--cap-add SYS_ADMIN"},
		{name: "something else", err: unix.ENOMEM, want: "cannot allocate memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := machine{root: t.TempDir(), open: func(string) error { return test.fuse }}
			for name, value := range test.sysctls {
				path := filepath.Join(m.root, "proc/sys", name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(value+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			got := m.check(test.privileged)
			if test.err != nil {
				got = m.explain(test.err, test.privileged)
			}
			switch {
			case test.want == "" && got != nil:
				t.Errorf("got %q, want no complaint", got)
			case test.want != "" && (got == nil || !strings.Contains(got.Error(), test.want)):
				t.Errorf("got %v, want a sentence with %q", got, test.want)
			case got != nil && strings.Contains(got.Error(), "\n"):
				t.Errorf("%q is more than one sentence", got)
			}
		})
	}
}
