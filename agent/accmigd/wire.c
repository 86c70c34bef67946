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

WireDeadline
wire_deadline (gint64 within_usec)
{
  return (WireDeadline){ within_usec, g_get_monotonic_time () + within_usec };
}

/* For poll(), which must not end before it. */
static int
msec_left (const WireDeadline *deadline)
{
  gint64 left_usec = deadline->at_usec - g_get_monotonic_time ();

  return (int)CLAMP ((left_usec + 999) / 1000, 0, G_MAXINT);
}

/* Until something can be done with the fd, its end included. @ret_ready: (out): FALSE when it is too late */
static gboolean
wait_ready (const Wire *self, short events, const WireDeadline *deadline, gboolean *ret_ready, GError **error)
{
  struct pollfd fds[] = { { .fd = self->fd, .events = events }, { .fd = self->cancel_fd, .events = POLLIN } };
  int n = -1;

  do
    n = poll (fds, G_N_ELEMENTS (fds), deadline != NULL ? msec_left (deadline) : -1);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    return fail (error, "waiting for the other side failed: %s", g_strerror (errno));
  if (fds[1].revents != 0)
    return fail (error, "it was broken off");
  *ret_ready = n > 0;
  return TRUE;
}

gboolean
wire_read (const Wire *self, void *buffer, gsize size, const WireDeadline *deadline, gsize *ret_length,
           GError **error)
{
  gboolean ready = FALSE;
  gsize length = 0;

  while (length < size)
    {
      ssize_t n = -1;

      if (!wait_ready (self, POLLIN, deadline, &ready, error))
        return FALSE;
      if (!ready)
        return fail (error, "the other side took longer than %" G_GINT64_FORMAT " s to say it",
                     deadline->within_usec / G_USEC_PER_SEC);
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
  gboolean ready = FALSE;

  while (length > 0)
    {
      WireDeadline deadline = wire_deadline (limit_usec);
      ssize_t n = -1;

      if (!wait_ready (self, POLLOUT, &deadline, &ready, error))
        return FALSE;
      if (!ready)
        return fail (error, "the other side moved nothing for %" G_GINT64_FORMAT " s",
                     limit_usec / G_USEC_PER_SEC);
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
