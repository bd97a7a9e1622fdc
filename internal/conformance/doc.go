// Package conformance is the one suite that both drivers must pass: the kernel's own binder and
// busd. Its tests take the device from BINDER_DEVICE, speak nothing but the public ABI of
// <linux/android/binder.h>, and state the driver's exact answers, which were recorded on the
// kernel's driver. See README.md for how to run it.
package conformance
