/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <accmig/error.h>

/*
 * Where a stream comes from: an fd or memory, read from its start to its end in pieces of the reader's
 * choice. What comes next can be looked at before it is read.
 */

#define STREAM_PEEK_MAX 16 /* bytes */

typedef struct
{
  gboolean is_memory;
  int fd;
  const guint8 *data; /* what is left of the memory */
  gsize length;
  guint8 ahead[STREAM_PEEK_MAX]; /* looked at, but not read yet */
  gsize n_ahead;
  guint64 taken; /* bytes read so far */
} StreamInput;

/* The next @size bytes are in ahead afterwards, or all that are left. @error: IO */
gboolean stream_input_peek (StreamInput *input, gsize size, GError **error);

/* @size bytes into @buffer, or all that are left. @error: IO */
gboolean stream_input_read (StreamInput *input, guint8 *buffer, gsize size, gsize *ret_length,
                            GError **error);

/* Over the next @size bytes, or all that are left. @error: IO */
gboolean stream_input_skip (StreamInput *input, guint64 size, guint64 *ret_length, GError **error);
