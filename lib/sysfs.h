/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * Reading sysfs below a directory fd. Every path is relative to @dir_fd; nothing here follows from the name
 * of a mount point, so a temporary tree serves as well as the kernel's.
 */

/* Longest attribute read; the kernel's own limit is one page. */
#define SYSFS_MAX_ATTRIBUTE 4096

/* Opens a directory. Returns: its fd, -1 with errno set. */
int sysfs_open_dir (int dir_fd, const char *path);

/* Returns: (nullable): the attribute without trailing white space; NULL when absent, unreadable or empty. */
char *sysfs_read_text (int dir_fd, const char *path);

/* Reads "12", "-1" or "0x1f". @ret_value is set only on success. */
gboolean sysfs_read_number (int dir_fd, const char *path, gint64 *ret_value);

/* Returns: (nullable): the last component of what the link points to ("driver" → "vfio-pci"). */
char *sysfs_read_link_name (int dir_fd, const char *path);

gboolean sysfs_exists (int dir_fd, const char *path);

/* Returns: (transfer full): the names in a directory, sorted; an empty vector when there is none. */
char **sysfs_list (int dir_fd, const char *path);
