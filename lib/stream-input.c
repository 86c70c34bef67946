// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a stream in pieces
 *
 * A file, a pipe and memory look the same from here on. Nothing is kept but the few bytes that somebody
 * looked at, so the length of a stream costs no memory.
 */

#include "stream-input.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "error-private.h"

#define SKIP_SIZE (16 * 1024)

static gsize
read_memory (StreamInput *input, guint8 *buffer, gsize size)
{
  gsize n = MIN (size, input->length);

  if (n == 0)
    return 0;
  memcpy (buffer, input->data, n);
  input->data += n;
  input->length -= n;
  return n;
}

static gboolean
read_fd (StreamInput *input, guint8 *buffer, gsize size, gsize *ret_length, GError **error)
{
  gsize length = 0;
  ssize_t n = 1;

  while (length < size && n > 0)
    {
      n = TEMP_FAILURE_RETRY (read (input->fd, buffer + length, size - length));
      if (n < 0)
        return fail_errno (error, errno, "cannot read the stream after %" G_GUINT64_FORMAT " bytes",
                           input->taken + input->n_ahead + length);
      length += (gsize)n;
    }
  *ret_length = length;
  return TRUE;
}

/* Past what was looked at. */
static gboolean
read_source (StreamInput *input, guint8 *buffer, gsize size, gsize *ret_length, GError **error)
{
  if (!input->is_memory)
    return read_fd (input, buffer, size, ret_length, error);
  *ret_length = read_memory (input, buffer, size);
  return TRUE;
}

gboolean
stream_input_peek (StreamInput *input, gsize size, GError **error)
{
  gsize n = 0;

  g_assert (size <= STREAM_PEEK_MAX);
  if (input->n_ahead < size
      && !read_source (input, input->ahead + input->n_ahead, size - input->n_ahead, &n, error))
    return FALSE;
  input->n_ahead += n;
  return TRUE;
}

gboolean
stream_input_read (StreamInput *input, guint8 *buffer, gsize size, gsize *ret_length, GError **error)
{
  gsize n_ahead = MIN (size, input->n_ahead);
  gsize n;

  memcpy (buffer, input->ahead, n_ahead);
  input->n_ahead -= n_ahead;
  memmove (input->ahead, input->ahead + n_ahead, input->n_ahead);
  input->taken += n_ahead;
  if (!read_source (input, buffer + n_ahead, size - n_ahead, &n, error))
    return FALSE;
  input->taken += n;
  *ret_length = n_ahead + n;
  return TRUE;
}

gboolean
stream_input_skip (StreamInput *input, guint64 size, guint64 *ret_length, GError **error)
{
  guint8 piece[SKIP_SIZE];
  guint64 length = 0;
  gsize n;

  do
    {
      if (!stream_input_read (input, piece, MIN (size - length, SKIP_SIZE), &n, error))
        return FALSE;
      length += n;
  } while (n > 0);
  *ret_length = length;
  return TRUE;
}
