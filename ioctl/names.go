package ioctl

import "fmt"

// String is c's name in the header, or how its number is made up.
func (c Command) String() string {
	switch c {
	case BC_TRANSACTION:
		return "BC_TRANSACTION"
	case BC_REPLY:
		return "BC_REPLY"
	case BC_ACQUIRE_RESULT:
		return "BC_ACQUIRE_RESULT"
	case BC_FREE_BUFFER:
		return "BC_FREE_BUFFER"
	case BC_INCREFS:
		return "BC_INCREFS"
	case BC_ACQUIRE:
		return "BC_ACQUIRE"
	case BC_RELEASE:
		return "BC_RELEASE"
	case BC_DECREFS:
		return "BC_DECREFS"
	case BC_INCREFS_DONE:
		return "BC_INCREFS_DONE"
	case BC_ACQUIRE_DONE:
		return "BC_ACQUIRE_DONE"
	case BC_ATTEMPT_ACQUIRE:
		return "BC_ATTEMPT_ACQUIRE"
	case BC_REGISTER_LOOPER:
		return "BC_REGISTER_LOOPER"
	case BC_ENTER_LOOPER:
		return "BC_ENTER_LOOPER"
	case BC_EXIT_LOOPER:
		return "BC_EXIT_LOOPER"
	case BC_REQUEST_DEATH_NOTIFICATION:
		return "BC_REQUEST_DEATH_NOTIFICATION"
	case BC_CLEAR_DEATH_NOTIFICATION:
		return "BC_CLEAR_DEATH_NOTIFICATION"
	case BC_DEAD_BINDER_DONE:
		return "BC_DEAD_BINDER_DONE"
	case BC_TRANSACTION_SG:
		return "BC_TRANSACTION_SG"
	case BC_REPLY_SG:
		return "BC_REPLY_SG"
	case BC_REQUEST_FREEZE_NOTIFICATION:
		return "BC_REQUEST_FREEZE_NOTIFICATION"
	case BC_CLEAR_FREEZE_NOTIFICATION:
		return "BC_CLEAR_FREEZE_NOTIFICATION"
	case BC_FREEZE_NOTIFICATION_DONE:
		return "BC_FREEZE_NOTIFICATION_DONE"
	}
	return Number(c).parts()
}

// String is r's name in the header, or how its number is made up.
func (r Return) String() string {
	switch r {
	case BR_ERROR:
		return "BR_ERROR"
	case BR_OK:
		return "BR_OK"
	case BR_TRANSACTION_SEC_CTX:
		return "BR_TRANSACTION_SEC_CTX"
	case BR_TRANSACTION:
		return "BR_TRANSACTION"
	case BR_REPLY:
		return "BR_REPLY"
	case BR_ACQUIRE_RESULT:
		return "BR_ACQUIRE_RESULT"
	case BR_DEAD_REPLY:
		return "BR_DEAD_REPLY"
	case BR_TRANSACTION_COMPLETE:
		return "BR_TRANSACTION_COMPLETE"
	case BR_INCREFS:
		return "BR_INCREFS"
	case BR_ACQUIRE:
		return "BR_ACQUIRE"
	case BR_RELEASE:
		return "BR_RELEASE"
	case BR_DECREFS:
		return "BR_DECREFS"
	case BR_ATTEMPT_ACQUIRE:
		return "BR_ATTEMPT_ACQUIRE"
	case BR_NOOP:
		return "BR_NOOP"
	case BR_SPAWN_LOOPER:
		return "BR_SPAWN_LOOPER"
	case BR_FINISHED:
		return "BR_FINISHED"
	case BR_DEAD_BINDER:
		return "BR_DEAD_BINDER"
	case BR_CLEAR_DEATH_NOTIFICATION_DONE:
		return "BR_CLEAR_DEATH_NOTIFICATION_DONE"
	case BR_FAILED_REPLY:
		return "BR_FAILED_REPLY"
	case BR_FROZEN_REPLY:
		return "BR_FROZEN_REPLY"
	case BR_ONEWAY_SPAM_SUSPECT:
		return "BR_ONEWAY_SPAM_SUSPECT"
	case BR_TRANSACTION_PENDING_FROZEN:
		return "BR_TRANSACTION_PENDING_FROZEN"
	case BR_FROZEN_BINDER:
		return "BR_FROZEN_BINDER"
	case BR_CLEAR_FREEZE_NOTIFICATION_DONE:
		return "BR_CLEAR_FREEZE_NOTIFICATION_DONE"
	}
	return Number(r).parts()
}

