// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * System bus
 *
 * The connection, the name, and the list of interfaces. Without its bus the agent is of no use, so a lost
 * connection ends it; systemd starts it again.
 */

#include "system-bus-private.h"

#include <gio/gio.h>

#define PENDING_MAX 32 /* calls of everybody's that wait at a time */

static int (*const attach_functions[]) (SystemBus *self) = {
  manager_bus_attach,   gate_bus_attach,        device_bus_attach,
  migration_bus_attach, log_control_bus_attach, registered_bus_attach,
};

static void
on_closed (sd_bus *bus, gpointer user)
{
  SystemBus *self = user;

  self->source = 0; /* it removes itself */
  self->lost (self->user);
}

static gboolean
fail (GError **error, int r, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (-r), "%s: %s", what, g_strerror (-r));
  return FALSE;
}

static void
slot_free (gpointer slot)
{
  sd_bus_slot_unref (slot);
}

SystemBus *
system_bus_open (const SystemBusSources *sources, void (*lost) (gpointer user), gpointer user, GError **error)
{
  g_autoptr (SystemBus) self = g_new0 (SystemBus, 1);
  int r = 0;

  self->sources = *sources;
  self->lost = lost;
  self->user = user;
  self->faces = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  self->holders = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, slot_free);
  r = sd_bus_open_system_with_description (&self->bus, "accmigd");
  if (r >= 0)
    r = sd_bus_add_object_manager (self->bus, NULL, ACCMIG_OBJECT_ROOT);
  for (gsize i = 0; r >= 0 && i < G_N_ELEMENTS (attach_functions); i++)
    r = attach_functions[i](self);
  if (r < 0)
    {
      fail (error, r, "cannot set up the system bus");
      return NULL;
    }
  self->source = bus_loop_attach (self->bus, on_closed, self);
  return g_steal_pointer (&self);
}

void
system_bus_close (SystemBus *self)
{
  if (self == NULL)
    return;
  g_clear_handle_id (&self->source, g_source_remove);
  g_hash_table_unref (self->holders); /* they hold the bus */
  g_clear_pointer (&self->bus, sd_bus_flush_close_unref);
  g_hash_table_unref (self->faces);
  g_free (self);
}

void
system_bus_restore_registered (SystemBus *self)
{
  RegisteredSet *set = self->sources.registered;
  char id[SD_ID128_STRING_MAX] = "";
  sd_id128_t bus_id;

  if (sd_bus_get_bus_id (self->bus, &bus_id) >= 0)
    registered_set_restore (set, sd_id128_to_string (bus_id, id));
  for (gsize i = 0; i < registered_set_size (set); i++)
    {
      const Registered *device = registered_set_get (set, i);
      int r = holder_bus_watch (self, registered_get_holder (device));

      if (r < 0)
        g_warning ("whether the holder of “%s” leaves cannot be seen: %s", registered_get_id (device),
                   g_strerror (-r));
    }
}

gboolean
system_bus_take_name (SystemBus *self, GError **error)
{
  int r = sd_bus_request_name (self->bus, ACCMIG_BUS_NAME, 0);

  return r >= 0 || fail (error, r, "cannot take the name “" ACCMIG_BUS_NAME "” on the system bus");
}

gboolean
system_bus_begin_wait (SystemBus *self, sd_bus_error *ret_error)
{
  if (self->pending >= PENDING_MAX)
    {
      (void)sd_bus_error_setf (ret_error, ACCMIG_BUS_ERROR ("Limit"), "%d calls are waiting already",
                               PENDING_MAX);
      return FALSE;
    }
  self->pending++;
  return TRUE;
}

void
system_bus_end_wait (SystemBus *self)
{
  self->pending--;
}

void
system_bus_reply_error (sd_bus_message *m, const GError *error)
{
  if (broker_error_is_unavailable (error))
    (void)sd_bus_reply_method_errorf (m, ACCMIG_BUS_ERROR ("BrokerUnavailable"), "%s", error->message);
  else
    bus_error_reply (m, error);
}
