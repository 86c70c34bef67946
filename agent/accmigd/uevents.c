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
  UeventsChanged changed;
  gpointer user;
  GHashTable *renewed; /* set of char *: devices that came or were bound since the last call */
  sd_event *event;
  sd_device_monitor *monitor;
  guint source;
  guint timer;
};

static const char *const subsystems[] = { "pci", "mdev" };

/* "change" is not here: nothing we read follows it. */
static const struct
{
  sd_device_action_t action;
  gboolean renews; /* the device is not what it was, even if it looks the same afterwards */
} actions[] = {
  { SD_DEVICE_ADD, TRUE },
  { SD_DEVICE_REMOVE, FALSE },
  { SD_DEVICE_BIND, TRUE },
  { SD_DEVICE_UNBIND, FALSE },
};

static GHashTable *
new_set (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static gboolean
on_quiet (gpointer user)
{
  Uevents *self = user;
  g_autoptr (GHashTable) renewed = g_steal_pointer (&self->renewed);
  g_autofree const char **addresses = (const char **)g_hash_table_get_keys_as_array (renewed, NULL);

  self->timer = 0;
  self->renewed = new_set ();
  self->changed (addresses, self->user);
  return G_SOURCE_REMOVE;
}

static void
note (Uevents *self, sd_device *device, gboolean renews)
{
  const char *address = NULL;

  if (renews && sd_device_get_sysname (device, &address) >= 0)
    g_hash_table_add (self->renewed, g_strdup (address));
  if (self->timer == 0) /* not put off: events may never cease */
    self->timer = g_timeout_add (DEBOUNCE_MSEC, on_quiet, self);
}

static int
on_device (sd_device_monitor *monitor, sd_device *device, void *user)
{
  Uevents *self = user;
  sd_device_action_t action = SD_DEVICE_CHANGE;

  if (sd_device_get_action (device, &action) < 0)
    return 0;
  for (gsize i = 0; i < G_N_ELEMENTS (actions); i++)
    if (action == actions[i].action)
      note (self, device, actions[i].renews);
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
uevents_new (UeventsChanged changed, gpointer user, GError **error)
{
  g_autoptr (Uevents) self = g_new0 (Uevents, 1);
  int r = 0;

  self->changed = changed;
  self->user = user;
  self->renewed = new_set ();
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
  g_clear_pointer (&self->renewed, g_hash_table_unref);
  g_free (self);
}
