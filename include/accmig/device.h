/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include <accmig/fsm.h>

/*
 * One open VFIO device.
 *
 * Opening a free PCI VF resets it, and so does the last close: open only what nobody uses. A device that a
 * hypervisor process holds is borrowed: its file descriptor is duplicated (pidfd_getfd), may only be asked,
 * and must be closed at once, since the duplicate keeps the device open after its owner is gone.
 */

typedef struct _AccmigDevice AccmigDevice;

typedef enum
{
  ACCMIG_ACCESS_AUTO,  /* cdev with iommufd where the host has both nodes, else the group */
  ACCMIG_ACCESS_GROUP, /* /dev/vfio/GROUP in a type1 container */
  ACCMIG_ACCESS_CDEV,  /* /dev/vfio/devices/vfioN bound to an iommufd */
} AccmigAccess;

/**
 * accmig_device_open:
 * @sysfs_fd: directory fd of sysfs
 * @address: PCI address or mdev UUID of a device bound to a VFIO driver
 * @error: INVALID no address; NOT_FOUND no such device or no VFIO driver bound; BUSY somebody has it;
 *   UNSUPPORTED when it can only be opened through its group and that would crash this kernel (with
 *   hisi_acc_vfio_pci on Linux 6.17); IO
 * Returns: (transfer full) (nullable): the device; close with accmig_device_close()
 *
 * A PCI function is in state running then. An mdev is in whatever state its last user left it: unless a state
 * was set since, accmig_device_save(), accmig_device_load() and accmig_device_read_match() first reset one
 * that is not running.
 */
ACCMIG_API AccmigDevice *accmig_device_open (int sysfs_fd, const char *address, AccmigAccess access,
                                             GError **error);

/**
 * accmig_device_borrow:
 * @sysfs_fd: directory fd of sysfs
 * @pid: the process that holds it; needs ptrace rights over it
 * @address: as in accmig_device_open()
 * @error: INVALID no address; NOT_FOUND when there is no such device, no VFIO driver is bound to it, or @pid
 *   does not hold it or is gone; UNSUPPORTED as for accmig_device_open(); BUSY; IO, also when the rights are
 *   missing
 * Returns: (transfer full) (nullable): a device that can be asked (flags, state, size) but not driven
 */
ACCMIG_API AccmigDevice *accmig_device_borrow (int sysfs_fd, pid_t pid, const char *address, GError **error);

/**
 * accmig_device_find_holder:
 * @sysfs_fd: directory fd of sysfs
 * @ret_pid: (out): the process that has @address open (through its group or cdev node), 0 when nobody has
 * @error: INVALID no address; NOT_FOUND when there is no such device or no VFIO driver is bound to it; IO
 *   when nobody was found, but there are processes or open files that the caller may not look at
 * Returns: whether the question could be answered. Looks through /proc: costs milliseconds
 *
 * Before Linux 6.18 a process that has the group open counts as holder of each of its devices.
 */
ACCMIG_API gboolean accmig_device_find_holder (int sysfs_fd, const char *address, pid_t *ret_pid,
                                               GError **error);

/**
 * accmig_device_new_from_fd:
 * @fd: (transfer full): an open VFIO device
 * @name: what messages call it
 * @may_drive: whether SET is allowed
 * Returns: (transfer full): the device
 */
ACCMIG_API AccmigDevice *accmig_device_new_from_fd (int fd, const char *name, gboolean may_drive);

/**
 * accmig_fd_is_device:
 * @fd: any file descriptor
 * Returns: whether it is an open VFIO device. For an fd that somebody handed over: what is no device must not
 * be sent a device's requests
 */
ACCMIG_API gboolean accmig_fd_is_device (int fd);

/**
 * accmig_device_close:
 * @device: (nullable) (transfer full)
 */
ACCMIG_API void accmig_device_close (AccmigDevice *device);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (AccmigDevice, accmig_device_close)

