// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Repair
 *
 * What is done to a device of a guest's, and nothing else is. That the guest runs and that no migration goes
 * on is for accmigd to know; here the device is asked where it is, brought to running if that is where
 * accmigd saw it, and asked again; or reset, because a person wants that.
 */

#include "repair.h"

#include <accmig/error.h>
#include <unistd.h>

/* (transfer full) (nullable) */
static AccmigDevice *
borrow (int sysfs_fd, const char *address, GError **error)
{
  pid_t pid = 0;

  if (!accmig_device_find_holder (sysfs_fd, address, &pid, error))
    return NULL;
  if (pid != 0 && pid != getpid ())
    return accmig_device_borrow (sysfs_fd, pid, address, error);
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "no process has %s open", address);
  return NULL;
}

gboolean
repair_device (int sysfs_fd, const char *address, AccmigState seen, Repair *ret_repair, GError **error)
{
  g_autoptr (AccmigDevice) device = borrow (sysfs_fd, address, error);

  return device != NULL && accmig_device_repair (device, seen, &ret_repair->from, &ret_repair->to, error);
}

gboolean
repair_reset (int sysfs_fd, const char *address, GError **error)
{
  g_autoptr (AccmigDevice) device = borrow (sysfs_fd, address, error);

  return device != NULL && accmig_device_reset_borrowed (device, error);
}
