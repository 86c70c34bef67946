/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <dirent.h>
#include <glib.h>

/* A directory stream relative to a directory fd, as sysfs and /proc are read here. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DIR, closedir)

/* (transfer full) (nullable): NULL and errno when it cannot be opened. */
DIR *directory_open_at (int dir_fd, const char *path);