/**
 * accmig_device_get_access:
 * Returns: the way it was opened, never AUTO
 */
ACCMIG_API AccmigAccess accmig_device_get_access (const AccmigDevice *device);

/**
 * accmig_device_get_flags:
 * @ret_flags: (out): #AccmigFlags and bits yet unknown
 * @error: UNSUPPORTED when the bound driver offers no migration (kernel: ENOTTY); IO
 */
ACCMIG_API gboolean accmig_device_get_flags (AccmigDevice *device, guint64 *ret_flags, GError **error);

/**
 * accmig_device_get_state:
 * @ret_state: (out): the present state, as the driver reports it. A value beyond the enum is passed through
 * @error: UNSUPPORTED when the bound driver offers no migration; BUSY; IO
 */
ACCMIG_API gboolean accmig_device_get_state (AccmigDevice *device, AccmigState *ret_state, GError **error);

/**
 * accmig_device_set_state:
 * @state: where to go, by way of every arc in between
 * @ret_data_fd: (out) (nullable): the new session's fd (caller closes), -1 when the path opened none. With
 *   NULL a new fd is closed
 * @error: BAD_STATE for a borrowed device, and for a path the kernel would refuse, without asking it; BUSY;
 *   REFUSED when resuming cannot be left because of what was written; UNSUPPORTED; IO. The message names
 *   the state in which the device was really left, read with GET after the failure
 */
ACCMIG_API gboolean accmig_device_set_state (AccmigDevice *device, AccmigState state, int *ret_data_fd,
                                             GError **error);

/**
 * accmig_device_step:
 * @state: where to go, by way of every arc in between
 * @ret_data_fd: (out): the new session's fd (caller closes), -1 when the path opened none
 * @ret_left_in: (out): the state afterwards, read with GET
 * @ret_refusal: (out): 0, or the errno with which the kernel refused; then there is no new session
 * @error: BAD_STATE as for accmig_device_set_state(); UNSUPPORTED; BUSY and IO when the state cannot be read,
 *   in which case a new session is closed
 *
 * accmig_device_set_state() for who has to act on what came of it: the kernel's no is an answer.
 */
ACCMIG_API gboolean accmig_device_step (AccmigDevice *device, AccmigState state, int *ret_data_fd,
                                        AccmigState *ret_left_in, int *ret_refusal, GError **error);

/**
 * accmig_device_get_tracking:
 * @ret_tracking: (out): whether the device can log which memory it writes, never UNKNOWN. That its driver
 * knows the request does not mean that this kernel can read the log
 * @error: IO
 */
ACCMIG_API gboolean accmig_device_get_tracking (AccmigDevice *device, AccmigTracking *ret_tracking,
                                                GError **error);

/**
 * accmig_device_get_stop_copy_size:
 * @ret_bytes: (out): the driver's estimate of what stop-copy will send
 * @error: UNSUPPORTED when the bound driver offers no migration, or the kernel is older than 6.2; BUSY; IO
 */
ACCMIG_API gboolean accmig_device_get_stop_copy_size (AccmigDevice *device, guint64 *ret_bytes,
                                                      GError **error);

/**
 * accmig_device_get_precopy_info:
 * @data_fd: the session's fd, the device in pre-copy
 * @ret_initial: (out): bytes to be read before stop-copy is worth it
 * @ret_dirty: (out): bytes that changed since
 * @error: BAD_STATE when the device is not in pre-copy or the session is over; UNSUPPORTED when the driver
 *   does not know the question; BUSY; IO
 */
ACCMIG_API gboolean accmig_device_get_precopy_info (AccmigDevice *device, int data_fd, guint64 *ret_initial,
                                                    guint64 *ret_dirty, GError **error);

