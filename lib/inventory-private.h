/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/inventory.h>

/* As accmig_inventory_read(), with a modules.alias of one's own; @aliases_path may be NULL for "there is
 * none". */
AccmigInventory *inventory_read (int sysfs_fd, const char *aliases_path, GError **error);
