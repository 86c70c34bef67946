// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parents of mdevs
 *
 * A driver that can make mdevs is in the class mdev_bus, with a folder for each type that says how many more
 * of it there can be.
 */

#include <accmig/inventory.h>

#include <string.h>

#include "sysfs.h"

#define MDEV_BUS "class/mdev_bus"

char **
accmig_mdev_parents (int sysfs_fd, const char *type)
{
  g_auto (GStrv) names = sysfs_list (sysfs_fd, MDEV_BUS);
  g_autoptr (GPtrArray) parents = g_ptr_array_new ();
  gboolean is_name = strchr (type, '/') == NULL; /* it may come from another host */

  for (char **name = names; is_name && *name != NULL; name++)
    {
      g_autofree char *path =
          g_strdup_printf (MDEV_BUS "/%s/mdev_supported_types/%s/available_instances", *name, type);
      gint64 left = 0;

      if (sysfs_read_number (sysfs_fd, path, &left) && left > 0)
        g_ptr_array_add (parents, g_strdup (*name));
    }
  g_ptr_array_add (parents, NULL);
  return (char **)g_ptr_array_steal (parents, NULL);
}
