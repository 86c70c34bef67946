// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Holders: connections to the bus that registered devices
 *
 * What a holder registered ends with its connection. The bus is asked first to say when that goes, and then
 * whether it is there at all, so that nothing falls in between.
 */

#include "system-bus-private.h"

#define BUS_TIMEOUT_USEC (5 * G_USEC_PER_SEC)

#define DBUS_NAME  "org.freedesktop.DBus"
#define DBUS_PATH  "/org/freedesktop/DBus"
#define DBUS_IFACE "org.freedesktop.DBus"

typedef struct
{
  SystemBus *bus;
  char *name; /* unique */
} Holder;

static Holder *
holder_new (SystemBus *bus, const char *name)
{
  Holder *holder = g_new0 (Holder, 1);

  holder->bus = bus;
  holder->name = g_strdup (name);
  return holder;
}

static void
holder_free (void *data)
{
  Holder *holder = data;

  g_free (holder->name);
  g_free (holder);
}

/* It is over with everything it registered, and with @holder. */
static void
end (Holder *holder)
{
  SystemBus *bus = holder->bus;
  g_autofree char *name = g_strdup (holder->name);

  registered_set_drop_holder (bus->sources.registered, name);
  g_hash_table_remove (bus->holders, name);
}

static int
on_owner_changed (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  const char *after = NULL;

  if (sd_bus_message_read (m, "sss", NULL, NULL, &after) >= 0 && *after == '\0')
    end (user);
  return 0;
}

/* A bus that does not answer has not said that the holder is gone. */
static int
on_presence (sd_bus_message *m, void *user, sd_bus_error *ret_error)
{
  int present = 1;

  if (!sd_bus_message_is_method_error (m, NULL) && sd_bus_message_read (m, "b", &present) >= 0 && !present)
    end (user);
  return 0;
}

/* Hands @holder over to @slot, also when there is none. */
static void
give_to_slot (sd_bus_slot *slot, Holder *holder)
{
  if (slot != NULL)
    (void)sd_bus_slot_set_destroy_callback (slot, holder_free);
  else
    holder_free (holder);
}

static int
watch_owner (SystemBus *self, const char *name)
{
  g_autofree char *rule = g_strdup_printf ("type='signal',sender='" DBUS_NAME "',path='" DBUS_PATH
                                           "',interface='" DBUS_IFACE "',member='NameOwnerChanged',arg0='%s'",
                                           name);
  Holder *holder = holder_new (self, name);
  sd_bus_slot *slot = NULL;
  int r = sd_bus_add_match_async (self->bus, &slot, rule, on_owner_changed, NULL, holder);

  give_to_slot (slot, holder);
  if (r >= 0)
    g_hash_table_insert (self->holders, g_strdup (name), slot);
  return r;
}

static int
ask_presence (SystemBus *self, const char *name)
{
  g_autoptr (sd_bus_message) m = NULL;
  Holder *holder = holder_new (self, name);
  sd_bus_slot *slot = NULL;
  int r = sd_bus_message_new_method_call (self->bus, &m, DBUS_NAME, DBUS_PATH, DBUS_IFACE, "NameHasOwner");

  if (r >= 0)
    r = sd_bus_message_append (m, "s", name);
  if (r >= 0)
    r = sd_bus_call_async (self->bus, &slot, m, on_presence, holder, BUS_TIMEOUT_USEC);
  give_to_slot (slot, holder);
  if (slot != NULL)
    (void)sd_bus_slot_set_floating (slot, TRUE);
  sd_bus_slot_unref (slot);
  return r;
}

int
holder_bus_watch (SystemBus *self, const char *name)
{
  int r;

  if (g_hash_table_contains (self->holders, name))
    return 0;
  r = watch_owner (self, name);
  return r < 0 ? r : ask_presence (self, name);
}