// String is r's name in the header, or how its number is made up. BINDER_CTL_ADD and
// FUSEBINDER_SET_DESCRIPTOR_SOCKET have names too.
func (r Request) String() string {
	switch r {
	case BINDER_WRITE_READ:
		return "BINDER_WRITE_READ"
	case BINDER_SET_IDLE_TIMEOUT:
		return "BINDER_SET_IDLE_TIMEOUT"
	case BINDER_SET_MAX_THREADS:
		return "BINDER_SET_MAX_THREADS"
	case BINDER_SET_IDLE_PRIORITY:
		return "BINDER_SET_IDLE_PRIORITY"
	case BINDER_SET_CONTEXT_MGR:
		return "BINDER_SET_CONTEXT_MGR"
	case BINDER_THREAD_EXIT:
		return "BINDER_THREAD_EXIT"
	case BINDER_VERSION:
		return "BINDER_VERSION"
	case BINDER_GET_NODE_DEBUG_INFO:
		return "BINDER_GET_NODE_DEBUG_INFO"
	case BINDER_GET_NODE_INFO_FOR_REF:
		return "BINDER_GET_NODE_INFO_FOR_REF"
	case BINDER_SET_CONTEXT_MGR_EXT:
		return "BINDER_SET_CONTEXT_MGR_EXT"
	case BINDER_FREEZE:
		return "BINDER_FREEZE"
	case BINDER_GET_FROZEN_INFO:
		return "BINDER_GET_FROZEN_INFO"
	case BINDER_ENABLE_ONEWAY_SPAM_DETECTION:
		return "BINDER_ENABLE_ONEWAY_SPAM_DETECTION"
	case BINDER_GET_EXTENDED_ERROR:
		return "BINDER_GET_EXTENDED_ERROR"
	case BINDER_CTL_ADD:
		return "BINDER_CTL_ADD"
	case FUSEBINDER_SET_DESCRIPTOR_SOCKET:
		return "FUSEBINDER_SET_DESCRIPTOR_SOCKET"
	}
	return Number(r).parts()
}

// String is t's name in the header, or its number.
func (t ObjectType) String() string {
	switch t {
	case BINDER_TYPE_BINDER:
		return "BINDER_TYPE_BINDER"
	case BINDER_TYPE_WEAK_BINDER:
		return "BINDER_TYPE_WEAK_BINDER"
	case BINDER_TYPE_HANDLE:
		return "BINDER_TYPE_HANDLE"
	case BINDER_TYPE_WEAK_HANDLE:
		return "BINDER_TYPE_WEAK_HANDLE"
	case BINDER_TYPE_FD:
		return "BINDER_TYPE_FD"
	case BINDER_TYPE_FDA:
		return "BINDER_TYPE_FDA"
	case BINDER_TYPE_PTR:
		return "BINDER_TYPE_PTR"
	}
	return fmt.Sprintf("object type %#x", uint32(t))
}

// String is n's name in the header as a command, a return or a request, by its letter, or how the
// number is made up.
func (n Number) String() string {
	switch n.Letter() {
	case 'b':
		return Request(n).String()
	case 'c':
		return Command(n).String()
	case 'r':
		return Return(n).String()
	}
	return n.parts()
}

// parts writes n as the header would.
func (n Number) parts() string {
	letter := fmt.Sprintf("%q", rune(n.Letter()))
	switch n >> dirShift {
	case dirNone:
		if n.Size() == 0 {
			return fmt.Sprintf("_IO(%s, %d)", letter, n.Ordinal())
		}
		return fmt.Sprintf("_IOC(_IOC_NONE, %s, %d, %d)", letter, n.Ordinal(), n.Size())
	case dirWrite:
		return fmt.Sprintf("_IOW(%s, %d, %d bytes)", letter, n.Ordinal(), n.Size())
	case dirRead:
		return fmt.Sprintf("_IOR(%s, %d, %d bytes)", letter, n.Ordinal(), n.Size())
	}
	return fmt.Sprintf("_IOWR(%s, %d, %d bytes)", letter, n.Ordinal(), n.Size())
}
