package servicemgr

import "fmt"

// MaxName is the longest name of a service, in bytes.
const MaxName = 127

// CheckName says what is wrong with name as the name of a service: it must have 1 to MaxName of the
// letters a-z A-Z 0-9 _ - . / (isValidServiceName in AOSP's ServiceManager.cpp).
func CheckName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("a service needs a name")
	case len(name) > MaxName:
		return fmt.Errorf("the service name %.20q... has %d bytes, more than %d", name, len(name), MaxName)
	}
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_', c == '-', c == '.', c == '/':
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		default:
			return fmt.Errorf("the service name %q has %q in it; only letters, digits and _-./ may be", name, c)
		}
	}
	return nil
}