/**
 * accmig_device_read_match:
 * @size: how many bytes of match data the family has; at most 4096
 * @match: (out): room for @size bytes
 * @ret_length: (out): how many came
 * @error: UNSUPPORTED for a device without pre-copy; LIMIT when @size is too large; BAD_STATE when it is not
 *   running or borrowed; BUSY; IO
 *
 * Reads the first bytes of the stream through running → pre-copy → running, which stops nothing.
 */
ACCMIG_API gboolean accmig_device_read_match (AccmigDevice *device, gsize size, guint8 *match,
                                              gsize *ret_length, GError **error);

/**
 * accmig_device_save:
 * @out_fd: where the stream goes: file, pipe or socket
 * @cancellable_fd: -1, or an fd that becomes readable or hangs up when the work must stop
 * @ret_bytes: (out): how long the stream was
 * @error: BAD_STATE when the device is not running or borrowed; UNSUPPORTED when the bound driver offers no
 *   migration; BUSY; IO, also when cancelled, or when the other end moved no byte for 30 s
 *
 * Takes the device from running to stop-copy (through pre-copy where it has that), writes the whole stream,
 * and brings it back to running, also after an error. Running is what the driver reports then: after a
 * failure on the way to stop-copy it may report that and the device stand still (hisi_acc), until it is reset
 * or its driver in the guest starts it anew; the message says so. @out_fd does not block meanwhile, also for
 * others who share it; SIGPIPE is the caller's to ignore.
 */
ACCMIG_API gboolean accmig_device_save (AccmigDevice *device, int out_fd, int cancellable_fd,
                                        guint64 *ret_bytes, GError **error);

/**
 * accmig_device_load:
 * @in_fd: where the stream comes from
 * @cancellable_fd: as for accmig_device_save()
 * @ret_bytes: (out): how long the stream was
 * @error: BAD_STATE when the device is not running or borrowed; UNSUPPORTED when the bound driver offers no
 *   migration; REFUSED when the driver does not take the stream (EFAULT, EINVAL, EOPNOTSUPP or ENODEV on
 *   write, EINVAL at its end) or it is too long; TRUNCATED when it is empty, or not taken and shorter than
 *   the device's own would be; BUSY; IO as for accmig_device_save()
 *
 * Takes the device to resuming, writes the stream, and goes to running. Whatever fails on the way, the first
 * step included, ends the attempt: the device is reset, which is tried for a second, and never asked to take
 * what came before. @in_fd does not block meanwhile.
 */
ACCMIG_API gboolean accmig_device_load (AccmigDevice *device, int in_fd, int cancellable_fd,
                                        guint64 *ret_bytes, GError **error);

/**
 * accmig_device_drain:
 * @data_fd: the session's fd, the device in stop-copy; stays the caller's
 * @out_fd: where the rest of the stream goes: file, pipe or socket
 * @cancellable_fd: as for accmig_device_save()
 * @ret_bytes: (out): how long the rest was
 * @error: BAD_STATE when there is no session or the state is another; BUSY; IO as for accmig_device_save(),
 *   and when the session was ended by a reset
 *
 * For who drives the device himself. @out_fd does not block meanwhile; SIGPIPE is the caller's to ignore.
 */
ACCMIG_API gboolean accmig_device_drain (AccmigDevice *device, int data_fd, int out_fd, int cancellable_fd,
                                         guint64 *ret_bytes, GError **error);

/**
 * accmig_device_drain_precopy:
 * @data_fd: the session's fd, the device in pre-copy or pre-copy-p2p; stays the caller's
 * @ret_bytes: (out): how many were read: at most what was there when it began, and 4 MiB
 * @ret_empty: (out): whether nothing was left when it returned
 * @error: as for accmig_device_drain(); UNSUPPORTED when the driver cannot say what there is
 *
 * The session goes on afterwards; what was not read comes with later calls, the last of them in stop-copy.
 */
ACCMIG_API gboolean accmig_device_drain_precopy (AccmigDevice *device, int data_fd, int out_fd,
                                                 int cancellable_fd, guint64 *ret_bytes, gboolean *ret_empty,
                                                 GError **error);

