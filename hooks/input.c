// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The hook's two pipes
 *
 * libvirt holds the other ends and waits for us; every wait here has a deadline all the same.
 */

#include "input.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

/* Waits until @fd is ready for @events. Returns: 0, or an errno: ETIMEDOUT after @deadline */
static int
wait_for (int fd, short events, gint64 deadline)
{
  for (;;)
    {
      struct pollfd item = { .fd = fd, .events = events };
      gint64 left = deadline - g_get_monotonic_time ();
      int r;

      if (left <= 0)
        return ETIMEDOUT;
      r = poll (&item, 1, (int)MIN ((left + 999) / 1000, G_MAXINT));
      if (r > 0)
        return 0;
      if (r < 0 && errno != EINTR)
        return errno;
    }
}

gboolean
input_read (int fd, gint64 deadline, GByteArray **ret_bytes, char **ret_cause)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 chunk[64 * 1024];

  while (bytes->len <= INPUT_READ_SIZE)
    {
      int r = wait_for (fd, POLLIN, deadline);
      gssize n = r == 0 ? read (fd, chunk, MIN (sizeof chunk, INPUT_READ_SIZE + 1 - bytes->len)) : -1;

      if (n == 0)
        break;
      if (n > 0)
        {
          g_byte_array_append (bytes, chunk, (guint)n);
          continue;
        }
      if (r == 0 && (errno == EINTR || errno == EAGAIN))
        continue;
      *ret_cause =
          g_strdup_printf ("libvirt did not hand over the domain XML: %s", g_strerror (r != 0 ? r : errno));
      return FALSE;
    }
  *ret_bytes = g_steal_pointer (&bytes);
  return TRUE;
}

static gboolean
contains (const GByteArray *bytes, const char *needle)
{
  return bytes->len > 0 && memmem (bytes->data, bytes->len, needle, strlen (needle)) != NULL;
}

gboolean
input_has_device (const GByteArray *bytes)
{
  return contains (bytes, "<hostdev") || contains (bytes, "type='hostdev'")
         || contains (bytes, "type=\"hostdev\"") || contains (bytes, "vfio-user");
}

gboolean
output_write (int fd, gint64 deadline, const void *bytes, gsize length)
{
  const char *at = bytes;

  while (length > 0)
    {
      gssize n;

      if (wait_for (fd, POLLOUT, deadline) != 0)
        return FALSE;
      /* A pipe that is ready takes this much without blocking, even though it is in blocking mode. */
      n = write (fd, at, MIN (length, PIPE_BUF));
      if (n < 0 && errno != EINTR && errno != EAGAIN)
        return FALSE;
      if (n > 0)
        {
          at += n;
          length -= (gsize)n;
        }
    }
  return TRUE;
}
