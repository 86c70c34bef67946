/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * Attributes of sysfs, by paths below a directory fd. Who makes a path out of a name has checked the name.
 */

/* Longest name of a driver, an mdev's parent or type. */
#define ATTRIBUTE_NAME_MAX 128

/* Whether @name can be one component of a path: letters, digits and "_.:-", not "." nor "..". */
gboolean attribute_name_is_valid (const char *name);

gboolean attribute_exists (int dir_fd, const char *path);

/* Returns: (transfer full) (nullable): without white space at its end; NULL when it cannot be read */
char *attribute_read (int dir_fd, const char *path);

/* Returns: (transfer full) (nullable): the last component of what a link points to; NULL when there is none
 */
char *attribute_read_link (int dir_fd, const char *path);

/**
 * attribute_write:
 * @text: goes to the kernel in one piece, as an attribute wants it
 * @error: NOT_FOUND, BUSY, IO; the message names @path
 */
gboolean attribute_write (int dir_fd, const char *path, const char *text, GError **error);
