// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wires
 */

#include "wire.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

static G_GNUC_PRINTF (2, 3) gboolean fail (GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, message);
  return FALSE;
}

gboolean
wire_prepare (Wire *self, GError **error)
{
  int flags = fcntl (self->fd, F_GETFL);

  if (flags < 0 || fcntl (self->fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return fail (error, "the stream is no file descriptor to read or write: %s", g_strerror (errno));
  return TRUE;
}

/* Until something can be done with the fd, its end included. */
static gboolean
wait_ready (const Wire *self, short events, gint64 limit_usec, GError **error)
{
  struct pollfd fds[] = { { .fd = self->fd, .events = events }, { .fd = self->cancel_fd, .events = POLLIN } };
  gint64 until = g_get_monotonic_time () + limit_usec;
  int n = -1;

  do
    {
      gint64 left_msec = MAX (until - g_get_monotonic_time () + 999, 0) / 1000;

      n = poll (fds, G_N_ELEMENTS (fds), limit_usec < 0 ? -1 : (int)MIN (left_msec, G_MAXINT));
  } while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail (error, "waiting for the other side failed: %s", g_strerror (errno));
  if (fds[1].revents != 0)
    return fail (error, "it was broken off");
  if (n == 0)
    return fail (error, "the other side moved nothing for %" G_GINT64_FORMAT " s",
                 limit_usec / G_USEC_PER_SEC);
  return TRUE;
}

gboolean
wire_read (const Wire *self, void *buffer, gsize size, gint64 limit_usec, gsize *ret_length, GError **error)
{
  gsize length = 0;

  while (length < size)
    {
      ssize_t n = -1;

      if (!wait_ready (self, POLLIN, limit_usec, error))
        return FALSE;
      n = read (self->fd, (guint8 *)buffer + length, size - length);
      if (n == 0 || (n < 0 && errno == ECONNRESET)) /* what it did not read any more was lost */
        break;
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return fail (error, "the connection to the other side broke: %s", g_strerror (errno));
      length += n > 0 ? (gsize)n : 0;
    }
  *ret_length = length;
  return TRUE;
}

gboolean
wire_write (const Wire *self, const void *data, gsize length, gint64 limit_usec, GError **error)
{
  const guint8 *at = data;

  while (length > 0)
    {
      ssize_t n = -1;

      if (!wait_ready (self, POLLOUT, limit_usec, error))
        return FALSE;
      n = write (self->fd, at, length);
      if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
        return fail (error, "the other side hung up");
      if (n < 0 && errno != EAGAIN && errno != EINTR)
        return fail (error, "the connection to the other side broke: %s", g_strerror (errno));
      at += MAX (n, 0);
      length -= (gsize)MAX (n, 0);
    }
  return TRUE;
}
