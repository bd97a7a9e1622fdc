package servicemgr

import (
	"strings"
	"testing"

	"github.com/fusebinder/fusebinder/ioctl"
	"github.com/google/go-cmp/cmp"
)

// TestCodes holds the table against codes counted by hand in each release's IServiceManager.aidl, or
// IServiceManager.h before Android 11. 0: it has no such method.
func TestCodes(t *testing.T) {
	levels := []int{26, 29, 30, 31, 32, 33, 34, 35, 36}
	want := map[method][]ioctl.Code{
		getService:                 {1, 1, 1, 1, 1, 1, 1, 1, 1},
		getService2:                {0, 0, 0, 0, 0, 0, 0, 2, 2},
		checkService:               {2, 2, 2, 2, 2, 2, 2, 0, 3},
		checkService2:              {0, 0, 0, 0, 0, 0, 0, 3, 4},
		addService:                 {3, 3, 3, 3, 3, 3, 3, 4, 5},
		listServices:               {4, 4, 4, 4, 4, 4, 4, 5, 6},
		registerForNotifications:   {0, 0, 5, 5, 5, 5, 5, 6, 7},
		unregisterForNotifications: {0, 0, 6, 6, 6, 6, 6, 7, 8},
		isDeclared:                 {0, 0, 7, 7, 7, 7, 7, 8, 9},
		getDeclaredInstances:       {0, 0, 0, 8, 8, 8, 8, 9, 10},
		updatableViaApex:           {0, 0, 0, 9, 9, 9, 9, 10, 11},
		getUpdatableNames:          {0, 0, 0, 0, 0, 0, 10, 11, 12},
		getConnectionInfo:          {0, 0, 0, 0, 0, 10, 11, 12, 13},
		registerClientCallback:     {0, 0, 8, 10, 10, 11, 12, 13, 14},
		tryUnregisterService:       {0, 0, 9, 11, 11, 12, 13, 14, 15},
		getServiceDebugInfo:        {0, 0, 0, 12, 12, 13, 14, 15, 16},
	}
	if len(want) != len(methodsOf(levelOfAIDL)) {
		t.Errorf("%d methods are tested, %d are there", len(want), len(methodsOf(levelOfAIDL)))
	}
	for m, codes := range want {
		for i, level := range levels {
			code, ok := codeOf(level, m)
			if code != codes[i] || ok != (code != 0) {
				t.Errorf("level %d, method %d: code %d, %v, want %d", level, m, code, ok, codes[i])
			}
			if back, known := methodAt(level, code); known != ok || ok && back != m {
				t.Errorf("level %d: code %d is method %d, %v, want %d", level, code, back, known, m)
			}
		}
	}
	if _, ok := methodAt(34, 1<<32-1); ok {
		t.Error("the greatest code means something")
	}
}

func TestCheckName(t *testing.T) {
	cases := map[string]string{
		"a":                                 "",
		"android.hardware.foo.IFoo/default": "",
		"A-Z_a-z.0-9":                       "",
		strings.Repeat("x", MaxName):        "",
		"":                                  "a service needs a name",
		strings.Repeat("x", MaxName+1):      `the service name "xxxxxxxxxxxxxxxxxxxx"... has 128 bytes, more than 127`,
		"a b":                               `the service name "a b" has ' ' in it; only letters, digits and _-./ may be`,
		"a\x00":                             `the service name "a\x00" has '\x00' in it; only letters, digits and _-./ may be`,
		"a:b":                               `the service name "a:b" has ':' in it; only letters, digits and _-./ may be`,
	}
	for name, want := range cases {
		got := ""
		if err := CheckName(name); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}

func TestIsIsolated(t *testing.T) {
	for uid, want := range map[uint32]bool{0: false, 1000: false, 98999: false, 99000: true, 99999: true, 100000: false, 1099500: true} {
		if isIsolated(uid) != want {
			t.Errorf("uid %d: %v", uid, !want)
		}
	}
}
