/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/* Where a device can be opened, and which driver is behind it. Plain data; strings are owned by it. */
typedef struct
{
  char *group_path; /* (nullable) "/dev/vfio/7" */
  char *cdev_path;  /* (nullable) "/dev/vfio/devices/vfio3"; whether the node is there is not looked at */
  char *driver;     /* (nullable) "hisi_acc_vfio_pci" */
} DeviceNode;

/* clang-format off */
#define DEVICE_NODE_INIT { NULL, NULL, NULL }
/* clang-format on */

/*
 * @error: INVALID for an @address that is none, NOT_FOUND when there is no such device or no VFIO driver is
 * bound to it. On success at least one path is set.
 */
gboolean device_node_resolve (int sysfs_fd, const char *address, DeviceNode *ret_node, GError **error);
void device_node_clear (DeviceNode *node);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DeviceNode, device_node_clear)
