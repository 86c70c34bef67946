// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and unmaking mediated devices
 *
 * The parent's driver makes a device when a UUID is written to the "create" of one of its types, and unmakes
 * it when anything is written to the device's "remove". The latter takes the device from whoever has it, so
 * nobody may.
 */

#include "mdevs.h"

#include <accmig/device.h>
#include <accmig/inventory.h>

#include "attribute.h"
#include "common/text.h"

#define PARENTS "class/mdev_bus"
#define DEVICES "bus/mdev/devices"

static gboolean
check_uuid (const char *uuid, GError **error)
{
  AccmigKind kind;

  if (accmig_address_is_valid (uuid, &kind) && kind == ACCMIG_KIND_MDEV)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” is no UUID of an mdev",
               text_quotable (uuid), uuid);
  return FALSE;
}

static gboolean
check_names (const char *parent, const char *type, GError **error)
{
  if (attribute_name_is_valid (parent) && attribute_name_is_valid (type))
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_INVALID, "“%.*s” and “%.*s” are no parent and type of mdevs",
               text_quotable (parent), parent, text_quotable (type), type);
  return FALSE;
}

/* The parent's word on how many it could still make; one that does not say is asked for one all the same. */
static gboolean
check_instances (int sysfs_fd, const char *parent, const char *type, GError **error)
{
  g_autofree char *folder = g_build_filename (PARENTS, parent, "mdev_supported_types", type, NULL);
  g_autofree char *path = g_build_filename (folder, "available_instances", NULL);
  g_autofree char *text = attribute_read (sysfs_fd, path);

  if (!attribute_exists (sysfs_fd, folder))
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "%s makes no mdevs of type %s", parent, type);
  else if (g_strcmp0 (text, "0") == 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_LIMIT, "%s can make no more mdevs of type %s", parent,
                 type);
  else
    return TRUE;
  return FALSE;
}

static gboolean
exists (int sysfs_fd, const char *uuid)
{
  g_autofree char *path = g_build_filename (DEVICES, uuid, NULL);

  return attribute_exists (sysfs_fd, path);
}

gboolean
mdevs_create (int sysfs_fd, const char *parent, const char *type, const char *uuid, GError **error)
{
  g_autofree char *path = NULL;

  if (!check_uuid (uuid, error) || !check_names (parent, type, error)
      || !check_instances (sysfs_fd, parent, type, error))
    return FALSE;
  if (exists (sysfs_fd, uuid))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "there is an mdev %s already", uuid);
      return FALSE;
    }
  path = g_build_filename (PARENTS, parent, "mdev_supported_types", type, "create", NULL);
  return attribute_write (sysfs_fd, path, uuid, error);
}

/* An mdev without a VFIO driver has no holder; who could hold it would do so through that. */
static gboolean
check_unused (int sysfs_fd, const char *uuid, GError **error)
{
  g_autoptr (GError) failure = NULL;
  pid_t pid = 0;

  if (!accmig_device_find_holder (sysfs_fd, uuid, &pid, &failure))
    {
      if (g_error_matches (failure, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (pid != 0)
    g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_BUSY, "%s is open in process %d", uuid, (int)pid);
  return pid == 0;
}

gboolean
mdevs_remove (int sysfs_fd, const char *uuid, GError **error)
{
  g_autofree char *path = g_build_filename (DEVICES, uuid, "remove", NULL);

  if (!check_uuid (uuid, error))
    return FALSE;
  if (!exists (sysfs_fd, uuid))
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_NOT_FOUND, "there is no mdev %s", uuid);
      return FALSE;
    }
  return check_unused (sysfs_fd, uuid, error) && attribute_write (sysfs_fd, path, "1", error);
}
