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

/* By when something has to have come as a whole, however it drips in. */
typedef struct
{
  gint64 within_usec;
  gint64 at_usec; /* monotonic */
} WireDeadline;

WireDeadline wire_deadline (gint64 within_usec);

/* Makes the fd one that does not block. FALSE when it is none. */
gboolean wire_prepare (Wire *wire, GError **error);

/*
 * @deadline: (nullable): NULL for none, which is only for whom cancel_fd will stop
 * @ret_length: (out): @size, or less when the other side hung up first
 * @error: IO: broken, cancelled, or the deadline
 */
gboolean wire_read (const Wire *wire, void *buffer, gsize size, const WireDeadline *deadline,
                    gsize *ret_length, GError **error);

/* All of it. @limit_usec: how long the other side may take nothing. @error: IO */
gboolean wire_write (const Wire *wire, const void *data, gsize length, gint64 limit_usec, GError **error);
