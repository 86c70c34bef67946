/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Mediated devices: making and unmaking them.
 */

/**
 * mdevs_create:
 * @sysfs_fd: directory fd of sysfs
 * @parent: a name in /sys/class/mdev_bus: "0000:00:02.0", "mtty"
 * @type: one of its types: "mtty-1"
 * @uuid: of the device to be; valid
 * @error: INVALID for what cannot be a name; NOT_FOUND when the parent has no such type; LIMIT when it has no
 *   instance left; BUSY when there is a device of that UUID; IO
 */
gboolean mdevs_create (int sysfs_fd, const char *parent, const char *type, const char *uuid, GError **error);

/**
 * mdevs_remove:
 * @uuid: valid
 * @error: NOT_FOUND; BUSY when a process has it open; IO
 */
gboolean mdevs_remove (int sysfs_fd, const char *uuid, GError **error);