/**
 * accmig_device_fill:
 * @data_fd: the session's fd, the device in resuming; stays the caller's
 * @in_fd: where the stream comes from
 * @cancellable_fd: as for accmig_device_save()
 * @ret_bytes: (out): how many the driver took
 * @ret_refusal: (out): 0, or the errno with which the driver took no more
 * @error: BAD_STATE when there is no session or the state is another; TRUNCATED for an empty stream; BUSY; IO
 *
 * Stays in resuming: it is left when the caller knows that the stream was whole. After a refusal or an error
 * the device must be reset, for the driver keeps what came before. @in_fd does not block meanwhile, and is
 * waited for until its end or until cancelled: a source sends what pre-copy has long before the rest.
 */
ACCMIG_API gboolean accmig_device_fill (AccmigDevice *device, int data_fd, int in_fd, int cancellable_fd,
                                        guint64 *ret_bytes, int *ret_refusal, GError **error);

/**
 * accmig_device_try_match:
 * @match: match data, as another device of the same family sends it
 * @length: 1 to 4096
 * @ret_refusal: (out): 0 when the driver took it; else the errno with which it said no: EFAULT, EINVAL,
 *   EOPNOTSUPP or ENODEV
 * @error: INVALID for no match data at all; LIMIT; BAD_STATE when the device is not running or borrowed;
 *   UNSUPPORTED when the bound driver offers no migration; BUSY; IO
 *
 * A dry run: takes the device to resuming, writes @match, and resets it, whatever came of it. What the driver
 * said is an answer, all else an error. Of use for drivers that compare match data when it is written; and a
 * yes is only worth what the driver makes of it: hisi_acc before Linux 7.0 compares nothing any more once it
 * has taken a first stream since it was bound.
 */
ACCMIG_API gboolean accmig_device_try_match (AccmigDevice *device, const guint8 *match, gsize length,
                                             int *ret_refusal, GError **error);

/**
 * accmig_device_repair:
 * @device: also a borrowed one: the only thing that may be done to it
 * @seen: the state in which the caller saw it stand still
 * @ret_from: (out): the state in which it was found
 * @ret_to: (out): the state in which it was left, running when all went well
 * @error: BAD_STATE when it is in error, which only a reset leaves; BUSY, also when it is neither running nor
 *   in @seen any more; REFUSED; UNSUPPORTED; IO. @ret_from and @ret_to are set all the same when it could be
 *   asked
 *
 * Brings a device to running that stands still while its guest runs; nothing is done to one that runs. The
 * caller answers for that: no migration may be going on, since its hypervisor would not notice.
 */
ACCMIG_API gboolean accmig_device_repair (AccmigDevice *device, AccmigState seen, AccmigState *ret_from,
                                          AccmigState *ret_to, GError **error);

/**
 * accmig_device_reset_borrowed:
 * @error: UNSUPPORTED when it has no way to be reset; BUSY; IO
 *
 * Resets a device that another process has, when nothing else brings it back. What is in it is lost, and the
 * guest's driver has to start it anew. The caller answers for the same as with accmig_device_repair().
 */
ACCMIG_API gboolean accmig_device_reset_borrowed (AccmigDevice *device, GError **error);

/**
 * accmig_device_reset:
 * @error: BAD_STATE for a borrowed device; UNSUPPORTED when it has no way to be reset; BUSY; IO
 *
 * Resets the function; its contents are lost, its state is running.
 */
ACCMIG_API gboolean accmig_device_reset (AccmigDevice *device, GError **error);

/**
 * accmig_device_reset_patiently:
 *
 * The same, tried for a second while somebody else has the lock of the device or its bridge (BUSY), which is
 * as long as a reset of a neighbour takes.
 */
ACCMIG_API gboolean accmig_device_reset_patiently (AccmigDevice *device, GError **error);
