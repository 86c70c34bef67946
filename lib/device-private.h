/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/device.h>

#include "device-node.h"
#include "kernel-private.h"

/* What the files that make a device and those that use it need of device.c. */

/* What the link in /proc of a device's fd says that came out of its group. */
#define DEVICE_GROUP_LINK "anon_inode:[vfio-device]"

/*
 * A device without an fd yet. It closes through @kernel whatever it was given by then, so a half-opened one
 * is given up by closing it.
 */
AccmigDevice *device_new (const AccmigKernel *kernel, const char *name, AccmigAccess access,
                          gboolean may_drive);

/* Keep @fd, a container, group or iommufd, open as long as the device is. */
void device_hold (AccmigDevice *device, int fd);

/* Make @fd the device's own. */
void device_take_fd (AccmigDevice *device, int fd);

const AccmigKernel *device_get_kernel (const AccmigDevice *device);
const char *device_get_name (const AccmigDevice *device);

/*
 * Nobody but us has the device open, and what state it is in was left by somebody before: closing an mdev
 * does not reset it. That holds until the device is driven.
 */
void device_set_leftover (AccmigDevice *device);

/* Make sure that a device whose state is a leftover runs: reset it when it does not. */
gboolean device_clear_leftover (AccmigDevice *device, GError **error);

/*
 * FALSE and UNSUPPORTED when asking the group for the device would bring the host down, which is so for one
 * driver on one kernel release.
 */
gboolean device_check_group_is_safe (const AccmigKernel *kernel, const char *address, const DeviceNode *node,
                                     GError **error);

/* The device's own fd, for a test that asks the kernel what the library would not. It stays the device's. */
int device_get_fd (const AccmigDevice *device);

/* Close a session's fd; -1 is let through. */
void device_close_data_fd (AccmigDevice *device, int data_fd);

/* FALSE and BAD_STATE when the device is borrowed or does not run. @what: for the message: "save" */
gboolean device_check_running (AccmigDevice *device, const char *what, GError **error);

/* Whether a driver in resuming that failed a write with @number has said no to what was written. */
gboolean device_is_refusal (AccmigDevice *device, int number);

/* Reset the device patiently after something failed: adds to @error, which is set, what became of the device.
 * FALSE, always. */
gboolean device_reset_after_failure (AccmigDevice *device, GError **error);

/* Lets a borrowed device be driven, or no longer. Returns: whether it was allowed before */
gboolean device_let_drive (AccmigDevice *device, gboolean may_drive);

/* FALSE and BAD_STATE for a borrowed device. */
gboolean device_check_may_drive (const AccmigDevice *device, GError **error);

/* The public openers, with the kernel to use. */
AccmigDevice *device_open_with (const AccmigKernel *kernel, int sysfs_fd, const char *address,
                                AccmigAccess access, GError **error);
AccmigDevice *device_borrow_with (const AccmigKernel *kernel, int proc_fd, int sysfs_fd, pid_t pid,
                                  const char *address, GError **error);
gboolean device_find_holder_in (int proc_fd, int sysfs_fd, const char *address, pid_t *ret_pid,
                                GError **error);
