package servicemgr

import (
	"github.com/fusebinder/fusebinder/binder"
	"github.com/fusebinder/fusebinder/ioctl"
)

// Descriptor is the interface of the service manager.
const Descriptor = "android.os.IServiceManager"

// A method of android.os.IServiceManager, whatever its code.
type method int

const (
	getService method = iota
	getService2
	checkService
	checkService2
	addService
	listServices
	registerForNotifications
	unregisterForNotifications
	isDeclared
	getDeclaredInstances
	updatableViaApex
	getUpdatableNames
	getConnectionInfo
	registerClientCallback
	tryUnregisterService
	getServiceDebugInfo
)

// codes are the methods that each Android release knows, in the order of their transaction codes, of
// which the first is FIRST_CALL_TRANSACTION. From Android 11 on that is the order of
// frameworks/native/libs/binder/aidl/android/os/IServiceManager.aidl, before that the enum in
// libs/binder/include/binder/IServiceManager.h. A release that is not named is as the one before.
var codes = []struct {
	level   int
	methods []method
}{
	{26, []method{ // Android 8, android-8.1.0: IServiceManager.h
		getService, checkService, addService, listServices,
	}},
	{30, []method{ // Android 11, android-11.0.0: the first IServiceManager.aidl
		getService, checkService, addService, listServices, registerForNotifications,
		unregisterForNotifications, isDeclared, registerClientCallback, tryUnregisterService,
	}},
	{31, []method{ // Android 12 and 12L, android-12.0.0
		getService, checkService, addService, listServices, registerForNotifications,
		unregisterForNotifications, isDeclared, getDeclaredInstances, updatableViaApex,
		registerClientCallback, tryUnregisterService, getServiceDebugInfo,
	}},
	{33, []method{ // Android 13, android-13.0.0
		getService, checkService, addService, listServices, registerForNotifications,
		unregisterForNotifications, isDeclared, getDeclaredInstances, updatableViaApex,
		getConnectionInfo, registerClientCallback, tryUnregisterService, getServiceDebugInfo,
	}},
	{34, []method{ // Android 14, and 15 as first released: android-14.0.0
		getService, checkService, addService, listServices, registerForNotifications,
		unregisterForNotifications, isDeclared, getDeclaredInstances, updatableViaApex,
		getUpdatableNames, getConnectionInfo, registerClientCallback, tryUnregisterService,
		getServiceDebugInfo,
	}},
	{35, []method{ // Android 15 in its quarterly releases; its checkService answers what checkService2 does in 16
		getService, getService2, checkService2, addService, listServices, registerForNotifications,
		unregisterForNotifications, isDeclared, getDeclaredInstances, updatableViaApex,
		getUpdatableNames, getConnectionInfo, registerClientCallback, tryUnregisterService,
		getServiceDebugInfo,
	}},
	{36, []method{ // Android 16, android-16.0.0
		getService, getService2, checkService, checkService2, addService, listServices,
		registerForNotifications, unregisterForNotifications, isDeclared, getDeclaredInstances,
		updatableViaApex, getUpdatableNames, getConnectionInfo, registerClientCallback,
		tryUnregisterService, getServiceDebugInfo,
	}},
}

// levelAIDL is the release with which the interface became AIDL: replies begin with a status.
const levelAIDL = 30

// levelPriority is the release that gave services dump priorities.
const levelPriority = 28

// methodsOf are the methods of a release in the order of their codes. Beyond the newest level known it
// is the newest, before the oldest the oldest.
func methodsOf(level int) []method {
	methods := codes[0].methods
	for _, c := range codes {
		if c.level <= level {
			methods = c.methods
		}
	}
	return methods
}

// methodAt is the method that code means, not ok if none.
func methodAt(level int, code ioctl.Code) (m method, ok bool) {
	methods := methodsOf(level)
	if code < binder.FIRST_CALL_TRANSACTION || code-binder.FIRST_CALL_TRANSACTION >= ioctl.Code(len(methods)) {
		return 0, false
	}
	return methods[code-binder.FIRST_CALL_TRANSACTION], true
}

// codeOf is the code of m, not ok in a release that does not have it.
func codeOf(level int, m method) (code ioctl.Code, ok bool) {
	for i, has := range methodsOf(level) {
		if has == m {
			return binder.FIRST_CALL_TRANSACTION + ioctl.Code(i), true
		}
	}
	return 0, false
}
