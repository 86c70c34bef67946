/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * A pipe or socket to the other side, read and written by a thread that must not hang with it. The messages
 * say what happened, not to whom.
 */

typedef struct
{
  int fd;
  int cancel_fd; /* readable when the work is to stop; -1 for none */
} Wire;

/* Makes the fd one that does not block. FALSE when it is none. */
gboolean wire_prepare (Wire *wire, GError **error);

/*
 * @limit_usec: how long nothing may come; -1 for ever, which is only for whom cancel_fd will stop
 * @ret_length: (out): @size, or less when the other side hung up first
 * @error: IO: broken, cancelled, or the limit
 */
gboolean wire_read (const Wire *wire, void *buffer, gsize size, gint64 limit_usec, gsize *ret_length,
                    GError **error);

/* All of it. @limit_usec: how long the other side may take nothing. @error: IO */
gboolean wire_write (const Wire *wire, const void *data, gsize length, gint64 limit_usec, GError **error);
