/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <accmig/device.h>

/* Where a device was found, and where it was left. */
typedef struct
{
  AccmigState from;
  AccmigState to;
} Repair;

/**
 * repair_device:
 * Brings the device that a process holds to running, through a duplicate of its file descriptor that is
 * closed at once.
 * @seen: the state in which it was seen to stand still
 * @error: NOT_FOUND when nobody has it open, BAD_STATE when it is in error, BUSY when it is elsewhere than
 * where it was seen, and what accmig_device_borrow() and accmig_device_repair() say
 */
gboolean repair_device (int sysfs_fd, const char *address, AccmigState seen, Repair *ret_repair,
                        GError **error);

/**
 * repair_reset:
 * Resets the device that a process holds; what is in it is lost.
 * @error: NOT_FOUND when nobody has it open, and what accmig_device_borrow() and
 * accmig_device_reset_borrowed() say
 */
gboolean repair_reset (int sysfs_fd, const char *address, GError **error);
