package ioctl

// Distinct types for the numbers that Binder hands around, so that mixing them does not compile.
type (
	// Handle is a process's number for an object of another process (the "descriptor" of
	// binder.c); 0 is the context manager.
	Handle uint32

	// Pointer is the address by which the owner of a node knows it (binder_uintptr_t in
	// flat_binder_object.binder). The driver never follows it.
	Pointer uint64

	// Cookie is the second word an owner attaches to its node, or the word a client attaches to
	// a death or freeze subscription. The driver hands it back and never looks inside.
	Cookie uint64

	// Code is a method number: binder_transaction_data.code.
	Code uint32

	// Flags are the TF_ bits of binder_transaction_data.flags.
	Flags uint32

	// Address is a place in a client's memory: a buffer it sends from or receives in.
	Address uint64
)

// ContextManager is the handle every process has for the context manager (service manager).
const ContextManager Handle = 0

// Transaction flags: enum transaction_flags.
const (
	TF_ONE_WAY     Flags = 0x01 // TF_ONE_WAY = 0x01: asynchronous, no reply
	TF_ROOT_OBJECT Flags = 0x04 // TF_ROOT_OBJECT = 0x04: contents are the component's root object
	TF_STATUS_CODE Flags = 0x08 // TF_STATUS_CODE = 0x08: contents are a 32-bit status code
	TF_ACCEPT_FDS  Flags = 0x10 // TF_ACCEPT_FDS = 0x10: the reply may carry descriptors
	TF_CLEAR_BUF   Flags = 0x20 // TF_CLEAR_BUF = 0x20: clear the buffer when it is freed
	TF_UPDATE_TXN  Flags = 0x40 // TF_UPDATE_TXN = 0x40: replace an outdated pending oneway transaction
)
