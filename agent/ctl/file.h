/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <unistd.h>

#include <glib.h>

/* Files named on the command line; "-" is the standard input. */

/* A descriptor that closes itself: g_auto(FileFd) fd = -1. */
typedef int FileFd;

static inline void
file_fd_close (int fd)
{
  (void)close (fd);
}

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (FileFd, file_fd_close, -1)

/** file_label: Returns: what @name is called in a message */
const char *file_label (const char *name);

/**
 * file_open:
 * @error: names the file
 * Returns: a new descriptor for reading, -1 on failure
 */
int file_open (const char *name, GError **error);

/**
 * file_open_regular:
 * As file_open(), but what is no regular file (a pipe) is first copied into one without a name.
 */
int file_open_regular (const char *name, GError **error);

/**
 * file_read:
 * @limit: bytes; a file that has more is an error
 * Returns: (transfer full) (nullable): the whole file
 */
GBytes *file_read (const char *name, gsize limit, GError **error);
