// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uevents
 *
 * systemd's device monitor wants systemd's event loop. It gets one of its own, whose descriptor is one source
 * in ours. Creating VFs or rebinding a driver makes dozens of events; they are counted as one when they come
 * together.
 */

#include "uevents.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <systemd/sd-device.h>
#include <systemd/sd-event.h>

#define DEBOUNCE_MSEC 200

struct _Uevents
{
  void (*changed) (gpointer user);
  gpointer user;
  sd_event *event;
  sd_device_monitor *monitor;
  guint source;
  guint timer;
};

static const char *const subsystems[] = { "pci", "mdev" };

/* "change" is not here: nothing we read follows it. */
static const sd_device_action_t actions[] = {
  SD_DEVICE_ADD,
  SD_DEVICE_REMOVE,
  SD_DEVICE_BIND,
  SD_DEVICE_UNBIND,
};

static gboolean
on_quiet (gpointer user)
{
  Uevents *self = user;

  self->timer = 0;
  self->changed (self->user);
  return G_SOURCE_REMOVE;
}

static int
on_device (sd_device_monitor *monitor, sd_device *device, void *user)
{
  Uevents *self = user;
  sd_device_action_t action = SD_DEVICE_CHANGE;

  if (sd_device_get_action (device, &action) < 0)
    return 0;
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (action == actions[i] && self->timer == 0) /* not put off: events may never cease */
      self->timer = g_timeout_add (DEBOUNCE_MSEC, on_quiet, self);
  return 0;
}

static gboolean
on_readable (int fd, GIOCondition condition, gpointer user)
{
  Uevents *self = user;

  while (sd_event_run (self->event, 0) > 0)
    continue;
  return G_SOURCE_CONTINUE;
}

static int
start_monitor (Uevents *self)
{
  int r = sd_event_new (&self->event);

  if (r >= 0)
    r = sd_device_monitor_new (&self->monitor);
  for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS (subsystems); i++)
    r = sd_device_monitor_filter_add_match_subsystem_devtype (self->monitor, subsystems[i], NULL);
  if (r >= 0)
    r = sd_device_monitor_attach_event (self->monitor, self->event);
  if (r >= 0)
    r = sd_device_monitor_start (self->monitor, on_device, self);
  return r;
}

Uevents *
uevents_new (void (*changed) (gpointer user), gpointer user, GError **error)
{
  g_autoptr (Uevents) self = g_new0 (Uevents, 1);
  int r = 0;

  self->changed = changed;
  self->user = user;
  r = start_monitor (self);
  if (r < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-r),
                   "the kernel's device events cannot be had: %s", g_strerror (-r));
      return NULL;
    }
  self->source = g_unix_fd_add (sd_event_get_fd (self->event), G_IO_IN, on_readable, self);
  return g_steal_pointer (&self);
}

void
uevents_free (Uevents *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source, g_source_remove);
  g_clear_handle_id (&self->timer, g_source_remove);
  g_clear_pointer (&self->monitor, sd_device_monitor_unref);
  g_clear_pointer (&self->event, sd_event_unref);
  g_free (self);
}
