package servicemgr

import "github.com/fusebinder/fusebinder/binder"

// Access decides who may do what with which name, as SELinux does on Android. A name is asked for
// whether or not a service has it.
type Access interface {
	CanFind(caller binder.Caller, name string) bool // look it up, hear of it
	CanAdd(caller binder.Caller, name string) bool  // take it, give it up
	CanList(caller binder.Caller) bool              // see all names
}

// anybody may do everything.
type anybody struct{}

func (anybody) CanFind(binder.Caller, string) bool { return true }
func (anybody) CanAdd(binder.Caller, string) bool  { return true }
func (anybody) CanList(binder.Caller) bool         { return true }
