// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Relays
 *
 * A thread of its own reads and writes, since either end may block for as long as it likes; the relay is
 * shared with it. It ends when all writers have closed their end.
 */

#include "relay.h"

#include <accmig/error.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define STEP 65536

struct _Relay
{
  int from_fd, to_fd;
  int input_fd;    /* -1 when closed */
  GThread *thread; /* (nullable) */
  guint64 bytes;   /* atomic */
  gint failure;    /* errno of the write that ended it, 0 */
};

static void
relay_clear (gpointer data)
{
  Relay *self = data;

  if (self->from_fd >= 0)
    close (self->from_fd);
  if (self->input_fd >= 0)
    close (self->input_fd);
}

static void
relay_unref (Relay *self)
{
  g_atomic_rc_box_release_full (self, relay_clear);
}

static gboolean
write_all (Relay *self, const guint8 *data, gsize length)
{
  while (length > 0)
    {
      ssize_t n = TEMP_FAILURE_RETRY (write (self->to_fd, data, length));

      if (n < 0)
        {
          self->failure = errno;
          return FALSE;
        }
      data += n;
      length -= (gsize)n;
      (void)__atomic_add_fetch (&self->bytes, (guint64)n, __ATOMIC_RELAXED);
    }
  return TRUE;
}

static gpointer
relay_main (gpointer data)
{
  Relay *self = data;
  guint8 buffer[STEP];
  ssize_t n;

  do
    n = TEMP_FAILURE_RETRY (read (self->from_fd, buffer, sizeof buffer));
  while (n > 0 && write_all (self, buffer, (gsize)n));
  if (n < 0)
    self->failure = errno;
  close (g_steal_fd (&self->from_fd)); /* whoever writes hears of it */
  relay_unref (self);
  return NULL;
}

Relay *
relay_new (int to_fd, GError **error)
{
  Relay *self = g_atomic_rc_box_new0 (Relay);
  int ends[2] = { -1, -1 };

  self->from_fd = self->input_fd = -1;
  self->to_fd = to_fd;
  if (pipe2 (ends, O_CLOEXEC) < 0)
    {
      g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "cannot make a pipe: %s", g_strerror (errno));
      relay_unref (self);
      return NULL;
    }
  self->from_fd = ends[0];
  self->input_fd = ends[1];
  self->thread = g_thread_new ("relay", relay_main, g_atomic_rc_box_acquire (self));
  return self;
}

int
relay_get_fd (const Relay *self)
{
  return self->input_fd;
}

guint64
relay_get_bytes (const Relay *self)
{
  return __atomic_load_n (&self->bytes, __ATOMIC_RELAXED);
}

gboolean
relay_finish (Relay *self, GError **error)
{
  close (g_steal_fd (&self->input_fd));
  g_thread_join (g_steal_pointer (&self->thread));
  if (self->failure == 0)
    return TRUE;
  g_set_error (error, ACCMIG_ERROR, ACCMIG_ERROR_IO, "the standard output cannot be written: %s",
               g_strerror (self->failure));
  return FALSE;
}

void
relay_free (Relay *self)
{
  if (self == NULL)
    return;
  if (self->thread != NULL)
    g_thread_unref (self->thread);
  relay_unref (self);
}
