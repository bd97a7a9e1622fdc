package ioctl

//lint:file-ignore SA4016 the ordinal 0 is written like all the others

// A Return is what the driver writes to a client: enum binder_driver_return_protocol.
type Return Number

// Size is the number of bytes of the argument that belongs to r.
func (r Return) Size() int { return Number(r).Size() }

// The returns. Those from 6.1 on carry the kernel they came with.
const (
	BR_ERROR                          Return = dirRead<<dirShift | 4<<sizeShift | 'r'<<letterShift | 0                           // _IOR('r', 0, __s32)
	BR_OK                             Return = dirNone<<dirShift | 'r'<<letterShift | 1                                          // _IO('r', 1)
	BR_TRANSACTION_SEC_CTX            Return = dirRead<<dirShift | SizeofTransactionDataSecctx<<sizeShift | 'r'<<letterShift | 2 // _IOR('r', 2, struct binder_transaction_data_secctx)
	BR_TRANSACTION                    Return = dirRead<<dirShift | SizeofTransactionData<<sizeShift | 'r'<<letterShift | 2       // _IOR('r', 2, struct binder_transaction_data)
	BR_REPLY                          Return = dirRead<<dirShift | SizeofTransactionData<<sizeShift | 'r'<<letterShift | 3       // _IOR('r', 3, struct binder_transaction_data)
	BR_ACQUIRE_RESULT                 Return = dirRead<<dirShift | 4<<sizeShift | 'r'<<letterShift | 4                           // _IOR('r', 4, __s32); never sent
	BR_DEAD_REPLY                     Return = dirNone<<dirShift | 'r'<<letterShift | 5                                          // _IO('r', 5)
	BR_TRANSACTION_COMPLETE           Return = dirNone<<dirShift | 'r'<<letterShift | 6                                          // _IO('r', 6)
	BR_INCREFS                        Return = dirRead<<dirShift | SizeofPtrCookie<<sizeShift | 'r'<<letterShift | 7             // _IOR('r', 7, struct binder_ptr_cookie)
	BR_ACQUIRE                        Return = dirRead<<dirShift | SizeofPtrCookie<<sizeShift | 'r'<<letterShift | 8             // _IOR('r', 8, struct binder_ptr_cookie)
	BR_RELEASE                        Return = dirRead<<dirShift | SizeofPtrCookie<<sizeShift | 'r'<<letterShift | 9             // _IOR('r', 9, struct binder_ptr_cookie)
	BR_DECREFS                        Return = dirRead<<dirShift | SizeofPtrCookie<<sizeShift | 'r'<<letterShift | 10            // _IOR('r', 10, struct binder_ptr_cookie)
	BR_ATTEMPT_ACQUIRE                Return = dirRead<<dirShift | SizeofPriPtrCookie<<sizeShift | 'r'<<letterShift | 11         // _IOR('r', 11, struct binder_pri_ptr_cookie); never sent
	BR_NOOP                           Return = dirNone<<dirShift | 'r'<<letterShift | 12                                         // _IO('r', 12)
	BR_SPAWN_LOOPER                   Return = dirNone<<dirShift | 'r'<<letterShift | 13                                         // _IO('r', 13)
	BR_FINISHED                       Return = dirNone<<dirShift | 'r'<<letterShift | 14                                         // _IO('r', 14); never sent
	BR_DEAD_BINDER                    Return = dirRead<<dirShift | 8<<sizeShift | 'r'<<letterShift | 15                          // _IOR('r', 15, binder_uintptr_t)
	BR_CLEAR_DEATH_NOTIFICATION_DONE  Return = dirRead<<dirShift | 8<<sizeShift | 'r'<<letterShift | 16                          // _IOR('r', 16, binder_uintptr_t)
	BR_FAILED_REPLY                   Return = dirNone<<dirShift | 'r'<<letterShift | 17                                         // _IO('r', 17)
	BR_FROZEN_REPLY                   Return = dirNone<<dirShift | 'r'<<letterShift | 18                                         // _IO('r', 18)
	BR_ONEWAY_SPAM_SUSPECT            Return = dirNone<<dirShift | 'r'<<letterShift | 19                                         // _IO('r', 19)
	BR_TRANSACTION_PENDING_FROZEN     Return = dirNone<<dirShift | 'r'<<letterShift | 20                                         // _IO('r', 20); Linux 6.2
	BR_FROZEN_BINDER                  Return = dirRead<<dirShift | SizeofFrozenStateInfo<<sizeShift | 'r'<<letterShift | 21      // _IOR('r', 21, struct binder_frozen_state_info); Linux 6.12
	BR_CLEAR_FREEZE_NOTIFICATION_DONE Return = dirRead<<dirShift | 8<<sizeShift | 'r'<<letterShift | 22                          // _IOR('r', 22, binder_uintptr_t); Linux 6.12
)
