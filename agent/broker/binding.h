/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/**
 * binding_bind:
 * @sysfs_fd: directory fd of sysfs
 * @address: of a VF; valid
 * @driver: its VFIO variant driver, the one that modules.alias names for it
 * @error: NOT_FOUND when there is no such VF; INVALID when @driver is not its variant driver; UNSUPPORTED
 * when it is not loaded; BUSY when the VF is bound to a driver of the host's, or a process has it open; IO,
 * also when the driver did not take it
 *
 * Binds a VF that nobody uses to the VFIO driver that can migrate it. One that is bound to it already is left
 * alone. When it fails the VF is what it was before; the message says so if even that failed. Its
 * driver_override stays set, as it would be after libvirt had bound it.
 */
gboolean binding_bind (int sysfs_fd, const char *address, const char *driver, GError **error);
