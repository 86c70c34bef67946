// SPDX-License-Identifier: GPL-2.0-or-later
#include "broker-stub-slow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define PIECE_SIZE (1024 * 1024)

typedef struct
{
  sd_bus_message *call;
  char *id, *state; /* @state: (nullable): of a step */
  gint64 asked_usec;
  sd_event_source *source; /* (nullable) */
  int fd;
  guint64 bytes; /* that went through */
  guint64 left;  /* that are still to be written */
} Slow;

static Slow *
slow_new (sd_bus_message *call, const char *id, gint64 asked_usec)
{
  Slow *self = g_new0 (Slow, 1);

  self->call = sd_bus_message_ref (call);
  self->id = g_strdup (id);
  self->asked_usec = asked_usec;
  self->fd = -1;
  return self;
}

static void
slow_free (Slow *self)
{
  sd_event_source_disable_unref (self->source);
  if (self->fd >= 0)
    (void)close (self->fd);
  sd_bus_message_unref (self->call);
  g_free (self->id);
  g_free (self->state);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Slow, slow_free)

/* After the answer, so that telling delays nobody. */
static void
tell (const Slow *self, const char *what, gint64 answered_usec)
{
  g_autofree char *bytes = g_strdup_printf ("%" G_GUINT64_FORMAT, self->bytes);

  (void)printf ("%s %s %s %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", what, self->id,
                self->state != NULL ? self->state : bytes, self->asked_usec, answered_usec);
  (void)fflush (stdout);
}

/* ---- steps ---- */

static int
on_arc_over (sd_event_source *source, uint64_t usec, void *user)
{
  g_autoptr (Slow) self = user;
  gint64 now = g_get_monotonic_time ();
  int r = sd_bus_reply_method_return (self->call, "ss", self->state, "");

  tell (self, "stepped", now);
  return r;
}

int
slow_step (sd_event *event, sd_bus_message *call, const char *id, const char *state, gint64 asked_usec,
           guint64 arc_usec)
{
  Slow *self = slow_new (call, id, asked_usec);
  int r = 0;

  self->state = g_strdup (state);
  if (arc_usec == 0)
    return on_arc_over (NULL, 0, self);
  r = sd_event_add_time (event, &self->source, CLOCK_MONOTONIC, (guint64)asked_usec + arc_usec, 1,
                         on_arc_over, self);
  if (r < 0)
    slow_free (self);
  return r < 0 ? r : 1;
}

/* ---- streams ---- */

/* Answers with what the verb answers, of which only the second word differs. @self: (transfer full) */
static int
end_stream (Slow *self, int error)
{
  gint64 now = g_get_monotonic_time ();
  int r = 0;

  if (error != 0)
    r = sd_bus_reply_method_errno (self->call, error, NULL);
  else if (sd_bus_message_is_method_call (self->call, NULL, "Drain"))
    r = sd_bus_reply_method_return (self->call, "tb", self->bytes, TRUE);
  else
    r = sd_bus_reply_method_return (self->call, "ts", self->bytes, "");
  if (error == 0)
    tell (self, "streamed", now);
  slow_free (self);
  return r;
}

static int
on_writable (sd_event_source *source, int fd, uint32_t revents, void *user)
{
  static const char zeros[PIECE_SIZE];
  Slow *self = user;
  ssize_t n = write (fd, zeros, MIN (self->left, sizeof zeros));

  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? 0 : end_stream (self, errno);
  self->bytes += (guint64)n;
  self->left -= (guint64)n;
  return self->left > 0 ? 0 : end_stream (self, 0);
}

static int
on_readable (sd_event_source *source, int fd, uint32_t revents, void *user)
{
  static char bytes[PIECE_SIZE];
  Slow *self = user;
  ssize_t n = read (fd, bytes, sizeof bytes);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? 0 : end_stream (self, errno);
  self->bytes += (guint64)n;
  return n > 0 ? 0 : end_stream (self, 0);
}

/* @self: (transfer full) */
static int
begin_stream (sd_event *event, Slow *self, int fd, uint32_t events, sd_event_io_handler_t handler)
{
  g_autoptr (Slow) slow = self;
  int flags = 0, r = 0;

  self->fd = fcntl (fd, F_DUPFD_CLOEXEC, 3);
  flags = self->fd < 0 ? -1 : fcntl (self->fd, F_GETFL);
  if (flags < 0 || fcntl (self->fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return -errno;
  r = sd_event_add_io (event, &self->source, self->fd, events, handler, self);
  if (r < 0)
    return r;
  (void)g_steal_pointer (&slow);
  return 1;
}

int
slow_drain (sd_event *event, sd_bus_message *call, const char *id, int fd, guint64 size)
{
  Slow *self = slow_new (call, id, g_get_monotonic_time ());

  self->left = size;
  return begin_stream (event, self, fd, G_IO_OUT, on_writable);
}

int
slow_fill (sd_event *event, sd_bus_message *call, const char *id, int fd)
{
  return begin_stream (event, slow_new (call, id, g_get_monotonic_time ()), fd, G_IO_IN, on_readable);
}
