// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From an address to the nodes below /dev/vfio
 *
 * The group's number is the name of what the device's iommu_group link points to; the cdev's name is the one
 * entry of its vfio-dev directory, which is there while a VFIO driver is bound.
 */

#include "device-node.h"

#include <accmig/inventory.h>

#include "error-private.h"
#include "sysfs.h"

void
device_node_clear (DeviceNode *node)
{
  g_clear_pointer (&node->group_path, g_free);
  g_clear_pointer (&node->cdev_path, g_free);
  g_clear_pointer (&node->driver, g_free);
}

static char *
make_path (const char *address, AccmigKind kind, const char *member)
{
  return g_build_filename ("bus", accmig_kind_to_string (kind), "devices", address, member, NULL);
}

/* NULL when there is no group. */
static char *
read_group (int sysfs_fd, const char *address, AccmigKind kind)
{
  g_autofree char *path = make_path (address, kind, "iommu_group");
  g_autofree char *number = sysfs_read_link_name (sysfs_fd, path);

  return number != NULL ? g_build_filename ("/dev/vfio", number, NULL) : NULL;
}

static char *
read_driver (int sysfs_fd, const char *address, AccmigKind kind)
{
  g_autofree char *path = make_path (address, kind, "driver");

  return sysfs_read_link_name (sysfs_fd, path);
}

/* NULL when no VFIO driver is bound. */
static char *
read_cdev (int sysfs_fd, const char *address, AccmigKind kind)
{
  g_autofree char *path = make_path (address, kind, "vfio-dev");
  g_auto (GStrv) names = sysfs_list (sysfs_fd, path);

  return names[0] != NULL ? g_build_filename ("/dev/vfio/devices", names[0], NULL) : NULL;
}

gboolean
device_node_resolve (int sysfs_fd, const char *address, DeviceNode *ret_node, GError **error)
{
  g_autofree char *path = NULL;
  g_auto (DeviceNode) node = DEVICE_NODE_INIT;
  AccmigKind kind;

  if (!accmig_address_is_valid (address, &kind))
    return fail (error, ACCMIG_ERROR_INVALID, "“%s” is neither a PCI address nor an mdev UUID", address);
  path = make_path (address, kind, NULL);
  if (!sysfs_exists (sysfs_fd, path))
    return fail (error, ACCMIG_ERROR_NOT_FOUND, "there is no device %s", address);
  node.cdev_path = read_cdev (sysfs_fd, address, kind);
  if (node.cdev_path == NULL)
    return fail (error, ACCMIG_ERROR_NOT_FOUND, "device %s is not bound to a VFIO driver", address);
  node.group_path = read_group (sysfs_fd, address, kind);
  node.driver = read_driver (sysfs_fd, address, kind);
  *ret_node = node;
  node = (DeviceNode)DEVICE_NODE_INIT;
  return TRUE;
}
