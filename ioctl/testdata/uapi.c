/*
 * The stranger that package ioctl is measured against: it prints what the system's own headers say
 * about the sizes, offsets and numbers of the ABI. Its output is uapi.txt.
 *
 * A line "since 6.2" begins what came with that kernel; with older headers the lines from there on
 * are not printed, and the test does without them. uapi.txt was made with the headers
 * <linux/android/binder.h> and <linux/android/binderfs.h> of Linux 6.12; those of Linux 6.18 have
 * nothing more. To make it again with the headers of another kernel (make headers_install):
 *
 *	cc -I $HEADERS/include -o uapi uapi.c && ./uapi > uapi.txt
 */
#include <stddef.h>
#include <stdio.h>
#include <linux/version.h>
#include <linux/android/binder.h>
#include <linux/android/binderfs.h>

#define STRUCT(s) printf("struct %s size %zu\n", #s, sizeof(struct s))
#define FIELD(s, f) printf("struct %s field %s offset %zu size %zu\n", #s, #f, \
		offsetof(struct s, f), sizeof(((struct s *)0)->f))
#define NUMBER(n) printf("number %s %#llx\n", #n, (unsigned long long)(unsigned int)(n))

int main(void)
{
	STRUCT(flat_binder_object);
	FIELD(flat_binder_object, hdr);
	FIELD(flat_binder_object, flags);
	FIELD(flat_binder_object, binder);
	FIELD(flat_binder_object, handle);
	FIELD(flat_binder_object, cookie);

	STRUCT(binder_fd_object);
	FIELD(binder_fd_object, hdr);
	FIELD(binder_fd_object, pad_flags);
	FIELD(binder_fd_object, pad_binder);
	FIELD(binder_fd_object, fd);
	FIELD(binder_fd_object, cookie);

	STRUCT(binder_buffer_object);
	FIELD(binder_buffer_object, hdr);
	FIELD(binder_buffer_object, flags);
	FIELD(binder_buffer_object, buffer);
	FIELD(binder_buffer_object, length);
	FIELD(binder_buffer_object, parent);
	FIELD(binder_buffer_object, parent_offset);

	STRUCT(binder_fd_array_object);
	FIELD(binder_fd_array_object, hdr);
	FIELD(binder_fd_array_object, pad);
	FIELD(binder_fd_array_object, num_fds);
	FIELD(binder_fd_array_object, parent);
	FIELD(binder_fd_array_object, parent_offset);

	STRUCT(binder_write_read);
	FIELD(binder_write_read, write_size);
	FIELD(binder_write_read, write_consumed);
	FIELD(binder_write_read, write_buffer);
	FIELD(binder_write_read, read_size);
	FIELD(binder_write_read, read_consumed);
	FIELD(binder_write_read, read_buffer);

	STRUCT(binder_version);
	FIELD(binder_version, protocol_version);

	STRUCT(binder_node_debug_info);
	FIELD(binder_node_debug_info, ptr);
	FIELD(binder_node_debug_info, cookie);
	FIELD(binder_node_debug_info, has_strong_ref);
	FIELD(binder_node_debug_info, has_weak_ref);

	STRUCT(binder_node_info_for_ref);
	FIELD(binder_node_info_for_ref, handle);
	FIELD(binder_node_info_for_ref, strong_count);
	FIELD(binder_node_info_for_ref, weak_count);
	FIELD(binder_node_info_for_ref, reserved1);
	FIELD(binder_node_info_for_ref, reserved2);
	FIELD(binder_node_info_for_ref, reserved3);

	STRUCT(binder_freeze_info);
	FIELD(binder_freeze_info, pid);
	FIELD(binder_freeze_info, enable);
	FIELD(binder_freeze_info, timeout_ms);

	STRUCT(binder_frozen_status_info);
	FIELD(binder_frozen_status_info, pid);
	FIELD(binder_frozen_status_info, sync_recv);
	FIELD(binder_frozen_status_info, async_recv);

	STRUCT(binder_extended_error);
	FIELD(binder_extended_error, id);
	FIELD(binder_extended_error, command);
	FIELD(binder_extended_error, param);

	STRUCT(binder_transaction_data);
	FIELD(binder_transaction_data, target);
	FIELD(binder_transaction_data, target.handle);
	FIELD(binder_transaction_data, target.ptr);
	FIELD(binder_transaction_data, cookie);
	FIELD(binder_transaction_data, code);
	FIELD(binder_transaction_data, flags);
	FIELD(binder_transaction_data, sender_pid);
	FIELD(binder_transaction_data, sender_euid);
	FIELD(binder_transaction_data, data_size);
	FIELD(binder_transaction_data, offsets_size);
	FIELD(binder_transaction_data, data.ptr.buffer);
	FIELD(binder_transaction_data, data.ptr.offsets);

	STRUCT(binder_transaction_data_sg);
	FIELD(binder_transaction_data_sg, transaction_data);
	FIELD(binder_transaction_data_sg, buffers_size);

	STRUCT(binder_transaction_data_secctx);
	FIELD(binder_transaction_data_secctx, transaction_data);
	FIELD(binder_transaction_data_secctx, secctx);

	STRUCT(binder_ptr_cookie);
	FIELD(binder_ptr_cookie, ptr);
	FIELD(binder_ptr_cookie, cookie);

	STRUCT(binder_handle_cookie);
	FIELD(binder_handle_cookie, handle);
	FIELD(binder_handle_cookie, cookie);

	STRUCT(binder_pri_desc);
	FIELD(binder_pri_desc, priority);
	FIELD(binder_pri_desc, desc);

	STRUCT(binder_pri_ptr_cookie);
	FIELD(binder_pri_ptr_cookie, priority);
	FIELD(binder_pri_ptr_cookie, ptr);
	FIELD(binder_pri_ptr_cookie, cookie);

	STRUCT(binderfs_device);
	FIELD(binderfs_device, name);
	FIELD(binderfs_device, major);
	FIELD(binderfs_device, minor);

	NUMBER(BINDER_WRITE_READ);
	NUMBER(BINDER_SET_IDLE_TIMEOUT);
	NUMBER(BINDER_SET_MAX_THREADS);
	NUMBER(BINDER_SET_IDLE_PRIORITY);
	NUMBER(BINDER_SET_CONTEXT_MGR);
	NUMBER(BINDER_THREAD_EXIT);
	NUMBER(BINDER_VERSION);
	NUMBER(BINDER_GET_NODE_DEBUG_INFO);
	NUMBER(BINDER_GET_NODE_INFO_FOR_REF);
	NUMBER(BINDER_SET_CONTEXT_MGR_EXT);
	NUMBER(BINDER_FREEZE);
	NUMBER(BINDER_GET_FROZEN_INFO);
	NUMBER(BINDER_ENABLE_ONEWAY_SPAM_DETECTION);
	NUMBER(BINDER_GET_EXTENDED_ERROR);
	NUMBER(BINDER_CTL_ADD);
	NUMBER(BINDER_CURRENT_PROTOCOL_VERSION);
	NUMBER(BINDERFS_MAX_NAME);
	NUMBER(BC_TRANSACTION);
	NUMBER(BC_REPLY);
	NUMBER(BC_ACQUIRE_RESULT);
	NUMBER(BC_FREE_BUFFER);
	NUMBER(BC_INCREFS);
	NUMBER(BC_ACQUIRE);
	NUMBER(BC_RELEASE);
	NUMBER(BC_DECREFS);
	NUMBER(BC_INCREFS_DONE);
	NUMBER(BC_ACQUIRE_DONE);
	NUMBER(BC_ATTEMPT_ACQUIRE);
	NUMBER(BC_REGISTER_LOOPER);
	NUMBER(BC_ENTER_LOOPER);
	NUMBER(BC_EXIT_LOOPER);
	NUMBER(BC_REQUEST_DEATH_NOTIFICATION);
	NUMBER(BC_CLEAR_DEATH_NOTIFICATION);
	NUMBER(BC_DEAD_BINDER_DONE);
	NUMBER(BC_TRANSACTION_SG);
	NUMBER(BC_REPLY_SG);
	NUMBER(BR_ERROR);
	NUMBER(BR_OK);
	NUMBER(BR_TRANSACTION_SEC_CTX);
	NUMBER(BR_TRANSACTION);
	NUMBER(BR_REPLY);
	NUMBER(BR_ACQUIRE_RESULT);
	NUMBER(BR_DEAD_REPLY);
	NUMBER(BR_TRANSACTION_COMPLETE);
	NUMBER(BR_INCREFS);
	NUMBER(BR_ACQUIRE);
	NUMBER(BR_RELEASE);
	NUMBER(BR_DECREFS);
	NUMBER(BR_ATTEMPT_ACQUIRE);
	NUMBER(BR_NOOP);
	NUMBER(BR_SPAWN_LOOPER);
	NUMBER(BR_FINISHED);
	NUMBER(BR_DEAD_BINDER);
	NUMBER(BR_CLEAR_DEATH_NOTIFICATION_DONE);
	NUMBER(BR_FAILED_REPLY);
	NUMBER(BR_FROZEN_REPLY);
	NUMBER(BR_ONEWAY_SPAM_SUSPECT);
	NUMBER(BINDER_TYPE_BINDER);
	NUMBER(BINDER_TYPE_WEAK_BINDER);
	NUMBER(BINDER_TYPE_HANDLE);
	NUMBER(BINDER_TYPE_WEAK_HANDLE);
	NUMBER(BINDER_TYPE_FD);
	NUMBER(BINDER_TYPE_FDA);
	NUMBER(BINDER_TYPE_PTR);
	NUMBER(BINDER_BUFFER_FLAG_HAS_PARENT);
	NUMBER(FLAT_BINDER_FLAG_PRIORITY_MASK);
	NUMBER(FLAT_BINDER_FLAG_ACCEPTS_FDS);
	NUMBER(FLAT_BINDER_FLAG_TXN_SECURITY_CTX);
	NUMBER(TF_ONE_WAY);
	NUMBER(TF_ROOT_OBJECT);
	NUMBER(TF_STATUS_CODE);
	NUMBER(TF_ACCEPT_FDS);
	NUMBER(TF_CLEAR_BUF);
	NUMBER(TF_UPDATE_TXN);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	puts("since 6.2");
	NUMBER(BR_TRANSACTION_PENDING_FROZEN);
#endif

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
	puts("since 6.12");
	STRUCT(binder_frozen_state_info);
	FIELD(binder_frozen_state_info, cookie);
	FIELD(binder_frozen_state_info, is_frozen);
	FIELD(binder_frozen_state_info, reserved);
	NUMBER(BR_FROZEN_BINDER);
	NUMBER(BR_CLEAR_FREEZE_NOTIFICATION_DONE);
	NUMBER(BC_REQUEST_FREEZE_NOTIFICATION);
	NUMBER(BC_CLEAR_FREEZE_NOTIFICATION);
	NUMBER(BC_FREEZE_NOTIFICATION_DONE);
#endif
	return 0;
}
