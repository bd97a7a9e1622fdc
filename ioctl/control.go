package ioctl

// This file has the ioctls of a device other than BINDER_WRITE_READ. Their errors wrap the errno
// and name the request; they do not end on signals.

// SetMaxThreads tells the driver how many threads it may ask the process to start
// (BR_SPAWN_LOOPER), beside those that enter by themselves.
func (d *Device) SetMaxThreads(n uint32) error {
	return control(d, BINDER_SET_MAX_THREADS, &n)
}

// SetContextManager makes the process the device's context manager, which everybody reaches by the
// handle ContextManager. obj's Binder and Cookie are what calls to it will carry, and its Flags
// count (FLAT_BINDER_FLAG_TXN_SECURITY_CTX, for one). A nil obj asks in the way of old programs
// (BINDER_SET_CONTEXT_MGR), where both are 0. EBUSY: there is one already; EPERM: not allowed.
func (d *Device) SetContextManager(obj *FlatObject) error {
	if obj == nil {
		// The driver looks at no argument, but a file system in user space needs one to copy.
		var unused int32
		return control(d, BINDER_SET_CONTEXT_MGR, &unused)
	}
	o := *obj
	return control(d, BINDER_SET_CONTEXT_MGR_EXT, &o)
}

// ThreadExit tells the driver that the calling thread will not come back: its transactions fail,
// its work goes elsewhere. The thread is known again at its next call.
func (d *Device) ThreadExit() error {
	var unused int32 // as in SetContextManager
	return control(d, BINDER_THREAD_EXIT, &unused)
}

// NodeDebugInfo answers about the process's first node whose pointer is greater than after; a zero
// Pointer in the answer means there is none.
func (d *Device) NodeDebugInfo(after Pointer) (NodeDebugInfo, error) {
	i := NodeDebugInfo{Pointer: after}
	err := control(d, BINDER_GET_NODE_DEBUG_INFO, &i)
	return i, err
}

// NodeInfoForRef counts, for the context manager only, the references to the node behind its
// handle h. EPERM for others, EINVAL for an unknown handle.
func (d *Device) NodeInfoForRef(h Handle) (NodeInfoForRef, error) {
	i := NodeInfoForRef{Handle: h}
	err := control(d, BINDER_GET_NODE_INFO_FOR_REF, &i)
	return i, err
}

// Freeze freezes or thaws the process info.PID as far as binder goes: while frozen, synchronous
// calls to it fail and oneway calls wait. With TimeoutMS it waits that long for transactions under
// way, then answers EAGAIN. EINVAL: no such process has the device open.
func (d *Device) Freeze(info FreezeInfo) error {
	return control(d, BINDER_FREEZE, &info)
}

// FrozenInfo tells what the process pid received since it was frozen. EINVAL as in Freeze.
func (d *Device) FrozenInfo(pid uint32) (FrozenStatus, error) {
	i := FrozenStatus{PID: pid}
	err := control(d, BINDER_GET_FROZEN_INFO, &i)
	return i, err
}

// EnableOnewaySpamDetection makes the driver answer BR_ONEWAY_SPAM_SUSPECT in place of
// BR_TRANSACTION_COMPLETE when this process fills a receiver with oneway calls.
func (d *Device) EnableOnewaySpamDetection(on bool) error {
	var enable uint32
	if on {
		enable = 1
	}
	return control(d, BINDER_ENABLE_ONEWAY_SPAM_DETECTION, &enable)
}

// ExtendedError tells why the calling thread's last transaction failed, and forgets it.
func (d *Device) ExtendedError() (ExtendedError, error) {
	var e ExtendedError
	err := control(d, BINDER_GET_EXTENDED_ERROR, &e)
	return e, err
}

// SetDescriptorSocket gives the broker one end of a SOCK_SEQPACKET socketpair, on which it sends
// the descriptors of received transactions from now on (see DescriptorMessage). The broker takes a
// duplicate: the caller may close fd afterwards. It is FuseBinder's own: the kernel's driver
// answers EINVAL and goes on putting descriptors into the process itself.
func (d *Device) SetDescriptorSocket(fd int) error {
	n := int32(fd)
	return control(d, FUSEBINDER_SET_DESCRIPTOR_SOCKET, &n)
}
