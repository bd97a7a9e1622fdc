package ioctl

//lint:file-ignore SA4016 the ordinal 0 is written like all the others

// A Command is what a client writes to the driver: enum binder_driver_command_protocol.
type Command Number

// Size is the number of bytes of the argument that belongs to c.
func (c Command) Size() int { return Number(c).Size() }

// The commands. Those from 6.12 and later carry the kernel they came with.
const (
	BC_TRANSACTION                 Command = dirWrite<<dirShift | SizeofTransactionData<<sizeShift | 'c'<<letterShift | 0    // _IOW('c', 0, struct binder_transaction_data)
	BC_REPLY                       Command = dirWrite<<dirShift | SizeofTransactionData<<sizeShift | 'c'<<letterShift | 1    // _IOW('c', 1, struct binder_transaction_data)
	BC_ACQUIRE_RESULT              Command = dirWrite<<dirShift | 4<<sizeShift | 'c'<<letterShift | 2                        // _IOW('c', 2, __s32); refused by the driver
	BC_FREE_BUFFER                 Command = dirWrite<<dirShift | 8<<sizeShift | 'c'<<letterShift | 3                        // _IOW('c', 3, binder_uintptr_t)
	BC_INCREFS                     Command = dirWrite<<dirShift | 4<<sizeShift | 'c'<<letterShift | 4                        // _IOW('c', 4, __u32)
	BC_ACQUIRE                     Command = dirWrite<<dirShift | 4<<sizeShift | 'c'<<letterShift | 5                        // _IOW('c', 5, __u32)
	BC_RELEASE                     Command = dirWrite<<dirShift | 4<<sizeShift | 'c'<<letterShift | 6                        // _IOW('c', 6, __u32)
	BC_DECREFS                     Command = dirWrite<<dirShift | 4<<sizeShift | 'c'<<letterShift | 7                        // _IOW('c', 7, __u32)
	BC_INCREFS_DONE                Command = dirWrite<<dirShift | SizeofPtrCookie<<sizeShift | 'c'<<letterShift | 8          // _IOW('c', 8, struct binder_ptr_cookie)
	BC_ACQUIRE_DONE                Command = dirWrite<<dirShift | SizeofPtrCookie<<sizeShift | 'c'<<letterShift | 9          // _IOW('c', 9, struct binder_ptr_cookie)
	BC_ATTEMPT_ACQUIRE             Command = dirWrite<<dirShift | SizeofPriDesc<<sizeShift | 'c'<<letterShift | 10           // _IOW('c', 10, struct binder_pri_desc); refused by the driver
	BC_REGISTER_LOOPER             Command = dirNone<<dirShift | 'c'<<letterShift | 11                                       // _IO('c', 11)
	BC_ENTER_LOOPER                Command = dirNone<<dirShift | 'c'<<letterShift | 12                                       // _IO('c', 12)
	BC_EXIT_LOOPER                 Command = dirNone<<dirShift | 'c'<<letterShift | 13                                       // _IO('c', 13)
	BC_REQUEST_DEATH_NOTIFICATION  Command = dirWrite<<dirShift | SizeofHandleCookie<<sizeShift | 'c'<<letterShift | 14      // _IOW('c', 14, struct binder_handle_cookie)
	BC_CLEAR_DEATH_NOTIFICATION    Command = dirWrite<<dirShift | SizeofHandleCookie<<sizeShift | 'c'<<letterShift | 15      // _IOW('c', 15, struct binder_handle_cookie)
	BC_DEAD_BINDER_DONE            Command = dirWrite<<dirShift | 8<<sizeShift | 'c'<<letterShift | 16                       // _IOW('c', 16, binder_uintptr_t)
	BC_TRANSACTION_SG              Command = dirWrite<<dirShift | SizeofTransactionDataSG<<sizeShift | 'c'<<letterShift | 17 // _IOW('c', 17, struct binder_transaction_data_sg)
	BC_REPLY_SG                    Command = dirWrite<<dirShift | SizeofTransactionDataSG<<sizeShift | 'c'<<letterShift | 18 // _IOW('c', 18, struct binder_transaction_data_sg)
	BC_REQUEST_FREEZE_NOTIFICATION Command = dirWrite<<dirShift | SizeofHandleCookie<<sizeShift | 'c'<<letterShift | 19      // _IOW('c', 19, struct binder_handle_cookie); Linux 6.12
	BC_CLEAR_FREEZE_NOTIFICATION   Command = dirWrite<<dirShift | SizeofHandleCookie<<sizeShift | 'c'<<letterShift | 20      // _IOW('c', 20, struct binder_handle_cookie); Linux 6.12
	BC_FREEZE_NOTIFICATION_DONE    Command = dirWrite<<dirShift | 8<<sizeShift | 'c'<<letterShift | 21                       // _IOW('c', 21, binder_uintptr_t); Linux 6.12
)
