// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sd-bus on GLib's loop
 *
 * A connection of sd-bus is a file descriptor, the events it waits for and a point in time; all three change
 * with every message. The source asks for them anew before each poll and lets sd-bus take one step per turn,
 * so a connection with much to say does not starve the others.
 */

#include "bus-loop.h"

#include <errno.h>

typedef struct
{
  GSource source;
  sd_bus *bus;
  gpointer fd_tag; /* NULL once sd-bus has closed the fd, whose number somebody else may own by then */
  int events;      /* that fd_tag waits for */
  void (*closed) (sd_bus *bus, gpointer user);
  gpointer user;
} BusSource;

/* No check function: GLib itself looks at the fd and at the ready time. */
static gboolean
bus_source_prepare (GSource *source, int *timeout_ms)
{
  BusSource *self = (BusSource *)source;
  uint64_t until = UINT64_MAX;
  int events = sd_bus_get_events (self->bus);

  *timeout_ms = -1;
  if (events < 0)
    {
      if (self->fd_tag != NULL)
        g_source_remove_unix_fd (source, g_steal_pointer (&self->fd_tag));
      return TRUE; /* closed: dispatch finds out, and says so */
    }

  if (events != self->events) /* GLib takes a turn after each call, also when it changed nothing */
    {
      g_source_modify_unix_fd (source, self->fd_tag, (GIOCondition)events);
      self->events = events;
    }
  (void)sd_bus_get_timeout (self->bus, &until);
  g_source_set_ready_time (source, until == UINT64_MAX ? -1 : (gint64)until);
  return until == 0; /* something is queued already */
}

static gboolean
bus_source_dispatch (GSource *source, GSourceFunc callback, gpointer user)
{
  BusSource *self = (BusSource *)source;
  int r = sd_bus_process (self->bus, NULL);

  if (r >= 0)
    return G_SOURCE_CONTINUE;
  if (r != -ECONNRESET && r != -ENOTCONN)
    g_warning ("bus connection dropped: %s", g_strerror (-r));
  sd_bus_close (self->bus);
  if (self->closed != NULL)
    self->closed (self->bus, self->user);
  return G_SOURCE_REMOVE;
}

static void
bus_source_finalize (GSource *source)
{
  BusSource *self = (BusSource *)source;

  sd_bus_unref (self->bus);
}

static GSourceFuncs bus_source_funcs = {
  .prepare = bus_source_prepare,
  .dispatch = bus_source_dispatch,
  .finalize = bus_source_finalize,
};

guint
bus_loop_attach (sd_bus *bus, void (*closed) (sd_bus *bus, gpointer user), gpointer user)
{
  g_autoptr (GSource) source = g_source_new (&bus_source_funcs, sizeof (BusSource));
  BusSource *self = (BusSource *)source;

  self->bus = sd_bus_ref (bus);
  self->closed = closed;
  self->user = user;
  self->fd_tag = g_source_add_unix_fd (source, sd_bus_get_fd (bus), 0);
  g_source_set_name (source, "sd-bus");
  return g_source_attach (source, NULL);
}
